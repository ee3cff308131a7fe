import assert from "node:assert/strict";
import { test } from "node:test";
import { createCipher } from "../../../adapters/shared/cipher.ts";
import type { Store, StoreBatch } from "../../../src/platform/store.ts";
import { Collection } from "../../../src/replica/collection.ts";
import { ReplicaStore } from "../../../src/replica/replica_store.ts";
import { createMemoryStore } from "../../../src/store/memory_store.ts";
import { createSealedStore } from "../../../src/store/sealed_store.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
import { mapBytes, parsed } from "../../testing/json_objects.ts";
import { silentLogger } from "../../testing/lone_replica.ts";

const query = { group: "", version: "v1", resource: "configmaps", namespace: "", labelSelector: "", fieldSelector: "" };

/** A store on a sealed one in memory that can be made to fail and to wait, with its batches. */
function make() {
  const memory = createMemoryStore();
  const sealed = createSealedStore(memory, createCipher(new Uint8Array(32)));
  const batches: StoreBatch[] = [];
  const faults: { failure?: string; held?: Promise<void> } = {};
  const store: Store = {
    ...sealed,
    commit: async (batch) => {
      batches.push(batch);
      await faults.held;
      if (faults.failure !== undefined) throw new Error(faults.failure);
      await sealed.commit(batch);
    },
  };
  const clock = createFakeClock();
  const open = () => new ReplicaStore({ store, clock, logger: silentLogger });
  return { memory, batches, faults, clock, open, kept: open() };
}

function collectionIn(kept: ReplicaStore, key = "k"): Collection {
  const changed: ConstructorParameters<typeof Collection>[0]["changed"] = (one, change) =>
    kept.saveCollection(one, change);
  return new Collection({ key, query, now: () => 0, changed });
}

function list(resourceVersion: number, ...names: string[]) {
  const items = names.map((name) => mapBytes(name, 5));
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    listKind: "ConfigMapList",
    resourceVersion: String(resourceVersion),
    items,
  };
}

/** Key, version and names of each collection as a restarted hub reads it. */
async function readBack(open: () => ReplicaStore): Promise<string[]> {
  return (await open().collections()).map(({ key, resourceVersion, items }) =>
    [key, resourceVersion, ...items.map((item) => parsed(item).metadata.name)].join(" ")
  );
}

test("R14: changes within 200 ms are one batch, with the version that they make complete", async () => {
  const { batches, clock, open, kept } = make();
  const collection = collectionIn(kept);
  collection.replace(list(10, "a", "b"));
  collection.apply("ADDED", mapBytes("c", 11));
  collection.apply("DELETED", mapBytes("a", 12));
  await clock.advance(199);
  assert.equal(batches.length, 0);
  await clock.advance(1);
  assert.equal(batches.length, 1);
  assert.deepEqual(await readBack(open), ["k 12 b c"]);
  await clock.advance(1_000);
  assert.equal(batches.length, 1);
});

test("R14: a thousand rows do not wait", async () => {
  const { batches, kept } = make();
  const collection = collectionIn(kept);
  collection.replace(list(10));
  for (let version = 11; version < 11 + 998; version++) collection.apply("ADDED", mapBytes(`m${version}`, version));
  assert.equal(batches.length, 0);
  collection.apply("ADDED", mapBytes("last", 5_000));
  await kept.flush();
  assert.deepEqual(batches.map(({ put }) => put?.length), [1_000]);
});

test("R14: a list is one batch, however long", async () => {
  const { batches, clock, open, kept } = make();
  collectionIn(kept).replace(list(10, ...Array.from({ length: 2_500 }, (_, index) => `m${index}`)));
  await clock.advance(200);
  assert.equal(batches.length, 1);
  assert.equal((await open().collections())[0]?.items.length, 2_500);
});

test("R14: what comes during a commit goes with the next one", async () => {
  const { batches, faults, clock, open, kept } = make();
  let release = () => {};
  faults.held = new Promise((resolve) => release = resolve);
  const collection = collectionIn(kept);
  collection.replace(list(10, "a"));
  await clock.advance(200);
  collection.apply("ADDED", mapBytes("b", 11));
  await clock.advance(60_000);
  assert.equal(batches.length, 1);
  release();
  await clock.advance(200);
  assert.equal(batches.length, 2);
  assert.deepEqual(await readBack(open), ["k 11 a b"]);
});

test("ReplicaStore keeps everything over commits that fail, the newest of each row", async () => {
  const { batches, faults, clock, open, kept } = make();
  faults.failure = "disk full";
  const collection = collectionIn(kept);
  collection.replace(list(10, "a", "b"));
  await clock.advance(200);
  assert.deepEqual([batches.length, kept.failure], [1, "disk full"]);
  collection.apply("MODIFIED", mapBytes("a", 11, { value: "newest" }));
  collection.apply("DELETED", mapBytes("b", 12));
  await clock.advance(4_999);
  assert.equal(batches.length, 1);
  await clock.advance(1);
  assert.equal(batches.length, 2);
  delete faults.failure;
  await clock.advance(5_000);
  assert.equal(kept.failure, undefined);
  assert.deepEqual(await readBack(open), ["k 12 a"]);
  assert.equal(parsed((await open().collections())[0]?.items[0]).data.value, "newest");
  collection.apply("ADDED", mapBytes("c", 13));
  await clock.advance(200);
  assert.deepEqual(await readBack(open), ["k 13 a c"]);
});

test("ReplicaStore: a collection that is dropped while its commit fails stays dropped, and its successor whole", async () => {
  const { faults, clock, open, kept } = make();
  collectionIn(kept).replace(list(10, "old"));
  await clock.advance(200);
  faults.failure = "disk full";
  collectionIn(kept, "other").replace(list(10, "x"));
  await clock.advance(200);
  kept.dropCollection("k");
  collectionIn(kept).replace(list(20, "new"));
  await clock.advance(5_000);
  delete faults.failure;
  await clock.advance(5_000);
  assert.deepEqual((await readBack(open)).sort(), ["k 20 new", "other 10 x"]);
});

test("ReplicaStore.dropCollection takes nothing of a collection whose key begins alike", async () => {
  const { open, kept } = make();
  for (const key of ["a", "a|b", "a%7Cb", "ab"]) collectionIn(kept, key).replace(list(10, key.replace(/\W/g, "-")));
  await kept.flush();
  kept.dropCollection("a");
  await kept.flush();
  assert.deepEqual((await open().collections()).map(({ key }) => key).sort(), ["a%7Cb", "ab", "a|b"]);
});

for (
  const [what, row] of [
    ["an object", "c|k|o|default|a"],
    ["the head", "c|k|h"],
  ] as const
) {
  for (const fault of ["changed", "missing"]) {
    if (what === "an object" && fault === "missing") continue; // a store loses no row by itself
    test(`R11: a collection with ${what} ${fault} is dropped, never taken for the whole`, async () => {
      const { memory, open, kept } = make();
      collectionIn(kept, "k").replace(list(10, "a", "b"));
      collectionIn(kept, "other").replace(list(11, "c"));
      await kept.flush();
      assert.ok(await memory.get(row));
      await memory.commit(fault === "changed" ? { put: [[row, new Uint8Array(60)]] } : { remove: [row] });
      const again = open();
      assert.deepEqual((await again.collections()).map(({ key }) => key), ["other"]);
      await again.flush();
      const left: string[] = [];
      for await (const [key] of memory.list("c|")) left.push(key);
      assert.deepEqual(left, ["c|other|h", "c|other|o|default|c"]);
    });
  }
}

test("ReplicaStore.records gives back what was kept, without what was removed or is damaged", async () => {
  const { memory, open, kept } = make();
  for (const name of ["a", "b", "c"]) kept.saveRecord(name, { bytes: mapBytes(name, 1), savedAt: 17 });
  await kept.flush();
  kept.saveRecord("b", undefined);
  await kept.flush();
  await memory.commit({ put: [["r|c", new Uint8Array(60)]] });
  const again = open();
  assert.deepEqual(await again.records(), [["a", { bytes: mapBytes("a", 1), savedAt: 17 }]]);
  await again.flush();
  assert.equal(await memory.get("r|c"), undefined);
});

test("ReplicaStore.document gives the last copy, committed or not", async () => {
  const { clock, open, kept } = make();
  assert.equal(await kept.document("/apis"), undefined);
  kept.saveDocument("/apis", { n: 1 }, new Uint8Array([1, 10, 2]));
  assert.deepEqual(await kept.document("/apis"), { header: { n: 1 }, body: new Uint8Array([1, 10, 2]) });
  await clock.advance(200);
  kept.saveDocument("/apis", { n: 2 }, new Uint8Array([3]));
  assert.deepEqual((await kept.document("/apis"))?.header, { n: 2 });
  await kept.flush();
  assert.deepEqual(await open().document("/apis"), { header: { n: 2 }, body: new Uint8Array([3]) });
});

test("ReplicaStore.document has none where its row is damaged", async () => {
  const { memory, open, kept } = make();
  kept.saveDocument("/apis", {}, new Uint8Array([1]));
  await kept.flush();
  await memory.commit({ put: [["d|/apis", new Uint8Array(60)]] });
  assert.equal(await open().document("/apis"), undefined);
});

test("ReplicaStore.document has what is being committed", async () => {
  const { faults, clock, kept } = make();
  let release = () => {};
  faults.held = new Promise((resolve) => release = resolve);
  kept.saveDocument("/apis", {}, new Uint8Array([1]));
  await clock.advance(200);
  assert.notEqual(await kept.document("/apis"), undefined);
  release();
});

test("ReplicaStore keeps nothing in clear", async () => {
  const { memory, kept } = make();
  collectionIn(kept).replace(list(10, "secret-name"));
  await kept.flush();
  for await (const [, value] of memory.list("")) {
    assert.ok(!new TextDecoder().decode(value).includes("ConfigMap"));
  }
});
