import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { Asker } from "./differential/asker.ts";
import { collectionPath, type KubeJson, WIDGETS } from "./differential/kinds.ts";
import { stateOf, WatchRecord } from "./differential/watch_record.ts";
import { prepareWorld } from "./differential/world.ts";
import { getJson } from "./driver/api_client.ts";
import type { Hub } from "./driver/hub.ts";
import { metricSum } from "./driver/metrics.ts";
import { type Scene, startHubOf, startScene } from "./driver/scene.ts";
import { waitFor } from "./driver/wait.ts";

const WATCHERS = 200;
const OBJECTS = 20;
/** Nobody else watches these. */
const QUERY = `${collectionPath(WIDGETS, "")}?labelSelector=${encodeURIComponent("app in (a,b)")}`;
const WATCH_LIST =
  `${QUERY}&watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`;
const OF_WIDGETS = { resource: "widgets" };

describe(`${WATCHERS} watchers of one query`, () => {
  let scene: Scene;
  let hub: Hub;
  let through: Asker;
  let watches: number;
  let requests: number;

  before(async () => {
    scene = await startScene({ hub: false });
    const { cluster, relay } = scene;
    await prepareWorld(cluster);
    for (let i = 0; i < OBJECTS; i++) await write(`n${i}`);
    hub = await startHubOf({ cluster, relay, name: "admin", identity: "admin" });
    through = new Asker(hub.proxyPort);
    watches = await openWatches();
  });
  beforeEach(async () => {
    requests = await answered();
  });
  after(async () => {
    through?.close();
    await hub?.stop();
    await scene?.stop();
  });

  for (const [what, start] of [["list and watch", listAndWatch], ["WatchList", watchList]] as const) {
    it(`that ${what} are one watch at the API server, and each gets every event`, async () => {
      const records = await Promise.all(Array.from({ length: WATCHERS }, start));
      await waitForAll(records, OBJECTS);
      assert.equal(await openWatches() - watches, 1);
      const name = `new-${what.replaceAll(" ", "-").toLowerCase()}`;
      await write(name);
      await waitForAll(records, OBJECTS + 1);
      await remove(name);
      await waitForAll(records, OBJECTS);
      assert.equal(await openWatches() - watches, 1);
      // Each counts when it has ended: at most an earlier watch, or a page of a list.
      assert.ok(await answered() - requests <= 2, `${await answered() - requests} requests`);
      for (const record of records) {
        assert.deepEqual(record.faults, []);
        record.close();
      }
    });
  }

  it("that all come back after the hub was killed are one watch again, and one list at most", async () => {
    await hub.kill();
    await hub.start();
    const records = await Promise.all(
      Array.from({ length: WATCHERS }, (_, index) => index % 2 === 0 ? listAndWatch() : watchList()),
    );
    await write("after-kill");
    await waitForAll(records, OBJECTS + 1);
    assert.equal(await openWatches() - watches, 1);
    // The killed hub's watch, what is asked after a cut, and a list.
    assert.ok(await answered() - requests <= 4, `${await answered() - requests} requests`);
    for (const record of records) {
      assert.deepEqual(record.faults, []);
      record.close();
    }
  });

  async function listAndWatch(): Promise<WatchRecord> {
    const answer = await through.ask({ path: `${QUERY}&resourceVersion=0` });
    assert.equal(answer.status, 200, answer.text);
    // Status 200: a list.
    const { metadata, items } = JSON.parse(answer.text) as KubeJson & { readonly items: readonly KubeJson[] };
    const { resourceVersion } = metadata;
    const path = `${QUERY}&watch=true&allowWatchBookmarks=true&resourceVersion=${resourceVersion}`;
    return new WatchRecord(through, path, { from: BigInt(resourceVersion), state: stateOf(items) });
  }

  function watchList(): Promise<WatchRecord> {
    return Promise.resolve(new WatchRecord(through, WATCH_LIST));
  }

  async function waitForAll(records: readonly WatchRecord[], size: number): Promise<void> {
    await waitFor(`all to have ${size} objects`, 20_000, (seen) => {
      const others = records.filter(({ state, ended }) => state.size !== size || ended !== undefined);
      seen(others.slice(0, 5).map(({ state, ended, errorCode }) => ({ size: state.size, ended, errorCode })));
      return others.length === 0;
    });
  }

  /** Of widgets, by the API server's own count. */
  function openWatches(): Promise<number> {
    return metricSum(scene.cluster.api, "apiserver_longrunning_requests", { ...OF_WIDGETS, verb: "WATCH" });
  }

  async function answered(): Promise<number> {
    const { api } = scene.cluster;
    const count = (verb: string) => metricSum(api, "apiserver_request_total", { ...OF_WIDGETS, verb });
    return await count("LIST") + await count("WATCH");
  }

  async function write(name: string): Promise<void> {
    const metadata = { name, labels: { app: "a" } };
    const body = JSON.stringify({ apiVersion: WIDGETS.apiVersion, kind: WIDGETS.kind, metadata });
    await getJson(scene.cluster.api, collectionPath(WIDGETS, "red"), { method: "POST", body });
  }

  async function remove(name: string): Promise<void> {
    await getJson(scene.cluster.api, `${collectionPath(WIDGETS, "red")}/${name}`, { method: "DELETE" });
  }
});
