import assert from "node:assert/strict";
import { test } from "node:test";
import { RowBatch } from "../../../src/replica/row_batch.ts";
import { deferred } from "../../testing/deferred.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
import { createFaultyStore, keysOf } from "../../testing/faulty_store.ts";

const bytes = (...values: number[]) => new Uint8Array(values);

function make() {
  const store = createFaultyStore();
  const clock = createFakeClock();
  const lines: string[] = [];
  const logger = { log: (level: string) => void lines.push(level), enabled: () => true };
  return { store, clock, lines, batch: new RowBatch({ store, clock, logger }) };
}

test("R14: RowBatch commits what was set within 200 ms together, whole and once", async () => {
  const { store, clock, batch } = make();
  batch.set("a", bytes(1));
  await clock.advance(150);
  batch.set("b", bytes(2));
  batch.set("gone", undefined);
  await clock.advance(49);
  assert.equal(store.batches.length, 0);
  await clock.advance(1);
  assert.deepEqual(store.batches, [{ put: [["a", bytes(1)], ["b", bytes(2)]], remove: ["gone"] }]);
  await clock.advance(60_000);
  assert.deepEqual([store.batches.length, clock.pending], [1, 0]);
});

test("R14: RowBatch does not wait with a thousand rows, nor tears apart what is set in one turn", async () => {
  const { store, clock, batch } = make();
  for (let row = 0; row < 2_500; row++) batch.set(`row ${row}`, bytes(1));
  assert.equal(store.batches.length, 0);
  await clock.advance(0);
  assert.deepEqual(store.batches.map(({ put }) => put?.length), [2_500]);
});

test("RowBatch commits the newest value of a row only", async () => {
  const { store, batch } = make();
  batch.set("a", bytes(1));
  batch.set("b", bytes(1, 1));
  batch.set("a", undefined);
  batch.set("b", bytes(2));
  assert.equal(batch.pendingBytes, 1);
  await batch.flush();
  assert.deepEqual(store.batches, [{ put: [["b", bytes(2)]], remove: ["a"] }]);
  assert.equal(batch.pendingBytes, 0);
});

test("RowBatch makes a value that is made when it is committed once, of what then is, and none that was overtaken", async () => {
  const { store, batch } = make();
  let made = 0;
  let state = 1;
  const value = () => {
    made++;
    return bytes(state);
  };
  batch.set("head", value);
  batch.set("other", value);
  batch.set("head", value);
  batch.set("other", undefined);
  state = 2;
  assert.deepEqual([made, batch.pendingRows], [0, 2]);
  await batch.flush();
  assert.deepEqual([made, batch.pendingRows], [1, 0]);
  assert.deepEqual(store.batches, [{ put: [["head", bytes(2)]], remove: ["other"] }]);
  batch.set("head", value);
  assert.deepEqual([batch.waiting("head"), await batch.get("head")], [bytes(2), bytes(2)]);
});

test("R14: RowBatch commits one batch at a time, in order; what comes meanwhile goes with the next", async () => {
  const { store, clock, batch } = make();
  const { promise, resolve } = deferred();
  store.held = promise;
  batch.set("a", bytes(1));
  await clock.advance(200);
  batch.set("a", bytes(2));
  batch.set("b", bytes(3));
  for (let row = 0; row < 1_000; row++) batch.set(`row ${row}`, bytes(1));
  await clock.advance(60_000);
  assert.equal(store.batches.length, 1);
  resolve();
  await clock.advance(200);
  assert.deepEqual(store.batches.map(({ put }) => put?.length), [1, 1_002]);
  assert.deepEqual(await store.get("a"), bytes(2));
});

test("RowBatch.get sees what waits, what is being committed and what the store has", async () => {
  const { store, clock, batch } = make();
  await store.commit({ put: [["stored", bytes(9)], ["removed", bytes(9)]] });
  const { promise, resolve } = deferred();
  store.held = promise;
  batch.set("committing", bytes(1));
  batch.set("changed", bytes(2));
  batch.set("removed", undefined);
  await clock.advance(200);
  batch.set("waiting", bytes(3));
  batch.set("changed", bytes(4));
  const read = async () => {
    const values: (Uint8Array | undefined)[] = [];
    for (const row of ["stored", "committing", "changed", "removed", "waiting", "none"]) {
      values.push(await batch.get(row));
    }
    return values;
  };
  const want = [bytes(9), bytes(1), bytes(4), undefined, bytes(3), undefined];
  assert.deepEqual(await read(), want);
  assert.deepEqual(store.reads, ["stored", "none"]);
  resolve();
  await batch.flush();
  assert.deepEqual(await read(), want);
});

test("RowBatch.waiting tells what is in memory from what the store must be asked for", async () => {
  const { batch } = make();
  batch.set("a", bytes(1));
  batch.set("b", undefined);
  assert.deepEqual([batch.waiting("a"), batch.waiting("b"), batch.waiting("c")], [bytes(1), "removed", "unknown"]);
  await batch.flush();
  assert.deepEqual([batch.waiting("a"), batch.waiting("b")], ["unknown", "unknown"]);
});

test("RowBatch loses nothing over commits that fail, and tries again every 5 s with the newest of each row", async () => {
  const { store, clock, lines, batch } = make();
  await store.commit({ put: [["b", bytes(9)]] });
  store.batches.length = 0;
  store.failure = "disk full";
  batch.set("a", bytes(1));
  batch.set("kept", bytes(5));
  batch.set("b", bytes(2));
  await clock.advance(200);
  assert.deepEqual([store.batches.length, batch.failure, batch.pendingBytes], [1, "disk full", 3]);
  assert.deepEqual([await batch.get("a"), await batch.get("b")], [bytes(1), bytes(2)]);
  batch.set("a", bytes(3, 3));
  batch.set("b", undefined);
  assert.equal(await batch.get("b"), undefined);
  await clock.advance(4_999);
  assert.equal(store.batches.length, 1);
  await clock.advance(1);
  assert.equal(store.batches.length, 2);
  assert.deepEqual(lines, ["error"]);
  store.failure = undefined;
  await clock.advance(5_000);
  assert.deepEqual([batch.failure, batch.pendingBytes, lines], [undefined, 0, ["error", "info"]]);
  assert.deepEqual(await keysOf(store), ["a", "kept"]);
  assert.deepEqual([await store.get("a"), await store.get("kept")], [bytes(3, 3), bytes(5)]);
  batch.set("c", bytes(1));
  await clock.advance(200);
  assert.deepEqual([await store.get("c"), clock.pending], [bytes(1), 0]);
});

test("RowBatch: what is set while a commit fails is not undone by what failed", async () => {
  const { store, clock, batch } = make();
  const { promise, resolve } = deferred();
  store.held = promise;
  store.failure = "disk full";
  batch.set("a", bytes(1));
  batch.set("b", bytes(1));
  await clock.advance(200);
  batch.set("a", bytes(2, 2));
  batch.set("b", undefined);
  resolve();
  await clock.advance(0);
  assert.deepEqual([await batch.get("a"), await batch.get("b"), batch.pendingBytes], [bytes(2, 2), undefined, 2]);
  store.failure = undefined;
  await clock.advance(5_000);
  assert.deepEqual([await keysOf(store), await store.get("a")], [["a"], bytes(2, 2)]);
});

test("RowBatch.flush commits at once, after the commit under way, and never rejects", async () => {
  const { store, clock, batch } = make();
  const { promise, resolve } = deferred();
  store.held = promise;
  batch.set("a", bytes(1));
  await clock.advance(200);
  batch.set("b", bytes(2));
  const flushed = batch.flush();
  await clock.advance(0);
  assert.equal(store.batches.length, 1);
  resolve();
  await flushed;
  assert.deepEqual(await keysOf(store), ["a", "b"]);
  await clock.advance(60_000);
  assert.deepEqual([store.batches.length, clock.pending], [2, 0]);
  store.failure = "disk full";
  batch.set("c", bytes(3));
  await batch.flush();
  assert.deepEqual([batch.failure, await batch.get("c")], ["disk full", bytes(3)]);
});
