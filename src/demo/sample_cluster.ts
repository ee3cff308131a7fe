import type { ObjectInput } from "./api_object.ts";
import type { ObjectStore } from "./object_store.ts";
import { seedObject } from "./seed_object.ts";

/** Name of the demo's node. */
export const demoNodeName = "edge-1";

/** Fills the cloud of the demo: namespaces, a small workload bound to the node, and what that reads. */
export function seedSampleCluster(objects: ObjectStore, nowMs: number): void {
  const namespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];
  const inputs: readonly ObjectInput[] = [
    ...namespaces.map((name) => ({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name },
      status: { phase: "Active" },
    })),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "kubernetes", namespace: "default" },
      spec: { type: "ClusterIP", clusterIP: "10.96.0.1", ports: [{ name: "https", port: 443, protocol: "TCP" }] },
    },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "web-settings", namespace: "default" },
      data: { greeting: "hello from the edge" },
    },
    samplePod("web-1", { namespace: "default", app: "web" }),
    samplePod("web-2", { namespace: "default", app: "web" }),
    samplePod("dns-1", { namespace: "kube-system", app: "dns" }),
  ];
  for (const input of inputs) seedObject(objects, input, nowMs);
}

/** A pod that is bound to the demo's node. */
export function samplePod(name: string, place: { readonly namespace: string; readonly app: string }): ObjectInput {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: place.namespace, labels: { app: place.app } },
    spec: {
      nodeName: demoNodeName,
      restartPolicy: "Always",
      containers: [{ name: place.app, image: `example.com/${place.app}:1.0`, resources: {} }],
    },
    status: { phase: "Pending" },
  };
}
