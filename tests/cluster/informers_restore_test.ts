import { after, before, describe, it } from "node:test";
import { createFakeRandom } from "../testing/fake_random.ts";
import { Asker } from "./differential/asker.ts";
import { assertConverged, startWatched, waitForKinds, watchedBy } from "./differential/client_go.ts";
import { Dice, KINDS } from "./differential/kinds.ts";
import { RandomWriter } from "./differential/random_writer.ts";
import { SEED } from "./differential/seed.ts";
import { prepareWorld } from "./differential/world.ts";
import type { Hub } from "./driver/hub.ts";
import type { Informers } from "./driver/informers.ts";
import { type Scene, startHubOf, startScene } from "./driver/scene.ts";

const WRITES = 60;
const CONVERGENCE_MS = 30_000;
/**
 * Who lists and watches asks ten times for a list not older than a version that is not any more, and the API server takes 3 s
 * for each "too large"; then it asks without a version. The same without a hub.
 */
const LIST_AND_WATCH_MS = 80_000;

describe(`informers of client-go behind the hub, and a restored etcd (HOLDFAST_SEED=${SEED})`, () => {
  const watched = watchedBy(["json", "protobuf"], ["dynamic"]);
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
    await write(WRITES);
    await cluster.etcd.copy();
    await waitForKinds(direct);
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

  it("have what the API server has after it has gone back to an older state, in which versions mean other things", async () => {
    await write(2 * WRITES);
    await assertConverged(programs, { watched, direct, limitMs: CONVERGENCE_MS });
    const { etcd, parts } = scene.cluster;
    await etcd.restore();
    parts.hold("controller-manager");
    await waitForKinds(direct);
    await writer.adopt();
    await write(WRITES);
    await assertConverged(programs.slice(0, 1), { watched, direct, limitMs: CONVERGENCE_MS });
    await assertConverged(programs, { watched, direct, limitMs: LIST_AND_WATCH_MS });
  });

  async function write(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await writer.step();
  }
});
