import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import { Connections } from "../../adapters/shared/connections.ts";
import { createPatientSource } from "../../adapters/shared/patient_source.ts";
import { createFakeClock } from "../testing/fake_clock.ts";

/** What of a socket is looked at. */
class FakeSocket extends EventEmitter {
  readonly remoteAddress = "127.0.0.1";
  readonly localAddress = "127.0.0.1";
  readonly remotePort: number;
  destroyed = false;

  constructor(remotePort: number) {
    super();
    this.remotePort = remotePort;
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit("close");
  }
}

const socketOf = (fake: FakeSocket) => fake as unknown as Socket; // all that is looked at

function open(ports: readonly number[], limit = 10) {
  const clock = createFakeClock();
  const connections = new Connections({ limit, headersTimeoutMs: 60_000, idleTimeoutMs: 180_000, clock });
  const sockets = ports.map((port) => new FakeSocket(port));
  for (const socket of sockets) connections.add(socketOf(socket));
  return { clock, connections, sockets };
}

test("Connections ends who has asked nothing within the first limit, and who asks nothing more within the second", async () => {
  const { clock, connections, sockets: [silent, asked, busy] } = open([1, 2, 3]);
  assert.ok(silent !== undefined && asked !== undefined && busy !== undefined);
  connections.begin(socketOf(asked)).end();
  const watch = connections.begin(socketOf(busy));
  await clock.advance(75_000);
  assert.deepEqual([silent.destroyed, asked.destroyed, busy.destroyed], [true, false, false]);
  await clock.advance(120_000);
  assert.deepEqual([asked.destroyed, busy.destroyed], [true, false]);
  await clock.advance(3_600_000);
  assert.deepEqual([busy.destroyed, connections.counts], [false, { open: 1, refused: 0, slow: 2 }]);
  watch.end();
  await clock.advance(195_000);
  assert.deepEqual([busy.destroyed, connections.counts], [true, { open: 0, refused: 0, slow: 3 }]);
  assert.equal(clock.pending, 0);
});

test("Connections takes a connection that speaks TLS from now on for the one that it was", async () => {
  const { clock, connections, sockets: [raw] } = open([1]);
  assert.ok(raw !== undefined);
  const secured = new FakeSocket(1);
  connections.secured(socketOf(secured));
  assert.equal(connections.counts.open, 1);
  await clock.advance(75_000);
  assert.deepEqual([secured.destroyed, connections.counts.open], [true, 0]);
});

test("Connections past its limit ends the oldest without a request, and the new one where each has one", () => {
  const { connections, sockets: [first, second] } = open([1, 2], 2);
  assert.ok(first !== undefined && second !== undefined);
  connections.begin(socketOf(first));
  const [third, fourth] = [new FakeSocket(3), new FakeSocket(4)];
  connections.add(socketOf(third));
  assert.deepEqual([first, second, third].map(({ destroyed }) => destroyed), [false, true, false]);
  connections.begin(socketOf(third));
  connections.add(socketOf(fourth));
  assert.deepEqual([first, third, fourth].map(({ destroyed }) => destroyed), [false, false, true]);
  assert.deepEqual(connections.counts, { open: 2, refused: 2, slow: 0 });
});

function createBody(isAnswered = () => false) {
  const clock = createFakeClock();
  const cuts: string[] = [];
  let send: (length: number) => void = () => undefined;
  const source = {
    [Symbol.asyncIterator]: () => ({
      next: () =>
        new Promise<IteratorResult<Uint8Array>>((resolve) => {
          send = (length) => resolve({ done: false, value: new Uint8Array(length) });
        }),
    }),
  };
  const cut = (reason: Error) => void cuts.push(reason.message);
  const gaveUp = () => void cuts.push("counted");
  const body = createPatientSource(source, { patienceMs: 60_000, clock, isAnswered, cut, gaveUp });
  const iterator = body[Symbol.asyncIterator]();
  return { clock, cuts, iterator, send: (length: number) => send(length) };
}

test("createPatientSource gives up once it has waited for too long, all waits together", async () => {
  const { clock, cuts, iterator, send } = createBody();
  for (let i = 0; i < 2; i++) {
    const next = iterator.next();
    await clock.advance(29_000);
    send(1);
    await next;
    // What nobody waits for is nobody's fault.
    await clock.advance(600_000);
  }
  const last = assert.rejects(Promise.resolve(iterator.next()), /too slowly/);
  await clock.advance(2_010);
  await last;
  assert.deepEqual(cuts, ["counted", "The client sends its request too slowly"]);
});

test("createPatientSource waits a second more for each KiB that has come", async () => {
  const { clock, cuts, iterator, send } = createBody();
  for (let i = 0; i < 20; i++) {
    const next = iterator.next();
    await clock.advance(9_900);
    send(10 * 1024);
    await next;
  }
  assert.deepEqual([cuts, clock.pending], [[], 0]);
});

test("createPatientSource waits for ever where the answer has begun", async () => {
  const { clock, cuts, iterator, send } = createBody(() => true);
  const next = iterator.next();
  await clock.advance(3_600_000);
  send(3);
  assert.deepEqual(await next, { done: false, value: new Uint8Array(3) });
  assert.deepEqual(cuts, []);
});
