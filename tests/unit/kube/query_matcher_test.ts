import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readObjectMeta } from "../../../src/kube/object_meta.ts";
import { compileQuery, coversQuery, matchesQuery, remainder } from "../../../src/kube/query_matcher.ts";
import type { Query } from "../../../src/kube/resources.ts";

const PODS: Query = {
  group: "",
  version: "v1",
  resource: "pods",
  namespace: "",
  labelSelector: "",
  fieldSelector: "",
};
const WIDGETS: Query = { ...PODS, group: "example.com", resource: "widgets" };

const POD = new TextEncoder().encode(JSON.stringify({
  kind: "Pod",
  apiVersion: "v1",
  metadata: { name: "a", namespace: "n", labels: { app: "web" } },
  spec: { nodeName: "node-1" },
  status: { phase: "Running" },
}));

describe("matchesQuery", () => {
  for (
    const [query, selected] of [
      [PODS, true],
      [{ ...PODS, namespace: "n" }, true],
      [{ ...PODS, namespace: "m" }, false],
      [{ ...PODS, labelSelector: "app=web" }, true],
      [{ ...PODS, labelSelector: "app!=web" }, false],
      [{ ...PODS, fieldSelector: "spec.nodeName=node-1" }, true],
      [{ ...PODS, fieldSelector: "spec.nodeName=node-2" }, false],
      [{ ...PODS, fieldSelector: "metadata.name=a,spec.nodeName=node-1,status.phase!=Failed" }, true],
      [{ ...PODS, fieldSelector: "metadata.name=b" }, false],
      [{ ...WIDGETS, fieldSelector: "metadata.name=a" }, true],
      [{ ...WIDGETS, fieldSelector: "spec.color=red" }, undefined],
      [{ ...WIDGETS, fieldSelector: "metadata.name=b,spec.color=red" }, false],
      [{ ...WIDGETS, namespace: "m", fieldSelector: "spec.color=red" }, false],
    ] as const
  ) {
    test(JSON.stringify(query), () => assert.equal(matchesQuery(query, POD, readObjectMeta(POD)), selected));
  }
});

test("compileQuery needs no object's bytes where the metadata tell", () => {
  const nothing = new Uint8Array();
  const matcher = compileQuery({ ...PODS, namespace: "n", labelSelector: "app=web", fieldSelector: "metadata.name=a" });
  assert.equal(matcher.needsObject, false);
  assert.equal(matcher.matches(readObjectMeta(POD), nothing), true);
  assert.equal(compileQuery({ ...PODS, fieldSelector: "spec.nodeName=a" }).needsObject, true);
});

describe("coversQuery", () => {
  const selecting = { ...PODS, labelSelector: "a=b,c in (d,e)", fieldSelector: "spec.nodeName=x" };
  for (
    const [name, wider, narrower, covered] of [
      ["the same", PODS, PODS, true],
      ["a namespace of all", PODS, { ...PODS, namespace: "n" }, true],
      ["all of a namespace", { ...PODS, namespace: "n" }, PODS, false],
      ["another namespace", { ...PODS, namespace: "n" }, { ...PODS, namespace: "m" }, false],
      ["another version", PODS, { ...PODS, version: "v2" }, false],
      ["another resource", PODS, { ...PODS, resource: "services" }, false],
      ["another group", PODS, { ...PODS, group: "metrics.k8s.io" }, false],
      ["a selection of all", PODS, selecting, true],
      ["all of a selection", selecting, PODS, false],
      ["one more requirement", selecting, { ...selecting, fieldSelector: "metadata.name=y,spec.nodeName=x" }, true],
      ["one requirement less", selecting, { ...selecting, labelSelector: "a=b" }, false],
      ["another value", selecting, { ...selecting, fieldSelector: "spec.nodeName=y" }, false],
      ["a field that cannot be told", WIDGETS, { ...WIDGETS, fieldSelector: "spec.color=red" }, false],
      [
        "a field that cannot be told in both",
        { ...WIDGETS, fieldSelector: "spec.color=red" },
        { ...WIDGETS, fieldSelector: "metadata.name=a,spec.color=red" },
        true,
      ],
    ] as const
  ) test(name, () => assert.equal(coversQuery(wider, narrower), covered));
});

test("remainder asks only what the wider query has not", () => {
  const meta = { namespace: "n", name: "a", labels: {} };
  const wider = { ...PODS, labelSelector: "app=web" };
  const rest = remainder(wider, { ...wider, namespace: "n", fieldSelector: "metadata.name=a" });
  // These labels are not what the wider query selects: the remainder must not look at them again.
  assert.equal(rest?.matches(meta, POD), true);
  assert.equal(rest?.matches({ ...meta, namespace: "m" }, POD), false);
  assert.equal(rest?.matches({ ...meta, name: "b" }, POD), false);
  assert.equal(rest?.selectsAll, false);
  assert.equal(remainder(wider, wider)?.selectsAll, true);
});
