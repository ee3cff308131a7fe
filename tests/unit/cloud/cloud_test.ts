import assert from "node:assert/strict";
import { test } from "node:test";
import { bringsCredential, Cloud } from "../../../src/cloud/cloud.ts";
import type { RawHeaders } from "../../../src/platform/bytes.ts";
import { createFakeUpstream } from "../../testing/fake_upstream.ts";

const signal = new AbortController().signal;
const bearer = "base64url.bearer.authorization.k8s.io.dG9rZW4";

function make(authorization?: () => string | undefined) {
  const node = createFakeUpstream();
  const caller = createFakeUpstream();
  const cloud = new Cloud({
    upstream: node,
    callerUpstream: caller,
    host: "cloud:6443",
    ...(authorization === undefined ? {} : { authorization }),
  });
  const ask = (rawHeaders: RawHeaders) => cloud.request({ method: "GET", rawPath: "/api?a=%20", rawHeaders, signal });
  return { node, caller, cloud, ask };
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
    await cloud.upgrade({ method: "GET", rawPath: "/", rawHeaders, signal });
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

for (const newConnection of [true, false]) {
  test(`Cloud.ready gives the status of /readyz, with the node's identity, ${newConnection ? "on a new connection" : "beside the watches"}`, async () => {
    const { node, cloud } = make();
    node.answer = 500;
    assert.equal(await cloud.ready(signal, { newConnection }), 500);
    const [asked] = node.requests;
    assert.equal(asked?.rawPath, "/readyz");
    assert.deepEqual([asked?.newConnection ?? false, asked?.longRunning ?? false], [newConnection, !newConnection]);
  });
}
