import type { Logger } from "../platform/logger.ts";
import type { Flag, FlagType } from "./flag.ts";
import type { FlagValues } from "./flag_values.ts";

const named: readonly (readonly [string, FlagType])[] = [
  ["multiplexer-port", "string"],
  ["pool-scope-resources", "string"],
  ["enable-node-pool", "boolean"],
  ["enable-pool-service-topology", "boolean"],
  ["enable-coordinator", "boolean"],
  ["coordinator-server-addr", "string"],
  ["coordinator-storage-prefix", "string"],
  ["coordinator-storage-addr", "string"],
  ["leader-elect", "boolean"],
  ["leader-elect-lease-duration", "string"],
  ["leader-elect-renew-deadline", "string"],
  ["leader-elect-retry-period", "string"],
  ["leader-elect-resource-lock", "string"],
  ["leader-elect-resource-name", "string"],
  ["leader-elect-resource-namespace", "string"],
];

/** Flags of YurtHub that mean nothing here, so that what started it starts this too. */
export const ignoredFlags: readonly Flag[] = named.map(([name, type]) => ({
  name,
  type,
  default: type === "boolean" ? "false" : "",
  defaultHelp: "none",
  help: "has no effect",
  group: "Of YurtHub, accepted without effect",
}));

/** One warning for each that is set. */
export function warnOfIgnoredFlags(values: FlagValues, logger: Logger): void {
  for (const { name } of ignoredFlags) {
    if (values.source(name) !== "default") logger.log("warn", "A flag has no effect here", { flag: `--${name}` });
  }
}
