import assert from "node:assert/strict";
import { test } from "node:test";
import { UpstreamError } from "../../../src/platform/upstream.ts";
import { deferred } from "../../testing/deferred.ts";
import { issuing, linkScene } from "./link_scene.ts";

test("Link is unknown until its first check, which start waits for", async () => {
  const { link, lines, states } = linkScene();
  assert.equal(link.state, "unknown");
  await link.start();
  assert.deepEqual([link.state, states, lines], ["online", ["online"], ["info The cloud is online"]]);
  link.close();
});

for (
  const [what, answer, reason] of [
    ["is refused", "refused", "connection refused"],
    ["breaks off", "broken", "connection reset"],
    ["answers /readyz with 500", 500, "/readyz answered 500"],
    ["answers /readyz with 401", 401, "/readyz answered 401"],
    ["answers /readyz with a redirect", 302, "/readyz answered 302"],
    ["answers everything with a page", { status: 200, body: "<html>Log in" }, "/readyz answered 200, but not ok"],
  ] as const
) {
  test(`Link is offline at the first check where the cloud ${what}`, async () => {
    const { link, upstream, checks } = linkScene();
    upstream(0).answer = answer;
    await link.start();
    assert.deepEqual([link.state, link.reason, checks()], ["offline", reason, 1]);
    link.close();
  });

  test(`Link that was online is offline once three tries have found that the cloud ${what}`, async () => {
    const { link, clock, upstream, checks } = linkScene();
    await link.start();
    upstream(0).answer = answer;
    await clock.advance(10_000);
    assert.deepEqual([link.state, link.reason, checks()], ["offline", reason, 4]);
    link.close();
  });
}

test("Link stays online where one of three tries succeeds", async () => {
  const { link, clock, upstream, states, checks } = linkScene();
  await link.start();
  let asked = 0;
  upstream(0).answer = () => ++asked < 3 ? "broken" : 200;
  await clock.advance(10_000);
  assert.deepEqual([states, checks()], [["online"], 4]);
  link.close();
});

test("Link is offline where a first check is not answered within 2 s, and asks no more of it", async () => {
  const { link, clock, upstream } = linkScene();
  upstream(0).answer = "silence";
  const started = link.start();
  await clock.advance(1_999);
  assert.equal(link.state, "unknown");
  await clock.advance(1);
  await started;
  assert.deepEqual([link.state, link.reason], ["offline", "no answer within 2000 ms"]);
  assert.equal(upstream(0).requests[0]?.signal.aborted, true);
  link.close();
});

test("Link that was online is offline 3.4 s after a check began that nobody answers, the tries beside each other", async () => {
  const { link, clock, upstream, checks } = linkScene();
  await link.start();
  upstream(0).answer = "silence";
  await clock.advance(10_000);
  assert.equal(checks(), 2);
  await clock.advance(1_400);
  assert.deepEqual([checks(), link.state], [4, "online"]);
  await clock.advance(1_900);
  assert.equal(link.state, "online");
  await clock.advance(100);
  assert.equal(link.state, "offline");
  link.close();
});

test("Link: the first try goes where the watches are, those after it over new connections", async () => {
  const { link, clock, upstream } = linkScene();
  await link.start();
  upstream(0).answer = "broken";
  await clock.advance(10_000);
  const tries = upstream(0).requests.filter(({ rawPath }) => rawPath === "/readyz").slice(1);
  assert.deepEqual(tries.map(({ longRunning }) => longRunning ?? false), [true, false, false]);
  assert.deepEqual(tries.map(({ newConnection }) => newConnection ?? false), [false, true, true]);
  link.close();
});

test("Link takes new connections to a backend that has died, once, and none to one that drains", async () => {
  for (const [answer, rotations] of [["silence", 1], ["broken", 1], [500, 0]] as const) {
    const { link, clock, upstream } = linkScene();
    await link.start();
    upstream(0).answer = answer;
    await clock.advance(30_000);
    assert.deepEqual([link.state, upstream(0).rotations], ["offline", rotations]);
    link.close();
  }
});

test("Link takes new connections to a backend that answers on new ones only", async () => {
  const { link, clock, upstream, states } = linkScene();
  await link.start();
  upstream(0).answer = ({ newConnection }) => newConnection === true ? 200 : "silence";
  await clock.advance(10_700);
  assert.deepEqual([states, upstream(0).rotations], [["online"], 1]);
  upstream(0).answer = 200;
  await clock.advance(20_000);
  assert.equal(upstream(0).rotations, 1);
  link.close();
});

test("Link checks every 10 s while online, every 0.8 s while offline, and tells each change once", async () => {
  const { link, clock, upstream, states, lines, checks } = linkScene();
  await link.start();
  await clock.advance(30_000);
  assert.equal(checks(), 4);
  upstream(0).answer = "refused";
  await clock.advance(10_000);
  const since = link.since;
  assert.equal(checks(), 7);
  await clock.advance(8_000);
  assert.deepEqual([checks(), states, link.since], [17, ["online", "offline"], since]);
  upstream(0).answer = 200;
  await clock.advance(800);
  assert.deepEqual([states, link.since], [["online", "offline", "online"], clock.now()]);
  assert.deepEqual(lines, ["info The cloud is online", "warn The cloud is offline", "info The cloud is online"]);
  link.close();
});

for (const answer of ["silence", "broken", 500] as const) {
  test(`Link that was offline for ${answer} is online within 2 s of an answer, after two checks`, async () => {
    const { link, clock, upstream, backend } = linkScene();
    await link.start();
    upstream(0).answer = answer;
    await clock.advance(20_000);
    assert.equal(link.state, "offline");
    upstream(0).answer = 200;
    const seen = new Set<string>();
    for (let tookMs = 0; tookMs < 950; tookMs += 50) {
      seen.add(backend(0).health.state);
      await clock.advance(50);
    }
    assert.deepEqual([[...seen].slice(0, 2), link.state], [["unhealthy", "recovering"], "online"]);
    link.close();
  });
}

test("Link: a check that hangs does not keep the next one from noticing the return", async () => {
  const { link, clock, upstream } = linkScene();
  upstream(0).answer = "silence";
  const started = link.start();
  await clock.advance(2_000);
  await started;
  await clock.advance(900); // one more has begun, and hangs
  upstream(0).answer = 200;
  await clock.advance(950);
  assert.equal(link.state, "online");
  await clock.advance(5_000); // what hung is over, and is old news
  assert.equal(link.state, "online");
  link.close();
});

test("Link.suspect checks at once, once for many", async () => {
  const { link, clock, upstream, checks } = linkScene();
  await link.start();
  upstream(0).answer = "silence";
  for (let i = 0; i < 5; i++) link.suspect();
  await clock.advance(0);
  assert.equal(checks(), 2);
  for (let i = 0; i < 5; i++) link.suspect();
  await clock.advance(3_300);
  assert.deepEqual([checks(), link.state], [4, "online"]);
  await clock.advance(100);
  assert.equal(link.state, "offline");
  link.close();
});

test("Link.suspect of a link that answers changes nothing", async () => {
  const { link, clock, states, checks } = linkScene();
  await link.start();
  link.suspect();
  await clock.advance(0);
  assert.deepEqual([checks(), states], [2, ["online"]]);
  link.close();
});

test("Link.suspect of a link that is offline does not check more often", async () => {
  const { link, clock, upstream, checks } = linkScene();
  upstream(0).answer = "refused";
  await link.start();
  for (let i = 0; i < 5; i++) link.suspect();
  await clock.advance(700);
  assert.equal(checks(), 1);
  link.close();
});

test("Link.confirm checks now, once for many, and tells whether the cloud is ready", async () => {
  const { link, clock, upstream, checks } = linkScene();
  await link.start();
  const { signal } = new AbortController();
  assert.deepEqual(await Promise.all([link.confirm(signal), link.confirm(signal)]), [true, true]);
  assert.equal(checks(), 2);
  upstream(0).answer = 500;
  assert.deepEqual([await link.confirm(signal), link.state], [false, "offline"]);
  upstream(0).answer = "silence";
  const client = new AbortController();
  const confirmed = link.confirm(client.signal);
  client.abort();
  assert.equal(await confirmed, false);
  assert.equal(await link.confirm(client.signal), false);
  link.close();
  await clock.advance(0);
  assert.deepEqual([await link.confirm(signal), clock.pending], [false, 0]);
});

test("Link.confirm of one backend asks that one alone", async () => {
  const { link, clock, upstream, checks, backend } = linkScene({ backends: 2 });
  await link.start();
  await clock.advance(0);
  upstream(1).answer = 500;
  const { signal } = new AbortController();
  assert.equal(await link.confirm(signal, backend(1)), false);
  assert.deepEqual([checks(0), checks(1), link.state], [1, 4, "online"]);
  assert.equal(await link.confirm(signal), true);
  link.close();
});

test("Link.online resolves when the link is, rejects with the signal's reason, and leaves no listener", async () => {
  const { link, clock, upstream } = linkScene();
  upstream(0).answer = "refused";
  await link.start();
  const client = new AbortController();
  const gone = link.online(client.signal);
  const waiting = link.online(new AbortController().signal);
  client.abort(new Error("the client has gone"));
  await assert.rejects(gone, /the client has gone/);
  await assert.rejects(link.online(client.signal), /the client has gone/);
  upstream(0).answer = 200;
  await clock.advance(800);
  await waiting;
  await link.online(client.signal); // it is: the signal does not matter any more
  link.close();
});

test("Link.onChange and onHeartbeat stop", async () => {
  const { link, clock, upstream } = linkScene();
  let told = 0;
  let beats = 0;
  const stops = [link.onChange(() => told++), link.onHeartbeat(() => beats++)];
  await link.start();
  await clock.advance(10_000);
  for (const stop of stops) stop();
  await clock.advance(10_000);
  upstream(0).answer = "refused";
  await clock.advance(10_000);
  assert.deepEqual([told, beats, link.state], [1, 2, "offline"]);
  link.close();
});

test("Link.onHeartbeat tells of each healthy backend at its interval, not of those that only recover", async () => {
  const { link, clock, upstream, backend } = linkScene({ backends: 2 });
  upstream(1).answer = "broken";
  const beats: string[] = [];
  link.onHeartbeat(({ address }) => void beats.push(address));
  await link.start();
  await clock.advance(20_000);
  assert.deepEqual(beats, ["api-0", "api-0", "api-0"]);
  upstream(1).answer = 200;
  await clock.advance(800);
  assert.deepEqual([backend(1).health.state, beats.length], ["recovering", 3]);
  await clock.advance(150);
  assert.equal(beats.at(-1), "api-1");
  link.close();
});

test("Link.close ends a check without a change of state, and leaves no timer", async () => {
  const { link, clock, upstream, checks } = linkScene();
  await link.start();
  upstream(0).answer = "silence";
  link.suspect();
  await clock.advance(0);
  link.close();
  await clock.advance(60_000);
  assert.deepEqual([link.state, checks(), clock.pending], ["online", 2, 0]);
});

test("Link of two is online as long as one is healthy, says the state of each, and is unknown until one is", async () => {
  const { link, clock, upstream, states, lines } = linkScene({
    backends: 2,
    known: { caHashes: [], issuer: "https://k" },
  });
  upstream(0).answer = "silence";
  upstream(1).answer = "refused";
  const started = link.start();
  await clock.advance(1_000);
  assert.equal(link.state, "unknown");
  upstream(1).answer = 200;
  await clock.advance(1_000);
  await started;
  assert.deepEqual([link.state, states], ["online", ["online"]]);
  await clock.advance(2_000);
  assert.equal(link.reason, "api-0: no answer within 2000 ms; api-1: ready");
  upstream(1).answer = "refused";
  await clock.advance(10_000);
  assert.deepEqual(states, ["online", "offline"]);
  assert.ok(lines.includes("warn The state of an API server has changed api-1"));
  link.close();
});

test("Link.start does not wait for a backend that is silent where another one is healthy", async () => {
  const { link, upstream } = linkScene({ backends: 2, known: { caHashes: [] } });
  upstream(0).answer = "silence";
  await link.start();
  assert.equal(link.state, "online");
  link.close();
});

test("Link of a cluster that is not known yet learns it from the first backend, whoever answers sooner", async () => {
  const { link, clock, upstream, learnt, backend, lines } = linkScene({ backends: 2, caHashes: ["sha256:a"] });
  const slow = deferred<200>();
  upstream(0).answer = (request) => request.rawPath === "/readyz" ? slow.promise : issuing("https://ours")(request);
  upstream(1).answer = issuing("https://other");
  const started = link.start();
  await clock.advance(500);
  slow.resolve(200);
  await started;
  await clock.advance(0);
  assert.deepEqual(learnt, [{ caHashes: ["sha256:a"], issuer: "https://ours" }]);
  assert.deepEqual([backend(0).health.state, backend(1).health.state], ["healthy", "untrusted"]);
  assert.ok(lines.includes("error An API server is refused: it is not one of this cluster api-1"));
  assert.match(link.reason, /api-1: its tokens are issued by https:\/\/other, the known cluster's by https:\/\/ours/);
  link.close();
});

test("Link asks whose API server it is again after it was out of reach: another one behind the address is refused", async () => {
  const { link, clock, upstream, backend, cloud } = linkScene();
  upstream(0).answer = issuing("https://ours");
  await link.start();
  upstream(0).answer = "refused";
  await clock.advance(10_000);
  upstream(0).answer = issuing("https://other");
  await clock.advance(5_000);
  assert.deepEqual([backend(0).health.state, link.state, cloud.usable], ["untrusted", "offline", []]);
  upstream(0).answer = issuing("https://ours");
  await clock.advance(1_000);
  assert.equal(link.state, "online");
  link.close();
});

test("Link of a backend with a certificate of another CA says so as an error", async () => {
  const { link, upstream, backend, lines } = linkScene();
  upstream(0).answer = () => {
    throw new UpstreamError("untrusted", "self-signed certificate in certificate chain", { sent: false });
  };
  await link.start();
  assert.equal(backend(0).health.state, "untrusted");
  assert.equal(lines[0], "error An API server is refused: it is not one of this cluster api-0");
  link.close();
});

test("Link.isReady takes a check that is young enough at its word, else asks, of one backend that one alone", async () => {
  const { link, clock, upstream, checks, backend } = linkScene({ backends: 2, known: { caHashes: [] } });
  const { signal } = new AbortController();
  assert.equal(await link.isReady(1_000, AbortSignal.abort()), false);
  await link.start();
  await clock.advance(1_000);
  assert.deepEqual([await link.isReady(1_000, signal, backend(1)), checks(0), checks(1)], [true, 1, 1]);
  await clock.advance(1);
  assert.deepEqual([await link.isReady(1_000, signal, backend(1)), checks(0), checks(1)], [true, 1, 2]);
  assert.deepEqual([await link.isReady(1_000, signal), checks(0), checks(1)], [true, 1, 2]);
  await clock.advance(2_000);
  upstream(1).answer = 500;
  assert.deepEqual([await link.isReady(1_000, signal, backend(1)), checks(0)], [false, 1]);
  assert.equal(await link.isReady(1_000, signal, backend(1)), false);
  assert.deepEqual([checks(1), await link.isReady(1_000, signal)], [5, true]);
  link.close();
});

test("Link.isReady asks nothing once the link is closed, and leaves no timer", async () => {
  const { link, clock, checks } = linkScene();
  await link.start();
  link.close();
  const before = checks();
  await clock.advance(10_000);
  await link.isReady(1_000, new AbortController().signal);
  assert.deepEqual([checks(), clock.pending], [before, 0]);
});
