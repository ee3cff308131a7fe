import assert from "node:assert/strict";
import { test } from "node:test";
import { tokenExpiry } from "../../../src/identity/token_expiry.ts";
import { sampleToken } from "../../testing/sample_tokens.ts";

test("tokenExpiry reads the claim exp, in base64url without padding", () => {
  for (const mark of ["", "a", "ab", "abc", "\u00ff\u00fe>?"]) {
    assert.equal(tokenExpiry(sampleToken(1_700_000_000_000, mark)), 1_700_000_000_000);
  }
});

test("tokenExpiry gives nothing for what is no token with an end", () => {
  const withClaims = (claims: string) => `e30.${btoa(claims)}.c2ln`;
  for (const token of ["", "a", "a.b", "a.b.c", withClaims("{}"), withClaims('{"exp":"1"}'), withClaims("no JSON")]) {
    assert.equal(tokenExpiry(token), undefined, token);
  }
});
