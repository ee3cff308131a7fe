import assert from "node:assert/strict";
import { test } from "node:test";
import type { Lookup } from "../../../src/filter/filter.ts";
import { poolsLookup } from "../../../src/filter/pool.ts";
import { servicetopology } from "../../../src/filter/servicetopology/servicetopology.ts";
import type { JsonObject } from "../../../src/kube/json_equal.ts";
import { type LookedUp, shown, shownObject, tablesOf } from "../../testing/filtering.ts";

const filter = servicetopology({ nodeName: "node-1", nodePoolName: "" });
const [topologyLookup] = filter.lookups as readonly [Lookup<unknown>, ...Lookup<unknown>[]]; // its first

const service = (topologyKeys?: string) => ({
  metadata: {
    name: "web",
    namespace: "default",
    ...(topologyKeys === undefined ? {} : { annotations: { "openyurt.io/topologyKeys": topologyKeys } }),
  },
});
const nodePools = [
  { metadata: { name: "a" }, status: { nodes: ["node-1", "node-2"] } },
  { metadata: { name: "b" }, status: { nodes: ["node-3"] } },
];
const endpoint = (nodeName: string) => ({ addresses: [`ip-${nodeName}`], nodeName });
const slice = (...nodes: readonly string[]) => ({
  kind: "EndpointSlice",
  metadata: { name: "web-x", namespace: "default", labels: { "kubernetes.io/service-name": "web" } },
  endpoints: [...nodes.map(endpoint), { addresses: ["nowhere"] }],
});

function nodesIn(object: JsonObject | undefined): readonly unknown[] {
  const { endpoints = [] } = object as { endpoints?: readonly { nodeName?: string }[] }; // the filter's own
  return endpoints.map(({ nodeName }) => nodeName);
}

const near = (topologyKeys: string | undefined, pools: LookedUp[number]) =>
  nodesIn(shownObject(slice("node-1", "node-2", "node-3"), {
    filters: [filter],
    lookups: tablesOf([topologyLookup, [service(topologyKeys)]], pools),
  }));

for (
  const [topologyKeys, want] of [
    ["kubernetes.io/hostname", ["node-1"]],
    ["openyurt.io/nodepool", ["node-1", "node-2"]],
    ["apps.openyurt.io/nodepool", ["node-1", "node-2"]],
    ["kubernetes.io/zone", ["node-1", "node-2"]],
    ["topology.kubernetes.io/zone", ["node-1", "node-2"]],
    ["elsewhere", ["node-1", "node-2", "node-3", undefined]],
    [undefined, ["node-1", "node-2", "node-3", undefined]],
  ] as const
) {
  test(`servicetopology with ${topologyKeys ?? "no annotation"} keeps ${want.join()}`, () => {
    assert.deepEqual(near(topologyKeys, [poolsLookup, nodePools]), want);
  });
}

const buckets = [
  { metadata: { name: "a-1", labels: { "openyurt.io/pool-name": "a" } }, nodes: [{ name: "node-1" }] },
  { metadata: { name: "a-2", labels: { "openyurt.io/pool-name": "a" } }, nodes: [{ name: "node-2" }] },
];
const nodes = ["node-1", "node-2"].map((name) => ({
  metadata: { name, labels: { "apps.openyurt.io/nodepool": "a" } },
}));

for (
  const [what, pools] of [
    ["NodeBuckets", [poolsLookup, buckets, 3]],
    ["labels of nodes", [poolsLookup, nodes, 4]],
  ] as const
) {
  test(`servicetopology takes pools from ${what}`, () => {
    assert.deepEqual(near("openyurt.io/nodepool", pools), ["node-1", "node-2"]);
  });
}

test("servicetopology takes the node for the pool where it is in none", () => {
  assert.deepEqual(near("openyurt.io/nodepool", [poolsLookup, []]), ["node-1"]);
});

test("servicetopology believes --nodepool-name", () => {
  const configured = servicetopology({ nodeName: "node-1", nodePoolName: "b" });
  const [lookup] = configured.lookups as readonly [Lookup<unknown>, ...Lookup<unknown>[]]; // its first
  const lookups = tablesOf([lookup, [service("openyurt.io/nodepool")]], [poolsLookup, nodePools]);
  assert.deepEqual(nodesIn(shownObject(slice("node-1", "node-3"), { filters: [configured], lookups })), ["node-3"]);
});

test("servicetopology leaves a slice empty, and a slice without endpoints as it is", () => {
  const lookups = tablesOf([topologyLookup, [service("kubernetes.io/hostname")]]);
  assert.deepEqual(nodesIn(shownObject(slice("node-3"), { filters: [filter], lookups })), []);
  const none = { ...slice(), endpoints: null };
  assert.equal(shown(none, { filters: [filter], lookups }), JSON.stringify(none));
});

test("servicetopology leaves a slice of no Service, and of one that is not there, as it is", () => {
  const lookups = tablesOf([topologyLookup, []]);
  const text = JSON.stringify(slice("node-3"));
  assert.equal(shown(text, { filters: [filter], lookups }), text);
  const alone = JSON.stringify({ ...slice("node-3"), metadata: { name: "web-x", namespace: "default" } });
  assert.equal(shown(alone, { filters: [filter], lookups }), alone);
});

test("servicetopology reads the node of v1beta1 slices from their topology", () => {
  const old = (name: string) => ({ addresses: [name], topology: { "kubernetes.io/hostname": name } });
  const lookups = tablesOf([topologyLookup, [service("kubernetes.io/hostname")]]);
  const object = { ...slice(), endpoints: [old("node-1"), old("node-2")] };
  assert.deepEqual(shownObject(object, { filters: [filter], lookups })?.["endpoints"], [old("node-1")]);
});

test("servicetopology filters both kinds of addresses of Endpoints, and drops subsets with none left", () => {
  const lookups = tablesOf([topologyLookup, [service("openyurt.io/nodepool")]], [poolsLookup, nodePools]);
  const at = (nodeName: string) => ({ ip: nodeName, nodeName });
  const ports = [{ port: 80 }];
  const endpoints = {
    kind: "Endpoints",
    metadata: { name: "web", namespace: "default" },
    subsets: [
      { addresses: [at("node-1"), at("node-3")], notReadyAddresses: [at("node-3"), { ip: "nowhere" }], ports },
      { addresses: [at("node-3")], ports },
      { notReadyAddresses: [at("node-2")], ports },
    ],
  };
  assert.deepEqual(shownObject(endpoints, { filters: [filter], lookups })?.["subsets"], [
    { addresses: [at("node-1")], ports },
    { notReadyAddresses: [at("node-2")], ports },
  ]);
});
