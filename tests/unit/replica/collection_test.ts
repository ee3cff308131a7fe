import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readObjectMeta } from "../../../src/kube/object_meta.ts";
import { forbidden } from "../../../src/kube/status.ts";
import { Collection, type CollectionChange } from "../../../src/replica/collection.ts";
import { EventFrames } from "../../../src/replica/event_frames.ts";
import type { LogEvent } from "../../../src/replica/event_log.ts";
import type { ObjectRows } from "../../../src/replica/object_rows.ts";
import { mapBytes, mapList as list, mapsQuery as query, type ParsedObject } from "../../testing/json_objects.ts";
import { loneRows, oneEpoch } from "../../testing/lone_rows.ts";
import { eventsFrom } from "../../testing/log_events.ts";

interface Scene {
  readonly collection: Collection;
  readonly rows: ObjectRows;
  readonly frames: EventFrames;
  readonly changes: CollectionChange[];
  readonly time: { at: number };
}

function make(): Scene {
  const changes: CollectionChange[] = [];
  const time = { at: 1_000 };
  const changed = (_: Collection, change: CollectionChange) => void changes.push(change);
  const { rows } = loneRows();
  const collection = new Collection({ key: "k", query, rows, resource: oneEpoch, now: () => time.at, changed });
  return { changes, time, rows, frames: new EventFrames(rows), collection };
}

function synced(resourceVersion: number, ...items: Uint8Array[]) {
  const scene = make();
  scene.collection.replace(list(resourceVersion, ...items));
  scene.changes.length = 0;
  return scene;
}

/** The objects of what watchers get after a version. */
function sent({ collection, frames }: Scene, after: string): (readonly [LogEvent, ParsedObject])[] | undefined {
  const cursor = collection.log.after(after);
  if (cursor === undefined) return undefined;
  return eventsFrom(collection.log, cursor)?.map((event) => {
    const frame = frames.of(event, collection.codec);
    assert.ok(frame instanceof Uint8Array); // it is in memory
    const { type, object } = JSON.parse(new TextDecoder().decode(frame)) as { type: string; object: ParsedObject }; // not checked
    assert.deepEqual([type, object.metadata.resourceVersion], [event.type, event.resourceVersion]);
    return [event, object];
  });
}

/** Type, name and version of what watchers get after a version. */
function events(scene: Scene, after: string): string[] | undefined {
  return sent(scene, after)?.map(([{ type, resourceVersion }, { metadata }]) =>
    `${type} ${metadata.name} ${resourceVersion}`
  );
}

function held(collection: Collection): string[] {
  return [...collection.objects()].map(({ meta }) => `${meta.name} ${meta.resourceVersion}`).sort();
}

describe("Collection.replace", () => {
  test("makes it complete, with a log that begins there", () => {
    const scene = make();
    const { collection, changes } = scene;
    assert.equal(collection.synced, false);
    collection.replace(list(10, mapBytes("a", 3)));
    assert.deepEqual([collection.synced, collection.resourceVersion, held(collection)], [true, "10", ["a 3"]]);
    assert.deepEqual([events(scene, "9"), events(scene, "10")], [undefined, []]);
    assert.deepEqual(changes[0]?.put.map(({ meta }) => meta.name), ["a"]);
    assert.equal(collection.epoch, 0);
  });

  test("of nothing is complete too", () => {
    const { collection } = make();
    collection.replace(list(10));
    assert.deepEqual([collection.synced, collection.size], [true, 0]);
  });

  test("R7: gives watchers the difference by version, deletions last at the list's version", () => {
    const scene = synced(10, mapBytes("a", 1), mapBytes("b", 2), mapBytes("c", 3));
    const { collection, changes } = scene;
    collection.replace(list(30, mapBytes("d", 25), mapBytes("c", 20), mapBytes("b", 2)));
    assert.deepEqual(events(scene, "10"), ["MODIFIED c 20", "ADDED d 25", "DELETED a 30"]);
    assert.deepEqual(held(collection), ["b 2", "c 20", "d 25"]);
    assert.deepEqual(changes[0]?.removed.map(({ meta }) => meta.name), ["a"]);
    assert.equal(collection.epoch, 0);
  });

  test("R9: an object of another uid is deleted, then added", () => {
    const scene = synced(10, mapBytes("a", 5, { uid: "old" }));
    scene.collection.replace(list(30, mapBytes("a", 20, { uid: "new" })));
    assert.deepEqual(events(scene, "10"), ["DELETED a 19", "ADDED a 20"]);
    assert.deepEqual(sent(scene, "10")?.map(([, { metadata }]) => metadata.uid), ["old", "new"]);
  });

  test("R9: a list below the held version begins a new epoch and replaces everything", () => {
    const { collection } = synced(10, mapBytes("a", 5), mapBytes("b", 6));
    const cursor = collection.log.end;
    collection.replace(list(7, mapBytes("a", 2)));
    assert.deepEqual([collection.epoch, collection.resourceVersion, held(collection)], [1, "7", ["a 2"]]);
    assert.equal(eventsFrom(collection.log, cursor), undefined);
  });

  test("R9: a newer list with an older object begins a new epoch", () => {
    const scene = synced(10, mapBytes("a", 5));
    const { collection } = scene;
    collection.replace(list(20, mapBytes("a", 4)));
    assert.deepEqual([collection.epoch, held(collection)], [1, ["a 4"]]);
    assert.equal(events(scene, "10"), undefined);
  });
});

describe("Collection.apply", () => {
  test("takes events in order, and says ADDED of what was not there", () => {
    const scene = synced(10, mapBytes("a", 5));
    const { collection, changes } = scene;
    collection.apply("MODIFIED", mapBytes("b", 11)); // a selector's watch may call it so
    collection.apply("ADDED", mapBytes("a", 12));
    collection.apply("DELETED", mapBytes("b", 13));
    assert.deepEqual(events(scene, "10"), ["ADDED b 11", "MODIFIED a 12", "DELETED b 13"]);
    assert.deepEqual([collection.resourceVersion, held(collection)], ["13", ["a 12"]]);
    assert.deepEqual(changes.map(({ put, removed }) => [put.length, removed.length]), [[1, 0], [1, 0], [0, 1]]);
  });

  test("R9: an old event never overwrites a newer object", () => {
    const scene = synced(10, mapBytes("a", 9));
    const { collection, changes } = scene;
    collection.apply("MODIFIED", mapBytes("a", 8));
    collection.apply("DELETED", mapBytes("a", 10));
    collection.apply("ADDED", mapBytes("b", 10));
    assert.deepEqual([held(collection), collection.resourceVersion, changes.length], [["a 9"], "10", 0]);
    assert.deepEqual(events(scene, "10"), []);
  });

  test("R9: a deletion counts for its uid only", () => {
    const scene = synced(10, mapBytes("a", 9, { uid: "new" }));
    const { collection, changes } = scene;
    assert.equal(collection.apply("DELETED", mapBytes("a", 11, { uid: "old" })), false);
    assert.equal(collection.apply("DELETED", mapBytes("none", 12)), true);
    assert.deepEqual([held(collection), events(scene, "10")], [["a 9"], []]);
    assert.deepEqual([collection.resourceVersion, changes.length], ["12", 1]);
    assert.deepEqual(changes.flatMap(({ removed }) => removed), []);
  });

  test("R9: an object of another uid does not follow on the one that is held", () => {
    const scene = synced(10, mapBytes("a", 9, { uid: "old" }));
    const { collection, changes } = scene;
    for (const type of ["ADDED", "MODIFIED"] as const) {
      assert.equal(collection.apply(type, mapBytes("a", 11, { uid: "new" })), false);
    }
    assert.deepEqual([held(collection), collection.resourceVersion, changes.length], [["a 9"], "10", 0]);
    assert.equal(collection.apply("DELETED", mapBytes("a", 12, { uid: "old" })), true);
    assert.equal(collection.apply("ADDED", mapBytes("a", 13, { uid: "new" })), true);
    assert.deepEqual(events(scene, "10")?.length, 2);
  });

  test("keeps the same name in two namespaces apart", () => {
    const { collection } = synced(10, mapBytes("a", 1), mapBytes("a", 2, { namespace: "other", uid: "u" }));
    collection.apply("DELETED", mapBytes("a", 11));
    assert.equal(collection.get("default", "a"), undefined);
    assert.equal(collection.get("other", "a")?.meta.resourceVersion, "2");
  });
});

test("Collection.advance takes a bookmark, but never goes back", () => {
  const scene = synced(10);
  const { collection, changes } = scene;
  collection.advance("20");
  collection.advance("15");
  assert.deepEqual([collection.resourceVersion, changes.length], ["20", 1]);
  assert.deepEqual(events(scene, "10"), []);
});

test("Collection.enter tells the state, since when and why", () => {
  const scene = synced(10);
  const { collection } = scene;
  scene.time.at = 5_000;
  collection.enter("live");
  scene.time.at = 9_000;
  collection.enter("live");
  assert.deepEqual([collection.state, collection.since], ["live", 5_000]);
  const error = forbidden("no");
  collection.enter("refused", error);
  assert.deepEqual([collection.state, collection.refusal, collection.since], ["refused", error, 9_000]);
});

test("Collection: a stale one that a list makes fresh is stale as of that list", () => {
  const scene = synced(10);
  scene.collection.enter("stale");
  scene.time.at = 60_000;
  scene.collection.replace(list(20));
  scene.collection.enter("stale");
  assert.equal(scene.collection.since, 60_000);
});

test("Collection wakes its watchers at each event, bookmark and change of state, and counts them", () => {
  const scene = synced(10);
  const { collection } = scene;
  let woken = 0;
  const stop = collection.subscribe(() => woken++);
  const closed = collection.openWatch();
  collection.apply("ADDED", mapBytes("a", 11));
  collection.advance("12");
  collection.enter("live");
  collection.replace(list(13));
  assert.deepEqual([woken, collection.watchers], [4, 1]);
  scene.time.at = 7_000;
  assert.deepEqual([collection.lastRead, collection.lastWatched], [7_000, 7_000]);
  stop();
  closed();
  scene.time.at = 8_000;
  collection.advance("14");
  assert.deepEqual([woken, collection.watchers, collection.lastRead], [4, 0, 7_000]);
  assert.equal(collection.lastWatched, 7_000);
});

test("R15: Collection: a watch that pins nothing is a reader, and leaves no day behind", () => {
  const { collection, time } = synced(10);
  const closed = [collection.openWatch({ pins: false }), collection.openWatch()];
  time.at = 7_000;
  closed[1]?.();
  time.at = 8_000;
  assert.deepEqual([collection.watchers, collection.lastRead, collection.lastWatched], [1, 8_000, 7_000]);
  closed[0]?.();
  time.at = 9_000;
  assert.deepEqual([collection.watchers, collection.lastRead, collection.lastWatched], [0, 8_000, 7_000]);
});

test("Collection: to read it once is not to watch it", () => {
  const { collection, time } = synced(10);
  time.at = 5_000;
  collection.touch();
  time.at = 6_000;
  assert.deepEqual([collection.lastRead, collection.lastWatched], [5_000, 0]);
});

test("Collection.objects are in the order of the API server's lists, and stay as they were", () => {
  const { collection } = synced(
    10,
    mapBytes("b", 1),
    mapBytes("a", 2),
    mapBytes("a", 3, { namespace: "a", uid: "u" }),
    mapBytes("a-b", 4),
  );
  const objects = collection.objects();
  const names = objects.map(({ meta }) => `${meta.namespace}/${meta.name}`);
  assert.deepEqual(names, ["a/a", "default/a", "default/a-b", "default/b"]);
  collection.apply("DELETED", mapBytes("b", 11));
  assert.deepEqual([objects.length, collection.objects().length], [4, 3]);
});

test("Collection holds each object once, and what its log shows beside it", () => {
  const { collection, rows } = synced(10, mapBytes("a", 1), mapBytes("b", 2));
  assert.equal(rows.size, 2);
  collection.apply("MODIFIED", mapBytes("a", 11));
  collection.apply("DELETED", mapBytes("b", 12));
  assert.equal(rows.size, 4);
  for (let version = 13; version < 13 + 1_000; version++) collection.apply("MODIFIED", mapBytes("a", version));
  assert.equal(rows.size, 1_001); // the log's thousand, and what the oldest of them replaced
  collection.replace(list(2_000, mapBytes("a", 1_500, { uid: "new" })));
  collection.replace(list(1_900, mapBytes("c", 5)));
  assert.equal(rows.size, 1); // a new epoch: nothing of the log is left
  collection.drop();
  assert.deepEqual([rows.size, rows.bytes, rows.hotBytes], [0, 0, 0]);
});

test("Collection lets go only of what it holds itself", () => {
  const { collection, rows } = synced(10, mapBytes("a", 5, { uid: "old" }), mapBytes("b", 6));
  const others = collection.objects().map((held) => rows.retain(held));
  collection.replace(list(30, mapBytes("a", 20, { uid: "new" })));
  collection.drop();
  assert.deepEqual([rows.size, others.map(({ row }) => rows.holds(row))], [2, [true, true]]);
});

test("Collection.drop ends its watchers: their cursors are lost", () => {
  const { collection } = synced(10, mapBytes("a", 1));
  const cursor = collection.log.end;
  let woken = 0;
  collection.subscribe(() => woken++);
  collection.drop();
  assert.deepEqual([eventsFrom(collection.log, cursor), woken], [undefined, 1]);
});

test("Collection.selects tells what its query selects, and false where the bytes it needs are missing", () => {
  const { rows } = loneRows();
  const narrow = { ...query, namespace: "default", labelSelector: "app=a" };
  const make = (changed: Partial<typeof query>) =>
    new Collection({
      key: "k",
      query: { ...narrow, ...changed },
      rows,
      resource: oneEpoch,
      now: () => 0,
      changed: () => undefined,
    });
  const bytes = mapBytes("a", 1, { labels: { app: "a" } });
  const meta = readObjectMeta(bytes);
  assert.equal(make({}).selects(meta, undefined), true);
  assert.equal(make({ labelSelector: "app=b" }).selects(meta, bytes), false);
  assert.equal(make({ namespace: "other" }).selects(meta, bytes), false);
  assert.equal(make({ fieldSelector: "metadata.name=b" }).selects(meta, bytes), false);
  const pods = make({ resource: "pods", fieldSelector: "spec.nodeName=n" });
  const pod = (nodeName: string) =>
    new TextEncoder().encode(JSON.stringify({ kind: "Pod", apiVersion: "v1", metadata: {}, spec: { nodeName } }));
  assert.deepEqual(
    [pods.selects(meta, pod("n")), pods.selects(meta, pod("m")), pods.selects(meta, undefined)],
    [true, false, false],
  );
});

test("Collection.restore is stale as of then, with a log that begins at its version", () => {
  const before = synced(10, mapBytes("a", 5));
  const { items: _, ...head } = list(10);
  const scene = make();
  const { collection, changes } = scene;
  collection.restore({
    head,
    objects: before.collection.objects(),
    resourceEpoch: 0,
    shownBeyond: "0",
    staleSince: 17,
    lastRead: 18,
    lastWatched: 19,
  });
  assert.deepEqual([collection.state, collection.since, collection.synced], ["stale", 17, true]);
  assert.deepEqual([collection.lastRead, collection.lastWatched], [18, 19]);
  assert.deepEqual([held(collection), changes.length], [["a 5"], 0]);
  assert.deepEqual([events(scene, "9"), events(scene, "10")], [undefined, []]);
  assert.equal(scene.rows.size, 1);
});
