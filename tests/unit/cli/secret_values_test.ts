import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutSecretValues } from "../../../src/cli/secret_values.ts";

const head = { kind: "Secret", apiVersion: "v1" };
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

for (
  const [what, object, want] of [
    ["data", { ...head, data: { a: "aHVudGVyMg==", b: "" } }, {
      ...head,
      data: { a: "(redacted, 7 bytes)", b: "(redacted, 0 bytes)" },
    }],
    ["stringData", { ...head, stringData: { a: "é" } }, { ...head, stringData: { a: "(redacted, 2 bytes)" } }],
    ["values of another type", { ...head, data: { a: { b: 1 } } }, { ...head, data: { a: "(redacted)" } }],
    ["data of another type", { ...head, data: ["hunter2"] }, { ...head, data: "(redacted)" }],
    ["the manifest that kubectl has left", {
      ...head,
      metadata: { name: "a", annotations: { [lastApplied]: "hunter2", other: "kept" } },
      type: "Opaque",
    }, {
      ...head,
      metadata: { name: "a", annotations: { [lastApplied]: "(redacted)", other: "kept" } },
      type: "Opaque",
    }],
  ] as const
) {
  test(`withoutSecretValues takes ${what} away and keeps the rest`, () => {
    assert.deepEqual(withoutSecretValues(object), want);
  });
}

test("withoutSecretValues leaves everything that is no Secret as it is", () => {
  for (const object of [{ kind: "ConfigMap", apiVersion: "v1", data: { a: "b" } }, "text", null, [head]]) {
    assert.equal(withoutSecretValues(object), object);
  }
});
