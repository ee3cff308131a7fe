import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type ApiClient, condition, getJson, type KubeObject } from "./driver/api_client.ts";
import { list, pod } from "./driver/manifests.ts";
import type { Hub } from "./driver/hub.ts";
import { type LibraryHub, startLibraryHub } from "./driver/library_hub.ts";
import { type KubeNode, startNode } from "./driver/node.ts";
import { PlainWatch } from "./driver/plain_watch.ts";
import { type Scene, startHubOf, startScene } from "./driver/scene.ts";
import { waitFor } from "./driver/wait.ts";

const RBAC = join(import.meta.dirname, "..", "..", "deploy", "rbac", "hub.yaml");
const NODE = "node-1";
/** A pool's change shows within it. */
const CHANGE_MS = 1_000;
const SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
const POOLS = "/apis/apps.openyurt.io/v1beta2/nodepools";
const WATCH_LIST = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
const kubeProxy = { "user-agent": "kube-proxy/v1.36.0 (linux/amd64) kubernetes/abc" };
const balancer = { "user-agent": "balancer/v1" };
const merge = { "content-type": "application/merge-patch+json" };

const nodePools = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "nodepools.apps.openyurt.io" },
  spec: {
    group: "apps.openyurt.io",
    scope: "Cluster",
    names: { plural: "nodepools", singular: "nodepool", kind: "NodePool" },
    versions: [{
      name: "v1beta2",
      served: true,
      storage: true,
      schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
    }],
  },
};

const nodePool = (name: string, nodes: readonly string[]) => ({
  apiVersion: "apps.openyurt.io/v1beta2",
  kind: "NodePool",
  metadata: { name },
  status: { nodes },
});

const service = (name: string, topologyKeys?: string) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: {
    name,
    namespace: "default",
    ...(topologyKeys === undefined ? {} : { annotations: { "openyurt.io/topologyKeys": topologyKeys } }),
  },
  spec: { ports: [{ port: 80 }] },
});

const slice = (name: string) => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: `${name}-x`, namespace: "default", labels: { "kubernetes.io/service-name": name } },
  addressType: "IPv4",
  endpoints: ["node-1", "node-2", "node-3"].map((nodeName, at) => ({ addresses: [`10.0.0.${at + 1}`], nodeName })),
  ports: [{ port: 80 }],
});

type Sliced = KubeObject & { readonly endpoints?: readonly { readonly nodeName: string }[] };

/** `web: node-1 node-2`. */
function near({ metadata, endpoints = [] }: Sliced): string {
  return [`${metadata.name}:`, ...endpoints.map(({ nodeName }) => nodeName)].join(" ");
}

function isEvent(type: string, text: string): (event: string) => boolean {
  return (event) => {
    const { type: told, object } = JSON.parse(event) as { type: string; object: Sliced }; // as the hub frames them
    return told === type && near(object) === text;
  };
}

describe("what kube-proxy sees through a hub", () => {
  let scene: Scene;
  let hub: Hub;
  let cloud: ApiClient;
  let watch: PlainWatch;

  before(async () => {
    scene = await startScene({ hub: false });
    const { direct } = scene.cluster;
    cloud = scene.cluster.api;
    await direct.ok(["apply", "-f", RBAC]);
    await direct.ok(["create", "-f", "-"], { stdin: JSON.stringify(nodePools) });
    await waitFor("NodePools to be served", 20_000, async (seen) => {
      const answer = await cloud(POOLS);
      seen(answer.text);
      return answer.status === 200;
    });
    await direct.ok(["create", "-f", "-"], {
      stdin: list(
        nodePool("a", ["node-1", "node-2"]),
        nodePool("b", ["node-3"]),
        ...["pooled", "local", "all"].map((name) =>
          service(name, { pooled: "openyurt.io/nodepool", local: "kubernetes.io/hostname" }[name])
        ),
        ...["pooled", "local", "all"].map(slice),
      ),
    });
    hub = await startHubOf({ cluster: scene.cluster, relay: scene.relay, name: NODE, identity: NODE });
  });
  after(async () => {
    watch?.close();
    await hub?.stop();
    await scene?.stop();
  });

  const seenBy = async (headers: Readonly<Record<string, string>>, query = "") => {
    const { items = [] } = await getJson(hub.api, SLICES + query, { headers });
    return items.filter(({ metadata }) => metadata.name.endsWith("-x")).map((item) => near(item));
  };
  const setNodes = async (...nodes: readonly string[]) => {
    const body = JSON.stringify({ status: { nodes } });
    assert.equal((await cloud(`${POOLS}/a`, { method: "PATCH", headers: merge, body })).status, 200);
  };

  it("is its pool's and its node's endpoints, in lists of any kind; others see all", async () => {
    const all = ["all-x: node-1 node-2 node-3"];
    for (const query of ["", "?resourceVersion=0"]) {
      assert.deepEqual(await seenBy(kubeProxy, query), [...all, "local-x: node-1", "pooled-x: node-1 node-2"]);
      assert.deepEqual((await seenBy(balancer, query)).map((text) => text.split(" ").length), [4, 4, 4]);
    }
  });

  it("changes with the pool within 1 s in an open watch, each time", async () => {
    watch = new PlainWatch(hub.proxyPort, `${SLICES}?${WATCH_LIST}`, { headers: kubeProxy });
    await watch.waitForEvent("the slice", 10_000, isEvent("ADDED", "pooled-x: node-1 node-2"));
    for (const nodes of [["node-1"], ["node-1", "node-3"], ["node-1", "node-2", "node-3"], ["node-1", "node-2"]]) {
      const began = performance.now();
      const before = watch.events.length;
      await setNodes(...nodes);
      const isNew = isEvent("MODIFIED", `pooled-x: ${nodes.join(" ")}`);
      const sent = (event: string) => isNew(event) && watch.events.indexOf(event, before) >= 0;
      await watch.waitForEvent(`the pool of ${nodes.join()}`, CHANGE_MS, sent);
      console.log(`a pool's change showed after ${Math.round(performance.now() - began)} ms`);
    }
    const touched = watch.events.filter((event) => event.startsWith('{"type":"MODIFIED"'));
    assert.ok(touched.every((event) => event.includes('"name":"pooled-x"')), "only what changes is sent");
  });

  it("changes with the Service's annotation within 1 s", async () => {
    const body = JSON.stringify({
      metadata: { annotations: { "openyurt.io/topologyKeys": "kubernetes.io/hostname" } },
    });
    const path = "/api/v1/namespaces/default/services/all";
    assert.equal((await cloud(path, { method: "PATCH", headers: merge, body })).status, 200);
    await watch.waitForEvent("the near endpoints", CHANGE_MS, isEvent("MODIFIED", "all-x: node-1"));
  });

  it("yurt-hub-cfg gives another component the same, while it watches", async () => {
    const other = new PlainWatch(hub.proxyPort, `${SLICES}?${WATCH_LIST}`, { headers: balancer });
    try {
      await other.waitForEvent("the slice", 10_000, isEvent("ADDED", "pooled-x: node-1 node-2 node-3"));
      await scene.cluster.direct.ok([
        "create",
        "configmap",
        "yurt-hub-cfg",
        "-n",
        "kube-system",
        "--from-literal=servicetopology=balancer",
      ]);
      await other.waitForEvent("the near endpoints", CHANGE_MS, isEvent("MODIFIED", "pooled-x: node-1 node-2"));
      assert.ok((await seenBy(balancer)).includes("local-x: node-1"));
      await scene.cluster.direct.ok(["delete", "configmap", "yurt-hub-cfg", "-n", "kube-system"]);
      await other.waitForEvent("all of them again", CHANGE_MS, isEvent("MODIFIED", "pooled-x: node-1 node-2 node-3"));
    } finally {
      other.close();
    }
  });

  it("is the same offline, after a restart of the hub too", async () => {
    const before = await seenBy(kubeProxy);
    await scene.relay.setMode("refuse");
    await hub.waitForLink("offline", 20_000);
    assert.deepEqual(await seenBy(kubeProxy), before);
    await hub.kill();
    await hub.start();
    assert.deepEqual(await seenBy(kubeProxy), before);
    await scene.relay.setMode("pass");
    await hub.waitForLink("online", 20_000);
  });

  it("/readyz says which filters are off", async () => {
    const { text } = await hub.status("/readyz?verbose");
    assert.match(text, /\[!\]filters off: masterservice, forwardkubesvctraffic, inclusterconfig, serviceenvupdater/);
    assert.doesNotMatch(text, /may not read/);
  });
});

describe("a kubelet behind a hub that pods can reach", () => {
  const address = { host: "127.0.0.1", port: 10268 };
  let scene: Scene;
  let hub: LibraryHub;
  let node: KubeNode;

  before(async () => {
    scene = await startScene({ hub: false });
    const { cluster, relay } = scene;
    await cluster.direct.ok(["apply", "-f", RBAC]);
    hub = await startLibraryHub({
      kubeconfig: cluster.kubeconfig(NODE),
      serverAddr: `https://127.0.0.1:${relay.port}`,
      nodeName: NODE,
      filters: { address: { current: address, why: "", onChange: () => undefined } },
    });
    const { program, dir: clusterDir } = cluster;
    node = await startNode({ program, name: NODE, clusterDir, server: hub.url, argv0: "kubelet" });
  });
  after(async () => {
    await node?.stop();
    await hub?.close();
    await scene?.stop();
  });

  it("gives pods the hub for their API server: masterservice and serviceenvupdater", async () => {
    const fixed = [{ name: "KUBERNETES_SERVICE_HOST", value: "192.0.2.1" }];
    await scene.cluster.direct.ok(["create", "-f", "-"], {
      stdin: list(
        pod({ name: "plain", nodeName: NODE }),
        pod({ name: "fixed", nodeName: NODE, container: { env: fixed } }),
      ),
    });
    for (const name of ["plain", "fixed"]) {
      await waitFor(`the pod ${name} to be Ready`, 40_000, async (seen) => {
        const object = await getJson(scene.cluster.api, `/api/v1/namespaces/default/pods/${name}`);
        seen(object.status);
        return condition(object, "Ready") === "True";
      });
      const environment = readFileSync(`/proc/${node.pidOf(name)}/environ`, "utf8").split("\0");
      assert.ok(environment.includes("KUBERNETES_SERVICE_HOST=127.0.0.1"), `${name}: ${environment.join(" ")}`);
      assert.ok(environment.includes("KUBERNETES_SERVICE_PORT=10268"), `${name}: ${environment.join(" ")}`);
    }
    const object = await getJson(scene.cluster.api, "/api/v1/namespaces/default/services/kubernetes");
    assert.notEqual(object.spec?.["clusterIP"], "127.0.0.1");
  });
});
