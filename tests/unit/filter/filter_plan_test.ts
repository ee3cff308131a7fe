import assert from "node:assert/strict";
import { test } from "node:test";
import { builtinFilterNames, builtinFilters } from "../../../src/filter/builtin_filters.ts";
import { FilterPlan } from "../../../src/filter/filter_plan.ts";
import { cacheAgentsIn, readHubConfig } from "../../../src/filter/hub_config.ts";

const filters = builtinFilters({
  node: { nodeName: "node-1", nodePoolName: "" },
  address: { host: "169.254.2.1", port: 10268 },
  workingMode: "edge",
  accessServerThroughHub: true,
});
const pods = { group: "", resource: "pods" };
const services = { group: "", resource: "services" };
const slices = { group: "discovery.k8s.io", resource: "endpointslices" };
const endpoints = { group: "", resource: "endpoints" };
const configMaps = { group: "", resource: "configmaps" };

for (
  const [component, resource, want] of [
    ["kubelet", services, ["masterservice"]],
    ["kubelet", configMaps, ["inclusterconfig"]],
    ["kubelet", pods, ["serviceenvupdater", "hostnetworkpropagation"]],
    ["kubelet", slices, []],
    ["kube-proxy", services, ["discardcloudservice", "nodeportisolation"]],
    ["kube-proxy", slices, ["servicetopology", "forwardkubesvctraffic"]],
    ["kube-proxy", endpoints, ["servicetopology"]],
    ["coredns", slices, ["servicetopology"]],
    ["nginx-ingress-controller", endpoints, ["servicetopology"]],
    ["kubectl", slices, []],
    ["", slices, []],
  ] as const
) {
  test(`FilterPlan has for ${component} and ${resource.resource} ${want.join() || "nothing"}`, () => {
    const plan = new FilterPlan(filters, readHubConfig({}, builtinFilterNames));
    assert.deepEqual(plan.filtersFor(component, resource).map(({ name }) => name), want);
  });
}

test("yurt-hub-cfg adds components to a filter, in the spellings of all generations, and takes none away", () => {
  const config = readHubConfig({
    servicetopology: " foo, Bar ",
    filter_discardcloudservice: "foo/services#list;watch,old/services#list",
    other: "x",
    filter_nothing: "x",
  }, builtinFilterNames);
  const plan = new FilterPlan(filters, config);
  const has = (component: string, resource: typeof services) =>
    plan.filtersFor(component, resource).map(({ name }) => name);
  assert.deepEqual(has("foo", slices), ["servicetopology"]);
  assert.deepEqual(has("bar", slices), ["servicetopology"]);
  assert.deepEqual(has("foo", services), ["discardcloudservice"]);
  assert.deepEqual(has("old", services), ["discardcloudservice"]);
  assert.deepEqual(has("coredns", slices), ["servicetopology"]);
  assert.deepEqual(config.problems, ["There is no filter nothing"]);
});

test("the hub's own reads are never filtered, whatever yurt-hub-cfg says", () => {
  const plan = new FilterPlan(filters, readHubConfig({ servicetopology: "yurthub,holdfast" }, builtinFilterNames));
  for (const component of ["yurthub", "holdfast"]) assert.deepEqual(plan.filtersFor(component, slices), []);
});

test("cache_agents are those named and the known ones; empty or with * all", () => {
  const { cacheAgents } = readHubConfig({ cache_agents: "foo, BAR ,," }, []);
  assert.deepEqual([..."foo bar kubelet other".split(" ")].map((one) => cacheAgents?.has(one)), [
    true,
    true,
    true,
    false,
  ]);
  for (const list of [undefined, "", " , ", "foo,*"]) assert.deepEqual(cacheAgentsIn(list), {});
});
