import assert from "node:assert/strict";
import { test } from "node:test";
import { builtinFilterNames, builtinFilters } from "../../../src/filter/builtin_filters.ts";
import { discardcloudservice } from "../../../src/filter/discardcloudservice/discardcloudservice.ts";
import { forwardkubesvctraffic } from "../../../src/filter/forwardkubesvctraffic/forwardkubesvctraffic.ts";
import { hostnetworkpropagation } from "../../../src/filter/hostnetworkpropagation/hostnetworkpropagation.ts";
import { inclusterconfig } from "../../../src/filter/inclusterconfig/inclusterconfig.ts";
import { masterservice } from "../../../src/filter/masterservice/masterservice.ts";
import { nodeportisolation } from "../../../src/filter/nodeportisolation/nodeportisolation.ts";
import { poolsLookup } from "../../../src/filter/pool.ts";
import { serviceenvupdater } from "../../../src/filter/serviceenvupdater/serviceenvupdater.ts";
import type { JsonObject } from "../../../src/kube/json_equal.ts";
import { shown, shownObject, tablesOf } from "../../testing/filtering.ts";

const address = { host: "169.254.2.1", port: 10268 };
const node = { nodeName: "node-1", nodePoolName: "" };

const kubernetes = (namespace = "default") => ({
  kind: "Service",
  metadata: { name: "kubernetes", namespace },
  spec: {
    clusterIP: "10.96.0.1",
    clusterIPs: ["10.96.0.1"],
    ports: [{ name: "https", port: 443, targetPort: 6443 }, { name: "other", port: 80 }],
  },
});

test("masterservice places default/kubernetes at the hub: clusterIP, clusterIPs and the port https", () => {
  assert.deepEqual(shownObject(kubernetes(), { filters: [masterservice(address)] })?.["spec"], {
    clusterIP: "169.254.2.1",
    clusterIPs: ["169.254.2.1"],
    ports: [{ name: "https", port: 10268, targetPort: 6443 }, { name: "other", port: 80 }],
  });
});

test("masterservice leaves every other Service alone", () => {
  const filters = [masterservice(address)];
  assert.equal(shown(kubernetes("other"), { filters }), JSON.stringify(kubernetes("other")));
});

const service = (type: string, annotations: Readonly<Record<string, string>>, place = "default/s") => {
  const [namespace, name] = place.split("/");
  return { metadata: { name, namespace, annotations }, spec: { type } };
};

for (
  const [object, stays] of [
    [service("LoadBalancer", {}), true],
    [service("LoadBalancer", { "svc.openyurt.io/discard": "true" }), false],
    [service("LoadBalancer", { "svc.openyurt.io/discard": "false" }), true],
    [service("LoadBalancer", { "openyurt.io/skip-discard": "true" }), true],
    [service("LoadBalancer", { "openyurt.io/skip-discard": "false" }), false],
    [service("LoadBalancer", { "openyurt.io/skip-discard": "true", "svc.openyurt.io/discard": "true" }), true],
    [service("ClusterIP", { "svc.openyurt.io/discard": "true" }), true],
    [service("ClusterIP", {}, "kube-system/x-tunnel-server-internal-svc"), false],
    [service("ClusterIP", {}, "default/x-tunnel-server-internal-svc"), true],
  ] as const
) {
  test(`discardcloudservice ${stays ? "keeps" : "drops"} ${JSON.stringify(object)}`, () => {
    assert.equal(shown(object, { filters: [discardcloudservice] }) !== undefined, stays);
  });
}

for (
  const [line, want] of [
    ["  kubeconfig: /var/lib/kube-proxy/kubeconfig.conf", "  #kubeconfig: /var/lib/kube-proxy/kubeconfig.conf"],
    ["#kubeconfig: /var/lib", "#kubeconfig: /var/lib"],
    ["kubeconfigs: x", "kubeconfigs: x"],
    ["kubeconfig: a:b", "kubeconfig: a:b"],
  ] as const
) {
  test(`inclusterconfig makes of ${line} ${want}`, () => {
    const config = (text: string) => ({
      metadata: { name: "kube-proxy", namespace: "kube-system" },
      data: { "config.conf": `a: b\nclientConnection:\n${text}\nmode: ""\n`, "kubeconfig.conf": "kubeconfig: x" },
    });
    assert.deepEqual(shownObject(config(line), { filters: [inclusterconfig] }), config(want));
  });
}

const nodePool = (name: string, nodes: readonly string[], spec: JsonObject = {}) => ({
  metadata: { name },
  spec,
  status: { nodes },
});

test("hostnetworkpropagation puts pods into the host's network where the pool says so, and as soon as it says so", () => {
  const filters = [hostnetworkpropagation(node)];
  const pod = { kind: "Pod", metadata: { name: "p", namespace: "default" }, spec: { containers: [] } };
  const within = (spec: JsonObject) => ({
    filters,
    lookups: tablesOf([poolsLookup, [nodePool("a", ["node-1"], spec)]]),
  });
  assert.equal(shown(pod, within({})), JSON.stringify(pod));
  assert.deepEqual(shownObject(pod, within({ hostNetwork: true })), {
    ...pod,
    spec: { containers: [], hostNetwork: true },
  });
});

test("forwardkubesvctraffic leads the slice of default/kubernetes to the hub, of the hub's address family only", () => {
  const slice = (addressType: string) => ({
    metadata: { name: "kubernetes", namespace: "default" },
    addressType,
    endpoints: [{ addresses: ["192.0.2.1"] }, { addresses: ["192.0.2.2"] }],
    ports: [{ name: "https", port: 6443 }],
  });
  const filters = [forwardkubesvctraffic(address)];
  const changed = shownObject(slice("IPv4"), { filters });
  assert.deepEqual(changed?.["endpoints"], [{ addresses: ["169.254.2.1"], conditions: { ready: true } }]);
  assert.deepEqual(changed["ports"], [{ name: "https", port: 10268 }]);
  assert.deepEqual(shownObject(slice("IPv6"), { filters }), slice("IPv6"));
});

for (
  const [listen, stays] of [
    ["a", true],
    ["b", false],
    ["-a,*", false],
    ["-b,*", true],
    ["*", true],
    ["", false],
    ["a,-a", true],
    ["-a,a", false],
    [" b , a ", true],
  ] as const
) {
  test(`nodeportisolation in the pool a ${stays ? "keeps" : "drops"} a Service for ${JSON.stringify(listen)}`, () => {
    const filters = [nodeportisolation(node)];
    const lookups = tablesOf([poolsLookup, [nodePool("a", ["node-1"]), nodePool("b", ["node-2"])]]);
    const annotations = { "nodeport.openyurt.io/listen": listen };
    for (const type of ["NodePort", "LoadBalancer"]) {
      assert.equal(shown(service(type, annotations), { filters, lookups }) !== undefined, stays);
    }
    assert.notEqual(shown(service("ClusterIP", annotations), { filters, lookups }), undefined);
    assert.notEqual(shown(service("NodePort", {}), { filters, lookups }), undefined);
    assert.notEqual(shown(service("NodePort", annotations), { filters }), undefined); // in no pool
  });
}

test("serviceenvupdater sets the variables that containers have, of init containers too, and adds none", () => {
  const host = { name: "KUBERNETES_SERVICE_HOST", value: "10.96.0.1" };
  const port = { name: "KUBERNETES_SERVICE_PORT", valueFrom: { fieldRef: { fieldPath: "x" } } };
  const pod = {
    metadata: { name: "p" },
    spec: {
      initContainers: [{ name: "i", env: [host] }],
      containers: [{ name: "a", env: [{ name: "A", value: "1" }, host, port] }, { name: "b" }],
    },
  };
  const set = [{ name: host.name, value: "169.254.2.1" }, { name: port.name, value: "10268" }];
  assert.deepEqual(shownObject(pod, { filters: [serviceenvupdater(address)] })?.["spec"], {
    initContainers: [{ name: "i", env: [set[0]] }],
    containers: [{ name: "a", env: [{ name: "A", value: "1" }, ...set] }, { name: "b" }],
  });
});

test("builtinFilters are in one order, without the address only those that lead nobody to the hub", () => {
  const options = { node, workingMode: "edge", accessServerThroughHub: true } as const;
  const names = (more: object) => builtinFilters({ ...options, ...more }).map(({ name }) => name);
  assert.deepEqual(names({ address }), builtinFilterNames);
  assert.deepEqual(names({}), [
    "discardcloudservice",
    "nodeportisolation",
    "servicetopology",
    "hostnetworkpropagation",
  ]);
  assert.deepEqual(names({ address, workingMode: "cloud" }), [
    "masterservice",
    "nodeportisolation",
    "servicetopology",
    "inclusterconfig",
  ]);
  const without = names({ address, accessServerThroughHub: false });
  assert.deepEqual(builtinFilterNames.filter((name) => !without.includes(name)), ["masterservice", "inclusterconfig"]);
});
