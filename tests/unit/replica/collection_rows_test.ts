import assert from "node:assert/strict";
import { test } from "node:test";
import { Collection } from "../../../src/replica/collection.ts";
import { CollectionRows } from "../../../src/replica/collection_rows.ts";
import { ObjectRows } from "../../../src/replica/object_rows.ts";
import { RowBatch } from "../../../src/replica/row_batch.ts";
import { deferred } from "../../testing/deferred.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
import { createFaultyStore, damagedValue, keysOf } from "../../testing/faulty_store.ts";
import { mapBytes, mapList, mapsQuery as query, parsed } from "../../testing/json_objects.ts";
import { silentLogger } from "../../testing/lone_replica.ts";
import { oneEpoch } from "../../testing/lone_rows.ts";

const list = (version: number, ...names: string[]) => mapList(version, ...names.map((name) => mapBytes(name, 5)));

function make() {
  const store = createFaultyStore();
  const clock = createFakeClock(17);
  const open = () => {
    const batch = new RowBatch({ store, clock, logger: silentLogger });
    const kept = new CollectionRows({ store, batch, logger: silentLogger, now: clock.now });
    return { batch, kept, rows: new ObjectRows(batch, 1_000_000) };
  };
  const { batch, kept, rows } = open();
  const collection = (key = "k") =>
    new Collection({
      key,
      query,
      rows,
      resource: oneEpoch,
      now: clock.now,
      changed: (changed, change) => kept.save(changed, change),
    });
  return { store, clock, open, batch, kept, rows, collection };
}

/** Key, version and objects of each collection as a restarted hub reads it. */
async function readBack(open: ReturnType<typeof make>["open"]): Promise<string[]> {
  const { kept, rows } = open();
  const found: string[] = [];
  for (const { key, head, objects } of await kept.load()) {
    const names: string[] = [];
    for (const held of objects) names.push(parsed(await rows.read(rows.retain(held))).metadata.name);
    found.push([key, head.resourceVersion, ...names].join(" "));
  }
  return found;
}

test("R14: changes within 200 ms are one batch, with the version that they make complete", async () => {
  const { store, clock, open, collection } = make();
  const one = collection();
  one.replace(list(10, "a", "b"));
  one.apply("ADDED", mapBytes("c", 11));
  one.apply("DELETED", mapBytes("a", 12));
  await clock.advance(199);
  assert.equal(store.batches.length, 0);
  await clock.advance(1);
  assert.equal(store.batches.length, 1);
  assert.deepEqual(await readBack(open), ["k 12 b c"]);
});

test("R14: a list is one batch, however long", async () => {
  const { store, clock, open, collection } = make();
  collection().replace(list(10, ...Array.from({ length: 2_500 }, (_, index) => `m${index}`)));
  await clock.advance(200);
  assert.equal(store.batches.length, 1);
  assert.equal((await open().kept.load())[0]?.objects.length, 2_500);
});

test("R14: between two batches the store has a state that the cloud had, with the bytes of all its objects", async () => {
  const { store, clock, open, collection } = make();
  const one = collection();
  one.replace(list(10, "a", "b"));
  await clock.advance(200);
  const { promise, resolve } = deferred();
  store.held = promise;
  one.apply("MODIFIED", mapBytes("a", 11));
  one.apply("DELETED", mapBytes("b", 12));
  one.apply("ADDED", mapBytes("c", 13));
  await clock.advance(60_000);
  assert.deepEqual(await readBack(open), ["k 10 a b"]);
  resolve();
  await clock.advance(0);
  assert.deepEqual(await readBack(open), ["k 13 a c"]);
});

test("CollectionRows.load gives back the head, the metadata and the times", async () => {
  const { clock, open, batch, collection } = make();
  const one = collection("a|b c/%7C");
  one.replace(mapList(10, mapBytes("a", 5, { labels: { app: "x" } })));
  const closed = one.openWatch();
  await clock.advance(50);
  closed();
  await clock.advance(50);
  one.advance("20");
  await batch.flush();
  const [stored, ...more] = await open().kept.load();
  assert.deepEqual(more, []);
  assert.deepEqual(stored, {
    key: "a|b c/%7C",
    query,
    makerId: "node",
    head: { apiVersion: "v1", kind: "ConfigMap", listKind: "ConfigMapList", resourceVersion: "20" },
    objects: one.objects(),
    resourceEpoch: 0,
    shownBeyond: "0",
    staleSince: 117,
    lastRead: 67,
    lastWatched: 67,
    callersOnly: false,
  });
});

test("CollectionRows keeps everything over commits that fail, the newest of each row", async () => {
  const { store, clock, open, batch, collection } = make();
  store.failure = "disk full";
  const one = collection();
  one.replace(list(10, "a", "b"));
  await clock.advance(200);
  assert.equal(batch.failure, "disk full");
  one.apply("MODIFIED", mapBytes("a", 11, { value: "newest" }));
  one.apply("DELETED", mapBytes("b", 12));
  store.failure = undefined;
  await clock.advance(5_000);
  assert.deepEqual(await readBack(open), ["k 12 a"]);
  const again = open();
  const [held] = (await again.kept.load())[0]?.objects ?? [];
  assert.ok(held);
  assert.equal(parsed(await again.rows.read(held)).data.value, "newest");
  one.apply("ADDED", mapBytes("c", 13));
  await clock.advance(200);
  assert.deepEqual(await readBack(open), ["k 13 a c"]);
});

test("CollectionRows: a collection that is dropped while its commit fails stays dropped, and its successor whole", async () => {
  const { store, clock, open, kept, collection } = make();
  const old = collection();
  old.replace(list(10, "old"));
  await clock.advance(200);
  store.failure = "disk full";
  collection("other").replace(list(10, "x"));
  await clock.advance(200);
  kept.drop(old);
  old.drop();
  collection().replace(list(20, "new"));
  await clock.advance(5_000);
  store.failure = undefined;
  await clock.advance(5_000);
  assert.deepEqual((await readBack(open)).sort(), ["k 20 new", "other 10 x"]);
});

test("CollectionRows.drop takes all of a collection, and nothing of one whose key begins alike", async () => {
  const { store, open, batch, kept, collection } = make();
  const named = new Map(["a", "a|b", "a%7Cb", "ab"].map((key) => [key, collection(key)]));
  for (const [key, one] of named) one.replace(list(10, key.replace(/\W/g, "-")));
  await batch.flush();
  const dropped = named.get("a");
  assert.ok(dropped);
  kept.drop(dropped);
  await batch.flush();
  assert.deepEqual((await readBack(open)).sort(), ["a%7Cb 10 a-7Cb", "ab 10 ab", "a|b 10 a-b"]);
  assert.deepEqual(await keysOf(store, "c|a|"), []);
});

for (
  const [what, row, value] of [
    ["a member that does not open", "c|k|m|default|a", damagedValue],
    ["a head that does not open", "c|k|h", damagedValue],
    ["no head", "c|k|h", undefined],
  ] as const
) {
  test(`R11: a collection with ${what} is dropped whole, and nothing else`, async () => {
    const { store, open, batch, collection } = make();
    collection().replace(list(10, "a", "b"));
    collection("other").replace(list(11, "c"));
    await batch.flush();
    assert.ok(await store.memory.get(row));
    await store.memory.commit(value === undefined ? { remove: [row] } : { put: [[row, value]] });
    const again = open();
    assert.deepEqual((await again.kept.load()).map(({ key }) => key), ["other"]);
    await again.batch.flush();
    assert.deepEqual(await keysOf(store, "c|"), ["c|other|h", "c|other|m|default|c"]);
  });
}

for (const row of ["c|k|m|default|a", "c|k|h"]) {
  for (const text of ["{}", "no JSON"]) {
    test(`R11: a collection whose row ${row} is ${text} is dropped whole, and nothing else`, async () => {
      const { store, open, batch, collection } = make();
      collection().replace(list(10, "a", "b"));
      collection("other").replace(list(11, "c"));
      await batch.flush();
      await store.commit({ put: [[row, new TextEncoder().encode(text)]] });
      const again = open();
      assert.deepEqual((await again.kept.load()).map(({ key }) => key), ["other"]);
      await again.batch.flush();
      assert.deepEqual(await keysOf(store, "c|"), ["c|other|h", "c|other|m|default|c"]);
    });
  }
}

test("CollectionRows keeps nothing in clear", async () => {
  const { store, batch, collection } = make();
  collection().replace(list(10, "secret-name"));
  await batch.flush();
  let values = 0;
  for await (const [, value] of store.memory.list("")) {
    values += 1;
    assert.doesNotMatch(new TextDecoder().decode(value), /ConfigMap|configmaps|resourceVersion/);
  }
  assert.equal(values, 3);
});
