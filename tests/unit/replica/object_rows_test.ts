import assert from "node:assert/strict";
import { test } from "node:test";
import { readObjectMeta } from "../../../src/kube/object_meta.ts";
import { StoreError } from "../../../src/platform/store.ts";
import { MissingRowError, type ObjectRows } from "../../../src/replica/object_rows.ts";
import { damagedValue, keysOf } from "../../testing/faulty_store.ts";
import { mapBytes } from "../../testing/json_objects.ts";
import { loneRows } from "../../testing/lone_rows.ts";

const resource = { group: "", version: "v1", resource: "configmaps" };

function add(rows: ObjectRows, bytes: Uint8Array, changed: Partial<typeof resource> = {}) {
  const meta = readObjectMeta(bytes);
  return rows.add({ ...resource, ...changed, namespace: meta.namespace, name: meta.name }, { meta, bytes });
}

/** Bytes of 100 and their names' own. */
const sized = (name: string) => mapBytes(name, 1, { value: "v".repeat(100) });

test("ObjectRows: the same version of the same bytes is one row, whoever holds it", async () => {
  const { store, batch, rows } = loneRows();
  const first = add(rows, mapBytes("a", 1));
  const second = add(rows, mapBytes("a", 1));
  await batch.flush();
  assert.equal(first.row, second.row);
  assert.deepEqual([rows.size, rows.bytes, await keysOf(store)], [1, first.length, [first.row]]);
});

for (
  const [what, bytes, changed] of [
    ["version", mapBytes("a", 2), {}],
    ["namespace", mapBytes("a", 1, { namespace: "other", uid: "a" }), {}],
    ["name", mapBytes("b", 1), {}],
    ["content at the same version", mapBytes("a", 1, { value: "2" }), {}],
    ["resource", mapBytes("a", 1), { resource: "others" }],
    ["group", mapBytes("a", 1), { group: "example.com" }],
    ["API version", mapBytes("a", 1), { version: "v2" }],
  ] as const
) {
  test(`ObjectRows: another ${what} is another row`, async () => {
    const { rows } = loneRows();
    const one = add(rows, mapBytes("a", 1));
    const other = add(rows, bytes, changed);
    assert.notEqual(one.row, other.row);
    assert.deepEqual([await rows.read(one), await rows.read(other)], [mapBytes("a", 1), bytes]);
  });
}

test("ObjectRows: the last holder's release removes the row, from memory and store", async () => {
  const { store, batch, rows } = loneRows();
  const held = add(rows, mapBytes("a", 1));
  rows.retain(held);
  add(rows, mapBytes("a", 1));
  await batch.flush();
  rows.release(held);
  rows.release(held);
  await batch.flush();
  assert.deepEqual([rows.size, rows.holds(held.row), await keysOf(store)], [1, true, [held.row]]);
  assert.deepEqual(await rows.read(held), mapBytes("a", 1));
  rows.release(held);
  assert.deepEqual([rows.size, rows.bytes, rows.hotBytes, rows.holds(held.row)], [0, 0, 0, false]);
  await batch.flush();
  assert.deepEqual(await keysOf(store), []);
  rows.release(held);
  assert.deepEqual([rows.size, rows.bytes], [0, 0]);
});

test("ObjectRows: an object that was released and comes again is kept again", async () => {
  const { store, batch, rows } = loneRows();
  rows.release(add(rows, mapBytes("a", 1)));
  const held = add(rows, mapBytes("a", 1));
  await batch.flush();
  assert.deepEqual(await store.get(held.row), mapBytes("a", 1));
});

test("ObjectRows.retain counts what was found in the store at start", async () => {
  const { store, batch, rows } = loneRows({ memoryMaxBytes: 10_000 });
  const bytes = mapBytes("a", 1);
  await store.commit({ put: [["o|row", bytes]] });
  const held = { meta: readObjectMeta(bytes), row: "o|row", length: bytes.length };
  rows.retain(held);
  rows.retain(held);
  assert.deepEqual([rows.size, rows.bytes, rows.hotBytes], [1, bytes.length, 0]);
  assert.deepEqual(await rows.read(held), bytes);
  rows.release(held);
  rows.release(held);
  await batch.flush();
  assert.deepEqual(await keysOf(store), []);
});

test("ObjectRows.snapshot keeps what was held at its beginning readable until it is released", async () => {
  const { store, batch, rows } = loneRows({ memoryMaxBytes: 0 });
  const held = add(rows, mapBytes("a", 1));
  const snapshot = rows.snapshot();
  rows.release(held);
  await batch.flush();
  assert.deepEqual(await rows.read(held), mapBytes("a", 1));
  snapshot.release();
  await batch.flush();
  assert.deepEqual([rows.size, await keysOf(store)], [0, []]);
  await assert.rejects(Promise.resolve(rows.read(held)), MissingRowError);
});

test("ObjectRows.snapshot: a row goes with the last of the snapshots that may read it, in whichever order they end", async () => {
  const { rows } = loneRows({ memoryMaxBytes: 0 });
  const [a, b, c] = [add(rows, mapBytes("a", 1)), add(rows, mapBytes("b", 1)), add(rows, mapBytes("c", 1))];
  const first = rows.snapshot();
  rows.release(a);
  const second = rows.snapshot();
  rows.release(b);
  const third = rows.snapshot();
  rows.release(c);
  const kept = () => [a, b, c].map(({ row }) => rows.holds(row));
  second.release();
  assert.deepEqual(kept(), [true, true, true]);
  first.release();
  assert.deepEqual(kept(), [false, false, true]);
  third.release();
  assert.deepEqual(kept(), [false, false, false]);
});

test("ObjectRows.snapshot: what is held again meanwhile stays after it", async () => {
  const { store, batch, rows } = loneRows();
  const held = add(rows, mapBytes("a", 1));
  const snapshot = rows.snapshot();
  rows.release(held);
  add(rows, mapBytes("a", 1));
  snapshot.release();
  await batch.flush();
  assert.deepEqual([rows.size, rows.bytes, await store.get(held.row)], [1, held.length, mapBytes("a", 1)]);
});

test("ObjectRows keeps at most so many bytes in memory, what was used recently", async () => {
  const size = sized("a").length;
  const { store, batch, rows } = loneRows({ memoryMaxBytes: size * 2 });
  const [a, b] = [add(rows, sized("a")), add(rows, sized("b"))];
  assert.deepEqual(rows.read(a), sized("a"));
  const c = add(rows, sized("c"));
  await batch.flush();
  assert.equal(rows.hotBytes, size * 2);
  assert.deepEqual([rows.read(a), rows.read(c)], [sized("a"), sized("c")]);
  assert.deepEqual(store.reads, []);
  const cold = rows.read(b);
  assert.ok(cold instanceof Promise);
  assert.deepEqual(await cold, sized("b"));
  assert.deepEqual([store.reads, rows.hotBytes, rows.bytes], [[b.row], size * 2, size * 3]);
  assert.ok(rows.read(b) instanceof Uint8Array); // warm again, in the place of one of the others
  const cooled = [a, c].map((held) => rows.read(held)).filter((read) => read instanceof Promise);
  assert.equal(cooled.length, 1);
  await Promise.all(cooled);
});

test("ObjectRows keeps an object that is larger than all its memory in the store only", async () => {
  const { batch, rows } = loneRows({ memoryMaxBytes: 10 });
  const held = add(rows, sized("a"));
  assert.equal(rows.hotBytes, 0);
  assert.deepEqual(rows.read(held), sized("a")); // it waits for its commit
  await batch.flush();
  assert.deepEqual(await rows.read(held), sized("a"));
  assert.equal(rows.hotBytes, 0);
});

test("ObjectRows.read: what is released while it is read does not stay in memory", async () => {
  const { store, rows } = loneRows();
  const bytes = sized("a");
  await store.commit({ put: [["o|row", bytes]] });
  const held = rows.retain({ meta: readObjectMeta(bytes), row: "o|row", length: bytes.length });
  const reading = rows.read(held);
  rows.release(held);
  assert.deepEqual(await reading, bytes);
  assert.deepEqual([rows.size, rows.hotBytes], [0, 0]);
});

test("ObjectRows.read rejects with MissingRowError where the store has lost the row, with StoreError where it does not open", async () => {
  const { store, batch, rows } = loneRows({ memoryMaxBytes: 0 });
  const [lost, damaged] = [add(rows, sized("a")), add(rows, sized("b"))];
  await batch.flush();
  await store.memory.commit({ remove: [lost.row], put: [[damaged.row, damagedValue]] });
  await assert.rejects(Promise.resolve(rows.read(lost)), (error) => {
    assert.ok(error instanceof MissingRowError);
    return error.row === lost.row;
  });
  await assert.rejects(Promise.resolve(rows.read(damaged)), StoreError);
});
