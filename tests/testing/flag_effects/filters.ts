import assert from "node:assert/strict";
import { seedObject } from "../../../src/demo/seed_object.ts";
import type { FlagEffect, FlagScene } from "../flag_scene.ts";
import type { HubInProcess } from "../hub_in_process.ts";
import { ask, cutOff, holdPods, podsPath } from "./asking.ts";
import { keepServing } from "./serving.ts";

const servicesPath = "/api/v1/namespaces/default/services";
const slicesPath = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

/** A Service that kube-proxy is not shown. */
function seedDiscarded({ cloud }: FlagScene): void {
  seedObject(cloud.server.objects, {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "cloud-only", namespace: "default", annotations: { "svc.openyurt.io/discard": "true" } },
    spec: { type: "LoadBalancer" },
  });
}

async function seesAll(hub: HubInProcess): Promise<void> {
  assert.match((await ask(hub, servicesPath, as("kube-proxy"))).text, /"cloud-only"/);
}

function as(component: string): RequestInit {
  return { headers: { "User-Agent": `${component}/v1` } };
}

/** Flags of what local components get otherwise than the cloud has it. */
export const filterEffects: readonly FlagEffect[] = [
  { flags: { "enable-resource-filter": "false" }, prepare: seedDiscarded, see: seesAll },
  { flags: { "disabled-resource-filters": "discardcloudservice" }, prepare: seedDiscarded, see: seesAll },
  {
    flags: { "access-server-through-hub": "false" },
    prepare: keepServing,
    see: async (hub) => {
      const { text } = await ask(hub, `${servicesPath}/kubernetes`, as("kubelet"));
      assert.match(text, /"clusterIP":"10\.96\.0\.1"/);
    },
  },
  {
    flags: { "nodepool-name": "north" },
    prepare: seedPools,
    see: async (hub) => {
      const { text } = await ask(hub, slicesPath, as("kube-proxy"));
      // Of the pool that the flag names, not of the one that the cluster has the node in.
      assert.deepEqual(text.match(/"nodeName":"[^"]*"/g), ['"nodeName":"of-north"'], text);
    },
  },
  {
    flags: { namespace: "settings" },
    see: async (_hub, scene) => {
      const askedIn = (namespace: string): boolean =>
        scene.cloud.asked.some(({ what }) => what.startsWith(`GET /api/v1/namespaces/${namespace}/configmaps?`));
      await scene.until(() => askedIn("settings"));
      assert.equal(askedIn("kube-system"), false);
    },
  },
  {
    flags: { "cache-agents": "agent" },
    see: async (hub, scene) => {
      await ask(hub, `${podsPath}?resourceVersion=0`, as("agent"));
      await holdPods(hub, scene);
      await cutOff(hub, scene);
      assert.equal((await ask(hub, podsPath, as("agent"))).source, "replica");
      assert.equal((await ask(hub, podsPath, as("other"))).status, 503);
    },
  },
];

/** A Service whose endpoints are to be in the pool, and two pools; node-1 is in the south. */
function seedPools({ cloud }: FlagScene): void {
  const { objects } = cloud.server;
  for (const [name, pool] of [["node-1", "south"], ["of-north", "north"]] as const) {
    const labels = { "apps.openyurt.io/nodepool": pool };
    seedObject(objects, { apiVersion: "v1", kind: "Node", metadata: { name, labels } });
  }
  const metadata = { namespace: "default", name: "web" };
  const annotations = { "openyurt.io/topologyKeys": "openyurt.io/nodepool" };
  seedObject(objects, { apiVersion: "v1", kind: "Service", metadata: { ...metadata, annotations }, spec: {} });
  const slice = {
    metadata: { ...metadata, resourceVersion: "9", labels: { "kubernetes.io/service-name": "web" } },
    endpoints: ["node-1", "of-north"].map((nodeName) => ({ addresses: ["10.0.0.1"], nodeName })),
  };
  const list = {
    kind: "EndpointSliceList",
    apiVersion: "discovery.k8s.io/v1",
    metadata: { resourceVersion: "9" },
    items: [slice],
  };
  cloud.intercept = ({ rawPath }) => rawPath.startsWith(slicesPath) ? Response.json(list) : undefined;
}
