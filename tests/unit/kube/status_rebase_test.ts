import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { applyPatch } from "../../../src/kube/patch.ts";
import { PatchRefusal } from "../../../src/kube/patch_refusal.ts";
import { rebaseStatus } from "../../../src/kube/status_rebase.ts";
import { NODE, POD } from "./patch_objects.ts";
import { REBASE_ROWS } from "./rebase_rows.ts";
import { withValues } from "./with_values.ts";

const OBJECTS = { node: NODE, pod: POD };
const contentType = "application/strategic-merge-patch+json";

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const parse = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
const patched = (object: Uint8Array, patch: Uint8Array): Uint8Array =>
  applyPatch(object, { body: patch, contentType, subresource: "status" });

/** The patch; fails where there is none. */
function patchOf(states: Parameters<typeof rebaseStatus>[0]): Uint8Array {
  const rebased = rebaseStatus(states);
  assert.ok("patch" in rebased, JSON.stringify(rebased));
  return rebased.patch;
}

/** Members that are null are missing to the API server. */
function withoutNulls(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_, member: unknown) => (member === null ? undefined : member));
}

describe("rebaseStatus", () => {
  for (const { name, object, node, cloud, want, settled } of REBASE_ROWS) {
    test(`${object}: ${name}`, () => {
      const base = bytesOf(OBJECTS[object]);
      const [pending, fresh] = [patched(base, bytesOf(node)), patched(base, bytesOf(cloud))];
      const rebased = rebaseStatus({ base, pending, fresh });
      if (settled !== undefined) return assert.deepEqual(rebased, { settled });
      const after = patched(fresh, patchOf({ base, pending, fresh }));
      assert.deepEqual(withoutNulls(parse(after)), withoutNulls(withValues(OBJECTS[object], want ?? {})));
    });

    test(`${object}: ${name}: onto what it was made of, it is what was written`, () => {
      const base = bytesOf(OBJECTS[object]);
      const pending = patched(base, bytesOf(node));
      const after = patched(base, patchOf({ base, pending, fresh: base }));
      const sorted = (bytes: Uint8Array): unknown => withoutNulls(withSortedConditions(parse(bytes)));
      assert.deepEqual(sorted(after), sorted(pending));
    });
  }

  test("holds the uid as precondition and nothing that has not changed", () => {
    const base = bytesOf(NODE);
    const pending = patched(base, bytesOf({ status: { capacity: { cpu: "8" } } }));
    const fresh = bytesOf(withValues(NODE, { "metadata.resourceVersion": "99", "spec.unschedulable": true }));
    assert.deepEqual(parse(patchOf({ base, pending, fresh })), {
      status: { capacity: { cpu: "8" } },
      metadata: { uid: NODE.metadata.uid },
    });
  });

  test("is settled where the object is another one by now", () => {
    const base = bytesOf(NODE);
    const pending = patched(base, bytesOf({ status: { capacity: { cpu: "8" } } }));
    const fresh = bytesOf(withValues(NODE, { "metadata.uid": "other" }));
    assert.deepEqual(rebaseStatus({ base, pending, fresh }), { settled: "replaced" });
  });

  test("keeps the digits of numbers", () => {
    const object = (restarts: string): Uint8Array =>
      new TextEncoder().encode(
        `{"kind":"Pod","apiVersion":"v1","metadata":{"uid":"u"},"status":{"containerStatuses":[{"restartCount":${restarts}}]}}`,
      );
    const states = {
      base: object("12345678901234567890"),
      pending: object("12345678901234567891"),
      fresh: object("1"),
    };
    assert.equal(new TextDecoder().decode(patchOf(states)).includes("12345678901234567891"), true);
  });

  test("refuses a list that both have changed, of which it is not known how it is merged", () => {
    const object = (list: readonly string[]): Uint8Array =>
      bytesOf({ kind: "Pod", apiVersion: "v1", metadata: { uid: "u" }, status: { unknown: list } });
    const states = { base: object(["a"]), pending: object(["b"]), fresh: object(["c"]) };
    assert.throws(() => rebaseStatus(states), (error) => error instanceof PatchRefusal && error.code === "unknown");
  });
});

/** The order of conditions says nothing. */
function withSortedConditions(object: unknown): unknown {
  const keyOf = (one: unknown): string => String(Reflect.get(Object(one), "type"));
  return JSON.parse(
    JSON.stringify(object),
    (key, value: unknown) =>
      key === "conditions" && Array.isArray(value)
        ? value.toSorted((a: unknown, b: unknown) => (keyOf(a) < keyOf(b) ? -1 : 1))
        : value,
  );
}
