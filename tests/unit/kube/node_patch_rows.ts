import { NODE } from "./patch_objects.ts";
import type { PatchRow } from "./patch_row.ts";

const LATER = "2026-01-02T03:09:00Z";
const [memory, disk, pid, ready] = NODE.status.conditions;
const [ip4, ip6, hostname] = NODE.status.addresses;
const types = (...names: readonly string[]): unknown => names.map((type) => ({ type }));
const seen = { lastHeartbeatTime: LATER };

/** Patches of `NODE`. */
export const NODE_PATCH_ROWS: readonly PatchRow[] = [
  {
    name: "kubelet's heartbeat",
    object: "node",
    patch: {
      status: {
        "$setElementOrder/conditions": types("MemoryPressure", "DiskPressure", "PIDPressure", "Ready"),
        conditions: ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"].map((type) => ({ ...seen, type })),
      },
    },
    want: { "status.conditions": NODE.status.conditions.map((one) => ({ ...one, ...seen })) },
  },
  {
    name: "a node that is no longer ready, with fewer images and volumes",
    object: "node",
    patch: {
      status: {
        "$setElementOrder/conditions": types("MemoryPressure", "DiskPressure", "PIDPressure", "Ready"),
        conditions: [{ type: "Ready", status: "False", reason: "KubeletNotReady", message: null }],
        images: [{ names: ["c:1"], sizeBytes: 3 }],
        volumesInUse: null,
      },
    },
    want: {
      "status.conditions": [memory, disk, pid, { ...condition(ready), status: "False", reason: "KubeletNotReady" }],
      "status.images": [{ names: ["c:1"], sizeBytes: 3 }],
      "status.volumesInUse": undefined,
    },
  },
  {
    name: "addresses replaced, as kubelet does it",
    object: "node",
    patch: { status: { addresses: [hostname, { type: "InternalIP", address: "10.0.0.9" }, { $patch: "replace" }] } },
    want: { "status.addresses": [hostname, { type: "InternalIP", address: "10.0.0.9" }] },
  },
  {
    name: "an address of a type that stands there twice goes into the first",
    object: "node",
    patch: { status: { addresses: [{ type: "InternalIP", address: "10.0.0.9" }] } },
    want: { "status.addresses": [{ type: "InternalIP", address: "10.0.0.9" }, ip6, hostname] },
  },
  {
    name: "a type that stands there twice is deleted as a whole",
    object: "node",
    patch: { status: { addresses: [{ type: "InternalIP", $patch: "delete" }] } },
    want: { "status.addresses": [hostname] },
  },
  {
    name: "a new condition without an order comes first",
    object: "node",
    patch: { status: { conditions: [{ type: "New", status: "True" }] } },
    want: { "status.conditions": [{ type: "New", status: "True" }, memory, disk, pid, ready] },
  },
  {
    name: "a new condition with an order comes where it is wanted",
    object: "node",
    patch: {
      status: {
        "$setElementOrder/conditions": types("MemoryPressure", "New", "DiskPressure", "PIDPressure", "Ready"),
        conditions: [{ type: "New", status: "True" }],
      },
    },
    want: { "status.conditions": [memory, { type: "New", status: "True" }, disk, pid, ready] },
  },
  {
    name: "an order that does not name all",
    object: "node",
    patch: { status: { "$setElementOrder/conditions": types("Ready", "MemoryPressure") } },
    want: { "status.conditions": [disk, pid, ready, memory] },
  },
  {
    name: "conditions that are named come in the patch's order",
    object: "node",
    patch: { status: { conditions: [{ ...seen, type: "Ready" }, { ...seen, type: "DiskPressure" }] } },
    want: { "status.conditions": [memory, pid, { ...ready, ...seen }, { ...disk, ...seen }] },
  },
  {
    name: "a condition that is deleted",
    object: "node",
    patch: {
      status: {
        "$setElementOrder/conditions": types("MemoryPressure", "PIDPressure", "Ready"),
        conditions: [{ type: "DiskPressure", $patch: "delete" }],
      },
    },
    want: { "status.conditions": [memory, pid, ready] },
  },
  {
    name: "where one is deleted and another is new, the new one comes behind those that the patch does not name",
    object: "node",
    patch: {
      status: {
        "$setElementOrder/conditions": types("MemoryPressure", "New"),
        conditions: [{ type: "DiskPressure", $patch: "delete" }, { type: "New", status: "True" }],
      },
    },
    want: { "status.conditions": [memory, pid, ready, { type: "New", status: "True" }] },
  },
  {
    name: "two elements of a patch with one key become one",
    object: "node",
    patch: { status: { conditions: [{ type: "New", status: "True" }, { type: "New", reason: "Twice" }] } },
    want: { "status.conditions": [{ type: "New", status: "True", reason: "Twice" }, memory, disk, pid, ready] },
  },
  {
    name: "capacity: set, added and taken away",
    object: "node",
    patch: { status: { capacity: { cpu: "8", "example.com/gpu": "2", pods: null, none: null } } },
    want: { "status.capacity": { cpu: "8", memory: "8Gi", "example.com/gpu": "2" } },
  },
  {
    name: "capacity replaced",
    object: "node",
    patch: { status: { capacity: { $patch: "replace", cpu: "8" } } },
    want: { "status.capacity": { cpu: "8" } },
  },
  {
    name: "capacity deleted",
    object: "node",
    patch: { status: { capacity: { $patch: "delete" } } },
    want: { "status.capacity": undefined },
  },
  {
    name: "capacity with keys that are retained",
    object: "node",
    patch: { status: { capacity: { $retainKeys: ["cpu", "memory"], memory: "9Gi" } } },
    want: { "status.capacity": { cpu: "4", memory: "9Gi" } },
  },
  {
    name: "$retainKeys that lacks what the patch sets",
    object: "node",
    patch: { status: { capacity: { $retainKeys: ["cpu"], memory: "9Gi" } } },
    refused: "unknown",
  },
  {
    name: "labels and annotations through the status",
    object: "node",
    patch: {
      metadata: {
        labels: { zone: "b", "example.com/disk": null, "example.com/new": "1" },
        annotations: null,
      },
    },
    want: { "metadata.labels": { zone: "b", "example.com/new": "1" }, "metadata.annotations": undefined },
  },
  {
    name: "a finalizer that is new comes first, one that is there stays once",
    object: "node",
    patch: { metadata: { finalizers: ["example.com/d", "example.com/b"] } },
    want: {
      "metadata.finalizers": ["example.com/d", "example.com/a", "example.com/b", "example.com/c"],
    },
  },
  {
    name: "finalizers added, deleted and ordered",
    object: "node",
    patch: {
      metadata: {
        "$setElementOrder/finalizers": ["example.com/c", "example.com/d", "example.com/b"],
        "$deleteFromPrimitiveList/finalizers": ["example.com/a"],
        finalizers: ["example.com/d"],
      },
    },
    want: { "metadata.finalizers": ["example.com/c", "example.com/d", "example.com/b"] },
  },
  {
    name: "all finalizers deleted",
    object: "node",
    patch: { metadata: { "$deleteFromPrimitiveList/finalizers": NODE.metadata.finalizers } },
    want: { "metadata.finalizers": undefined },
  },
  {
    name: "owners are told apart by their uid",
    object: "node",
    patch: { metadata: { ownerReferences: [{ uid: "u1", name: "changed" }, { uid: "u2", $patch: "delete" }] } },
    want: { "metadata.ownerReferences": [{ apiVersion: "v1", kind: "ConfigMap", name: "changed", uid: "u1" }] },
  },
  {
    name: "an object deleted",
    object: "node",
    patch: { status: { features: { $patch: "delete" }, daemonEndpoints: { kubeletEndpoint: { Port: 1 } } } },
    want: { "status.features": {}, "status.daemonEndpoints": { kubeletEndpoint: { Port: 1 } } },
  },
  { name: "nothing", object: "node", patch: {}, want: {} },
  {
    name: "what is there already",
    object: "node",
    patch: { metadata: { labels: { zone: "a" } }, status: { volumesInUse: ["v/1", "v/2"], config: null } },
    want: {},
  },
  {
    name: "times and generation that no update changes",
    object: "node",
    patch: { metadata: { creationTimestamp: LATER, generation: 7 } },
    want: {},
  },
  { name: "another uid", object: "node", patch: { metadata: { uid: "other" }, status: {} }, refused: "conflict" },
  { name: "another version", object: "node", patch: { metadata: { resourceVersion: "1" } }, refused: "conflict" },
  {
    name: "a list where an object is held",
    object: "node",
    patch: { status: { capacity: [] } },
    refused: "unknown",
  },
  {
    name: "merge: lists are replaced, objects merged",
    object: "node",
    type: "merge",
    patch: {
      metadata: { labels: { zone: null } },
      status: { conditions: [{ type: "Ready", status: "False" }], capacity: { pods: null, cpu: "1" }, config: null },
    },
    want: {
      "metadata.labels": { "example.com/disk": "ssd" },
      "status.conditions": [{ type: "Ready", status: "False" }],
      "status.capacity": { cpu: "1", memory: "8Gi" },
    },
  },
  {
    name: "json: every operation",
    object: "node",
    type: "json",
    patch: [
      { op: "test", path: "/status/conditions/3/type", value: "Ready" },
      { op: "test", path: "/status/config", value: null },
      { op: "replace", path: "/status/conditions/3/status", value: "Unknown" },
      { op: "remove", path: "/status/addresses/1" },
      { op: "add", path: "/status/addresses/0", value: { type: "ExternalIP", address: "192.0.2.1" } },
      { op: "add", path: "/status/volumesInUse/-", value: "v/3" },
      { op: "copy", from: "/status/capacity/cpu", path: "/status/allocatable/cpu" },
      { op: "move", from: "/metadata/labels/example.com~1disk", path: "/metadata/labels/moved~0" },
      { op: "remove", path: "/metadata/labels/moved~0" },
      { op: "replace", path: "/metadata/labels/new", value: "set all the same" },
      { op: "replace", path: "/metadata/labels/new", value: "set" },
    ],
    want: {
      "metadata.labels": { zone: "a", new: "set" },
      "status.conditions": [memory, disk, pid, { ...ready, status: "Unknown" }],
      "status.addresses": [{ type: "ExternalIP", address: "192.0.2.1" }, ip4, hostname],
      "status.volumesInUse": ["v/1", "v/2", "v/3"],
      "status.allocatable": { cpu: "4", memory: "7Gi", pods: "110" },
    },
  },
];

/** A condition without its message. */
function condition(one: unknown): object {
  return Object.fromEntries(Object.entries(Object(one)).filter(([key]) => key !== "message"));
}
