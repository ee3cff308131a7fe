import assert from "node:assert/strict";
import { test } from "node:test";
import { approveSigningRequests } from "../../../src/controller/csr_approver.ts";
import { watchObjects } from "../../../src/controller/watch_objects.ts";
import { createJsonApi, type JsonApi } from "../../../src/identity/json_api.ts";
import { createFakeClock, type FakeClock } from "../../testing/fake_clock.ts";
import { createFakeRandom } from "../../testing/fake_random.ts";
import { createFakeUpstream, type FakeUpstream } from "../../testing/fake_upstream.ts";
import { silentLogger } from "../../testing/lone_replica.ts";

const path = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

interface World {
  readonly clock: FakeClock;
  readonly upstream: FakeUpstream;
  readonly api: JsonApi;
  objects(signal?: AbortSignal): AsyncGenerator<unknown>;
}

function createWorld(): World {
  const clock = createFakeClock();
  const upstream = createFakeUpstream();
  const server = { host: "cloud:6443", upstream };
  const api = createJsonApi({ servers: [server], clock });
  const objects = (signal = new AbortController().signal) =>
    watchObjects({ api, server, token: () => undefined, clock, path, watchSeconds: 60, signal });
  return { clock, upstream, api, objects };
}

const page = (items: readonly unknown[], next?: string) => ({
  status: 200,
  body: JSON.stringify({ metadata: { resourceVersion: "7", continue: next }, items }),
});

test("watchObjects ends where an event has no end", async () => {
  const { upstream, objects } = createWorld();
  upstream.answer = ({ rawPath }) =>
    rawPath.includes("watch=true") ? { status: 200, body: "x".repeat(5_000_000) } : page([]);
  await assert.rejects(async () => {
    for await (const object of objects()) assert.fail(String(object));
  }, /An event of .* is too long/);
});

test("watchObjects lists in pages, then watches from the version of the list", async () => {
  const { upstream, objects } = createWorld();
  upstream.answer = ({ rawPath }) => {
    if (rawPath.includes("watch=true")) return { status: 200, body: '{"type":"ADDED","object":"d"}\n' };
    return rawPath.includes("continue=") ? page(["c"]) : page(["a", "b"], "x/+=");
  };
  const seen: unknown[] = [];
  for await (const object of objects()) seen.push(object);
  assert.deepEqual(seen, ["a", "b", "c", "d"]);
  assert.deepEqual(upstream.requests.map(({ rawPath }) => rawPath), [
    `${path}?limit=500`,
    `${path}?limit=500&continue=x%2F%2B%3D`,
    `${path}?watch=true&resourceVersion=7&timeoutSeconds=60`,
  ]);
});

test("createJsonApi says of an answer that is too long that it is, and takes one that is not", async () => {
  const { upstream, api } = createWorld();
  const ask = () => api({ method: "GET", path, signal: new AbortController().signal });
  upstream.answer = { status: 200, body: `"${"x".repeat(4 * 1024 * 1024)}"` };
  await assert.rejects(ask(), /The answer to .*certificatesigningrequests is longer than 4194304 bytes/);
  upstream.answer = { status: 200, body: `"${"x".repeat(4 * 1024 * 1024 - 2)}"` };
  assert.equal(typeof (await ask()).object, "string");
});

for (
  const [name, body] of [
    ["a watch that ends at once", ""],
    ["an ERROR event", '{"type":"ERROR","object":{"kind":"Status","code":410}}\n'],
  ] as const
) {
  test(`approveSigningRequests pauses longer and longer after ${name}`, async () => {
    const { clock, upstream, api, objects } = createWorld();
    upstream.answer = ({ rawPath }) => rawPath.includes("watch=true") ? { status: 200, body } : page([]);
    const stop = new AbortController();
    const facts = {
      dummyIps: [],
      node: () => Promise.resolve(undefined),
      mayBootstrap: () => Promise.resolve(false),
      serviceIps: () => Promise.resolve([]),
    };
    const { signal } = stop;
    const ended = approveSigningRequests({
      ...{ api, facts, clock, signal, random: createFakeRandom(), logger: silentLogger },
      requests: () => objects(signal),
    });
    await clock.advance(10 * 60_000);
    const rounds = upstream.requests.length / 2;
    assert.ok(rounds >= 12 && rounds <= 30, `${rounds} rounds`);
    stop.abort(new Error("stopped"));
    await assert.rejects(ended, /stopped/);
    assert.equal(clock.pending, 0);
  });
}
