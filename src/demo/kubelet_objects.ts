import { fieldAt, fieldText, isJsonObject, type JsonObject } from "./api_object.ts";

/** The Node that the simulated kubelet registers. */
export function nodeObject(name: string, nowMs: number): JsonObject {
  const time = timeText(nowMs);
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux" } },
    spec: {},
    status: {
      conditions: [{
        type: "Ready",
        status: "True",
        reason: "KubeletReady",
        message: "simulated kubelet",
        lastHeartbeatTime: time,
        lastTransitionTime: time,
      }],
      nodeInfo: { kubeletVersion: "v1.36.0-demo", operatingSystem: "linux", containerRuntimeVersion: "demo://1" },
    },
  };
}

/** The lease of a node, renewed now. */
export function leaseObject(nodeName: string, nowMs: number): JsonObject {
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: nodeName, namespace: "kube-node-lease" },
    spec: {
      holderIdentity: nodeName,
      leaseDurationSeconds: 40,
      renewTime: new Date(nowMs).toISOString().replace("Z", "000Z"),
    },
  };
}

/** Path of a pod at the API. */
export function podPath(pod: JsonObject): string {
  return `/api/v1/namespaces/${fieldText(pod, "metadata.namespace")}/pods/${fieldText(pod, "metadata.name")}`;
}

/** The patch that reports a pod's containers as running since `startedMs`. */
export function podStatusPatch(pod: JsonObject, startedMs: number): JsonObject {
  const startedAt = timeText(startedMs);
  const specs = fieldAt(pod, "spec.containers");
  const containers = Array.isArray(specs) ? specs.filter(isJsonObject) : [];
  return {
    metadata: { uid: fieldText(pod, "metadata.uid") },
    status: {
      phase: "Running",
      startTime: startedAt,
      podIP: "127.0.0.1",
      conditions: [{ type: "Ready", status: "True", lastTransitionTime: startedAt }],
      containerStatuses: containers.map((container) => ({
        name: container["name"],
        image: container["image"],
        ready: true,
        restartCount: 0,
        state: { running: { startedAt } },
      })),
    },
  };
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
