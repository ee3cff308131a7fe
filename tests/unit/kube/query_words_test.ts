import assert from "node:assert/strict";
import { test } from "node:test";
import { queryWords } from "../../../src/kube/query_words.ts";

const pods = { group: "", version: "v1", resource: "pods", namespace: "", labelSelector: "", fieldSelector: "" };

for (
  const [query, words] of [
    [pods, "pods.v1. -A"],
    [{ ...pods, group: "apps", resource: "deployments", namespace: "default" }, "deployments.v1.apps -n default"],
    [{ ...pods, fieldSelector: "spec.nodeName=node-1" }, "pods.v1. -A --field-selector spec.nodeName=node-1"],
    [{ ...pods, labelSelector: "app in (a,b),!c" }, "pods.v1. -A -l 'app in (a,b),!c'"],
    [{ ...pods, fieldSelector: "metadata.name=it's" }, "pods.v1. -A --field-selector 'metadata.name=it'\\''s'"],
  ] as const
) {
  test(`queryWords gives ${words}`, () => assert.equal(queryWords(query), words));
}
