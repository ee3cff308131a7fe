import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createFakeRandom } from "../testing/fake_random.ts";
import { Asker } from "./differential/asker.ts";
import { assertConverged, forEachState, startWatched, watchedBy } from "./differential/client_go.ts";
import { Dice, KINDS } from "./differential/kinds.ts";
import { RandomWriter } from "./differential/random_writer.ts";
import { SEED } from "./differential/seed.ts";
import { prepareWorld } from "./differential/world.ts";
import type { Hub } from "./driver/hub.ts";
import type { Informers } from "./driver/informers.ts";
import type { RelayMode } from "./driver/relay.ts";
import { type Scene, startHubOf, startScene } from "./driver/scene.ts";

const WRITES = 60;
const CONVERGENCE_MS = 30_000;
const LINK_LIMIT_MS = 20_000;

describe(`informers of client-go behind the hub (HOLDFAST_SEED=${SEED})`, () => {
  const watched = watchedBy(["json", "protobuf", "metadata"], ["dynamic", "metadata"]);
  const ofProtobufOnly = watchedBy(["protobuf-only"], []);
  const programs: Informers[] = [];
  let scene: Scene;
  let hub: Hub;
  let direct: Asker;
  let writer: RandomWriter;

  before(async () => {
    scene = await startScene({ hub: false });
    const { cluster, relay } = scene;
    await prepareWorld(cluster);
    direct = new Asker(cluster.apiPort, { clusterDir: cluster.dir });
    writer = new RandomWriter({ asker: direct, dice: new Dice(createFakeRandom(SEED)), kinds: KINDS });
    await write();
    hub = await startHubOf({ cluster, relay, name: "admin", identity: "admin" });
    for (const watchList of [true, false]) {
      programs.push(await startWatched(watched, { cluster, hub, name: "informers", watchList }));
    }
  });
  after(async () => {
    direct?.close();
    await Promise.all(programs.map((informers) => informers.stop()));
    await hub?.stop();
    await scene?.stop();
  });

  it("have what the API server has, before and after writes", async () => {
    await converged();
    await write();
    await converged();
  });

  for (const watchList of [true, false]) {
    const how = watchList ? "WatchList" : "list and watch";
    it(`that take nothing but protobuf have it too, from the cloud itself (${how})`, async () => {
      const { cluster } = scene;
      const program = await startWatched(ofProtobufOnly, { cluster, hub, name: "protobuf", watchList });
      try {
        const options = { watched: ofProtobufOnly, direct, limitMs: CONVERGENCE_MS };
        await assertConverged([program], options);
        await write();
        await assertConverged([program], options);
        await forEachState(
          [program],
          (name, { problems, errors }) => assert.deepEqual([problems, errors], [[], 0], name),
        );
      } finally {
        await program.stop();
      }
    });
  }

  for (const mode of ["reset", "refuse", "swallow"] as const) {
    it(`notice nothing of a cut (${mode}), and have afterwards what was written meanwhile`, async () => {
      const errors = await errorsOf();
      await cutWhile(mode, write);
      await converged();
      assert.deepEqual(await errorsOf(), errors);
    });
  }

  it("go on after kill -9 of the hub, online and while cut", async () => {
    await write();
    await hub.kill();
    await write();
    await hub.start();
    await converged();
    await cutWhile("refuse", async () => {
      await hub.kill();
      await write();
      await hub.start();
    });
    await converged();
  });

  it("and where the API server has forgotten what was missed (etcd compacted, API server started anew)", async () => {
    await cutWhile("refuse", async () => {
      await write();
      await scene.cluster.etcd.compactAndForget();
    });
    await write();
    await converged();
  });

  async function write(): Promise<void> {
    for (let i = 0; i < WRITES; i++) await writer.step();
  }

  async function cutWhile(mode: RelayMode, change: () => Promise<void>): Promise<void> {
    await scene.relay.setMode(mode);
    await hub.waitForLink("offline", LINK_LIMIT_MS);
    await change();
    await scene.relay.setMode("pass");
    await hub.waitForLink("online", LINK_LIMIT_MS);
  }

  async function converged(): Promise<void> {
    await assertConverged(programs, { watched, direct, limitMs: CONVERGENCE_MS });
    await forEachState(programs, (name, { problems }) => assert.deepEqual(problems, [], name));
  }

  /** How often lists and watches had to be tried again. */
  async function errorsOf(): Promise<number> {
    let sum = 0;
    await forEachState(programs, (_name, { errors }) => sum += errors);
    return sum;
  }
});
