import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonToProtobuf } from "../../../src/kube/protobuf_messages.ts";
import { readTokenRequest, tokenOf } from "../../../src/kube/token_request.ts";
import { message, protobufBody, protobufType } from "../../testing/protobuf_body.ts";
import { boundPod, sampleToken, tokenAnswer, tokenRequest } from "../../testing/sample_tokens.ts";

const account = { namespace: "default", name: "default" };
const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const read = (request: unknown) =>
  readTokenRequest({ body: bytes(request), contentType: "application/json; charset=utf-8" }, account);
const asked = { namespace: "default", serviceAccount: "default", audiences: [], expirationSeconds: 3607 };

test("readTokenRequest reads what the answer depends on, the same from JSON and from protobuf", () => {
  const request = tokenRequest();
  const wanted = { ...asked, boundTo: boundPod };
  assert.deepEqual(read(request), wanted);
  const body = jsonToProtobuf(bytes(request));
  assert.ok(body !== undefined);
  assert.deepEqual(readTokenRequest({ body, contentType: protobufType }, account), wanted);
});

test("readTokenRequest takes the API server's defaults for what is not said", () => {
  assert.deepEqual(read(tokenRequest({})), { ...asked, expirationSeconds: 3600 });
  assert.deepEqual(read(tokenRequest({ audiences: null, expirationSeconds: null, boundObjectRef: null })), {
    ...asked,
    expirationSeconds: 3600,
  });
  assert.deepEqual(
    read({
      ...tokenRequest({ audiences: ["b", "a"] }),
      metadata: { name: "default", namespace: "default", creationTimestamp: null },
      status: { token: "", expirationTimestamp: null },
    }),
    { ...asked, audiences: ["b", "a"], expirationSeconds: 3600 },
  );
});

for (
  const [what, request] of [
    ["a member of the spec that is not known", tokenRequest({ newer: true })],
    ["a member that is not known", { ...tokenRequest(), newer: true }],
    ["a reference without a uid", tokenRequest({ boundObjectRef: { ...boundPod, uid: "" } })],
    ["the name of another account", { ...tokenRequest(), metadata: { name: "other" } }],
    ["another namespace", { ...tokenRequest(), metadata: { namespace: "other" } }],
    ["another kind", { ...tokenRequest(), kind: "TokenReview" }],
    ["another version", { ...tokenRequest(), apiVersion: "authentication.k8s.io/v2" }],
    ["a time that is no number", tokenRequest({ expirationSeconds: "1h" })],
    ["no spec", { kind: "TokenRequest", apiVersion: "authentication.k8s.io/v1" }],
  ] as const
) {
  test(`readTokenRequest does not take ${what}`, () => {
    assert.equal(read(request), undefined);
  });
}

test("readTokenRequest does not take protobuf with a field that is not known, or that is malformed, nor other types", () => {
  const spec = message({ 4: 3607, 9: "newer" });
  const newer = protobufBody("authentication.k8s.io/v1", "TokenRequest", message({ 2: spec }));
  assert.equal(readTokenRequest({ body: newer, contentType: protobufType }, account), undefined);
  const malformed = Uint8Array.of(1, 2, 3);
  assert.equal(readTokenRequest({ body: malformed, contentType: protobufType }, account), undefined);
  assert.equal(readTokenRequest({ body: malformed, contentType: "application/json" }, account), undefined);
  const yaml = { body: bytes(tokenRequest()), contentType: "application/yaml" };
  assert.equal(readTokenRequest(yaml, account), undefined);
});

test("tokenOf finds the token in an answer, and none in anything else", () => {
  const token = sampleToken(5_000);
  assert.equal(tokenOf(bytes(tokenAnswer(token, 5_000))), token);
  assert.equal(tokenOf(bytes(tokenAnswer("", 5_000))), undefined);
  assert.equal(tokenOf(bytes({ kind: "Status", status: "Failure" })), undefined);
  assert.equal(tokenOf(new Uint8Array()), undefined);
});
