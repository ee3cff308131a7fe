import assert from "node:assert/strict";
import { test } from "node:test";
import type { LbMode } from "../../../src/cloud/balancer.ts";
import { Cloud, type CloudRequest } from "../../../src/cloud/cloud.ts";
import { bringsCredential } from "../../../src/cloud/credential.ts";
import type { ByteSource, RawHeaders } from "../../../src/platform/bytes.ts";
import { UpstreamError } from "../../../src/platform/upstream.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
import { createFakeUpstream, type FakeAnswer } from "../../testing/fake_upstream.ts";
import { linkScene } from "./link_scene.ts";

const signal = new AbortController().signal;
const bearer = "base64url.bearer.authorization.k8s.io.dG9rZW4";
const get: CloudRequest = { method: "GET", rawPath: "/api", rawHeaders: [], signal };

function make(authorization?: () => string | undefined) {
  const node = createFakeUpstream();
  const caller = createFakeUpstream();
  const cloud = new Cloud({
    backends: [{ upstream: node, callerUpstream: caller, host: "cloud:6443" }],
    clock: createFakeClock(),
    ...(authorization === undefined ? {} : { authorization }),
  });
  const ask = (rawHeaders: RawHeaders) => cloud.request({ ...get, rawPath: "/api?a=%20", rawHeaders });
  return { node, caller, cloud, ask };
}

/** Several backends that nobody has checked yet, each of which answers 200. */
function several(count: number, lbMode: LbMode = "priority") {
  const { cloud, upstreams, upstream, clock, backend } = linkScene({ backends: count, lbMode });
  return {
    cloud,
    clock,
    upstream,
    backend,
    asked: () => upstreams.map(({ requests }) => requests.length),
  };
}

for (
  const [what, rawHeaders, own] of [
    ["nothing", [], false],
    ["other headers", ["Accept", "*/*", "X-Authorization", "x"], false],
    ["Authorization", ["Accept", "*/*", "Authorization", "Bearer x"], true],
    ["authorization in any case", ["aUTHORIZATION", ""], true],
    ["a bearer token as subprotocol", ["Sec-WebSocket-Protocol", `v5.channel.k8s.io, ${bearer}`], true],
    ["another subprotocol", ["Sec-WebSocket-Protocol", "v5.channel.k8s.io"], false],
  ] as const
) {
  test(`Cloud takes the connections ${own ? "without" : "of"} the node for a request with ${what}`, async () => {
    const { node, caller, cloud, ask } = make(() => "node-token");
    assert.equal(bringsCredential(rawHeaders), own);
    await ask(rawHeaders);
    await cloud.upgrade({ ...get, rawPath: "/", rawHeaders });
    assert.deepEqual([node.requests.length, caller.requests.length], own ? [0, 2] : [2, 0]);
    for (const { rawHeaders: sent } of [...node.requests, ...caller.requests]) {
      assert.equal(sent.includes("Bearer node-token"), !own);
    }
  });
}

test("Cloud sends what came, but for Host", async () => {
  const { node, ask } = make();
  await ask(["Accept", "a", "HOST", "127.0.0.1:10261", "accept", "b", "X-A", "1"]);
  const [sent] = node.requests;
  assert.deepEqual(sent?.rawHeaders, ["Host", "cloud:6443", "Accept", "a", "accept", "b", "X-A", "1"]);
  assert.equal(sent?.rawPath, "/api?a=%20");
});

test("Cloud asks for the node's token at each request", async () => {
  const tokens: (string | undefined)[] = ["first", undefined, "second"];
  const { node, ask } = make(() => tokens.shift());
  for (let i = 0; i < 3; i++) await ask([]);
  assert.deepEqual(node.requests.map(({ rawHeaders }) => rawHeaders.slice(2)), [
    ["Authorization", "Bearer first"],
    [],
    ["Authorization", "Bearer second"],
  ]);
});

test("Cloud in mode rr asks the healthy backends in turn, each with its own Host", async () => {
  const { cloud, upstream, asked } = several(3, "rr");
  for (let i = 0; i < 6; i++) await cloud.request(get);
  assert.deepEqual(asked(), [2, 2, 2]);
  assert.deepEqual(upstream(2).requests[0]?.rawHeaders, ["Host", "api-2"]);
});

test("Cloud in mode priority asks the first healthy backend", async () => {
  const { cloud, backend, asked } = several(3);
  backend(1).health.take({ result: "ready" });
  backend(2).health.take({ result: "ready" });
  for (let i = 0; i < 4; i++) assert.equal((await cloud.request(get)).backend, backend(1));
  backend(0).health.take({ result: "ready" });
  await cloud.request(get);
  assert.deepEqual(asked(), [1, 4, 0]);
});

for (const answer of ["refused", "broken"] as const) {
  test(`Cloud tries a GET on the next backend where one ${answer === "refused" ? "refuses" : "breaks off"}`, async () => {
    const { cloud, upstream, backend, asked } = several(3);
    upstream(0).answer = answer;
    upstream(1).answer = answer;
    const response = await cloud.request(get);
    assert.deepEqual([response.status, response.backend, asked()], [200, backend(2), [1, 1, 1]]);
  });
}

test("Cloud asks who has failed last, until it has answered again or 10 s are over", async () => {
  const { cloud, clock, upstream, asked } = several(2);
  upstream(0).answer = "refused";
  await cloud.request(get);
  upstream(0).answer = 200;
  await cloud.request(get);
  assert.deepEqual(asked(), [1, 2]);
  await clock.advance(10_000);
  await cloud.request(get);
  assert.deepEqual(asked(), [2, 2]);
});

test("Cloud tries each backend once, and gives the last one's failure", async () => {
  const { cloud, upstream, asked } = several(2);
  upstream(0).answer = "refused";
  upstream(1).answer = "broken";
  await assert.rejects(cloud.request(get), { name: "UpstreamError", failure: "broken" });
  assert.deepEqual(asked(), [1, 1]);
});

test("Cloud without a healthy backend says of each why", async () => {
  const { cloud, backend, asked } = several(2);
  backend(0).health.take({ result: "unready", reason: "/readyz answered 500" });
  backend(1).health.take({ result: "silent", reason: "no answer within 2000 ms" });
  const reason = /No API server is healthy: api-0: \/readyz answered 500; api-1: no answer within 2000 ms/;
  await assert.rejects(cloud.request(get), reason);
  assert.deepEqual(asked(), [0, 0]);
});

test("Cloud never puts the node's credential to what is another's, whatever is left of its headers", async () => {
  const { node, caller, cloud } = make(() => "node-token");
  const request = { ...get, rawPath: "/", rawHeaders: ["Accept", "*/*"], ownCredential: true };
  await cloud.request(request);
  await cloud.upgrade(request);
  assert.deepEqual([node.requests.length, caller.requests.length], [0, 2]);
  assert.ok(caller.requests.every(({ rawHeaders }) => !rawHeaders.includes("Bearer node-token")));
});

test("Cloud that is not checked asks every backend, whatever is known of it", async () => {
  const upstream = createFakeUpstream();
  const backends = [{ upstream, callerUpstream: upstream, host: "h" }];
  const cloud = new Cloud({ backends, clock: createFakeClock(), checked: false });
  cloud.backends[0]?.health.take({ result: "silent", reason: "" });
  assert.equal((await cloud.request(get)).status, 200);
});

test("Cloud sends a write again only where nothing of it can have arrived, its body from the beginning", async () => {
  for (const [answer, sentAgain] of [["refused", true], ["broken", false]] as const) {
    const { cloud, upstream, asked } = several(2);
    const bodies: string[] = [];
    const reading = (then: FakeAnswer) => async ({ body }: { body?: ByteSource | Uint8Array }) => {
      bodies.push(await textOf(body));
      return then;
    };
    upstream(0).answer = reading(answer);
    upstream(1).answer = reading(201);
    const asking = cloud.request({ ...get, method: "POST", body: source("one", "two") });
    if (sentAgain) assert.equal((await asking).status, 201);
    else await assert.rejects(asking, { failure: "broken" });
    assert.deepEqual([asked(), bodies], sentAgain ? [[1, 1], ["onetwo", "onetwo"]] : [[1, 0], ["onetwo"]]);
  }
});

test("Cloud does not send a body again that is longer than what the API server takes", async () => {
  const { cloud, upstream, asked } = several(2);
  upstream(0).answer = async ({ body }): Promise<FakeAnswer> => {
    await textOf(body);
    return "refused";
  };
  const body = source(..."ab".repeat(5).split("").map((letter) => letter.repeat(512 * 1024)));
  await assert.rejects(cloud.request({ ...get, method: "POST", body }), { failure: "refused" });
  assert.deepEqual(asked(), [1, 0]);
});

test("Cloud does not try again for a client that has gone", async () => {
  const { cloud, upstream, asked } = several(2);
  upstream(0).answer = "silence";
  const client = new AbortController();
  const asking = cloud.request({ ...get, signal: client.signal });
  client.abort();
  await assert.rejects(asking, { failure: "aborted" });
  assert.deepEqual(asked(), [1, 0]);
});

test("Cloud passes on an error that is none of the network", async () => {
  const { cloud, upstream, asked } = several(2);
  upstream(0).answer = () => {
    throw new TypeError("a fault");
  };
  await assert.rejects(cloud.request(get), /a fault/);
  assert.deepEqual(asked(), [1, 0]);
});

test("Cloud looks whether a backend is there when an answer has not begun after half a second, and asks others", async () => {
  const { cloud, clock, upstream, backend, asked } = several(2);
  let suspected = 0;
  backend(0).suspected = () => suspected++;
  upstream(0).answer = "silence";
  const client = new AbortController();
  const asking = cloud.request({ ...get, signal: client.signal });
  await clock.advance(499);
  assert.equal(suspected, 0);
  await clock.advance(1);
  assert.equal(suspected, 1);
  await cloud.request(get);
  assert.deepEqual(asked(), [1, 1]);
  client.abort();
  await assert.rejects(asking, UpstreamError);
  assert.equal(clock.pending, 0);
});

test("Cloud: a GET that hangs at a backend that has died is answered by the next, a write is not sent again", async () => {
  const { cloud, clock, link, upstream } = linkScene({ backends: 2, lbMode: "priority" });
  await link.start();
  await clock.advance(0);
  upstream(0).answer = "silence";
  const reading = cloud.request(get);
  const writing = cloud.request({ ...get, method: "PATCH" }).then(() => "written", (error: Error) => error.message);
  await clock.advance(500 + 3_400);
  assert.equal((await reading).status, 200);
  assert.equal(await writing, "no answer within 2000 ms");
  assert.deepEqual(upstream(1).requests.map(({ method }) => method).filter((method) => method === "PATCH"), []);
  link.close();
});

async function* source(...texts: readonly string[]): ByteSource {
  for (const text of texts) yield await Promise.resolve(new TextEncoder().encode(text));
}

async function textOf(body: ByteSource | Uint8Array | undefined): Promise<string> {
  if (body === undefined) return "";
  if (body instanceof Uint8Array) return new TextDecoder().decode(body);
  let text = "";
  for await (const chunk of body) text += new TextDecoder().decode(chunk);
  return text;
}
