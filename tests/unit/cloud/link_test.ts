import assert from "node:assert/strict";
import { test } from "node:test";
import { Cloud } from "../../../src/cloud/cloud.ts";
import { Link } from "../../../src/cloud/link.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
import { createFakeUpstream } from "../../testing/fake_upstream.ts";

/** A link with an interval of 10 s, 1 s while offline and 2 s for a check, without jitter. */
function make() {
  const upstream = createFakeUpstream();
  const clock = createFakeClock();
  const lines: string[] = [];
  const link = new Link({
    cloud: new Cloud({ upstream, callerUpstream: upstream, host: "h" }),
    clock,
    random: { float: () => 0.5, bytes: (length) => new Uint8Array(length) },
    logger: { log: (level, message) => void lines.push(`${level} ${message}`), enabled: () => true },
  });
  const states: string[] = [];
  link.onChange(() => void states.push(link.state));
  return { upstream, clock, link, lines, states, checks: () => upstream.requests.length };
}

test("Link is unknown until its first check, which start waits for", async () => {
  const { link, lines, states } = make();
  assert.equal(link.state, "unknown");
  await link.start();
  assert.deepEqual([link.state, states, lines], ["online", ["online"], ["info The cloud is online"]]);
  link.close();
});

for (
  const [what, answer, reason] of [
    ["is refused", "refused", "connection refused"],
    ["answers /readyz with 500", 500, "/readyz answered 500"],
    ["answers /readyz with 401", 401, "/readyz answered 401"],
    ["answers /readyz with a redirect", 302, "/readyz answered 302"],
  ] as const
) {
  test(`Link is offline where the cloud ${what}`, async () => {
    const { link, upstream } = make();
    upstream.answer = answer;
    await link.start();
    assert.deepEqual([link.state, link.reason], ["offline", reason]);
    link.close();
  });
}

test("Link is offline where a check is not answered within 2 s, and asks no more of it", async () => {
  const { link, clock, upstream } = make();
  upstream.answer = "silence";
  const started = link.start();
  await clock.advance(1_999);
  assert.equal(link.state, "unknown");
  await clock.advance(1);
  await started;
  assert.deepEqual([link.state, link.reason], ["offline", "no answer within 2000 ms"]);
  assert.equal(upstream.requests[0]?.signal.aborted, true);
  link.close();
});

test("Link checks every 10 s while online, every second while offline, and tells each change once", async () => {
  const { link, clock, upstream, states, lines, checks } = make();
  await link.start();
  await clock.advance(30_000);
  assert.equal(checks(), 4);
  upstream.answer = "refused";
  await clock.advance(10_000);
  const since = link.since;
  await clock.advance(5_000);
  assert.deepEqual([checks(), states, link.since], [10, ["online", "offline"], since]);
  upstream.answer = 200;
  await clock.advance(1_000);
  assert.deepEqual([states, link.since], [["online", "offline", "online"], clock.now()]);
  assert.deepEqual(lines, ["info The cloud is online", "warn The cloud is offline", "info The cloud is online"]);
  link.close();
});

test("Link.suspect checks at once, once for many", async () => {
  const { link, clock, upstream, checks } = make();
  await link.start();
  upstream.answer = "silence";
  for (let i = 0; i < 5; i++) link.suspect();
  await clock.advance(0);
  assert.equal(checks(), 2);
  for (let i = 0; i < 5; i++) link.suspect();
  await clock.advance(1_999);
  assert.deepEqual([checks(), link.state], [2, "online"]);
  await clock.advance(1);
  assert.equal(link.state, "offline");
  link.close();
});

test("Link.suspect of a link that answers changes nothing", async () => {
  const { link, clock, states, checks } = make();
  await link.start();
  link.suspect();
  await clock.advance(0);
  assert.deepEqual([checks(), states], [2, ["online"]]);
  link.close();
});

test("Link.confirm checks now, once for many, and tells whether the cloud is ready", async () => {
  const { link, clock, upstream, checks } = make();
  await link.start();
  const { signal } = new AbortController();
  assert.deepEqual(await Promise.all([link.confirm(signal), link.confirm(signal)]), [true, true]);
  assert.equal(checks(), 2);
  upstream.answer = 500;
  assert.deepEqual([await link.confirm(signal), link.state], [false, "offline"]);
  upstream.answer = "silence";
  const client = new AbortController();
  const confirmed = link.confirm(client.signal);
  client.abort();
  assert.equal(await confirmed, false);
  assert.equal(await link.confirm(client.signal), false);
  link.close();
  await clock.advance(0);
  assert.deepEqual([await link.confirm(signal), clock.pending], [false, 0]);
});

test("Link.isReady takes a check that is young enough, else checks now; never a link that is cut", async () => {
  const { link, clock, upstream, checks } = make();
  const { signal } = new AbortController();
  assert.deepEqual([await link.isReady(1_000, signal), checks()], [true, 1]); // unknown until then
  await clock.advance(1_000);
  assert.deepEqual([await link.isReady(1_000, signal), checks()], [true, 1]);
  await clock.advance(1);
  assert.deepEqual(await Promise.all([link.isReady(1_000, signal), link.isReady(1_000, signal)]), [true, true]);
  assert.equal(checks(), 2);
  await clock.advance(1_001);
  upstream.answer = 403;
  assert.deepEqual([await link.isReady(1_000, signal), link.state, checks()], [false, "offline", 3]);
  upstream.answer = 200;
  assert.deepEqual([await link.isReady(1_000, signal), checks()], [false, 3]);
  assert.deepEqual([await link.confirm(signal), await link.isReady(1_000, AbortSignal.abort())], [true, false]);
  link.close();
});

test("Link.confirm that finds the cloud not ready is followed by checks every second", async () => {
  const { link, clock, upstream, checks } = make();
  await link.start();
  await clock.advance(1_000);
  upstream.answer = 500;
  assert.equal(await link.confirm(new AbortController().signal), false);
  await clock.advance(0);
  const before = checks();
  await clock.advance(3_000);
  assert.equal(checks() - before, 3);
  upstream.answer = 200;
  await clock.advance(1_000);
  assert.equal(link.state, "online");
  link.close();
});

test("Link.online resolves when the link is, rejects with the signal's reason, and leaves no listener", async () => {
  const { link, clock, upstream } = make();
  upstream.answer = "refused";
  await link.start();
  const client = new AbortController();
  const gone = link.online(client.signal);
  const waiting = link.online(new AbortController().signal);
  client.abort(new Error("the client has gone"));
  await assert.rejects(gone, /the client has gone/);
  await assert.rejects(link.online(client.signal), /the client has gone/);
  upstream.answer = 200;
  await clock.advance(1_000);
  await waiting;
  await link.online(client.signal); // it is: the signal does not matter any more
  link.close();
});

test("Link.onChange stops", async () => {
  const { link, clock, upstream } = make();
  let told = 0;
  const stop = link.onChange(() => told++);
  await link.start();
  stop();
  upstream.answer = "refused";
  await clock.advance(10_000);
  assert.deepEqual([told, link.state], [1, "offline"]);
  link.close();
});

test("Link.close ends a check without a change of state, and leaves no timer", async () => {
  const { link, clock, upstream, checks } = make();
  await link.start();
  upstream.answer = "silence";
  link.suspect();
  await clock.advance(0);
  link.close();
  await clock.advance(60_000);
  assert.deepEqual([link.state, checks(), clock.pending], ["online", 2, 0]);
});
