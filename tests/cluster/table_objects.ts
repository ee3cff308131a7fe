/** An object to make, and what becomes of it then. */
export interface TableObject {
  /** `group/version/resource` or `version/resource`, as in the path. */
  readonly type: string;
  /** Without namespace for what has none. */
  readonly metadata: Readonly<Record<string, unknown>> & { readonly name: string; readonly namespace?: string };
  readonly kind: string;
  /** All that stands beside the metadata; a status is set once the object is made. */
  readonly members?: Readonly<Record<string, unknown>>;
  /** Deleted, and held by a finalizer. */
  readonly deleted?: boolean;
}

export const LABELS: Readonly<Record<string, string>> = { tables: "yes" };

type Members = Readonly<Record<string, unknown>>;

const AN_HOUR_AGO = new Date(Date.now() - 3_600_000).toISOString().replace(/\.\d+/, "");
const NINE_MINUTES_AGO = new Date(Date.now() - 543_000).toISOString().replace(/\.\d+/, "");

const CONTAINER = { name: "main", image: "example.com/web:1.2" };
const TWO_CONTAINERS = [CONTAINER, { name: "log", image: "log" }];
const TEMPLATE = { metadata: { labels: { app: "web" } }, spec: { containers: TWO_CONTAINERS } };
const SELECTOR = {
  matchLabels: { app: "web" },
  matchExpressions: [
    { key: "tier", operator: "In", values: ["front", "back"] },
    { key: "a", operator: "Exists" },
    { key: "b", operator: "DoesNotExist" },
    { key: "c", operator: "NotIn", values: ["x"] },
  ],
};
const SELECTED = { metadata: { labels: { app: "web", tier: "front", a: "1" } }, spec: { containers: TWO_CONTAINERS } };

function pod(name: string, status: Members = {}, spec: Members = {}): TableObject {
  return {
    type: "v1/pods",
    kind: "Pod",
    metadata: { name, namespace: "default" },
    members: {
      spec: { containers: [CONTAINER], automountServiceAccountToken: false, terminationGracePeriodSeconds: 1, ...spec },
      status,
    },
  };
}

function container(name: string, state: Members, more: Members = {}): Members {
  return { name, image: "i", imageID: "", ready: false, restartCount: 0, state, ...more };
}

const RUNNING = { running: { startedAt: AN_HOUR_AGO } };
const READY = { ready: true, started: true };
const DONE = { terminated: { exitCode: 0, reason: "Completed" } };
const RESTARTED = { restartCount: 3, lastState: { terminated: { exitCode: 1, finishedAt: NINE_MINUTES_AGO } } };
const SIDECAR = { name: "side", image: "side", restartPolicy: "Always" };
const INIT = { name: "init", image: "init" };

function condition(type: string, status: string, more: Members = {}): Members {
  return { type, status, ...more };
}

export const PODS: readonly TableObject[] = [
  pod("bare"),
  pod("running", {
    phase: "Running",
    podIPs: [{ ip: "10.1.0.7" }, { ip: "fd00::7" }],
    podIP: "10.1.0.7",
    conditions: [condition("Ready", "True")],
    containerStatuses: [container("main", RUNNING, { ...READY, ...RESTARTED })],
  }, { nodeName: "node-9" }),
  pod("waiting", {
    phase: "Pending",
    containerStatuses: [container("main", { waiting: { reason: "ImagePullBackOff" } })],
  }),
  pod("no-reason", { phase: "Pending", containerStatuses: [container("main", { waiting: {} })] }),
  pod("crashing", {
    phase: "Running",
    containerStatuses: [container("main", { waiting: { reason: "CrashLoopBackOff" } }, { restartCount: 7 })],
  }),
  pod("succeeded", { phase: "Succeeded", containerStatuses: [container("main", DONE)] }),
  pod("failed", { phase: "Failed", containerStatuses: [container("main", { terminated: { exitCode: 3 } })] }),
  pod("killed", {
    phase: "Failed",
    containerStatuses: [container("main", { terminated: { exitCode: 137, signal: 9 } })],
  }),
  pod("evicted", { phase: "Failed", reason: "Evicted", message: "The node was low on <memory>." }),
  pod("half-done", {
    phase: "Running",
    conditions: [condition("Ready", "False")],
    containerStatuses: [container("main", DONE), container("log", RUNNING, READY)],
  }, { containers: TWO_CONTAINERS }),
  pod("half-done-ready", {
    phase: "Running",
    conditions: [condition("Ready", "True")],
    containerStatuses: [container("main", DONE), container("log", RUNNING, READY)],
  }, { containers: TWO_CONTAINERS }),
  pod("half-failed", {
    phase: "Running",
    containerStatuses: [container("main", DONE), container("log", { terminated: { exitCode: 2, reason: "Error" } })],
  }, { containers: TWO_CONTAINERS }),
  pod("gated", {
    phase: "Pending",
    conditions: [condition("PodScheduled", "False", { reason: "SchedulingGated" })],
  }, { schedulingGates: [{ name: "example.com/gate" }] }),
  pod("initializing", {
    phase: "Pending",
    initContainerStatuses: [container("init", { waiting: { reason: "PodInitializing" } })],
  }, { initContainers: [INIT, { name: "second", image: "s" }] }),
  pod("init-waiting", {
    phase: "Pending",
    initContainerStatuses: [container("init", { waiting: { reason: "ErrImagePull" } }, { restartCount: 2 })],
  }, { initContainers: [INIT] }),
  pod("init-failed", {
    phase: "Pending",
    initContainerStatuses: [container("init", { terminated: { exitCode: 1, reason: "Error" } }, RESTARTED)],
  }, { initContainers: [INIT] }),
  pod("init-exit-code", {
    phase: "Pending",
    initContainerStatuses: [container("init", { terminated: { exitCode: 4 } })],
  }, { initContainers: [INIT] }),
  pod("init-signal", {
    phase: "Pending",
    initContainerStatuses: [container("init", { terminated: { exitCode: 137, signal: 9 } })],
  }, { initContainers: [INIT] }),
  pod("initialized-again", {
    phase: "Running",
    conditions: [condition("Initialized", "True"), condition("Ready", "True")],
    initContainerStatuses: [container("init", RUNNING, { restartCount: 5 })],
    containerStatuses: [container("main", RUNNING, { ...READY, restartCount: 1 })],
  }, { initContainers: [INIT] }),
  pod("sidecar", {
    phase: "Running",
    initContainerStatuses: [
      container("side", RUNNING, { ...READY, ...RESTARTED }),
      container("init", DONE, { restartCount: 4 }),
    ],
    containerStatuses: [container("main", RUNNING, { ...READY, restartCount: 2 })],
  }, { initContainers: [SIDECAR, INIT] }),
  pod("sidecar-starting", {
    phase: "Pending",
    initContainerStatuses: [container("side", RUNNING, { started: false, restartCount: 1 })],
  }, { initContainers: [SIDECAR] }),
  pod("sidecar-not-ready", {
    phase: "Running",
    initContainerStatuses: [container("side", RUNNING, { started: true })],
    containerStatuses: [container("main", RUNNING, READY)],
  }, { initContainers: [SIDECAR] }),
  pod("reading", {
    phase: "Running",
    nominatedNodeName: "node-8",
    conditions: [condition("example.com/a", "True"), condition("example.com/b", "False")],
  }, { readinessGates: ["a", "b", "c"].map((gate) => ({ conditionType: `example.com/${gate}` })) }),
  { ...pod("terminating", { phase: "Running" }), deleted: true },
  { ...pod("lost", { phase: "Running", reason: "NodeLost" }), deleted: true },
  { ...pod("ended-terminating", { phase: "Succeeded" }), deleted: true },
];

const KINDS: Readonly<Record<string, string>> = {
  "batch/v1/jobs": "Job",
  "apps/v1/deployments": "Deployment",
  "apps/v1/replicasets": "ReplicaSet",
  "v1/replicationcontrollers": "ReplicationController",
  "apps/v1/statefulsets": "StatefulSet",
  "apps/v1/daemonsets": "DaemonSet",
  "batch/v1/cronjobs": "CronJob",
};

function workload(type: string, name: string, members: { spec: Members; status?: Members }): TableObject {
  return { type, kind: KINDS[type] ?? "", metadata: { name, namespace: "default" }, members };
}

const JOB_SPEC = { template: { spec: { containers: [CONTAINER], restartPolicy: "Never" } } };

function job(name: string, spec: Members, status: Members = {}): TableObject {
  return workload("batch/v1/jobs", name, {
    spec: { managedBy: "example.com/nobody", ...JOB_SPEC, ...spec },
    status,
  });
}

export const WORKLOADS: readonly TableObject[] = [
  workload("apps/v1/deployments", "web", {
    spec: { replicas: 3, selector: SELECTOR, template: SELECTED },
    status: {
      replicas: 3,
      updatedReplicas: 2,
      readyReplicas: 1,
      availableReplicas: 1,
    },
  }),
  workload("apps/v1/deployments", "new", {
    spec: {
      selector: { matchLabels: { app: "web" } },
      template: TEMPLATE,
    },
  }),
  workload("apps/v1/replicasets", "web", {
    spec: { replicas: 3, selector: SELECTOR, template: SELECTED },
    status: {
      replicas: 2,
      readyReplicas: 1,
    },
  }),
  workload("v1/replicationcontrollers", "web", {
    spec: {
      replicas: 2,
      selector: { app: "web" },
      template: TEMPLATE,
    },
    status: { replicas: 1 },
  }),
  workload("apps/v1/statefulsets", "db", {
    spec: {
      replicas: 2,
      serviceName: "db",
      selector: { matchLabels: { app: "web" } },
      template: TEMPLATE,
    },
    status: { replicas: 2, readyReplicas: 1 },
  }),
  workload("apps/v1/daemonsets", "agent", {
    spec: {
      selector: { matchLabels: { app: "web" } },
      template: { ...TEMPLATE, spec: { ...TEMPLATE.spec, nodeSelector: { b: "2", a: "1" } } },
    },
    status: {
      desiredNumberScheduled: 5,
      currentNumberScheduled: 4,
      numberReady: 3,
      updatedNumberScheduled: 2,
      numberAvailable: 1,
      numberMisscheduled: 0,
    },
  }),
  workload("apps/v1/daemonsets", "new", { spec: { selector: { matchLabels: { app: "web" } }, template: TEMPLATE } }),
  {
    type: "apps/v1/controllerrevisions",
    kind: "ControllerRevision",
    metadata: {
      name: "owned",
      namespace: "default",
      ownerReferences: [{ apiVersion: "apps/v1", kind: "DaemonSet", name: "agent", uid: "u", controller: true }],
    },
    members: { revision: 7, data: {} },
  },
  {
    type: "apps/v1/controllerrevisions",
    kind: "ControllerRevision",
    metadata: { name: "lone", namespace: "default" },
    members: { revision: 1, data: {} },
  },
  {
    type: "v1/podtemplates",
    kind: "PodTemplate",
    metadata: { name: "web", namespace: "default" },
    members: { template: TEMPLATE },
  },
  job("running", { completions: 4, parallelism: 2 }, { startTime: AN_HOUR_AGO, active: 1 }),
  job("new", { completions: 1 }),
  job("queue", { parallelism: 3, completions: null }),
  job("complete", {}, {
    startTime: AN_HOUR_AGO,
    completionTime: NINE_MINUTES_AGO,
    succeeded: 1,
    conditions: [
      condition("SuccessCriteriaMet", "True", { lastTransitionTime: NINE_MINUTES_AGO }),
      condition("Complete", "True", { lastTransitionTime: NINE_MINUTES_AGO }),
    ],
  }),
  job("failed", {}, {
    startTime: AN_HOUR_AGO,
    failed: 1,
    conditions: [
      condition("FailureTarget", "True", { lastTransitionTime: NINE_MINUTES_AGO }),
      condition("Failed", "True", { lastTransitionTime: NINE_MINUTES_AGO }),
    ],
  }),
  job("failing", {}, {
    startTime: AN_HOUR_AGO,
    conditions: [condition("FailureTarget", "True", { lastTransitionTime: NINE_MINUTES_AGO })],
  }),
  job("succeeding", { completions: 1 }, {
    startTime: AN_HOUR_AGO,
    conditions: [condition("SuccessCriteriaMet", "True", { lastTransitionTime: NINE_MINUTES_AGO })],
  }),
  job("suspended", { suspend: true }, {
    conditions: [condition("Suspended", "True", { lastTransitionTime: NINE_MINUTES_AGO })],
  }),
  { ...job("terminating", {}), deleted: true },
  workload("batch/v1/cronjobs", "nightly", {
    spec: {
      schedule: "0 3 * * *",
      timeZone: "Europe/Berlin",
      suspend: true,
      jobTemplate: { spec: JOB_SPEC },
    },
    status: { active: [{ kind: "Job", name: "x" }], lastScheduleTime: AN_HOUR_AGO },
  }),
  workload("batch/v1/cronjobs", "new", { spec: { schedule: "@daily", jobTemplate: { spec: JOB_SPEC } } }),
];
