import assert from "node:assert/strict";
import { test } from "node:test";
import { HeldPorts } from "../../../src/cli/held_ports.ts";
import type { PortAddress } from "../../../src/cli/port_address.ts";
import type { Exchange } from "../../../src/platform/exchange.ts";
import type { ExchangeHandler, Listen, ServerTls } from "../../../src/platform/listener.ts";
import { createFakeClock, type FakeClock } from "../../testing/fake_clock.ts";

interface World {
  readonly clock: FakeClock;
  readonly listen: Listen;
  /** By port. */
  readonly handlers: Map<number, ExchangeHandler>;
  readonly closed: number[];
  readonly updated: ServerTls[];
  /** How often a port is still taken. */
  taken: number;
  /** Addresses that this machine does not have. */
  readonly missing: Set<string>;
}

function createWorld(): World {
  const handlers = new Map<number, ExchangeHandler>();
  const closed: number[] = [];
  const updated: ServerTls[] = [];
  const missing = new Set<string>();
  const listen: Listen = ({ hostname, port, maxConnections }, handler) => {
    assert.equal(maxConnections, 7);
    if (missing.has(hostname)) return Promise.reject(Object.assign(new Error("none"), { code: "EADDRNOTAVAIL" }));
    if (world.taken-- > 0) return Promise.reject(Object.assign(new Error("taken"), { code: "EADDRINUSE" }));
    handlers.set(port, handler);
    return Promise.resolve({
      hostname,
      port,
      counts: { open: 0, refused: 0, slow: 0 },
      updateTls: (tls) => void updated.push(tls),
      underWay: 0,
      announceEnd: () => undefined,
      release: () => Promise.resolve(),
      close: () => Promise.resolve(void closed.push(port)),
    });
  };
  const world: World = { clock: createFakeClock(), listen, handlers, closed, updated, taken: 0, missing };
  return world;
}

const open = ({ listen, clock }: World, addresses: readonly PortAddress[]) =>
  HeldPorts.open(addresses, { listen, clock, holdMs: 1_000, maxConnections: 7 });

function request({ handlers }: World, port: number, gone = new AbortController().signal): Promise<Response> {
  const exchange = { signal: gone } as unknown as Exchange; // all that is looked at
  const handler = handlers.get(port);
  assert.ok(handler);
  return Promise.resolve(handler(new Request("http://localhost/"), exchange));
}

const address = { hostname: "127.0.0.1", port: 1 };

test("HeldPorts keep requests until there is a handler, and give them to it", async () => {
  const world = createWorld();
  const ports = await open(world, [address]);
  const waiting = request(world, 1);
  await world.clock.advance(999);
  ports.take(address)?.serve(address, () => new Response("served"));
  assert.equal(await (await waiting).text(), "served");
  assert.equal(await (await request(world, 1)).text(), "served");
  assert.equal(world.clock.pending, 0);
});

test("HeldPorts answer 503 with a Status once a request has waited for its time, and let go of one whose client has gone", async () => {
  const world = createWorld();
  await open(world, [address]);
  const late = request(world, 1);
  const gone = new AbortController();
  const left = request(world, 1, gone.signal);
  gone.abort();
  await left;
  assert.equal(world.clock.pending, 1);
  await world.clock.advance(1_000);
  const answer = await late;
  assert.deepEqual([answer.status, answer.headers.get("retry-after")], [503, null]);
  assert.match(await answer.text(), /"reason":"ServiceUnavailable"/);
});

test("HeldPorts.open tries again while a port is taken, and no longer than two seconds", async () => {
  const world = createWorld();
  world.taken = 3;
  const opened = open(world, [address]);
  await world.clock.advance(6);
  await opened;
  world.taken = 10_000;
  const refused = assert.rejects(open(world, [address, { hostname: "127.0.0.1", port: 2 }]), /taken/);
  await world.clock.advance(2_000);
  await refused;
});

test("HeldPorts gives each port once, with the newest certificate, and closes what nobody takes", async () => {
  const world = createWorld();
  const tls = { cert: "old", key: "old", clientCa: "ca" };
  const ports = await open(world, [address, { hostname: "127.0.0.1", port: 2, tls }, { hostname: "::1", port: 3 }]);
  const renewed = { ...tls, cert: "new" };
  const held = ports.take({ hostname: "127.0.0.1", port: 2 });
  assert.equal(ports.take({ hostname: "127.0.0.1", port: 2 }), undefined);
  assert.deepEqual(
    [{ tls: renewed }, { tls: { cert: "new", key: "new" } }, {}].map((options) =>
      held?.serves({ ...address, ...options })
    ),
    [true, false, false],
  );
  held?.serve({ ...address, tls: renewed }, () => new Response());
  assert.deepEqual(world.updated, [renewed]);
  await ports.closeOthers();
  assert.deepEqual(world.closed, [1, 3]);
});

test("HeldPorts.open does without an address that this machine does not have: the hub makes its interface anew", async () => {
  const world = createWorld();
  world.missing.add("169.254.2.1");
  const dummy = { hostname: "169.254.2.1", port: 2 };
  const ports = await open(world, [dummy, address]);
  assert.equal(ports.take(dummy), undefined);
  assert.equal(ports.take(address)?.port, 1);
});

test("HeldPorts let in what has waited without more at once than a hub may refuse, and watches do not hold the rest up", async () => {
  const world = createWorld();
  const ports = await open(world, [address]);
  const watches = Array.from({ length: 150 }, () => request(world, 1));
  const reads = Array.from({ length: 300 }, () => request(world, 1));
  let [begun, under, most] = [0, 0, 0];
  ports.take(address)?.serve(address, async () => {
    if (++begun <= watches.length) return await new Promise<Response>(() => undefined);
    most = Math.max(most, ++under);
    await new Promise((resolve) => setTimeout(resolve, 0));
    under--;
    return new Response("read");
  });
  const answered = Promise.all(reads);
  await world.clock.advance(49);
  assert.equal(begun, 64);
  await world.clock.advance(51);
  assert.equal((await answered).length, 300);
  assert.deepEqual([begun, most <= 64], [450, true]);
});
