import type { LeaderSettings } from "../controller/leader_election.ts";
import type { Platform } from "../platform/platform.ts";
import type { Flag } from "./flag.ts";
import type { FlagValues } from "./flag_values.ts";
import { UsageError } from "./usage_error.ts";

const group = "Leader election";

/** As those of kube-controller-manager. */
export const leaderFlags: readonly Flag[] = [
  {
    name: "leader-elect",
    type: "boolean",
    default: "true",
    help: "of several controllers one works, the others wait for it to fail",
    group,
  },
  {
    name: "leader-elect-lease-duration",
    type: "duration",
    default: "15s",
    help: "how long the others wait after its last renewal before they take over",
    group,
  },
  {
    name: "leader-elect-renew-deadline",
    type: "duration",
    default: "10s",
    help: "how long the leader works on without a renewal",
    group,
  },
  {
    name: "leader-elect-retry-period",
    type: "duration",
    default: "2s",
    help: "between two tries to take or to renew it",
    group,
  },
  {
    name: "leader-elect-resource-lock",
    type: "string",
    default: "leases",
    help: "what is taken: leases, nothing else",
    group,
    check: (text) => text === "leases" ? undefined : "must be leases",
  },
  {
    name: "leader-elect-resource-name",
    type: "string",
    default: "holdfast-controller",
    placeholder: "NAME",
    help: "name of the Lease",
    group,
  },
  {
    name: "leader-elect-resource-namespace",
    type: "string",
    default: "kube-system",
    placeholder: "NAMESPACE",
    help: "namespace of the Lease",
    group,
  },
];

/** @returns nothing where nobody is elected. @throws UsageError where the times do not go together */
export function leaderSettings(values: FlagValues, platform: Platform): LeaderSettings | undefined {
  if (!values.boolean("leader-elect")) return undefined;
  const leaseDurationMs = values.durationMs("leader-elect-lease-duration");
  const renewDeadlineMs = values.durationMs("leader-elect-renew-deadline");
  const retryPeriodMs = values.durationMs("leader-elect-retry-period");
  if (leaseDurationMs <= renewDeadlineMs) {
    throw new UsageError("--leader-elect-lease-duration must be longer than --leader-elect-renew-deadline");
  }
  if (retryPeriodMs === 0 || renewDeadlineMs <= 1.2 * retryPeriodMs) {
    throw new UsageError("--leader-elect-renew-deadline must be longer than 1.2 times --leader-elect-retry-period");
  }
  const unique = Array.from(platform.random.bytes(8), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return {
    namespace: values.string("leader-elect-resource-namespace"),
    name: values.string("leader-elect-resource-name"),
    identity: `${platform.process.environment["HOSTNAME"] ?? "holdfast-controller"}_${unique}`,
    leaseDurationMs,
    renewDeadlineMs,
    retryPeriodMs,
  };
}
