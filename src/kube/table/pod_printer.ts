import { humanAge } from "./human_duration.ts";
import type { JsonView } from "./json_view.ts";
import { AGE, ageOf, column, NAME, nameOf, type Row, type TablePrinter, wide } from "./table_printer.ts";

/** What a pod's containers add up to. */
interface Tally {
  ready: number;
  restarts: number;
  /** Of the last restart; empty where there was none. */
  restartedAt: string;
}

export const PODS: TablePrinter = {
  columns: [
    NAME,
    column("Ready", "The aggregate readiness state of this pod for accepting traffic."),
    column("Status", "The aggregate status of the containers in this pod."),
    column(
      "Restarts",
      "The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.",
    ),
    AGE,
    wide("IP", "podIP address allocated to the pod. Routable at least within the cluster. Empty if not yet allocated."),
    wide(
      "Node",
      "NodeName indicates in which node this pod is scheduled. If empty, this pod is a candidate for scheduling by the scheduler defined in schedulerName. Once this field is set, the kubelet for this node becomes responsible for the lifecycle of this pod. This field should not be used to express a desire for the pod to be scheduled on a specific node. https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#nodename",
    ),
    wide(
      "Nominated Node",
      "nominatedNodeName is set only when this pod preempts other pods on the node, but it cannot be scheduled right away as preemption victims receive their graceful termination periods. This field does not guarantee that the pod will be scheduled on this node. Scheduler may decide to place the pod elsewhere if other nodes become available sooner. Scheduler may also decide to give the resources on this node to a higher priority pod that is created after preemption. As a result, this field may be different than PodSpec.nodeName when the pod is scheduled.",
    ),
    wide(
      "Readiness Gates",
      'If specified, all readiness gates will be evaluated for pod readiness. A pod is ready when all its containers are ready AND all conditions specified in the readiness gates have status equal to "True" More info: https://git.k8s.io/enhancements/keps/sig-network/580-pod-readiness-gates',
    ),
  ],
  row: podRow,
};

const COMPLETED: Readonly<Record<string, string>> = {
  Succeeded: "The pod has completed successfully.",
  Failed: "The pod failed.",
};

function podRow(pod: JsonView, nowMs: number): Row {
  const phase = pod.at("status", "phase").text();
  const { state, ready, total, restarts, restartedAt } = stateOf(pod);
  const message = COMPLETED[phase];
  return {
    cells: [
      nameOf(pod),
      `${ready}/${total}`,
      deletionState(pod, phase) ?? state,
      restarts !== 0 && restartedAt !== "" ? `${restarts} (${humanAge(restartedAt, nowMs)} ago)` : String(restarts),
      ageOf(pod, nowMs),
      podIp(pod) || "<none>",
      pod.at("spec", "nodeName").text() || "<none>",
      pod.at("status", "nominatedNodeName").text() || "<none>",
      readinessGates(pod),
    ],
    ...(message === undefined ? {} : { completed: { reason: phase, message } }),
  };
}

/** How the pod is, in a word, and its containers in figures. */
function stateOf(pod: JsonView): Tally & { readonly state: string; readonly total: number } {
  const sidecars = sidecarNames(pod);
  const total = pod.at("spec", "containers").items().length + sidecars.size;
  const all: Tally = { ready: 0, restarts: 0, restartedAt: "" };
  const lasting: Tally = { ready: 0, restarts: 0, restartedAt: "" };
  const initState = countInitContainers(pod, { all, lasting, sidecars });
  if (initState !== undefined && !hasCondition(pod, "Initialized")) return { ...all, state: initState, total };
  const state = countContainers(pod, { tally: lasting, before: initState ?? generalState(pod) });
  return { ...lasting, state, total };
}

function generalState(pod: JsonView): string {
  const gated = pod.at("status", "conditions").items().some((condition) =>
    condition.at("type").text() === "PodScheduled" && condition.at("reason").text() === "SchedulingGated"
  );
  if (gated) return "SchedulingGated";
  return pod.at("status", "reason").text() || pod.at("status", "phase").text();
}

interface InitTallies {
  /** Of all init containers. */
  readonly all: Tally;
  /** Of those that stay. */
  readonly lasting: Tally;
  readonly sidecars: ReadonlySet<string>;
}

/** @returns the state where initialization is not over */
function countInitContainers(pod: JsonView, { all, lasting, sidecars }: InitTallies): string | undefined {
  const total = pod.at("spec", "initContainers").items().length;
  for (const [index, container] of pod.at("status", "initContainerStatuses").items().entries()) {
    const isSidecar = sidecars.has(container.at("name").text());
    countRestarts(container, all);
    if (isSidecar) countRestarts(container, lasting);
    const terminated = container.at("state", "terminated");
    if (terminated.exists && terminated.at("exitCode").number() === 0) continue;
    if (isSidecar && container.at("started").flag()) {
      const ready = container.at("ready").flag() ? 1 : 0;
      all.ready += ready;
      lasting.ready += ready;
      continue;
    }
    if (terminated.exists) return `Init:${terminatedState(terminated)}`;
    const waiting = container.at("state", "waiting", "reason").text();
    if (waiting !== "" && waiting !== "PodInitializing") return `Init:${waiting}`;
    return `Init:${index}/${total}`;
  }
  return undefined;
}

function countContainers(pod: JsonView, { tally, before }: { tally: Tally; before: string }): string {
  let state = before;
  let running = false;
  let failure = "";
  for (const container of pod.at("status", "containerStatuses").items().toReversed()) {
    countRestarts(container, tally);
    const terminated = container.at("state", "terminated");
    const waiting = container.at("state", "waiting", "reason").text();
    if (waiting !== "") state = waiting;
    else if (terminated.exists) {
      state = terminatedState(terminated);
      if (terminated.at("exitCode").number() !== 0) failure = state;
    } else if (container.at("ready").flag() && container.at("state", "running").exists) {
      running = true;
      tally.ready++;
    }
  }
  if (state !== "Completed") return state;
  if (running && hasCondition(pod, "Ready")) return "Running";
  if (failure !== "") return failure;
  return running ? "NotReady" : state;
}

function terminatedState(terminated: JsonView): string {
  const reason = terminated.at("reason").text();
  if (reason !== "") return reason;
  const signal = terminated.at("signal").number();
  return signal === 0 ? `ExitCode:${terminated.at("exitCode").number()}` : `Signal:${signal}`;
}

function countRestarts(container: JsonView, tally: Tally): void {
  tally.restarts += container.at("restartCount").number();
  const finishedAt = container.at("lastState", "terminated", "finishedAt").text();
  // Timestamps of the API have one form, so they are ordered as texts.
  if (finishedAt > tally.restartedAt) tally.restartedAt = finishedAt;
}

function sidecarNames(pod: JsonView): ReadonlySet<string> {
  const restarted = pod.at("spec", "initContainers").items().filter((container) =>
    container.at("restartPolicy").text() === "Always"
  );
  return new Set(restarted.map((container) => container.at("name").text()));
}

function deletionState(pod: JsonView, phase: string): string | undefined {
  if (!pod.at("metadata", "deletionTimestamp").exists) return undefined;
  if (pod.at("status", "reason").text() === "NodeLost") return "Unknown";
  return phase === "Succeeded" || phase === "Failed" ? undefined : "Terminating";
}

function podIp(pod: JsonView): string {
  return pod.at("status", "podIPs").items()[0]?.at("ip").text() ?? pod.at("status", "podIP").text();
}

function readinessGates(pod: JsonView): string {
  const gates = pod.at("spec", "readinessGates").items();
  if (gates.length === 0) return "<none>";
  const open = gates.filter((gate) => hasCondition(pod, gate.at("conditionType").text()));
  return `${open.length}/${gates.length}`;
}

/** Whether the first condition of the type is true. */
function hasCondition(pod: JsonView, type: string): boolean {
  const conditions = pod.at("status", "conditions").items();
  return conditions.find((condition) => condition.at("type").text() === type)?.at("status").text() === "True";
}
