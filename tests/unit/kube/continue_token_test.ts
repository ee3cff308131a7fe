import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  continueExpired,
  encodeCloudContinue,
  encodeHubContinue,
  isHubToken,
  readContinue,
} from "../../../src/kube/continue_token.ts";

/** A token as Go's `base64.RawURLEncoding` writes it. */
const base64 = (text: string): string => Buffer.from(text).toString("base64url");

describe("readContinue says what storage.DecodeContinue of k8s.io/apiserver 0.36.3 says", () => {
  for (
    const [token, problem] of [
      ["a b", "continue key is not valid: illegal base64 data at input byte 1"],
      ["eyJ2IjoxfQ==", "continue key is not valid: illegal base64 data at input byte 10"],
      ["abcde", "continue key is not valid: illegal base64 data at input byte 4"],
      [
        base64(`{"v":"meta.k8s.io/v2","rv":5,"start":"a"}`),
        "continue key is not valid: server does not recognize this encoded version meta.k8s.io/v2",
      ],
      [base64("{}"), "continue key is not valid: server does not recognize this encoded version "],
      [
        base64(`{"v":"meta.k8s.io/v1","start":"a"}`),
        "continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
      ],
      [
        base64(`{"v":"meta.k8s.io/v1","rv":0,"start":"a"}`),
        "continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
      ],
      [
        base64(`{"v":"meta.k8s.io/v1","rv":5}`),
        "continue key is not valid: encoded start key empty (version meta.k8s.io/v1)",
      ],
      [base64(`{"v":"meta.k8s.io/v1","rv":5,"start":"../a"}`), "continue key is not valid: ../a"],
      [base64(`{"v":"meta.k8s.io/v1","rv":5,"start":"a//b"}`), "continue key is not valid: a//b"],
      [base64(`{"v":"meta.k8s.io/v1","rv":5,"start":"a/"}`), "continue key is not valid: a/"],
    ] as const
  ) {
    test(token, () => {
      assert.deepEqual(readContinue(token), { from: "nobody", problem: `invalid continue token: ${problem}` });
    });
  }
});

test("readContinue takes what is no JSON object for no token", () => {
  for (const text of ["nonsense", "[]", "null", "5", "\xff", ""]) {
    assert.equal(readContinue(Buffer.from(text, "latin1").toString("base64url")).from, "nobody", text);
  }
});

test("readContinue takes a token that kube-apiserver 1.36.3 gave", () => {
  const token = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MTIzLCJzdGFydCI6ImRlZmF1bHQvYVx1MDAwMCJ9";
  const position = { resourceVersion: "123", start: "default/a\0" };
  assert.deepEqual(readContinue(token), { from: "cloud", position });
  assert.equal(encodeCloudContinue(position), token);
});

test("readContinue takes the one with which kube-apiserver goes on at another version", () => {
  const token = encodeCloudContinue({ resourceVersion: "-1", start: "/a\0" });
  assert.deepEqual(readContinue(token), { from: "cloud", position: { resourceVersion: "-1", start: "/a\0" } });
});

test("encodeHubContinue gives what readContinue reads, whatever the key, and fits into a URL", () => {
  for (const start of ["default/a\0", "/node-1\0", "ns/ü😀 <&>\0", "/system:node:a\0"]) {
    const position = { list: "00ff", resourceVersion: "18446744073709551615", start };
    const token = encodeHubContinue(position);
    assert.deepEqual(readContinue(token), { from: "hub", position });
    assert.match(token, /^[A-Za-z0-9_-]+$/);
    assert.ok(isHubToken(token));
  }
});

test("isHubToken is false for what only begins like one", () => {
  for (const text of [`{"v":"holdfast/v1"}`, `{"v":"holdfast/v1","rv":5,"start":"a","list":"b"}`, `"holdfast/v1"`]) {
    assert.ok(!isHubToken(base64(text)), text);
  }
  assert.ok(!isHubToken(""));
});

test("continueExpired is a 410 in the API server's words", () => {
  const { code, reason, message } = continueExpired();
  assert.deepEqual([code, reason], [410, "Expired"]);
  assert.match(message, /^The provided continue parameter is too old to display a consistent list result\. You can /);
});
