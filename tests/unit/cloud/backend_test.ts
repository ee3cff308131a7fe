import assert from "node:assert/strict";
import { test } from "node:test";
import type { CloudRequest } from "../../../src/cloud/cloud.ts";
import type { ByteSource } from "../../../src/platform/bytes.ts";
import type { UpstreamResponse } from "../../../src/platform/upstream.ts";
import type { FakeUpstream } from "../../testing/fake_upstream.ts";
import { linkScene } from "./link_scene.ts";

interface Begun {
  readonly name: string;
  readonly request: Partial<CloudRequest>;
  /** Whether its answer has begun. */
  readonly headed: boolean;
}

const begun: readonly Begun[] = [
  { name: "an unanswered GET", request: {}, headed: false },
  { name: "a GET whose answer is coming", request: {}, headed: true },
  { name: "an unanswered watch", request: { longRunning: true, movable: true }, headed: false },
  { name: "a watch", request: { longRunning: true, movable: true }, headed: true },
  { name: "an unanswered log", request: { longRunning: true }, headed: false },
  { name: "a log", request: { longRunning: true }, headed: true },
];

for (
  const [what, outcome, elsewhere, ends] of [
    ["dies beside another", { result: "silent", reason: "dead" }, true, [
      "an unanswered GET",
      "a GET whose answer is coming",
      "an unanswered watch",
      "a watch",
      "an unanswered log",
    ]],
    ["dies and was the only one", { result: "silent", reason: "dead" }, false, [
      "an unanswered GET",
      "a GET whose answer is coming",
      "an unanswered watch",
      "an unanswered log",
    ]],
    ["drains beside another", { result: "unready", reason: "/readyz answered 500" }, true, [
      "an unanswered watch",
      "a watch",
    ]],
    ["drains and is the only one", { result: "unready", reason: "/readyz answered 500" }, false, []],
  ] as const
) {
  test(`Backend that ${what} ends ${ends.join(", ") || "nothing"}`, async () => {
    const { cloud, upstream, backend, clock } = linkScene({ backends: 2, lbMode: "priority" });
    backend(0).health.take({ result: "ready" });
    const running = [];
    for (const one of begun) running.push(await begin(one));
    upstream(1).answer = "refused";
    backend(1).health.take(elsewhere ? { result: "ready" } : { result: "silent", reason: "dead too" });
    backend(0).health.take(outcome);
    cloud.leave(backend(0), { reason: outcome.reason, draining: outcome.result === "unready" });
    await clock.advance(0);
    const ended = running.filter((one) => one.ended() !== undefined);
    assert.deepEqual(ended.map(({ name }) => name), ends);
    // The others get the failure of the second backend, where they were tried again.
    for (const one of ended.filter(({ headed }) => headed)) assert.equal(one.ended(), outcome.reason);
    assert.equal(backend(0).inFlight, begun.length - ends.length);
    for (const one of running) one.leave();
    await clock.advance(0);
    assert.deepEqual([backend(0).inFlight, clock.pending], [0, 0]);

    async function begin({ name, request, headed }: Begun) {
      const leaving = new AbortController();
      upstream(0).answer = headed ? { status: 200, body: endless(upstream(0)) } : "silence";
      const asked = { method: "GET", rawPath: "/", rawHeaders: [], signal: leaving.signal, ...request };
      const answering = cloud.request(asked);
      const response = headed ? await answering : undefined;
      let end: string | undefined;
      void drained(response ?? answering).catch((error: Error) => end = error.message);
      await clock.advance(0);
      return { name, headed, ended: () => end, leave: () => leaving.abort() };
    }
  });
}

test("Backend counts a request until its answer has been read or left", async () => {
  const { cloud, upstream, backend } = linkScene();
  const ask = () =>
    cloud.request({ method: "GET", rawPath: "/", rawHeaders: [], signal: new AbortController().signal });
  upstream(0).answer = { status: 200, body: "text" };
  const read = await ask();
  const left = await ask();
  assert.equal(backend(0).inFlight, 2);
  await drained(read);
  assert.equal(backend(0).inFlight, 1);
  for await (const _ of left.body) break;
  assert.equal(backend(0).inFlight, 0);
});

test("Backend is silent since what it was asked first, once that is slow, until it answers anything", async () => {
  const { cloud, upstream, backend, clock } = linkScene({ backends: 2 });
  backend(0).health.take({ result: "ready" });
  const leaving = new AbortController();
  const ask = (rawPath: string) => cloud.request({ method: "GET", rawPath, rawHeaders: [], signal: leaving.signal });
  upstream(0).answer = ({ rawPath }) => rawPath === "/slow" ? "silence" : 200;
  const slow = [ask("/slow")];
  await clock.advance(300);
  slow.push(ask("/slow"));
  await clock.advance(100);
  assert.equal(backend(0).silentMs, 0);
  await clock.advance(500);
  assert.equal(backend(0).silentMs, 900);
  assert.equal(cloud.silentMs, 900);
  backend(1).health.take({ result: "ready" });
  assert.equal(cloud.silentMs, 0, "the other may well answer");
  backend(1).health.take({ result: "silent", reason: "dead" });
  await drained(ask("/"));
  await clock.advance(1_000);
  assert.equal(backend(0).silentMs, 0);
  leaving.abort();
  await Promise.allSettled(slow);
});

test("Backend that one request was answered beside was never silent", async () => {
  const { cloud, upstream, backend, clock } = linkScene();
  const leaving = new AbortController();
  const ask = (rawPath: string) => cloud.request({ method: "GET", rawPath, rawHeaders: [], signal: leaving.signal });
  upstream(0).answer = ({ rawPath }) => rawPath === "/slow" ? "silence" : 200;
  const slow = ask("/slow");
  await clock.advance(300);
  await drained(ask("/"));
  await clock.advance(700);
  assert.equal(backend(0).silentMs, 0);
  leaving.abort();
  await Promise.allSettled([slow]);
});

test("Backend whose silence nothing has ended is no longer called silent after 10 s", async () => {
  const { cloud, upstream, backend, clock } = linkScene();
  const leaving = new AbortController();
  upstream(0).answer = "silence";
  const slow = cloud.request({ method: "GET", rawPath: "/", rawHeaders: [], signal: leaving.signal });
  await clock.advance(9_999);
  assert.equal(backend(0).silentMs, 9_999);
  await clock.advance(1);
  assert.equal(backend(0).silentMs, 0);
  leaving.abort();
  await Promise.allSettled([slow]);
});

async function drained(answer: UpstreamResponse | Promise<UpstreamResponse>): Promise<void> {
  for await (const _ of (await answer).body) { /* until its end */ }
}

/** A body that does not end before its request is aborted. */
function endless(upstream: FakeUpstream): ByteSource {
  return {
    async *[Symbol.asyncIterator]() {
      const signal = upstream.requests.at(-1)?.signal;
      yield new Uint8Array(1);
      await new Promise((_, reject) => signal?.addEventListener("abort", () => reject(new Error("aborted"))));
    },
  };
}
