import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeScope } from "../../../src/identity/scope.ts";
import { readStoredRows } from "../../../src/replica/stored_rows.ts";
import { verifyStore } from "../../../src/replica/verify_store.ts";
import { createFaultyStore, damagedValue, type FaultyStore, keysOf } from "../../testing/faulty_store.ts";
import { mapBytes, mapList, mapsQuery as query } from "../../testing/json_objects.ts";
import { loneReplica } from "../../testing/lone_replica.ts";

const narrow = { ...query, namespace: "default" };
const pathTo = (name: string) => ({ group: "", version: "v1", resource: "configmaps", namespace: "default", name });

/** A store with two collections, `a` and `b` in both, a record of `r`, and a document. */
async function filled(options: { readonly ended?: boolean } = {}): Promise<FaultyStore> {
  const store = createFaultyStore();
  const { replica } = loneReplica({ store });
  await replica.restore();
  for (const one of [query, narrow]) {
    replica.listed(nodeScope, one, mapList(10, mapBytes("a", 5), mapBytes("b", 6)));
  }
  replica.records.put(pathTo("r"), { bytes: mapBytes("r", 20), savedAt: 17 });
  replica.documents.save("/apis q Accept", { rawHeaders: [], body: new Uint8Array(3), savedAt: 18 });
  replica.held(nodeScope, query)?.apply("DELETED", mapBytes("b", 12)); // its bytes are the log's, and the other's
  if (options.ended === false) await replica.batch.flush();
  else await replica.close();
  return store;
}

async function rowOf(store: FaultyStore, pattern: RegExp): Promise<string> {
  const row = (await keysOf(store)).find((key) => pattern.test(key));
  assert.ok(row, String(pattern));
  return row;
}

test("readStoredRows tells all that a store holds", async () => {
  const { collections, records, documents, objectRows, open, problems, count } = await readStoredRows(await filled());
  assert.deepEqual(collections.map((one) => [one.query.namespace, one.head.resourceVersion, one.objects.length]), [
    ["", "12", 1],
    ["default", "10", 2],
  ]);
  assert.deepEqual(records.map(({ path, held }) => [path, held.savedAt]), [[pathTo("r"), 17]]);
  assert.deepEqual(documents.map(({ question, savedAt }) => [question, savedAt]), [["/apis q Accept", 18]]);
  assert.deepEqual([objectRows.size, open, problems, count], [3, false, [], 10]);
});

test("verifyStore finds nothing in the store of a hub that has ended, and what only logs hold in one that has not", async () => {
  const ended = await verifyStore(await filled());
  assert.deepEqual([ended.problems, ended.leftOver, ended.rows.open], [[], 0, false]);
  assert.equal(ended.objectBytes, mapBytes("a", 5).length + mapBytes("b", 6).length + mapBytes("r", 20).length);
  const running = await verifyStore(await filled({ ended: false }));
  assert.deepEqual([running.problems, running.leftOver, running.rows.open], [[], 1, true]);
});

for (
  const [what, pattern] of [
    ["head", /^c\|.*default.*\|h$/],
    ["member", /^c\|.*default.*\|m\|.*\|a$/],
    ["record", /^r\|/],
    ["object", /^o\|.*\|a\|/],
    ["document", /^d\|/],
  ] as const
) {
  test(`verifyStore names a ${what} that does not open, and nothing else`, async () => {
    const store = await filled();
    const row = await rowOf(store, pattern);
    await store.memory.commit({ put: [[row, damagedValue]] });
    assert.deepEqual((await verifyStore(store)).problems, [{ row, what: "does not open" }]);
  });

  test(`verifyStore names a ${what} that opens and is none`, async () => {
    const store = await filled();
    const row = await rowOf(store, pattern);
    await store.commit({ put: [[row, new TextEncoder().encode("17")]] });
    const { problems } = await verifyStore(store);
    assert.deepEqual(problems.map((problem) => problem.row), [row]);
    assert.match(problems[0]?.what ?? "", /^is n/);
  });
}

test("verifyStore names who holds an object that is missing", async () => {
  const store = await filled();
  const row = await rowOf(store, /^o\|.*\|r\|/);
  await store.commit({ remove: [row] });
  assert.deepEqual((await verifyStore(store)).problems, [
    { row: "r|/v1/configmaps/default/r", what: `holds an object that is missing: ${row}` },
  ]);
});

test("verifyStore names an object that lies in another's row", async () => {
  const store = await filled();
  const [row, other] = [await rowOf(store, /^o\|.*\|a\|/), await rowOf(store, /^o\|.*\|b\|/)];
  await store.commit({ put: [[row, await store.get(other) ?? damagedValue]] });
  assert.deepEqual((await verifyStore(store)).problems.map((problem) => problem.row), [row]);
});

test("verifyStore names an object whose bytes are not those of its version", async () => {
  const store = await filled();
  const row = await rowOf(store, /^o\|.*\|a\|/);
  const bytes = await store.get(row);
  assert.ok(bytes);
  await store.commit({ put: [[row, new TextEncoder().encode(new TextDecoder().decode(bytes).replace('"5"', '"4"'))]] });
  assert.deepEqual((await verifyStore(store)).problems, [{ row, what: "is another object than its key says" }]);
});

test("verifyStore names a collection without its head, members of nothing, and rows of no known kind", async () => {
  const store = await filled();
  const head = await rowOf(store, /^c\|.*default.*\|h$/);
  await store.commit({ remove: [head], put: [["x|later", new Uint8Array()]] });
  assert.deepEqual((await verifyStore(store)).problems, [
    { row: "x|later", what: "is of a kind that this version does not know" },
    { row: head, what: "is missing" },
  ]);
});

test("verifyStore names an object that nothing holds", async () => {
  const store = await filled();
  const row = "o|/v1/configmaps|default|orphan|1|x";
  await store.commit({ put: [[row, mapBytes("orphan", 1)]] });
  assert.deepEqual((await verifyStore(store)).problems, [{ row, what: "is an object that nothing holds" }]);
});
