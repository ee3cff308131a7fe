import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeScope } from "../../../src/identity/scope.ts";
import { readObjectMeta } from "../../../src/kube/object_meta.ts";
import { remainder } from "../../../src/kube/query_matcher.ts";
import type { Query } from "../../../src/kube/resources.ts";
import { Collection } from "../../../src/replica/collection.ts";
import type { Replica } from "../../../src/replica/replica.ts";
import { EventFrames } from "../../../src/replica/event_frames.ts";
import { View } from "../../../src/replica/view.ts";
import { writeWatch } from "../../../src/replica/watch_answer.ts";
import { deferred } from "../../testing/deferred.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
import { createFakeRandom } from "../../testing/fake_random.ts";
import { ManualSink } from "../../testing/manual_sink.ts";
import { createFaultyStore, keysOf } from "../../testing/faulty_store.ts";
import { mapBytes, mapList, mapsQuery, parsed } from "../../testing/json_objects.ts";
import { loneReplica } from "../../testing/lone_replica.ts";
import { eventsFrom } from "../../testing/log_events.ts";
import { loneRows, oneEpoch } from "../../testing/lone_rows.ts";

const pathTo = (name: string) => ({ group: "", version: "v1", resource: "configmaps", namespace: "default", name });
const narrow = { ...mapsQuery, namespace: "default" };

function listed(replica: Replica, query: Query, list: ReturnType<typeof mapList>): Collection {
  replica.listed(nodeScope, query, list);
  const made = replica.held(nodeScope, query);
  assert.ok(made);
  return made;
}

test("ObjectRows.snapshot: a row that was let go, held again and let go again stays for the later snapshot", () => {
  const { rows } = loneRows({ memoryMaxBytes: 0 });
  const bytes = mapBytes("a", 1);
  const meta = readObjectMeta(bytes);
  const held = rows.add(pathTo("a"), { meta, bytes });
  const first = rows.snapshot();
  rows.release(held);
  rows.add(pathTo("a"), { meta, bytes });
  const second = rows.snapshot();
  rows.release(held);
  first.release();
  assert.equal(rows.holds(held.row), true);
  second.release();
  assert.equal(rows.holds(held.row), false);
});

test("R9: View: an object of another uid is deleted, then added, for a narrower view's watchers too", async () => {
  const { rows } = loneRows();
  const collection = new Collection({
    key: "k",
    query: mapsQuery,
    rows,
    resource: oneEpoch,
    now: () => 0,
    changed: () => undefined,
  });
  collection.replace(mapList(10, mapBytes("a", 5, { uid: "old" })));
  collection.replace(mapList(30, mapBytes("a", 20, { uid: "new" })));
  const view = new View(collection, rows, remainder(mapsQuery, narrow));
  const types: (string | undefined)[] = [];
  for (const event of eventsFrom(collection.log, collection.log.after("10") ?? -1) ?? []) {
    types.push((await view.event(event))?.type);
  }
  assert.deepEqual(types, ["DELETED", "ADDED"]);
});

test("R5: a deletion that a list shows by another uid of that name is seen", () => {
  const { replica } = loneReplica();
  const all = listed(replica, mapsQuery, mapList(10, mapBytes("a", 5, { uid: "old" })));
  replica.of(pathTo("a")).shownGone(pathTo("a"), { uid: "old" });
  all.replace(mapList(30, mapBytes("a", 20, { uid: "new" })));
  assert.equal(replica.freshness.isBehind(all), false);
});

test("R2: a deletion that a list shows by another uid of that name hides the old object elsewhere", () => {
  const { replica } = loneReplica();
  const stale = listed(replica, narrow, mapList(10, mapBytes("a", 5, { uid: "old" })));
  const all = listed(replica, mapsQuery, mapList(10, mapBytes("a", 5, { uid: "old" })));
  all.replace(mapList(30, mapBytes("a", 20, { uid: "new" })));
  const held = stale.get("default", "a");
  assert.ok(held);
  assert.equal(replica.of(mapsQuery).isGone(held), true);
});

test("R2: a deletion that a list shows ends a record of that uid, though that is newer than what was held", () => {
  const { replica } = loneReplica();
  const pods = { ...mapsQuery, resource: "pods", fieldSelector: "spec.nodeName=n" };
  const path = { ...pathTo("p"), resource: "pods" };
  const mine = listed(replica, pods, mapList(10, mapBytes("p", 5)));
  replica.records.put(path, { bytes: mapBytes("p", 8), savedAt: 1 });
  mine.replace(mapList(20));
  assert.equal(replica.of(path).find(path), undefined);
});

test("R2: a deletion that was seen is not undone by an older list of another query", () => {
  const { replica } = loneReplica();
  const all = listed(replica, mapsQuery, mapList(10, mapBytes("a", 5)));
  all.apply("DELETED", mapBytes("a", 20));
  listed(replica, narrow, mapList(15, mapBytes("a", 5)));
  assert.equal(replica.of(pathTo("a")).find(pathTo("a")), undefined);
});

test("R9: a new epoch replaces everything, also what has the same version and other bytes", async () => {
  const { rows } = loneRows();
  const collection = new Collection({
    key: "k",
    query: mapsQuery,
    rows,
    resource: oneEpoch,
    now: () => 0,
    changed: () => undefined,
  });
  collection.replace(mapList(100, mapBytes("a", 90, { value: "lost" })));
  collection.replace(mapList(95, mapBytes("a", 90, { value: "after the restore" })));
  const held = collection.get("default", "a");
  assert.ok(held);
  assert.equal(parsed(await rows.read(held)).data.value, "after the restore");
});

test("R11: what a reflector brings for a collection that was dropped leaves nothing in the store, and holds no bytes", async () => {
  const store = createFaultyStore();
  const { replica } = loneReplica({ store });
  const all = listed(replica, mapsQuery, mapList(10, mapBytes("a", 5), mapBytes("b", 6)));
  replica.drop(all);
  all.apply("ADDED", mapBytes("c", 11));
  await replica.close();
  assert.deepEqual([await keysOf(store), replica.rows.size], [[], 0]);
});

test("R5: a write's answer makes a collection behind whose first list is under way", async () => {
  const { replica } = loneReplica();
  const syncing = replica.reflected(nodeScope, mapsQuery);
  assert.ok(syncing);
  const bytes = mapBytes("a", 20);
  replica.of(pathTo("a")).shown({ meta: readObjectMeta(bytes), bytes });
  syncing.replace(mapList(15));
  assert.equal(replica.freshness.isBehind(syncing), true);
  await replica.close();
});

test("R5: a collection's deletion makes the others behind that hold the object, until they have seen it", () => {
  const { replica } = loneReplica();
  const all = listed(replica, mapsQuery, mapList(10, mapBytes("a", 5)));
  const ofDefault = listed(replica, narrow, mapList(10, mapBytes("a", 5)));
  ofDefault.apply("DELETED", mapBytes("a", 20));
  assert.equal(replica.freshness.isBehind(all), true);
  all.apply("DELETED", mapBytes("a", 20));
  assert.equal(replica.freshness.isBehind(all), false);
});

test("R6: a slow client that the hub leaves amid a batch of events gets no bookmark above the last it was sent", async () => {
  const { rows } = loneRows();
  const clock = createFakeClock();
  const collection = new Collection({
    key: "k",
    query: mapsQuery,
    rows,
    resource: oneEpoch,
    now: clock.now,
    changed: () => undefined,
  });
  collection.replace(mapList(10));
  const hub = new AbortController();
  const sink = new ManualSink();
  sink.fill();
  const done = writeWatch(sink, {
    view: new View(collection, rows),
    rows,
    frames: new EventFrames(rows),
    start: { from: "version", resourceVersion: "10" },
    overlays: () => undefined,
    isGone: () => false,
    bookmarks: true,
    timeoutMs: 600_000,
    clock,
    random: createFakeRandom(),
    signals: [hub.signal],
  });
  for (const version of [11, 12, 13]) {
    collection.apply("MODIFIED", mapBytes("m", version, { value: "v".repeat(140_000) }));
  }
  await clock.advance(0);
  collection.advance("500");
  hub.abort();
  sink.drain();
  await done;
  const versions = sink.lines().map((line) => /"resourceVersion":"(\d+)"/.exec(line)?.[1]);
  assert.deepEqual([...new Set(versions)], ["11"]); // the event, and a bookmark there or none
});

test("RowBatch.flush beside another that is under way leaves no timer", async () => {
  const { store, batch, clock } = loneRows();
  const { promise, resolve } = deferred();
  store.held = promise;
  batch.set("a", new Uint8Array(1));
  await clock.advance(200);
  batch.set("b", new Uint8Array(1));
  const flushed = batch.flush();
  resolve();
  await flushed;
  assert.deepEqual([clock.pending, await keysOf(store)], [0, ["a", "b"]]);
});
