import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeScope } from "../../../src/identity/scope.ts";
import { type Removal, removeHeld } from "../../../src/replica/removal.ts";
import { verifyStore } from "../../../src/replica/verify_store.ts";
import { createFaultyStore } from "../../testing/faulty_store.ts";
import { mapBytes, mapList, mapsQuery } from "../../testing/json_objects.ts";
import { loneReplica } from "../../testing/lone_replica.ts";

const queries = {
  all: mapsQuery,
  default: { ...mapsQuery, namespace: "default" },
  a: { ...mapsQuery, namespace: "default", fieldSelector: "metadata.name=a" },
  deployments: { ...mapsQuery, group: "apps", resource: "deployments" },
};
const pathTo = (name: string, namespace = "default") => ({
  group: "",
  version: "v1",
  resource: "configmaps",
  namespace,
  name,
});
const nothing = { resource: "", namespace: "", name: "" };

for (
  const [what, removal, collections, records, documents, remaining] of [
    ["a resource", { ...nothing, resource: "configmaps" }, ["all", "default", "a"], 3, 0, []],
    ["a resource by kind and version", { ...nothing, resource: "ConfigMap.v1" }, ["all", "default", "a"], 3, 0, []],
    ["a resource of another group", { ...nothing, resource: "deployments.apps" }, ["deployments"], 0, 0, []],
    ["a resource that is not held", { ...nothing, resource: "pods" }, [], 0, 0, []],
    ["a namespace", { ...nothing, resource: "configmaps", namespace: "default" }, ["default", "a"], 2, 0, ["all"]],
    ["an object", { resource: "configmaps", namespace: "default", name: "a" }, ["a"], 1, 0, ["all", "default"]],
    ["an object of a namespace that holds none", { ...nothing, resource: "configmaps", name: "x" }, [], 0, 0, []],
    ["the documents", "documents", [], 0, 1, []],
    ["all", "all", ["all", "default", "a", "deployments"], 3, 1, []],
  ] as const
) {
  test(`removeHeld lets go of ${what}, of nothing else, and leaves a whole store`, async () => {
    const store = createFaultyStore();
    const { replica } = loneReplica({ store });
    await replica.restore();
    for (const query of Object.values(queries)) {
      const kind = query.group === "" ? "ConfigMap" : "Deployment";
      replica.listed(nodeScope, query, { ...mapList(10, mapBytes("a", 5)), kind });
    }
    for (const path of [pathTo("a"), pathTo("b"), pathTo("c", "other")]) {
      replica.records.put(path, { bytes: mapBytes(path.name, 20, { namespace: path.namespace }), savedAt: 17 });
    }
    replica.documents.save("/apis", { rawHeaders: [], body: new Uint8Array(), savedAt: 17 });
    const before = replica.count;
    const named = collections.map((name) => queries[name]);
    assert.deepEqual(removeHeld(replica, removal as Removal), { // `as const` has made it narrower
      collections: named,
      records,
      documents,
      remaining: remaining.map((name) => queries[name]),
    });
    assert.deepEqual([replica.count, replica.records.size], [before - named.length, 3 - records]);
    await replica.close();
    assert.deepEqual((await verifyStore(store)).problems, []);
  });
}
