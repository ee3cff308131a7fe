import { humanAge, humanDuration } from "./human_duration.ts";
import type { JsonView } from "./json_view.ts";
import {
  AGE,
  ageOf,
  column,
  containerCells,
  CONTAINERS,
  IMAGES,
  labelCell,
  NAME,
  nameOf,
  selectorCell,
  selectorText,
  type TablePrinter,
  wide,
} from "./table_printer.ts";

export const DEPLOYMENTS: TablePrinter = {
  columns: [
    NAME,
    column("Ready", "Number of the pod with ready state"),
    column(
      "Up-to-date",
      "Total number of non-terminating pods targeted by this deployment that have the desired template spec.",
    ),
    column(
      "Available",
      "Total number of available non-terminating pods (ready for at least minReadySeconds) targeted by this deployment.",
    ),
    AGE,
    CONTAINERS,
    IMAGES,
    wide(
      "Selector",
      "Label selector for pods. Existing ReplicaSets whose pods are selected by this will be the ones affected by this deployment. It must match the pod template's labels.",
    ),
  ],
  row: (object, nowMs) => ({
    cells: [
      nameOf(object),
      `${object.at("status", "readyReplicas").number()}/${object.at("spec", "replicas").number()}`,
      object.at("status", "updatedReplicas").number(),
      object.at("status", "availableReplicas").number(),
      ageOf(object, nowMs),
      ...templateCells(object),
      selectorText(object.at("spec", "selector")),
    ],
  }),
};

export const REPLICA_SETS: TablePrinter = {
  columns: [
    NAME,
    column(
      "Desired",
      "Replicas is the number of desired pods. This is a pointer to distinguish between explicit zero and unspecified. Defaults to 1. More info: https://kubernetes.io/docs/concepts/workloads/controllers/replicaset",
      "integer",
    ),
    column(
      "Current",
      "Replicas is the most recently observed number of non-terminating pods. More info: https://kubernetes.io/docs/concepts/workloads/controllers/replicaset",
      "integer",
    ),
    column(
      "Ready",
      "The number of non-terminating pods targeted by this ReplicaSet with a Ready Condition.",
      "integer",
    ),
    AGE,
    CONTAINERS,
    IMAGES,
    wide(
      "Selector",
      "Selector is a label query over pods that should match the replica count. Label keys and values that must match in order to be controlled by this replica set. It must match the pod template's labels. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors",
    ),
  ],
  row: (object, nowMs) => ({
    cells: [...replicaCells(object, nowMs), selectorCell(object.at("spec", "selector"))],
  }),
};

export const REPLICATION_CONTROLLERS: TablePrinter = {
  columns: [
    NAME,
    column(
      "Desired",
      "Replicas is the number of desired replicas. This is a pointer to distinguish between explicit zero and unspecified. Defaults to 1. More info: https://kubernetes.io/docs/concepts/workloads/controllers/replicationcontroller#what-is-a-replicationcontroller",
      "integer",
    ),
    column(
      "Current",
      "Replicas is the most recently observed number of replicas. More info: https://kubernetes.io/docs/concepts/workloads/controllers/replicationcontroller#what-is-a-replicationcontroller",
      "integer",
    ),
    column("Ready", "The number of ready replicas for this replication controller.", "integer"),
    AGE,
    CONTAINERS,
    IMAGES,
    wide(
      "Selector",
      "Selector is a label query over pods that should match the Replicas count. If Selector is empty, it is defaulted to the labels present on the Pod template. Label keys and values that must match in order to be controlled by this replication controller, if empty defaulted to labels on Pod template. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors",
    ),
  ],
  row: (object, nowMs) => ({ cells: [...replicaCells(object, nowMs), labelCell(object.at("spec", "selector"))] }),
};

export const STATEFUL_SETS: TablePrinter = {
  columns: [
    NAME,
    column("Ready", "Number of the pod with ready state"),
    AGE,
    CONTAINERS,
    IMAGES,
  ],
  row: (object, nowMs) => ({
    cells: [
      nameOf(object),
      `${object.at("status", "readyReplicas").number()}/${object.at("spec", "replicas").number()}`,
      ageOf(object, nowMs),
      ...templateCells(object),
    ],
  }),
};

export const DAEMON_SETS: TablePrinter = {
  columns: [
    NAME,
    column(
      "Desired",
      "The total number of nodes that should be running the daemon pod (including nodes correctly running the daemon pod). More info: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/",
      "integer",
    ),
    column(
      "Current",
      "The number of nodes that are running at least 1 daemon pod and are supposed to run the daemon pod. More info: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/",
      "integer",
    ),
    column(
      "Ready",
      "numberReady is the number of nodes that should be running the daemon pod and have one or more of the daemon pod running with a Ready Condition.",
      "integer",
    ),
    column("Up-to-date", "The total number of nodes that are running updated daemon pod", "integer"),
    column(
      "Available",
      "The number of nodes that should be running the daemon pod and have one or more of the daemon pod running and available (ready for at least spec.minReadySeconds)",
      "integer",
    ),
    column(
      "Node Selector",
      "NodeSelector is a selector which must be true for the pod to fit on a node. Selector which must match a node's labels for the pod to be scheduled on that node. More info: https://kubernetes.io/docs/concepts/configuration/assign-pod-node/",
    ),
    AGE,
    CONTAINERS,
    IMAGES,
    wide(
      "Selector",
      "A label query over pods that are managed by the daemon set. Must match in order to be controlled. It must match the pod template's labels. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors",
    ),
  ],
  row: (object, nowMs) => {
    const status = object.at("status");
    return {
      cells: [
        nameOf(object),
        status.at("desiredNumberScheduled").number(),
        status.at("currentNumberScheduled").number(),
        status.at("numberReady").number(),
        status.at("updatedNumberScheduled").number(),
        status.at("numberAvailable").number(),
        labelCell(object.at("spec", "template", "spec", "nodeSelector")),
        ageOf(object, nowMs),
        ...templateCells(object),
        selectorCell(object.at("spec", "selector")),
      ],
    };
  },
};

export const CONTROLLER_REVISIONS: TablePrinter = {
  columns: [
    NAME,
    column("Controller", "Controller of the object"),
    column("Revision", "Revision indicates the revision of the state represented by Data."),
    AGE,
  ],
  row: (object, nowMs) => ({
    cells: [nameOf(object), controllerOf(object), object.at("revision").number(), ageOf(object, nowMs)],
  }),
};

export const JOBS: TablePrinter = {
  columns: [
    NAME,
    column("Status", "Status of the job."),
    column(
      "Completions",
      "The number of pods which reached phase Succeeded. The value increases monotonically for a given spec. However, it may decrease in reaction to scale down of elastic indexed jobs.",
    ),
    column("Duration", "Time required to complete the job."),
    AGE,
    CONTAINERS,
    IMAGES,
    wide(
      "Selector",
      "A label query over pods that should match the pod count. Normally, the system sets this field for you. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors",
    ),
  ],
  row: (object, nowMs) => ({
    cells: [
      nameOf(object),
      jobStatus(object),
      completions(object),
      jobDuration(object, nowMs),
      ageOf(object, nowMs),
      ...templateCells(object),
      selectorCell(object.at("spec", "selector")),
    ],
  }),
};

export const CRON_JOBS: TablePrinter = {
  columns: [
    NAME,
    column("Schedule", "The schedule in Cron format, see https://en.wikipedia.org/wiki/Cron."),
    column(
      "Timezone",
      "The time zone name for the given schedule, see https://en.wikipedia.org/wiki/List_of_tz_database_time_zones. If not specified, this will default to the time zone of the kube-controller-manager process. The set of valid time zone names and the time zone offset is loaded from the system-wide time zone database by the API server during CronJob validation and the controller manager during execution. If no system-wide time zone database can be found a bundled version of the database is used instead. If the time zone name becomes invalid during the lifetime of a CronJob or due to a change in host configuration, the controller will stop creating new new Jobs and will create a system event with the reason UnknownTimeZone. More information can be found in https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#time-zones",
    ),
    column(
      "Suspend",
      "This flag tells the controller to suspend subsequent executions, it does not apply to already started executions.  Defaults to false.",
      "boolean",
    ),
    column("Active", "A list of pointers to currently running jobs.", "integer"),
    column("Last Schedule", "Information when was the last time the job was successfully scheduled."),
    AGE,
    CONTAINERS,
    IMAGES,
    wide(
      "Selector",
      "A label query over pods that should match the pod count. Normally, the system sets this field for you. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors",
    ),
  ],
  row: (object, nowMs) => {
    const spec = object.at("spec");
    const last = object.at("status", "lastScheduleTime").text();
    return {
      cells: [
        nameOf(object),
        spec.at("schedule").text(),
        spec.at("timeZone").text("<none>"),
        suspension(spec.at("suspend")),
        object.at("status", "active").items().length,
        last === "" ? "<none>" : humanAge(last, nowMs),
        ageOf(object, nowMs),
        ...templateCells(spec.at("jobTemplate")),
        selectorCell(spec.at("jobTemplate", "spec", "selector")),
      ],
    };
  },
};

export const POD_TEMPLATES: TablePrinter = {
  columns: [
    NAME,
    column("Containers", "Names of each container in the template."),
    column("Images", "Images referenced by each container in the template."),
    column("Pod Labels", "The labels for the pod template."),
  ],
  row: (object) => ({
    cells: [
      nameOf(object),
      ...containerCells(object.at("template", "spec")),
      labelCell(object.at("template", "metadata", "labels")),
    ],
  }),
};

function replicaCells(object: JsonView, nowMs: number): readonly (string | number)[] {
  return [
    nameOf(object),
    object.at("spec", "replicas").number(),
    object.at("status", "replicas").number(),
    object.at("status", "readyReplicas").number(),
    ageOf(object, nowMs),
    ...templateCells(object),
  ];
}

function templateCells(object: JsonView): readonly [string, string] {
  return containerCells(object.at("spec", "template", "spec"));
}

/** The state that comes first, of those that a job can be in at once. */
function jobStatus(job: JsonView): string {
  const conditions = job.at("status", "conditions").items();
  const is = (type: string): boolean =>
    conditions.find((condition) => condition.at("type").text() === type)?.at("status").text() === "True";
  if (is("Complete")) return "Complete";
  if (is("Failed")) return "Failed";
  if (job.at("metadata", "deletionTimestamp").exists) return "Terminating";
  if (is("Suspended")) return "Suspended";
  if (is("FailureTarget")) return "FailureTarget";
  return is("SuccessCriteriaMet") ? "SuccessCriteriaMet" : "Running";
}

function completions(job: JsonView): string {
  const succeeded = job.at("status", "succeeded").number();
  const wanted = job.at("spec", "completions");
  if (wanted.exists) return `${succeeded}/${wanted.number()}`;
  const parallelism = job.at("spec", "parallelism").number();
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration(job: JsonView, nowMs: number): string {
  const began = job.at("status", "startTime").text();
  const ended = job.at("status", "completionTime").text();
  if (began === "") return "";
  return humanDuration((ended === "" ? nowMs : Date.parse(ended)) - Date.parse(began));
}

function suspension(suspend: JsonView): string {
  if (!suspend.exists) return "<unset>";
  return suspend.flag() ? "True" : "False";
}

function controllerOf(object: JsonView): string {
  const owners = object.at("metadata", "ownerReferences").items();
  const controller = owners.find((owner) => owner.at("controller").flag());
  if (controller === undefined) return "<none>";
  const [group, version] = controller.at("apiVersion").text().split("/");
  const kind = controller.at("kind").text() + (version === undefined ? "" : `.${group}`);
  return `${kind.toLowerCase()}/${controller.at("name").text()}`;
}
