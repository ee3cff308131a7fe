import assert from "node:assert/strict";
import { test } from "node:test";
import { certificateChecks } from "../../../src/hub/hub_certificates.ts";
import { informationalCheck, neededCheck } from "../../../src/hub/readiness_check.ts";

const certificate = (failure?: string) => ({ failure: () => failure, expiresAt: () => undefined });

test("a check that is ok has no why", () => {
  assert.deepEqual(neededCheck("a", undefined), { name: "a", ok: true, why: "" });
  assert.deepEqual(informationalCheck("a", undefined), { name: "a", ok: true, why: "", informational: true });
  const parts = { client: certificate(), serving: certificate(), servingDistrusted: () => undefined };
  assert.deepEqual(certificateChecks(parts).map(({ ok, why }) => [ok, why]), [[true, ""], [true, ""], [true, ""]]);
});

test("a check that is not ok says why", () => {
  assert.deepEqual(neededCheck("a", "broken"), { name: "a", ok: false, why: "broken" });
  assert.deepEqual(informationalCheck("a", "broken"), { name: "a", ok: false, why: "broken", informational: true });
  const parts = { client: certificate("lost"), serving: certificate("late"), servingDistrusted: () => "unread" };
  assert.deepEqual(certificateChecks(parts).map(({ ok, why }) => [ok, why]), [
    [false, "is not there: lost"],
    [false, "is not there: late"],
    [false, "not known to be: unread"],
  ]);
});
