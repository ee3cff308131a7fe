import type { Flag } from "./flag.ts";

const group = "Cloud";

/** Flags of the link to the API servers. */
export const linkFlags: readonly Flag[] = [
  {
    name: "lb-mode",
    type: "string",
    default: "rr",
    placeholder: "MODE",
    help: "which API server is asked: rr, the healthy ones in turn; priority, the first that is healthy",
    group,
    check: oneOf("rr", "priority"),
  },
  {
    name: "working-mode",
    type: "string",
    default: "edge",
    placeholder: "MODE",
    help: "edge; or cloud: requests pass through, nothing is kept, and API servers are not checked",
    group,
    check: oneOf("edge", "cloud"),
  },
  {
    name: "heartbeat-interval-seconds",
    type: "duration",
    unit: "s",
    default: "10",
    help: "between two checks of an API server that is healthy; each renews the node's lease",
    group,
    check: moreThanZero,
  },
  {
    name: "heartbeat-timeout-seconds",
    type: "duration",
    unit: "s",
    default: "2",
    help: "how long an API server has to answer a check",
    group,
    check: moreThanZero,
  },
  {
    name: "heartbeat-failed-retry",
    type: "integer",
    minimum: 1,
    maximum: 100,
    default: "3",
    placeholder: "N",
    help: "tries of one check that must fail until an API server counts as unhealthy",
    group,
  },
  {
    name: "heartbeat-healthy-threshold",
    type: "integer",
    minimum: 1,
    maximum: 100,
    default: "2",
    placeholder: "N",
    help: "checks in a row that make it healthy again; after a refused connection one is enough, unless it flaps",
    group,
  },
  {
    name: "kubelet-health-grace-period",
    type: "duration",
    unit: "s",
    default: "40s",
    help: "without a renewal by kubelet for so long the hub lets the node's lease lapse; 0 renews it always",
    group,
  },
];

function oneOf(...values: readonly string[]): (text: string) => string | undefined {
  return (text) => values.includes(text) ? undefined : `must be ${values.join(" or ")}`;
}

function moreThanZero(text: string): string | undefined {
  return /[1-9]/.test(text) ? undefined : "must be more than 0";
}
