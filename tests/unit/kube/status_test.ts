import assert from "node:assert/strict";
import { test } from "node:test";
import * as status from "../../../src/kube/status.ts";

const pod = { group: "", resource: "pods", name: 'a"b' };

// The bodies that k8s.io/apimachinery 0.36.3 makes of these errors.
const BODIES: readonly (readonly [string, status.StatusError, string])[] = [
  [
    "notFound",
    status.notFound(pod),
    String
      .raw`{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"pods \"a\\\"b\" not found","reason":"NotFound","details":{"name":"a\"b","kind":"pods"},"code":404}`,
  ],
  [
    "notFound of a group",
    status.notFound({ group: "apps", resource: "deployments", name: "x" }),
    String
      .raw`{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"deployments.apps \"x\" not found","reason":"NotFound","details":{"name":"x","group":"apps","kind":"deployments"},"code":404}`,
  ],
  [
    "alreadyExists",
    status.alreadyExists({ group: "", resource: "nodes", name: "node-1" }),
    String
      .raw`{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"nodes \"node-1\" already exists","reason":"AlreadyExists","details":{"name":"node-1","kind":"nodes"},"code":409}`,
  ],
  [
    "resourceVersionTooLarge",
    status.resourceVersionTooLarge("12", 7n, 1),
    `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Timeout: Too large resource version: 12, current: 7","reason":"Timeout","details":{"causes":[{"reason":"ResourceVersionTooLarge","message":"Too large resource version"}],"retryAfterSeconds":1},"code":504}`,
  ],
  [
    "internalError",
    status.internalError("boom <x>"),
    String
      .raw`{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Internal error occurred: boom \u003cx\u003e","reason":"InternalError","details":{"causes":[{"message":"boom \u003cx\u003e"}]},"code":500}`,
  ],
  [
    "expired",
    status.expired("too old resource version: 1 (5)"),
    `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version: 1 (5)","reason":"Expired","code":410}`,
  ],
  [
    "tooManyRequests",
    status.tooManyRequests("slow down", 1),
    `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"slow down","reason":"TooManyRequests","details":{"retryAfterSeconds":1},"code":429}`,
  ],
  [
    "badRequest",
    status.badRequest("no"),
    `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"no","reason":"BadRequest","code":400}`,
  ],
];

for (const [name, error, json] of BODIES) {
  test(`statusBody writes ${name} byte for byte as the API server`, () => {
    assert.equal(new TextDecoder().decode(status.statusBody(error)), `${json}\n`);
  });
}

test("statusHeaders gives Retry-After for 429 and 504 only", () => {
  const retryAfter = (error: status.StatusError) => {
    const headers = status.statusHeaders(error);
    const at = headers.indexOf("Retry-After");
    return at < 0 ? undefined : headers[at + 1];
  };
  assert.equal(retryAfter(status.tooManyRequests("x", 3)), "3");
  assert.equal(retryAfter(status.resourceVersionTooLarge(2, 1, 1)), "1");
  assert.equal(retryAfter(status.timeout("x")), undefined);
  assert.equal(retryAfter(status.serviceUnavailable("x")), undefined);
  assert.equal(status.serviceUnavailable("x").retryAfterSeconds, 1);
});

test("statusHeaders tells type and length of the body", () => {
  const error = status.forbidden("für ä");
  const length = String(status.statusBody(error).byteLength);
  assert.deepEqual(status.statusHeaders(error), ["Content-Type", "application/json", "Content-Length", length]);
});

test("toStatusError keeps a StatusError and makes an internal error of anything else", () => {
  const known = status.gone("x");
  assert.equal(status.toStatusError(known), known);
  const cause = new TypeError("broken");
  const made = status.toStatusError(cause);
  assert.deepEqual([made.code, made.message, made.cause], [500, "Internal error occurred: broken", cause]);
  assert.equal(status.toStatusError("text").message, "Internal error occurred: text");
});

test("StatusError leaves out the reason Unknown", () => {
  const error = new status.StatusError({ code: 500, reason: "Unknown", message: "x" });
  assert.deepEqual(Object.keys(error.status()), ["kind", "apiVersion", "metadata", "status", "message", "code"]);
});
