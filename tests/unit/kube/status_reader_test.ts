import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readFailure, readStatus, statusErrorOf } from "../../../src/kube/status_reader.ts";

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

// What kube-apiserver 1.36 answers to a list that the caller may not do.
const FORBIDDEN = `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"pods is forbidden: ` +
  `User \\"system:node:n\\" cannot list resource","reason":"Forbidden","details":{"kind":"pods"},"code":403}`;

test("readStatus keeps code, reason, message and details", () => {
  assert.equal(JSON.stringify(readStatus(encode(`${FORBIDDEN}\n`)).status()), FORBIDDEN);
});

test("readStatus keeps a reason that this version does not know", () => {
  const status = JSON.stringify({ kind: "Status", code: 418, reason: "Teapot", message: "no" });
  const { code, reason, message } = readStatus(encode(status));
  assert.deepEqual([code, reason, message], [418, "Teapot", "no"]);
});

describe("readStatus tells of an internal error where there is no Status", () => {
  for (const text of ["", "{", "[]", "null", "404 page not found", `{"kind":"Pod","code":1}`, `{"kind":"Status"}`]) {
    test(text || "nothing", () => assert.deepEqual(readStatus(encode(text)).code, 500));
  }
});

describe("readFailure reads seconds to wait", () => {
  for (
    const [what, code, body, retryAfter, seconds] of [
      ["of the header, beside plain text", 429, "Too many requests, please try again later.", "7", 7],
      ["of the details", 503, `{"kind":"Status","code":503,"details":{"retryAfterSeconds":3}}`, undefined, 3],
      [
        "of the header before those of the details",
        503,
        `{"kind":"Status","code":503,"details":{"retryAfterSeconds":3}}`,
        "5",
        5,
      ],
      ["of neither", 503, `{"kind":"Status","code":503}`, undefined, undefined],
      ["of no date", 503, "", "Wed, 21 Oct 2026 07:28:00 GMT", undefined],
    ] as const
  ) {
    test(what, () => {
      const failure = readFailure({ code, body: encode(body), retryAfter });
      assert.deepEqual([failure.code, failure.retryAfterSeconds], [code, seconds]);
    });
  }
});

test("readFailure tells what client-go does of an answer without a Status", () => {
  const failure = (code: number) => readFailure({ code, body: encode("404 page not found\n") });
  assert.deepEqual([failure(404).code, failure(404).reason], [404, "NotFound"]);
  assert.equal(failure(404).message, "the server could not find the requested resource");
  assert.deepEqual([failure(502).code, failure(502).reason], [502, "Unknown"]);
});

test("statusErrorOf takes back what StatusError.status gave", () => {
  const error = readStatus(encode(FORBIDDEN));
  assert.deepEqual(statusErrorOf(JSON.parse(JSON.stringify(error.status())))?.status(), error.status());
  assert.equal(statusErrorOf({}), undefined);
});
