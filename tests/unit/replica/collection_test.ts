import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { forbidden } from "../../../src/kube/status.ts";
import { Collection, type CollectionChange } from "../../../src/replica/collection.ts";
import { mapBytes, parsed } from "../../testing/json_objects.ts";

const query = { group: "", version: "v1", resource: "configmaps", namespace: "", labelSelector: "", fieldSelector: "" };

interface Scene {
  readonly collection: Collection;
  readonly changes: CollectionChange[];
  readonly time: { at: number };
}

function make(): Scene {
  const changes: CollectionChange[] = [];
  const time = { at: 1_000 };
  const changed = (_: Collection, change: CollectionChange) => void changes.push(change);
  return { changes, time, collection: new Collection({ key: "k", query, now: () => time.at, changed }) };
}

function list(resourceVersion: number, ...items: Uint8Array[]) {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    listKind: "ConfigMapList",
    resourceVersion: String(resourceVersion),
    items,
  };
}

function synced(resourceVersion: number, ...items: Uint8Array[]) {
  const scene = make();
  scene.collection.replace(list(resourceVersion, ...items));
  scene.changes.length = 0;
  return scene;
}

/** Type, name and version of what watchers get after a version. */
function events(collection: Collection, after: string): string[] | undefined {
  const cursor = collection.log.after(after);
  if (cursor === undefined) return undefined;
  return collection.log.from(cursor, 100)?.map(({ type, object, resourceVersion }) => {
    const { name, resourceVersion: own } = parsed(object).metadata;
    assert.equal(own, resourceVersion);
    return `${type} ${name} ${resourceVersion}`;
  });
}

function held(collection: Collection): string[] {
  return [...collection.objects()].map(({ meta }) => `${meta.name} ${meta.resourceVersion}`).sort();
}

describe("Collection.replace", () => {
  test("makes it complete, with a log that begins there", () => {
    const { collection, changes } = make();
    assert.equal(collection.synced, false);
    collection.replace(list(10, mapBytes("a", 3)));
    assert.deepEqual([collection.synced, collection.resourceVersion, held(collection)], [true, "10", ["a 3"]]);
    assert.deepEqual([events(collection, "9"), events(collection, "10")], [undefined, []]);
    assert.deepEqual(changes[0]?.put.map(({ meta }) => meta.name), ["a"]);
    assert.equal(collection.epoch, 0);
  });

  test("of nothing is complete too", () => {
    const { collection } = make();
    collection.replace(list(10));
    assert.deepEqual([collection.synced, collection.size], [true, 0]);
  });

  test("R7: gives watchers the difference by version, deletions last at the list's version", () => {
    const { collection, changes } = synced(10, mapBytes("a", 1), mapBytes("b", 2), mapBytes("c", 3));
    collection.replace(list(30, mapBytes("d", 25), mapBytes("c", 20), mapBytes("b", 2)));
    assert.deepEqual(events(collection, "10"), ["MODIFIED c 20", "ADDED d 25", "DELETED a 30"]);
    assert.deepEqual(held(collection), ["b 2", "c 20", "d 25"]);
    assert.deepEqual(changes[0]?.removed.map(({ name }) => name), ["a"]);
    assert.equal(collection.epoch, 0);
  });

  test("R9: an object of another uid is deleted, then added", () => {
    const { collection } = synced(10, mapBytes("a", 5, { uid: "old" }));
    collection.replace(list(30, mapBytes("a", 20, { uid: "new" })));
    assert.deepEqual(events(collection, "10"), ["DELETED a 19", "ADDED a 20"]);
    const cursor = collection.log.after("10") ?? -1;
    assert.deepEqual(collection.log.from(cursor, 2)?.map(({ object }) => parsed(object).metadata.uid), ["old", "new"]);
  });

  test("R9: a list below the held version begins a new epoch and replaces everything", () => {
    const { collection } = synced(10, mapBytes("a", 5), mapBytes("b", 6));
    const cursor = collection.log.end;
    collection.replace(list(7, mapBytes("a", 2)));
    assert.deepEqual([collection.epoch, collection.resourceVersion, held(collection)], [1, "7", ["a 2"]]);
    assert.equal(collection.log.from(cursor, 1), undefined);
  });

  test("R9: a newer list with an older object begins a new epoch", () => {
    const { collection } = synced(10, mapBytes("a", 5));
    collection.replace(list(20, mapBytes("a", 4)));
    assert.deepEqual([collection.epoch, held(collection)], [1, ["a 4"]]);
    assert.equal(events(collection, "10"), undefined);
  });
});

describe("Collection.apply", () => {
  test("takes events in order, and says ADDED of what was not there", () => {
    const { collection, changes } = synced(10, mapBytes("a", 5));
    collection.apply("MODIFIED", mapBytes("b", 11)); // a selector's watch may call it so
    collection.apply("ADDED", mapBytes("a", 12));
    collection.apply("DELETED", mapBytes("b", 13));
    assert.deepEqual(events(collection, "10"), ["ADDED b 11", "MODIFIED a 12", "DELETED b 13"]);
    assert.deepEqual([collection.resourceVersion, held(collection)], ["13", ["a 12"]]);
    assert.deepEqual(changes.map(({ put, removed }) => [put.length, removed.length]), [[1, 0], [1, 0], [0, 1]]);
  });

  test("R9: an old event never overwrites a newer object", () => {
    const { collection, changes } = synced(10, mapBytes("a", 9));
    collection.apply("MODIFIED", mapBytes("a", 8));
    collection.apply("DELETED", mapBytes("a", 10));
    collection.apply("ADDED", mapBytes("b", 10));
    assert.deepEqual([held(collection), collection.resourceVersion, changes.length], [["a 9"], "10", 0]);
    assert.deepEqual(events(collection, "10"), []);
  });

  test("R9: a deletion counts for its uid only", () => {
    const { collection, changes } = synced(10, mapBytes("a", 9, { uid: "new" }));
    collection.apply("DELETED", mapBytes("a", 11, { uid: "old" }));
    collection.apply("DELETED", mapBytes("none", 12));
    assert.deepEqual([held(collection), events(collection, "10")], [["a 9"], []]);
    assert.deepEqual([collection.resourceVersion, changes.length], ["12", 2]);
    assert.deepEqual(changes.flatMap(({ removed }) => removed), []);
  });

  test("keeps the same name in two namespaces apart", () => {
    const { collection } = synced(10, mapBytes("a", 1), mapBytes("a", 2, { namespace: "other", uid: "u" }));
    collection.apply("DELETED", mapBytes("a", 11));
    assert.equal(collection.get("default", "a"), undefined);
    assert.equal(collection.get("other", "a")?.meta.resourceVersion, "2");
  });
});

test("Collection.advance takes a bookmark, but never goes back", () => {
  const { collection, changes } = synced(10);
  collection.advance("20");
  collection.advance("15");
  assert.deepEqual([collection.resourceVersion, changes.length], ["20", 1]);
  assert.deepEqual(events(collection, "10"), []);
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
  collection.apply("ADDED", mapBytes("a", 11));
  collection.advance("12");
  collection.enter("live");
  collection.replace(list(13));
  assert.deepEqual([woken, collection.watchers], [4, 1]);
  scene.time.at = 7_000;
  assert.equal(collection.lastRead, 7_000);
  stop();
  scene.time.at = 8_000;
  collection.advance("14");
  assert.deepEqual([woken, collection.watchers, collection.lastRead], [4, 0, 7_000]);
});

test("Collection.restore is stale as of then, with a log that begins at its version", () => {
  const { collection, changes } = make();
  collection.restore({ ...list(10, mapBytes("a", 5)), staleSince: 17 });
  assert.deepEqual([collection.state, collection.since, collection.synced], ["stale", 17, true]);
  assert.deepEqual([held(collection), changes.length], [["a 5"], 0]);
  assert.deepEqual([events(collection, "9"), events(collection, "10")], [undefined, []]);
});
