import type { FlagValues } from "./flag_values.ts";
import { UsageError } from "./usage_error.ts";

/** Whose certificate the hub has: one of its own, or kubelet's. */
export type CertMgrMode = "hubself" | "kubelet";

/** YurtHub's later name for the same, and what its values mean. */
const bootstrapModes: ReadonlyMap<string, CertMgrMode> = new Map([
  ["token", "hubself"],
  ["kubeletcertificate", "kubelet"],
]);

/** What is wrong with a value of `--bootstrap-mode`, if anything. */
export function bootstrapModeProblem(text: string): string | undefined {
  if (text === "" || bootstrapModes.has(text)) return undefined;
  return `must be ${[...bootstrapModes.keys()].join(" or ")}`;
}

/** Of `--cert-mgr-mode`, or of `--bootstrap-mode`. @throws UsageError where they contradict each other */
export function certMgrModeOf(values: FlagValues): CertMgrMode {
  const mode = values.string("cert-mgr-mode") === "kubelet" ? "kubelet" : "hubself";
  const bootstrapMode = values.string("bootstrap-mode");
  const meant = bootstrapModes.get(bootstrapMode) ?? mode;
  if (meant !== mode && values.source("cert-mgr-mode") !== "default") {
    throw new UsageError(`--cert-mgr-mode=${mode} and --bootstrap-mode=${bootstrapMode} contradict each other`);
  }
  return meant;
}
