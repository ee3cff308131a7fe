import { NODE_PATCH_ROWS } from "./node_patch_rows.ts";
import { containerStatus, POD } from "./patch_objects.ts";
import type { PatchRow } from "./patch_row.ts";

const LATER = "2026-01-02T03:09:00Z";
const [scheduled, initialized, , gate] = POD.status.conditions;
const types = (...names: readonly string[]): unknown => names.map((type) => ({ type }));

/** Patches of the objects of `patch_objects.ts`. */
export const PATCH_ROWS: readonly PatchRow[] = [
  ...NODE_PATCH_ROWS,
  {
    name: "kubelet's first word on a pod",
    object: "pod",
    patch: {
      status: {
        "$setElementOrder/conditions": types("PodScheduled", "Initialized", "ContainersReady", "Ready"),
        conditions: [
          { type: "ContainersReady", status: "False", lastProbeTime: null, lastTransitionTime: LATER, reason: "X" },
          { type: "Ready", status: "False", lastTransitionTime: LATER, message: null, reason: "X" },
        ],
        containerStatuses: [containerStatus({ ready: false, started: false, restartCount: 1 })],
        message: null,
        startTime: LATER,
      },
    },
    want: {
      "status.conditions": [
        scheduled,
        initialized,
        { type: "ContainersReady", status: "False", lastProbeTime: null, lastTransitionTime: LATER, reason: "X" },
        {
          type: "Ready",
          status: "False",
          lastProbeTime: null,
          lastTransitionTime: LATER,
          observedGeneration: 1,
          reason: "X",
        },
        gate,
      ],
      "status.containerStatuses": [containerStatus({ ready: false, started: false, restartCount: 1 })],
      "status.message": undefined,
      "status.startTime": LATER,
    },
  },
  {
    name: "a container that has ended replaces all statuses of containers",
    object: "pod",
    patch: {
      status: {
        phase: "Failed",
        containerStatuses: [containerStatus({ ready: false, started: false, state: ended(), restartCount: 1 })],
      },
    },
    want: {
      "status.phase": "Failed",
      "status.containerStatuses": [
        containerStatus({ ready: false, started: false, state: ended(), restartCount: 1 }),
      ],
    },
  },
  {
    name: "a second address of the pod",
    object: "pod",
    patch: {
      status: {
        "$setElementOrder/podIPs": [{ ip: "10.1.0.2" }, { ip: "fd00::2" }],
        podIPs: [{ ip: "fd00::2" }],
      },
    },
    want: { "status.podIPs": [{ ip: "10.1.0.2" }, { ip: "fd00::2" }] },
  },
  {
    name: "the pod's addresses replaced",
    object: "pod",
    patch: {
      status: {
        "$setElementOrder/podIPs": [{ ip: "10.1.0.9" }],
        podIP: "10.1.0.9",
        podIPs: [{ ip: "10.1.0.9" }, { ip: "10.1.0.2", $patch: "delete" }],
      },
    },
    want: { "status.podIP": "10.1.0.9", "status.podIPs": [{ ip: "10.1.0.9" }] },
  },
  {
    name: "podIP alone takes podIPs with it",
    object: "pod",
    patch: { status: { podIP: "10.1.0.9" } },
    want: { "status.podIP": "10.1.0.9", "status.podIPs": [{ ip: "10.1.0.9" }] },
  },
  {
    name: "podIP that is taken away comes back from podIPs",
    object: "pod",
    patch: { status: { podIP: null } },
    want: {},
  },
  {
    name: "the host's addresses turned round",
    object: "pod",
    patch: { status: { "$setElementOrder/hostIPs": [{ ip: "fd00::1" }, { ip: "10.0.0.1" }], hostIP: "fd00::1" } },
    want: { "status.hostIP": "fd00::1", "status.hostIPs": [{ ip: "fd00::1" }, { ip: "10.0.0.1" }] },
  },
  {
    name: "resource claims by name, with keys that are retained",
    object: "pod",
    patch: {
      status: {
        "$setElementOrder/resourceClaimStatuses": [{ name: "gpu" }, { name: "fpga" }, { name: "nic" }],
        resourceClaimStatuses: [
          { $retainKeys: ["name"], name: "gpu" },
          { name: "fpga", resourceClaimName: "fpga-1" },
          { name: "nic", resourceClaimName: "nic-2" },
        ],
      },
    },
    want: {
      "status.resourceClaimStatuses": [
        { name: "gpu" },
        { name: "fpga", resourceClaimName: "fpga-1" },
        { name: "nic", resourceClaimName: "nic-2" },
      ],
    },
  },
  {
    name: "a status that is replaced keeps what the API server keeps",
    object: "pod",
    patch: {
      status: {
        $patch: "replace",
        phase: "Pending",
        conditions: [{ type: "PodScheduled", status: "False" }, { type: "New", status: "True" }],
      },
    },
    want: {
      status: {
        phase: "Pending",
        conditions: [
          { type: "PodScheduled", status: "False", observedGeneration: 1 },
          { type: "New", status: "True" },
        ],
        qosClass: "BestEffort",
        observedGeneration: 1,
      },
    },
  },
  {
    name: "owners of a pod do not change through its status",
    object: "pod",
    patch: { metadata: { ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "three", uid: "u3" }] } },
    want: {},
  },
  {
    name: "labels and finalizers of a pod through its status",
    object: "pod",
    patch: { metadata: { labels: { app: null, x: "1" }, finalizers: ["example.com/b"] } },
    want: { "metadata.labels": { x: "1" }, "metadata.finalizers": ["example.com/b", "example.com/a"] },
  },
  { name: "another class", object: "pod", patch: { status: { qosClass: "Guaranteed" } }, refused: "fails" },
  { name: "a member of no kind of directive", object: "pod", patch: { status: { $foo: 1 } }, refused: "unknown" },
  {
    name: "$patch: merge",
    object: "pod",
    patch: { status: { conditions: [{ type: "Ready", $patch: "merge" }] } },
    refused: "unknown",
  },
  {
    name: "an element without its key",
    object: "pod",
    patch: { status: { conditions: [{ status: "True" }] } },
    refused: "unknown",
  },
  {
    name: "an order that the patch does not keep",
    object: "pod",
    patch: {
      status: {
        "$setElementOrder/conditions": types("Ready", "Initialized"),
        conditions: [{ type: "Initialized", status: "False" }, { type: "Ready", status: "False" }],
      },
    },
    refused: "unknown",
  },
  {
    name: "merge: what is new is taken without nulls",
    object: "pod",
    type: "merge",
    patch: {
      status: {
        extendedResourceClaimStatus: null,
        conditions: [{ type: "Ready", status: "False", message: null, reason: "R" }],
      },
    },
    want: { "status.conditions": [{ type: "Ready", status: "False", reason: "R", observedGeneration: 1 }] },
  },
  { name: "merge: another uid", object: "pod", type: "merge", patch: { metadata: { uid: "x" } }, refused: "conflict" },
  { name: "merge: no object", object: "pod", type: "merge", patch: [], refused: "fails" },
  {
    name: "json: a test that fails",
    object: "pod",
    type: "json",
    patch: [{ op: "test", path: "/status/phase", value: "Failed" }],
    refused: "fails",
  },
  {
    name: "json: remove of what is missing",
    object: "pod",
    type: "json",
    patch: [{ op: "remove", path: "/status/reason" }],
    refused: "fails",
  },
  {
    name: "json: a path through what is missing",
    object: "pod",
    type: "json",
    patch: [{ op: "add", path: "/status/resources/limits", value: {} }],
    refused: "fails",
  },
  {
    name: "json: behind the end of a list",
    object: "pod",
    type: "json",
    patch: [{ op: "add", path: "/status/podIPs/2", value: { ip: "fd00::2" } }],
    refused: "fails",
  },
  { name: "json: no list", object: "pod", type: "json", patch: {}, refused: "malformed" },
  {
    name: "json: an operation that nobody knows",
    object: "pod",
    type: "json",
    patch: [{ op: "merge", path: "/status" }],
    refused: "unknown",
  },
  {
    name: "an event that is counted on, as client-go's recorder does it",
    object: "event",
    patch: { count: 2, lastTimestamp: LATER, message: "again" },
    want: { count: 2, lastTimestamp: LATER, message: "again" },
  },
  {
    name: "an event that becomes a series",
    object: "event",
    patch: { series: { count: 2, lastObservedTime: "2026-01-02T03:09:00.000000Z" }, metadata: { labels: { a: "b" } } },
    want: {
      series: { count: 2, lastObservedTime: "2026-01-02T03:09:00.000000Z" },
      "metadata.labels": { a: "b" },
    },
  },
  {
    name: "a series that goes on",
    object: "newEvent",
    patch: { series: { count: 3, lastObservedTime: "2026-01-02T03:09:00.000007Z" } },
    want: { series: { count: 3, lastObservedTime: "2026-01-02T03:09:00.000007Z" } },
  },
  { name: "a series that ends", object: "newEvent", patch: { series: null }, want: { series: undefined } },
  { name: "an event's note", object: "newEvent", patch: { note: "changed" }, refused: "unknown" },
];

function ended(): unknown {
  return { terminated: { exitCode: 1, reason: "Error", startedAt: LATER, finishedAt: LATER, containerID: "test://1" } };
}
