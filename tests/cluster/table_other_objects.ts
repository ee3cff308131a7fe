import type { TableObject } from "./table_objects.ts";

type Members = Readonly<Record<string, unknown>>;

interface Kind {
  readonly type: string;
  readonly kind: string;
}

function inDefault({ type, kind }: Kind, name: string, members: Members = {}): TableObject {
  return { type, kind, metadata: { name, namespace: "default" }, members };
}

function inCluster({ type, kind }: Kind, name: string, members: Members = {}): TableObject {
  return { type, kind, metadata: { name }, members };
}

function ago(seconds: number): string {
  return new Date(Date.now() - seconds * 1000).toISOString().replace(/\.\d+/, "");
}

const SERVICE = { type: "v1/services", kind: "Service" };
const PORTS = [{ name: "a", port: 80, protocol: "TCP" }, { name: "b", port: 53, protocol: "UDP" }];
const ENDPOINTS = { type: "v1/endpoints", kind: "Endpoints" };
const SLICE = { type: "discovery.k8s.io/v1/endpointslices", kind: "EndpointSlice" };
const INGRESS = { type: "networking.k8s.io/v1/ingresses", kind: "Ingress" };
const INGRESS_CLASS = { type: "networking.k8s.io/v1/ingressclasses", kind: "IngressClass" };
const POLICY = { type: "networking.k8s.io/v1/networkpolicies", kind: "NetworkPolicy" };
const BACKEND = { service: { name: "web", port: { number: 80 } } };
const INGRESS_STATUS = { loadBalancer: { ingress: [{ hostname: "z.example.com" }, { ip: "192.0.2.1" }] } };

function addresses(count: number): readonly Members[] {
  return Array.from({ length: count }, (_, index) => ({ ip: `10.2.0.${index + 1}` }));
}

function rules(...hosts: readonly string[]): readonly Members[] {
  return hosts.map((host) => (host === "" ? {} : { host })).map((rule) => ({
    ...rule,
    http: { paths: [{ path: "/", pathType: "Prefix", backend: BACKEND }] },
  }));
}

export const NETWORK: readonly TableObject[] = [
  inDefault(SERVICE, "plain", { spec: { ports: PORTS, selector: { b: "2", a: "1" } } }),
  inDefault(SERVICE, "headless", { spec: { clusterIP: "None", selector: {} } }),
  inDefault(SERVICE, "external", { spec: { type: "ExternalName", externalName: "db.example.com" } }),
  inDefault(SERVICE, "node-port", {
    spec: {
      type: "NodePort",
      externalIPs: ["192.0.2.9"],
      ports: [{ port: 80, nodePort: 30080 }],
    },
  }),
  inDefault(SERVICE, "pending", {
    spec: { type: "LoadBalancer", ports: [{ port: 80, nodePort: 30081 }] },
  }),
  inDefault(SERVICE, "balanced", {
    spec: {
      type: "LoadBalancer",
      externalIPs: ["192.0.2.9"],
      ports: [{ port: 80, nodePort: 30082 }],
    },
    status: INGRESS_STATUS,
  }),
  inDefault(ENDPOINTS, "none"),
  inDefault(ENDPOINTS, "few", {
    subsets: [{ addresses: [{ ip: "fd00::1" }, ...addresses(1)], ports: [{ port: 80 }] }],
  }),
  inDefault(ENDPOINTS, "many", {
    subsets: [{ addresses: addresses(2), ports: PORTS.map(({ name, port, protocol }) => ({ name, port, protocol })) }, {
      addresses: addresses(2),
    }],
  }),
  inDefault(SLICE, "none", { addressType: "IPv4", endpoints: [] }),
  inDefault(SLICE, "many", {
    addressType: "IPv4",
    ports: [{ name: "a", port: 80 }, { name: "b" }, { name: "c", port: 81 }, { name: "d", port: 82 }],
    endpoints: addresses(5).map(({ ip }) => ({ addresses: [ip] })),
  }),
  inDefault(SLICE, "all-ports", {
    addressType: "IPv4",
    ports: [{ name: "" }],
    endpoints: [{ addresses: ["10.2.0.1"] }],
  }),
  inDefault(INGRESS, "many", {
    spec: {
      ingressClassName: "fast",
      rules: rules("a.example.com", "", "b.example.com", "c.example.com", "d.example.com"),
    },
    status: INGRESS_STATUS,
  }),
  inDefault(INGRESS, "secure", { spec: { tls: [{ hosts: ["a.example.com"] }], rules: rules("a.example.com") } }),
  inDefault(INGRESS, "any", { spec: { defaultBackend: BACKEND } }),
  inCluster(INGRESS_CLASS, "fast", {
    spec: {
      controller: "example.com/fast",
      parameters: { apiGroup: "example.com", kind: "Setting", name: "x", scope: "Cluster" },
    },
  }),
  {
    ...inCluster(INGRESS_CLASS, "slow", { spec: { controller: "example.com/slow" } }),
    metadata: { name: "slow", annotations: { "ingressclass.kubernetes.io/is-default-class": "true" } },
  },
  inDefault(POLICY, "all", { spec: { podSelector: {} } }),
  inDefault(POLICY, "some", {
    spec: { podSelector: { matchExpressions: [{ key: "a", operator: "In", values: ["x"] }] } },
  }),
];

const VOLUME = { type: "v1/persistentvolumes", kind: "PersistentVolume" };
const CLAIM = { type: "v1/persistentvolumeclaims", kind: "PersistentVolumeClaim" };
const CLASS = { type: "storage.k8s.io/v1/storageclasses", kind: "StorageClass" };
const VOLUME_SPEC = {
  capacity: { storage: "10Gi" },
  accessModes: ["ReadWriteMany", "ReadWriteOnce"],
  hostPath: { path: "/x" },
};
const CLAIM_SPEC = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
const CSI_DRIVER = { type: "storage.k8s.io/v1/csidrivers", kind: "CSIDriver" };

export const STORAGE: readonly TableObject[] = [
  inCluster(VOLUME, "free", { spec: VOLUME_SPEC, status: { phase: "Available" } }),
  inCluster(VOLUME, "bound", {
    spec: {
      ...VOLUME_SPEC,
      claimRef: { namespace: "default", name: "data" },
      storageClassName: "fast",
      persistentVolumeReclaimPolicy: "Delete",
      volumeMode: "Block",
    },
    status: { phase: "Failed", reason: "NoDisk" },
  }),
  { ...inCluster(VOLUME, "going", { spec: VOLUME_SPEC }), deleted: true },
  {
    ...inCluster(VOLUME, "old", { spec: VOLUME_SPEC }),
    metadata: { name: "old", annotations: { "volume.beta.kubernetes.io/storage-class": "ancient" } },
  },
  inDefault(CLAIM, "pending", { spec: CLAIM_SPEC }),
  inDefault(CLAIM, "bound", {
    spec: { ...CLAIM_SPEC, volumeName: "bound", storageClassName: "fast" },
    status: {
      phase: "Bound",
      accessModes: ["ReadWriteOncePod", "ReadOnlyMany"],
      capacity: { storage: "10Gi" },
    },
  }),
  { ...inDefault(CLAIM, "going", { spec: CLAIM_SPEC }), deleted: true },
  {
    ...inCluster(CLASS, "fast", {
      provisioner: "example.com/disk",
      allowVolumeExpansion: true,
      reclaimPolicy: "Retain",
    }),
    metadata: { name: "fast", annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
  },
  inCluster(CLASS, "slow", { provisioner: "example.com/tape", volumeBindingMode: "WaitForFirstConsumer" }),
  inCluster({ type: "storage.k8s.io/v1/csinodes", kind: "CSINode" }, "node-9", {
    spec: { drivers: [{ name: "a.example.com", nodeID: "x", topologyKeys: [] }] },
  }),
  inCluster(CSI_DRIVER, "a.example.com", { spec: {} }),
  inCluster(CSI_DRIVER, "b.example.com", {
    spec: {
      attachRequired: false,
      podInfoOnMount: true,
      storageCapacity: true,
      requiresRepublish: true,
      tokenRequests: [{ audience: "x" }, { audience: "y" }],
      volumeLifecycleModes: ["Persistent", "Ephemeral"],
    },
  }),
  inCluster({ type: "storage.k8s.io/v1/volumeattachments", kind: "VolumeAttachment" }, "a", {
    spec: { attacher: "a.example.com", nodeName: "node-9", source: { persistentVolumeName: "bound" } },
    status: { attached: true },
  }),
];

const NODE = { type: "v1/nodes", kind: "Node" };
const NODE_INFO = {
  ...{ machineID: "", systemUUID: "", bootID: "", kubeProxyVersion: "", operatingSystem: "linux" },
  ...{ kernelVersion: "6.12", osImage: "Debian", containerRuntimeVersion: "containerd://2.0" },
  ...{ kubeletVersion: "v1.36.3", architecture: "arm64" },
};
const QUOTA = { "requests.cpu": "2", "limits.cpu": "4", pods: "10", "limits.memory": "1Gi" };
const BUDGET = { type: "policy/v1/poddisruptionbudgets", kind: "PodDisruptionBudget" };
const LEASE = { type: "coordination.k8s.io/v1/leases", kind: "Lease" };

export const CORE: readonly TableObject[] = [
  inCluster(NODE, "bare"),
  {
    ...inCluster(NODE, "full", {
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: "Ready", status: "True" }],
        nodeInfo: NODE_INFO,
        addresses: [
          { type: "Hostname", address: "full" },
          { type: "InternalIP", address: "10.9.0.1" },
          { type: "InternalIP", address: "fd00::9" },
          { type: "ExternalIP", address: "192.0.2.7" },
        ],
      },
    }),
    metadata: {
      name: "full",
      labels: {
        "node-role.kubernetes.io/worker": "",
        "node-role.kubernetes.io/control-plane": "",
        "kubernetes.io/role": "edge",
      },
    },
  },
  inCluster(NODE, "silent", { status: { conditions: [{ type: "Ready", status: "Unknown" }] } }),
  inCluster({ type: "v1/namespaces", kind: "Namespace" }, "tables"),
  inDefault({ type: "v1/configmaps", kind: "ConfigMap" }, "full", {
    data: { a: "1", b: "2" },
    binaryData: { c: "AA==" },
  }),
  inDefault({ type: "v1/configmaps", kind: "ConfigMap" }, "empty"),
  inDefault({ type: "v1/secrets", kind: "Secret" }, "full", { data: { a: "AA==" }, type: "example.com/x" }),
  inDefault({ type: "v1/secrets", kind: "Secret" }, "empty"),
  inDefault({ type: "v1/serviceaccounts", kind: "ServiceAccount" }, "a"),
  inDefault({ type: "v1/limitranges", kind: "LimitRange" }, "a", { spec: { limits: [] } }),
  inDefault({ type: "v1/resourcequotas", kind: "ResourceQuota" }, "a", {
    spec: { hard: QUOTA },
    status: {
      hard: QUOTA,
      used: { pods: "3", "limits.cpu": "500m" },
    },
  }),
  inDefault(LEASE, "held", { spec: { holderIdentity: "me" } }),
  inDefault(LEASE, "free", { spec: {} }),
  inCluster({ type: "scheduling.k8s.io/v1/priorityclasses", kind: "PriorityClass" }, "high", {
    value: 1000,
    globalDefault: false,
    preemptionPolicy: "Never",
  }),
  inCluster({ type: "node.k8s.io/v1/runtimeclasses", kind: "RuntimeClass" }, "wasm", { handler: "wasm" }),
  inDefault(BUDGET, "a", { spec: { minAvailable: "50%" }, status: { disruptionsAllowed: 2 } }),
  inDefault(BUDGET, "b", { spec: { maxUnavailable: 1 } }),
];

const BINDING = { type: "rbac.authorization.k8s.io/v1/rolebindings", kind: "RoleBinding" };
const RBAC = "rbac.authorization.k8s.io";
const SUBJECTS = [
  { kind: "User", name: "ann", apiGroup: RBAC },
  { kind: "User", name: "bob", apiGroup: RBAC },
  { kind: "Group", name: "ops", apiGroup: RBAC },
  { kind: "ServiceAccount", name: "default", namespace: "default" },
];
const WEBHOOK = {
  name: "a.example.com",
  clientConfig: { url: "https://127.0.0.1:1/" },
  admissionReviewVersions: ["v1"],
  sideEffects: "None",
  rules: [],
};

/** A PEM for CN=tables, whose key was thrown away. */
const REQUEST = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlITE1ITUNBUUF3RVRFUE1BMEdBMVVFQXd3R2RHRmliR1Z6TUZr" +
  "d0V3WUhLb1pJemowQ0FRWUlLb1pJemowRApBUWNEUWdBRWNZY3VrSWE1aUhQMGdrWTdUcFZnOHordlBnVGJQbVc2ZXZyNXV2Ukpr" +
  "c3UzVkZoVkFBeXRYRGl1CklMYTNlRFAvWUM3TE5qMmQ4L1NuKzF4dEhrZVNEcUFBTUFvR0NDcUdTTTQ5QkFNQ0EwZ0FNRVVDSVFE" +
  "QlJMWE4KTERoZUVaZnI3VXNaME0yK3ZOd0FhTFpBZWZVYkJFLzRvY25zcmdJZ0RrVjNSdXhGNHh6cGhodGFGS2hRdVdUWgp3dTYy" +
  "bXZlazA0a2NPemJWVlgwPQotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K";
const SIGNING = { type: "certificates.k8s.io/v1/certificatesigningrequests", kind: "CertificateSigningRequest" };
const SIGNING_SPEC = { request: REQUEST, signerName: "example.com/signer", usages: ["client auth"] };

export const CLUSTER: readonly TableObject[] = [
  inCluster(SIGNING, "pending", { spec: SIGNING_SPEC }),
  inCluster(SIGNING, "short", { spec: { ...SIGNING_SPEC, expirationSeconds: 86_400 } }),
  inDefault(BINDING, "full", { roleRef: { apiGroup: RBAC, kind: "Role", name: "r" }, subjects: SUBJECTS }),
  inDefault(BINDING, "empty", { roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: "r" } }),
  inCluster({ type: `${RBAC}/v1/clusterrolebindings`, kind: "ClusterRoleBinding" }, "tables", {
    roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: "r" },
    subjects: SUBJECTS,
  }),
  inDefault({ type: `${RBAC}/v1/roles`, kind: "Role" }, "r", { rules: [] }),
  inCluster({ type: `${RBAC}/v1/clusterroles`, kind: "ClusterRole" }, "tables", { rules: [] }),
  inCluster(
    { type: "admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", kind: "MutatingWebhookConfiguration" },
    "a",
    { webhooks: [WEBHOOK] },
  ),
  inCluster(
    { type: "admissionregistration.k8s.io/v1/validatingwebhookconfigurations", kind: "ValidatingWebhookConfiguration" },
    "a",
    { webhooks: [] },
  ),
  inCluster({ type: "apiregistration.k8s.io/v1/apiservices", kind: "APIService" }, "v1.tables.example.com", {
    spec: {
      group: "tables.example.com",
      version: "v1",
      service: { namespace: "default", name: "nobody" },
      groupPriorityMinimum: 100,
      versionPriority: 100,
      insecureSkipTLSVerify: true,
    },
  }),
];

const SECONDS = [5, 100, 119, 120, 125, 599, 600, 10_799, 10_800, 14_400, 28_799, 28_800, 172_799, 172_800, 180_000];
const MORE_SECONDS = [691_199, 691_200, 63_071_999, 63_072_000, 63_158_400, 252_287_999, 252_288_000, 400_000_000];

function event(name: string, members: Members): TableObject {
  const involvedObject = { kind: "Pod", namespace: "default", name: "web", fieldPath: "spec.containers{main}" };
  return inDefault({ type: "v1/events", kind: "Event" }, name, { involvedObject, ...members });
}

export const EVENTS: readonly TableObject[] = [
  ...[...SECONDS, ...MORE_SECONDS].map((seconds) =>
    event(`age-${seconds}`, {
      firstTimestamp: ago(seconds),
      lastTimestamp: ago(seconds),
      source: { component: "kubelet", host: "node-1" },
      count: 3,
    })
  ),
  event("future", { firstTimestamp: ago(-3600), lastTimestamp: ago(-3600), source: { component: "kubelet" } }),
  event("new", {
    eventTime: ago(60).replace("Z", ".000000Z"),
    reportingComponent: "example.com/controller",
    reportingInstance: "one",
    action: "Act",
    reason: "Acted",
    type: "Normal",
    message: "  tells <of> it & more\n",
  }),
  event("series", {
    eventTime: ago(7200).replace("Z", ".000000Z"),
    series: { count: 9, lastObservedTime: ago(30).replace("Z", ".000000Z") },
    reportingComponent: "example.com/controller",
    reportingInstance: "one",
    action: "Act",
    reason: "Acted",
    type: "Warning",
  }),
  event("nobody", { involvedObject: { kind: "Node", namespace: "default" }, type: "Normal", reason: "x" }),
];
