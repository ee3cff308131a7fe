import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sink } from "../../../src/platform/bytes.ts";
import { PacedWriter } from "../../../src/replica/paced_writer.ts";
import { type Deferred, deferred } from "../../testing/deferred.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";

const kib = 1024;

function make() {
  const clock = createFakeClock();
  const writes: Uint8Array[] = [];
  const closed = deferred<boolean>();
  const slow: { room?: Deferred<void> } = {};
  const sink: Sink = {
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

test("PacedWriter joins small chunks up to 64 KiB, in order", () => {
  const { writes, writer } = make();
  for (let chunk = 0; chunk < 63; chunk++) assert.equal(writer.push(new Uint8Array(kib).fill(chunk)), undefined);
  assert.equal(writes.length, 0);
  assert.equal(writer.push(new Uint8Array(kib).fill(63)), undefined);
  assert.deepEqual(writes.map(({ length }) => length), [64 * kib]);
  assert.deepEqual(Array.from({ length: 64 }, (_, chunk) => writes[0]?.[chunk * kib]), [...Array(64).keys()]);
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
  const pushed = writer.push(new Uint8Array(64 * kib));
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
