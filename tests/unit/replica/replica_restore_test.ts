import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeScope } from "../../../src/identity/scope.ts";
import { StoreError } from "../../../src/platform/store.ts";
import type { Replica } from "../../../src/replica/replica.ts";
import { createFaultyStore, damagedValue, keysOf } from "../../testing/faulty_store.ts";
import { mapBytes, mapList, mapsQuery as query, parsed } from "../../testing/json_objects.ts";
import { loneReplica } from "../../testing/lone_replica.ts";

const narrow = { ...query, namespace: "default" };
const pathTo = (name: string) => ({ group: "", version: "v1", resource: "configmaps", namespace: "default", name });

/** A store with two collections, `a` and `b` in both, and records of `r` and `s`. */
async function filled() {
  const store = createFaultyStore();
  const { replica } = loneReplica({ store });
  for (const one of [query, narrow]) {
    replica.listed(nodeScope, one, mapList(10, mapBytes("a", 5), mapBytes("b", 6)));
  }
  for (const name of ["r", "s"]) replica.records.put(pathTo(name), { bytes: mapBytes(name, 20), savedAt: 17 });
  await replica.close();
  return { store, keys: await keysOf(store) };
}

async function restored(store: ReturnType<typeof createFaultyStore>): Promise<Replica> {
  const { replica } = loneReplica({ store });
  await replica.restore();
  return replica;
}

async function read(replica: Replica, name: string): Promise<string | undefined> {
  const held = replica.of(pathTo(name)).find(pathTo(name))?.held;
  return held === undefined ? undefined : parsed(await replica.rows.read(held)).data.value;
}

test("Replica.restore gives back collections as stale, records and the bytes of both", async () => {
  const { store, keys } = await filled();
  const replica = await restored(store);
  const collections = [...replica.collections()];
  assert.deepEqual(collections.map(({ state, resourceVersion, size }) => [state, resourceVersion, size]), [
    ["stale", "10", 2],
    ["stale", "10", 2],
  ]);
  assert.equal(replica.held(nodeScope, narrow)?.query.namespace, "default");
  assert.deepEqual([await read(replica, "a"), await read(replica, "b")], ["5", "6"]);
  assert.deepEqual([await read(replica, "r"), replica.records.get(pathTo("r"))?.savedAt], ["20", 17]);
  assert.equal(replica.rows.size, 4);
  await replica.close();
  assert.deepEqual(await keysOf(store), keys);
});

test("Replica.restore counts holders as before: the last collection's end takes the bytes with it", async () => {
  const { store } = await filled();
  const replica = await restored(store);
  const [first, second] = [...replica.collections()];
  assert.ok(first !== undefined && second !== undefined);
  replica.drop(first);
  await replica.batch.flush();
  assert.equal((await keysOf(store, "o|")).length, 4);
  replica.drop(second);
  await replica.batch.flush();
  assert.deepEqual([(await keysOf(store, "o|")).length, await keysOf(store, "c|")], [2, []]);
});

test("R14: Replica.restore sweeps the rows that nothing holds: those of the log, which is not kept", async () => {
  const { store } = await filled();
  const { replica: running } = loneReplica({ store });
  await running.restore();
  const collection = running.held(nodeScope, narrow);
  collection?.apply("MODIFIED", mapBytes("a", 11));
  collection?.apply("DELETED", mapBytes("b", 12));
  await running.batch.flush();
  assert.equal((await keysOf(store, "o|")).length, 6);
  running.held(nodeScope, query)?.apply("MODIFIED", mapBytes("a", 11));
  running.held(nodeScope, query)?.apply("DELETED", mapBytes("b", 12));
  await running.batch.flush();
  await store.commit({ put: [["o|/v1/configmaps|default|orphan|1|x", mapBytes("orphan", 1)]] });
  const replica = await restored(store);
  await replica.close();
  const names = (await keysOf(store, "o|")).map((row) => row.split("|").slice(3, 5).join(" "));
  assert.deepEqual(names, ["a 11", "r 20", "s 20"]);
  assert.deepEqual([await read(replica, "a"), await read(replica, "b")], ["11", undefined]);
});

test("Replica.close leaves nothing in the store but what collections, records and documents hold", async () => {
  const { store } = await filled();
  const { replica } = loneReplica({ store });
  await replica.restore();
  replica.held(nodeScope, narrow)?.apply("MODIFIED", mapBytes("a", 11));
  replica.held(nodeScope, query)?.apply("DELETED", mapBytes("b", 12));
  await replica.batch.flush();
  assert.deepEqual(await keysOf(store, "h|"), ["h|open"]);
  await replica.close();
  const names = (await keysOf(store, "o|")).map((row) => row.split("|").slice(3, 5).join(" "));
  assert.deepEqual(names, ["a 11", "a 5", "b 6", "r 20", "s 20"]);
  assert.deepEqual(await keysOf(store, "h|"), []);
});

test("Replica.close takes no row away that a list under way still reads, and leaves the mark of it", async () => {
  const { store } = await filled();
  const { replica } = loneReplica({ store });
  await replica.restore();
  const snapshot = replica.rows.snapshot();
  for (const one of [narrow, query]) replica.held(nodeScope, one)?.apply("MODIFIED", mapBytes("a", 11));
  await replica.close();
  assert.deepEqual((await keysOf(store, "o|")).filter((row) => row.includes("|a|")).length, 2);
  assert.deepEqual(await keysOf(store, "h|"), ["h|open"]);
  snapshot.release();
});

for (
  const [what, spoil] of [
    ["head that does not open", (keys: readonly string[]) => keys.find((key) => /^c\|.*default.*\|h$/.test(key))],
    ["member that does not open", (keys: readonly string[]) => keys.find((key) => /^c\|.*default.*\|m\|/.test(key))],
  ] as const
) {
  test(`R11: Replica.restore drops the collection of a ${what}, and nothing else`, async () => {
    const { store, keys } = await filled();
    const row = spoil(keys);
    assert.ok(row);
    await store.memory.commit({ put: [[row, damagedValue]] });
    const replica = await restored(store);
    assert.deepEqual([replica.count, replica.held(nodeScope, narrow)], [1, undefined]);
    assert.deepEqual([replica.held(nodeScope, query)?.size, replica.records.size], [2, 2]);
    assert.deepEqual([await read(replica, "a"), await read(replica, "b")], ["5", "6"]);
    await replica.close();
    const left = keys.filter((key) => !/^c\|.*default.*\|(h|m\|.*)$/.test(key) || isOfAll(key));
    assert.deepEqual(await keysOf(store), left);
  });
}

/** Whether it is a row of the collection of all namespaces, whose key names none. */
function isOfAll(row: string): boolean {
  return !(row.split("|")[1] ?? "").includes("default");
}

for (const [what, value] of [["does not open", damagedValue], ["is malformed", undefined]] as const) {
  test(`Replica.restore drops a record that ${what}, and nothing else`, async () => {
    const { store, keys } = await filled();
    const row = "r|/v1/configmaps/default/r";
    assert.ok(keys.includes(row));
    if (value === undefined) await store.commit({ put: [[row, new TextEncoder().encode("17\n{}")]] });
    else await store.memory.commit({ put: [[row, value]] });
    const replica = await restored(store);
    assert.deepEqual([replica.count, replica.records.size], [2, 1]);
    assert.deepEqual([await read(replica, "r"), await read(replica, "s")], [undefined, "20"]);
    await replica.close();
    const left = (await keysOf(store)).filter((key) => key.includes("|r|") || key.endsWith("/r"));
    assert.deepEqual(left, []); // its bytes went with it
  });
}

for (const [what, value] of [["is missing", undefined], ["does not open", damagedValue]] as const) {
  test(`R11: an object whose row ${what} ends all that holds it once it is read, and nothing else`, async () => {
    const { store, keys } = await filled();
    const row = keys.find((key) => key.startsWith("o|") && key.includes("|a|")) ?? "";
    await store.memory.commit(value === undefined ? { remove: [row] } : { put: [[row, value]] });
    const replica = await restored(store);
    replica.listed(nodeScope, { ...query, namespace: "other" }, mapList(10));
    const held = replica.of(pathTo("a")).find(pathTo("a"))?.held;
    assert.ok(held);
    await assert.rejects(read(replica, "a"), (error) => {
      assert.ok(error instanceof Error);
      assert.equal(error instanceof StoreError, value !== undefined);
      replica.lost(held, error);
      return true;
    });
    assert.deepEqual([...replica.collections()].map((collection) => collection.query.namespace), ["other"]);
    assert.equal(replica.records.size, 2);
    await replica.close();
    assert.deepEqual((await keysOf(store, "o|")).length, 2);
  });
}
