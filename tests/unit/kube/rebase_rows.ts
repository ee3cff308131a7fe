import { containerStatus, NODE, POD } from "./patch_objects.ts";

/** What a node has written while it was cut off, what others wrote meanwhile, and what is to come of both. */
export interface RebaseRow {
  readonly name: string;
  readonly object: "node" | "pod";
  /** Strategic merge patches of the status. */
  readonly node: unknown;
  readonly cloud: unknown;
  /** What is different from the sample afterwards, by path; undefined for what is gone. */
  readonly want?: Readonly<Record<string, unknown>>;
  /** Or: nothing is pushed. */
  readonly settled?: "unchanged" | "finished";
}

const LATER = "2026-01-02T03:09:00Z";
const [memory, disk, pid, ready] = NODE.status.conditions;
const [scheduled, initialized, podReady, gate] = POD.status.conditions;
const silent = { status: "Unknown", reason: "NodeStatusUnknown", message: "Kubelet stopped posting node status." };
const lost = ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"].map((type) => ({
  type,
  ...silent,
  lastTransitionTime: "2026-01-02T03:08:00Z",
}));

export const REBASE_ROWS: readonly RebaseRow[] = [
  {
    name: "the node's word on its conditions counts, on those that it has not changed too",
    object: "node",
    node: {
      status: { conditions: [{ type: "DiskPressure", status: "True", lastHeartbeatTime: LATER, reason: "Full" }] },
    },
    cloud: { status: { conditions: lost } },
    want: {
      "status.conditions": [memory, { ...disk, status: "True", lastHeartbeatTime: LATER, reason: "Full" }, pid, ready],
    },
  },
  {
    name: "conditions of others stay theirs, and volumes that are attached, and what is new",
    object: "node",
    node: { status: { conditions: [{ type: "Ready", lastHeartbeatTime: LATER }], volumesInUse: ["v/2"] } },
    cloud: {
      metadata: { labels: { pool: "edge" } },
      status: {
        conditions: [{ type: "NetworkUnavailable", status: "True", reason: "RouteLost" }],
        volumesAttached: [{ name: "v/2", devicePath: "/dev/2" }],
        capacity: { "example.com/gpu": "2" },
      },
    },
    want: {
      "metadata.labels": { ...NODE.metadata.labels, pool: "edge" },
      "status.conditions": [
        { type: "NetworkUnavailable", status: "True", reason: "RouteLost" },
        memory,
        disk,
        pid,
        { ...ready, lastHeartbeatTime: LATER },
      ],
      "status.volumesAttached": [{ name: "v/2", devicePath: "/dev/2" }],
      "status.volumesInUse": ["v/2"],
      "status.capacity": { ...NODE.status.capacity, "example.com/gpu": "2" },
    },
  },
  {
    name: "maps are merged key by key, addresses replaced with their order",
    object: "node",
    node: {
      metadata: { labels: { zone: "b", "example.com/disk": null }, annotations: { mine: "1" } },
      status: {
        capacity: { pods: "50", cpu: null },
        addresses: [{ type: "Hostname", address: "x" }, { type: "InternalIP", address: "10.0.0.9" }, {
          $patch: "replace",
        }],
        nodeInfo: { kernelVersion: "6.2" },
        images: null,
      },
    },
    cloud: { metadata: { labels: { zone: "c", other: "1" } }, status: { capacity: { memory: "1Gi" } } },
    want: {
      "metadata.labels": { zone: "b", other: "1" },
      "metadata.annotations": { ...NODE.metadata.annotations, mine: "1" },
      "status.capacity": { memory: "1Gi", pods: "50" },
      "status.addresses": [{ type: "Hostname", address: "x" }, { type: "InternalIP", address: "10.0.0.9" }],
      "status.nodeInfo": { ...NODE.status.nodeInfo, kernelVersion: "6.2" },
      "status.images": undefined,
    },
  },
  {
    name: "finalizers and owners that the node adds and takes away",
    object: "node",
    node: {
      metadata: {
        "$deleteFromPrimitiveList/finalizers": ["example.com/b", "example.com/a"],
        finalizers: ["example.com/d"],
        ownerReferences: [{ uid: "u1", $patch: "delete" }, { uid: "u2", name: "changed" }],
      },
    },
    cloud: { metadata: { "$deleteFromPrimitiveList/finalizers": ["example.com/a"] } },
    want: {
      "metadata.finalizers": ["example.com/d", "example.com/c"],
      "metadata.ownerReferences": [
        { apiVersion: "v1", kind: "ConfigMap", name: "changed", uid: "u2", controller: true },
      ],
    },
  },
  {
    name: "what the cloud has already is not pushed",
    object: "node",
    node: { status: { capacity: { cpu: "8" }, volumesInUse: null } },
    cloud: { status: { capacity: { cpu: "8" }, volumesInUse: null, allocatable: { cpu: "7" } } },
    settled: "unchanged",
  },
  {
    name: "a pod's containers, phase and addresses are the node's",
    object: "pod",
    node: {
      metadata: {},
      status: {
        phase: "Succeeded",
        conditions: [{ type: "Initialized", reason: "PodCompleted", lastProbeTime: null }],
        containerStatuses: [containerStatus({ ready: false, restartCount: 7 })],
        podIP: "10.1.0.9",
        podIPs: [{ ip: "10.1.0.9" }, { ip: "10.1.0.2", $patch: "delete" }],
        message: null,
      },
    },
    cloud: {
      status: {
        conditions: [
          { type: "Ready", status: "False", message: "node lost", reason: "NodeLost" },
          { type: "example.com/gate", status: "False" },
          { type: "DisruptionTarget", status: "True" },
        ],
        resourceClaimStatuses: [{ name: "fpga", resourceClaimName: "fpga-1" }],
        message: "of the cloud",
      },
    },
    want: {
      "status.phase": "Succeeded",
      "status.conditions": [
        scheduled,
        { ...initialized, reason: "PodCompleted" },
        podReady,
        { ...gate, status: "False" },
        { type: "DisruptionTarget", status: "True" },
      ],
      "status.containerStatuses": [containerStatus({ ready: false, restartCount: 7 })],
      "status.podIP": "10.1.0.9",
      "status.podIPs": [{ ip: "10.1.0.9" }],
      "status.message": undefined,
      "status.resourceClaimStatuses": [
        { name: "fpga", resourceClaimName: "fpga-1" },
        ...POD.status.resourceClaimStatuses,
      ],
    },
  },
  {
    name: "a condition that the node has taken away goes",
    object: "pod",
    node: { status: { conditions: [{ type: "example.com/gate", $patch: "delete" }] } },
    cloud: { status: { message: "of the cloud" } },
    want: { "status.conditions": [scheduled, initialized, podReady], "status.message": "of the cloud" },
  },
  {
    name: "a pod that the cloud has failed stays failed",
    object: "pod",
    node: { status: { containerStatuses: [containerStatus({ restartCount: 9 })] } },
    cloud: { status: { phase: "Failed", reason: "Evicted" } },
    settled: "finished",
  },
  {
    name: "a pod that has failed on both sides",
    object: "pod",
    node: { status: { phase: "Failed", reason: "Error", containerStatuses: [containerStatus({ restartCount: 9 })] } },
    cloud: { status: { phase: "Failed", reason: "Evicted" } },
    want: {
      "status.phase": "Failed",
      "status.reason": "Error",
      "status.containerStatuses": [containerStatus({ restartCount: 9 })],
    },
  },
];
