import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sink } from "../../../src/platform/bytes.ts";
import { PacedWriter } from "../../../src/replica/paced_writer.ts";
import { type Deferred, deferred } from "../../testing/deferred.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";

const kib = 1024;

function make(traits: Pick<Sink, "releases"> = {}) {
  const clock = createFakeClock();
  const writes: Uint8Array[] = [];
  const closed = deferred<boolean>();
  const slow: { room?: Deferred<void> } = {};
  const sink: Sink = {
    ...traits,
    closed: closed.promise,
    write: (chunk) => {
      writes.push(chunk);
      return slow.room?.promise;
    },
    end: () => closed.resolve(true),
    destroy: () => {
      closed.resolve(false);
      slow.room?.resolve(); // as every sink's does, once the other side has gone
    },
  };
  return { clock, writes, closed, slow, writer: new PacedWriter(sink, clock) };
}

test("PacedWriter joins small chunks up to 128 KiB, in order", () => {
  const { writes, writer } = make();
  for (let chunk = 0; chunk < 127; chunk++) assert.equal(writer.push(new Uint8Array(kib).fill(chunk)), undefined);
  assert.equal(writes.length, 0);
  assert.equal(writer.push(new Uint8Array(kib).fill(127)), undefined);
  assert.deepEqual(writes.map(({ length }) => length), [128 * kib]);
  assert.deepEqual(Array.from({ length: 128 }, (_, chunk) => writes[0]?.[chunk * kib]), [...Array(128).keys()]);
});

test("PacedWriter writes a chunk as it is where nothing was pushed before it: it may be shared by many", () => {
  const { writes, writer } = make();
  const chunk = new Uint8Array(10);
  void writer.push(chunk);
  void writer.flush();
  assert.equal(writes[0], chunk);
});

const framing = { lead: Uint8Array.of(1, 2), skip: 3, tail: Uint8Array.of(9), fits: () => true };

test("PacedWriter.pushFramed writes objects with what stands around them, and nothing of what is left out", () => {
  const { writes, writer } = make();
  void writer.push(Uint8Array.of(0));
  void writer.pushFramed(framing, Uint8Array.of(5, 5, 5, 6, 7));
  void writer.pushFramed({ ...framing, skip: 0 }, Uint8Array.of(8));
  void writer.push(Uint8Array.of(4));
  void writer.flush();
  assert.deepEqual(writes, [Uint8Array.of(0, 1, 2, 6, 7, 9, 1, 2, 8, 9, 4)]);
});

test("PacedWriter.pushFramed tears no object apart, however long it is", () => {
  const { writes, writer } = make();
  for (const length of [2 * kib, 127 * kib, 128 * kib, 300 * kib, 10]) {
    void writer.pushFramed(framing, new Uint8Array(length).fill(length % 251));
  }
  void writer.flush();
  assert.deepEqual(writes.map(({ length }) => length), [2 * kib, 127 * kib, 128 * kib, 300 * kib, 10]);
  for (const write of writes) assert.deepEqual([write[0], write.at(-1)], [1, 9]);
});

for (const releases of [true, false]) {
  test(`PacedWriter ${releases ? "writes over" : "never writes over"} memory that has found room, of a sink that ${releases ? "says" : "does not say"} that it may`, async () => {
    const { clock, slow, writes, writer } = make(releases ? { releases } : {});
    const object = new Uint8Array(100 * kib);
    const buffers = async () => {
      slow.room = deferred();
      void writer.pushFramed(framing, object);
      void writer.flush();
      slow.room.resolve();
      await clock.advance(0);
      return writes.at(-1)?.buffer;
    };
    const first = await buffers();
    assert.equal(first === await buffers(), releases);
  });
}

test("PacedWriter writes over no memory whose write has not found room, nor over what was pushed as it is", async () => {
  const { clock, slow, writes, writer } = make({ releases: true });
  slow.room = deferred();
  const own = new Uint8Array(128 * kib);
  void writer.push(own);
  void writer.pushFramed(framing, new Uint8Array(100 * kib));
  void writer.pushFramed(framing, new Uint8Array(100 * kib));
  void writer.flush();
  assert.equal(new Set(writes.map(({ buffer }) => buffer)).size, 3);
  slow.room.resolve();
  await clock.advance(0);
  for (let write = 0; write < 5; write++) {
    slow.room = deferred();
    void writer.pushFramed(framing, new Uint8Array(100 * kib));
    void writer.flush();
    slow.room.resolve();
    await clock.advance(0);
  }
  assert.ok(writes.slice(3).every(({ buffer }) => buffer !== own.buffer));
});

test("PacedWriter.flush writes what was pushed, and nothing where nothing was", () => {
  const { writes, writer } = make();
  assert.equal(writer.flush(), undefined);
  void writer.push(new Uint8Array([1]));
  void writer.push(new Uint8Array([2, 3]));
  void writer.flush();
  void writer.flush();
  assert.deepEqual(writes, [new Uint8Array([1, 2, 3])]);
});

test("PacedWriter waits for room only where the reader is slow", async () => {
  const { clock, slow, writer } = make();
  const room = deferred();
  slow.room = room;
  const pushed = writer.push(new Uint8Array(128 * kib));
  assert.ok(pushed instanceof Promise);
  let went = false;
  void pushed.then(() => went = true);
  await clock.advance(59_999);
  assert.deepEqual([went, writer.gone], [false, false]);
  room.resolve();
  await clock.advance(0);
  assert.deepEqual([went, writer.gone, clock.pending], [true, false, 0]);
  await clock.advance(60_000);
  assert.equal(writer.gone, false);
});

test("R13: PacedWriter gives up a reader that takes nothing for 60 s", async () => {
  const { clock, closed, slow, writer } = make();
  slow.room = deferred();
  void writer.push(new Uint8Array([1]));
  const flushed = writer.flush();
  await clock.advance(59_999);
  assert.equal(writer.gone, false);
  await clock.advance(1);
  await flushed;
  assert.deepEqual([writer.gone, await closed.promise, clock.pending], [true, false, 0]);
});

test("PacedWriter: the 60 s begin anew with each write that has found room", async () => {
  const { clock, slow, writer } = make();
  for (let write = 0; write < 3; write++) {
    const room = deferred();
    slow.room = room;
    void writer.push(new Uint8Array([1]));
    void writer.flush();
    await clock.advance(50_000);
    room.resolve();
    await clock.advance(5_000);
  }
  assert.deepEqual([writer.gone, clock.pending], [false, 0]);
});

test("PacedWriter.gone tells that the reader has left by itself", async () => {
  const { clock, closed, writer } = make();
  closed.resolve(false);
  await clock.advance(0);
  assert.equal(writer.gone, true);
});
