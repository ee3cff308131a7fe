/** Objects that the API server takes as they are, and that the rows of `patch_rows.ts` patch. */

type Members = Readonly<Record<string, unknown>>;

type Strings = Readonly<Record<string, string>>;

/** What the rows ask of a Node by name, among the rest. */
interface SampleNode extends Members {
  readonly metadata: SampleMetadata & { readonly labels: Strings; readonly annotations: Strings };
  readonly status: Members & {
    readonly capacity: Strings;
    readonly conditions: readonly Members[];
    readonly addresses: readonly Members[];
    readonly nodeInfo: Strings;
  };
}

/** What the rows ask of a Pod by name, among the rest. */
interface SamplePod extends Members {
  readonly metadata: SampleMetadata;
  readonly status: Members & {
    readonly conditions: readonly Members[];
    readonly resourceClaimStatuses: readonly Members[];
  };
}

interface SampleEvent extends Members {
  readonly metadata: SampleMetadata;
}

interface SampleMetadata extends Members {
  readonly name: string;
  readonly uid: string;
}

const time = (minute: number): string => `2026-01-02T03:0${minute}:00Z`;

export const NODE: SampleNode = {
  kind: "Node",
  apiVersion: "v1",
  metadata: {
    name: "patched",
    uid: "0a6c6a3e-0000-4000-8000-000000000001",
    resourceVersion: "10",
    creationTimestamp: time(0),
    labels: { zone: "a", "example.com/disk": "ssd" },
    annotations: { note: "<kept>" },
    finalizers: ["example.com/a", "example.com/b", "example.com/c"],
    ownerReferences: [
      { apiVersion: "v1", kind: "ConfigMap", name: "one", uid: "u1" },
      { apiVersion: "v1", kind: "ConfigMap", name: "two", uid: "u2", controller: true },
    ],
  },
  spec: { podCIDR: "10.1.0.0/24", podCIDRs: ["10.1.0.0/24"] },
  status: {
    capacity: { cpu: "4", memory: "8Gi", pods: "110" },
    allocatable: { cpu: "3", memory: "7Gi", pods: "110" },
    conditions: [
      condition("MemoryPressure", "False"),
      condition("DiskPressure", "False"),
      condition("PIDPressure", "False"),
      { ...condition("Ready", "True"), reason: "KubeletReady", message: "kubelet is posting ready status" },
    ],
    addresses: [
      { type: "InternalIP", address: "10.0.0.1" },
      { type: "InternalIP", address: "fd00::1" },
      { type: "Hostname", address: "patched" },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      machineID: "m",
      systemUUID: "s",
      bootID: "b",
      kernelVersion: "6.1",
      osImage: "Debian",
      containerRuntimeVersion: "containerd://2",
      kubeletVersion: "v1.36.3",
      kubeProxyVersion: "v1.36.3",
      operatingSystem: "linux",
      architecture: "amd64",
    },
    images: [{ names: ["a:1"], sizeBytes: 9_007_199_254_740_000 }, { names: ["b:1"], sizeBytes: 2 }],
    volumesInUse: ["v/1", "v/2"],
    volumesAttached: [{ name: "v/1", devicePath: "/dev/1" }],
    features: { supplementalGroupsPolicy: true },
  },
};

function condition(type: string, status: string): Members {
  return { type, status, lastHeartbeatTime: time(1), lastTransitionTime: time(0) };
}

export const POD: SamplePod = {
  kind: "Pod",
  apiVersion: "v1",
  metadata: {
    name: "patched",
    namespace: "default",
    uid: "0a6c6a3e-0000-4000-8000-000000000002",
    resourceVersion: "11",
    generation: 1,
    creationTimestamp: time(0),
    labels: { app: "web" },
    finalizers: ["example.com/a"],
    ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "one", uid: "u1" }],
  },
  spec: {
    nodeName: "patched",
    containers: [{ name: "main", image: "none", resources: { claims: [{ name: "gpu" }, { name: "nic" }] } }],
    resourceClaims: [
      { name: "gpu", resourceClaimTemplateName: "gpu" },
      { name: "nic", resourceClaimTemplateName: "nic" },
      { name: "fpga", resourceClaimTemplateName: "fpga" },
    ],
  },
  status: {
    observedGeneration: 1,
    phase: "Running",
    message: "as it was",
    conditions: [
      podCondition("PodScheduled", { observedGeneration: 1 }),
      podCondition("Initialized"),
      podCondition("Ready", { observedGeneration: 1, message: "fine" }),
      podCondition("example.com/gate"),
    ],
    hostIP: "10.0.0.1",
    hostIPs: [{ ip: "10.0.0.1" }, { ip: "fd00::1" }],
    podIP: "10.1.0.2",
    podIPs: [{ ip: "10.1.0.2" }],
    startTime: time(1),
    containerStatuses: [containerStatus({ restartCount: 1 })],
    resourceClaimStatuses: [{ name: "gpu", resourceClaimName: "gpu-1" }, { name: "nic", resourceClaimName: "nic-1" }],
    qosClass: "BestEffort",
  },
};

function podCondition(type: string, more: Members = {}): Members {
  return { type, status: "True", lastProbeTime: null, lastTransitionTime: time(1), ...more };
}

/** Of the pod's one container, which runs unless told otherwise. */
export function containerStatus(more: Members): Members {
  return {
    name: "main",
    state: { running: { startedAt: time(1) } },
    lastState: {},
    ready: true,
    restartCount: 0,
    image: "none",
    imageID: "none@sha256:0",
    containerID: "test://1",
    started: true,
    ...more,
  };
}

export const EVENT: SampleEvent = {
  kind: "Event",
  apiVersion: "v1",
  metadata: {
    name: "patched.1",
    namespace: "default",
    uid: "0a6c6a3e-0000-4000-8000-000000000003",
    resourceVersion: "12",
    creationTimestamp: time(0),
  },
  involvedObject: { kind: "Pod", namespace: "default", name: "patched", fieldPath: "spec.containers{main}" },
  reason: "BackOff",
  message: "Back-off restarting failed container",
  source: { component: "kubelet", host: "patched" },
  firstTimestamp: time(1),
  lastTimestamp: time(1),
  count: 1,
  type: "Warning",
  eventTime: null,
  reportingComponent: "kubelet",
  reportingInstance: "patched",
};

export const NEW_EVENT: SampleEvent = {
  kind: "Event",
  apiVersion: "events.k8s.io/v1",
  metadata: {
    name: "patched.2",
    namespace: "default",
    uid: "0a6c6a3e-0000-4000-8000-000000000004",
    resourceVersion: "13",
    creationTimestamp: time(0),
  },
  eventTime: "2026-01-02T03:01:00.123456Z",
  series: { count: 2, lastObservedTime: "2026-01-02T03:02:00.000001Z" },
  reportingController: "example.com/controller",
  reportingInstance: "controller-1",
  action: "Pulling",
  reason: "Pulled",
  regarding: { kind: "Pod", namespace: "default", name: "patched" },
  note: "as it was",
  type: "Normal",
  deprecatedSource: {},
  deprecatedFirstTimestamp: null,
  deprecatedLastTimestamp: null,
};
