import assert from "node:assert/strict";
import { test } from "node:test";
import { isCalled, resourceWords } from "../../../src/kube/resource_words.ts";

const pods = { group: "", version: "v1", resource: "pods" };
const deployments = { group: "apps", version: "v1", resource: "deployments" };

test("resourceWords names a resource as kubectl takes it in full", () => {
  assert.deepEqual([pods, deployments].map(resourceWords), ["pods.v1.", "deployments.v1.apps"]);
});

for (
  const [words, isPods, isDeployments] of [
    ["pods", true, false],
    ["Pod", true, false],
    ["pods.v1", true, false],
    ["pods.v1.", true, false],
    ["pods.apps", false, false],
    ["pods.v2", false, false],
    ["deployments", false, true],
    ["deployment.apps", false, true],
    ["DEPLOYMENTS.v1.apps", false, true],
    ["deployments.v1", false, true],
    ["deployments.v1.batch", false, false],
    ["deployments.v1.", false, false],
    ["", false, false],
  ] as const
) {
  test(`isCalled takes "${words}" for ${isPods ? "pods" : isDeployments ? "deployments" : "neither"}`, () => {
    assert.deepEqual([isCalled(pods, "Pod", words), isCalled(deployments, "Deployment", words)], [
      isPods,
      isDeployments,
    ]);
  });
}

test("isCalled takes no empty name for a resource whose kind is not known", () => {
  assert.equal(isCalled(pods, "", ".v1"), false);
});
