import assert from "node:assert/strict";
import { test } from "node:test";
import { SecureListener } from "../../../src/cli/secure_listener.ts";
import type { Listen, Listener } from "../../../src/platform/listener.ts";
import { createFakeClock, type FakeClock } from "../../testing/fake_clock.ts";
import { createFakeRandom } from "../../testing/fake_random.ts";
import { silentLogger } from "../../testing/lone_replica.ts";

interface World {
  readonly clock: FakeClock;
  readonly secure: SecureListener;
  /** Why the address cannot be had; nothing where it can. */
  code: string | undefined;
  /** The certificate that there is. */
  cert: string | undefined;
  tries: number;
  open: boolean;
  /** There is another certificate. */
  changed(): void;
}

function createWorld(): World {
  const clock = createFakeClock();
  const listen: Listen = () => {
    world.tries++;
    if (world.code !== undefined) return Promise.reject(Object.assign(new Error(world.code), { code: world.code }));
    world.open = true;
    const listener: Listener = {
      hostname: "127.0.0.1",
      port: 10_268,
      counts: { open: 1, refused: 0, slow: 0 },
      updateTls: () => undefined,
      underWay: 0,
      announceEnd: () => undefined,
      release: () => Promise.resolve(),
      close: () => Promise.resolve(void (world.open = false)),
    };
    return Promise.resolve(listener);
  };
  const certificate = {
    current: () => world.cert === undefined ? undefined : { cert: world.cert, key: "key" },
    onChange: (listener: () => void) => void (world.changed = listener),
  };
  const secure = new SecureListener({
    ...{ listen, certificate, clock, random: createFakeRandom(), logger: silentLogger },
    hostname: "127.0.0.1",
    addressFlag: "bind-proxy-address",
    port: 10_268,
    maxConnections: 10,
    clientCa: () => undefined,
  });
  const world: World = {
    ...{ clock, secure, tries: 0, open: false },
    code: undefined,
    cert: "cert",
    changed: () => undefined,
  };
  return world;
}

const start = (world: World) => world.secure.start(() => new Response());

for (const code of ["EADDRINUSE", "EADDRNOTAVAIL"]) {
  test(`SecureListener tries again until it has its address (${code}), and says why meanwhile`, async () => {
    const world = createWorld();
    world.code = code;
    await start(world);
    assert.match(world.secure.problem ?? "", new RegExp(code));
    await world.clock.advance(10 * 60_000);
    assert.ok(world.tries >= 12 && world.tries <= 30, `${world.tries} tries`); // a minute apart at most
    assert.match(world.secure.problem ?? "", new RegExp(code));
    world.code = undefined;
    await world.clock.advance(60_000);
    assert.deepEqual([world.open, world.secure.problem, world.clock.pending], [true, undefined, 0]);
    await world.secure.close(0);
    assert.equal(world.open, false);
  });
}

test("SecureListener tries again where the address is taken when the certificate comes, and at once with the next", async () => {
  const world = createWorld();
  world.cert = undefined;
  await start(world);
  await world.clock.advance(60_000);
  assert.equal(world.tries, 0);
  assert.match(world.secure.problem ?? "", /no serving certificate yet/);
  world.code = "EADDRINUSE";
  world.cert = "cert";
  world.changed();
  await world.clock.advance(0);
  assert.equal(world.tries, 1);
  world.code = undefined;
  world.changed();
  await world.clock.advance(0);
  assert.deepEqual([world.tries, world.open, world.clock.pending], [2, true, 0]);
  await world.secure.close(0);
});

test("SecureListener does not try again once it is closed", async () => {
  const world = createWorld();
  world.code = "EADDRINUSE";
  await start(world);
  await world.secure.close(0);
  await world.clock.advance(60_000);
  assert.deepEqual([world.tries, world.clock.pending], [1, 0]);
});
