import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError } from "../../../src/platform/store.ts";
import { DocumentRows, maxDocuments, maxDocumentsBytes } from "../../../src/replica/document_rows.ts";
import { RowBatch } from "../../../src/replica/row_batch.ts";
import { deferred } from "../../testing/deferred.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
import { createFaultyStore, damagedValue, keysOf } from "../../testing/faulty_store.ts";

function make() {
  const store = createFaultyStore();
  const clock = createFakeClock();
  const log: string[] = [];
  const logger = {
    log: (_level: string, message: string, fields?: Readonly<Record<string, unknown>>) =>
      void log.push(`${message}: ${JSON.stringify(fields)}`),
    enabled: () => true,
  };
  const open = () => {
    const batch = new RowBatch({ store, clock, logger });
    return { batch, documents: new DocumentRows({ store, batch, logger }) };
  };
  const restored = async () => {
    const opened = open();
    await opened.documents.restore();
    return opened;
  };
  return { ...open(), store, clock, log, restored };
}

const document = (savedAt: number, bytes = 1) => ({ rawHeaders: [], body: new Uint8Array(bytes), savedAt });

test("DocumentRows.load gives the last copy, committed or not, and after a restart", async () => {
  const { store, clock, batch, documents, restored } = make();
  assert.equal(await documents.load("/apis"), undefined);
  const first = { rawHeaders: ["ETag", '"1"'], body: new Uint8Array([1, 10, 2]), savedAt: 17 };
  documents.save("/apis", first);
  assert.deepEqual(await documents.load("/apis"), first);
  const { promise, resolve } = deferred();
  store.held = promise;
  await clock.advance(200);
  assert.deepEqual(await documents.load("/apis"), first); // it is being committed
  resolve();
  await clock.advance(0);
  const second = { ...first, body: new Uint8Array(), savedAt: 18 };
  documents.save("/apis", second);
  assert.deepEqual(await documents.load("/apis"), second);
  await batch.flush();
  const again = (await restored()).documents;
  assert.deepEqual([await again.load("/apis"), again.size, again.bytes], [second, 1, documents.bytes]);
});

test("DocumentRows.load rejects with StoreError where its row does not open, and drops it", async () => {
  const { store, batch, documents } = make();
  documents.save("/apis", document(17));
  await batch.flush();
  await store.memory.commit({ put: [["d|/apis", damagedValue]] });
  await assert.rejects(documents.load("/apis"), StoreError);
  assert.deepEqual([await documents.load("/apis"), documents.size, documents.bytes], [undefined, 0, 0]);
  await batch.flush();
  assert.deepEqual(await keysOf(store), []);
});

test("DocumentRows.restore drops what does not open or is no document, and nothing else", async () => {
  const { store, batch, documents, restored, log } = make();
  for (const path of ["/a", "/b", "/c"]) documents.save(path, document(17));
  await batch.flush();
  await store.memory.commit({ put: [["d|/a", damagedValue]] });
  await store.commit({ put: [["d|/b", new Uint8Array([123, 125])]] });
  const again = await restored();
  assert.deepEqual([again.documents.size, (await again.documents.load("/c"))?.savedAt], [1, 17]);
  await again.batch.flush();
  assert.deepEqual(await keysOf(store), ["d|/c"]);
  assert.deepEqual(log, ['Copies of documents cannot be read: they are dropped: {"rows":1}']);
});

test("DocumentRows keeps so many documents, drops the least recently used, counts and says so", async () => {
  const { store, batch, documents, log } = make();
  for (let i = 0; i < maxDocuments; i++) documents.save(`/${i} q Accept`, document(i));
  await documents.load("/0 q Accept"); // from here on /1 is the oldest
  documents.save("/2 q Accept", document(3_000));
  assert.deepEqual([documents.size, documents.dropped], [maxDocuments, 0]);
  documents.save("/new q Accept", document(3_001));
  documents.save("/newer q Accept", document(3_002));
  assert.deepEqual([documents.size, documents.dropped], [maxDocuments, 2]);
  await batch.flush();
  const kept = new Set(await keysOf(store));
  assert.deepEqual(["/0", "/1", "/2", "/3", "/new"].map((path) => kept.has(`d|${path} q Accept`)), [
    true,
    false,
    true,
    false,
    true,
  ]);
  assert.equal(kept.size, maxDocuments);
  assert.equal(log.length, 2);
  assert.match(log[0] ?? "", /^A copy of a document is dropped for want of room: \{"path":"\/1",/);
});

test("DocumentRows keeps so many bytes, over a restart in the order of their times", async () => {
  const { store, batch, documents, restored } = make();
  const third = Math.floor(maxDocumentsBytes / 3) - 1_000;
  for (const [path, savedAt] of [["/b", 20], ["/a", 10], ["/c", 30]] as const) {
    documents.save(path, document(savedAt, third));
  }
  assert.deepEqual([documents.size, documents.bytes <= maxDocumentsBytes], [3, true]);
  await batch.flush();
  const again = await restored();
  again.documents.save("/d", document(40, third));
  assert.deepEqual([again.documents.size, again.documents.dropped], [3, 1]);
  await again.batch.flush();
  assert.deepEqual(await keysOf(store), ["d|/b", "d|/c", "d|/d"]);
  assert.equal(again.documents.clear(), 3);
  assert.deepEqual([again.documents.size, again.documents.bytes], [0, 0]);
  await again.batch.flush();
  assert.deepEqual(await keysOf(store), []);
});
