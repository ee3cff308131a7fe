import { createCacheOutput } from "../cache_output.ts";
import { cloudOrigins } from "../cloud_origins.ts";
import type { CommandContext } from "../command.ts";
import type { FlagValues } from "../flag_values.ts";
import { cniCheck } from "./cni_check.ts";
import { diskCheck } from "./disk_check.ts";
import { createDoctorContext } from "./doctor_context.ts";
import type { Check } from "./finding.ts";
import { identityCheck } from "./identity_check.ts";
import { kubeletCheck } from "./kubelet_check.ts";
import { clockCheck, linkCheck, namesCheck } from "./link_checks.ts";
import { portsCheck } from "./ports_check.ts";
import { isHealthy, report, type ReportFormat } from "./report.ts";
import { rightsCheck } from "./rights_check.ts";
import { rootDirCheck } from "./root_dir_check.ts";
import { runChecks } from "./run_checks.ts";
import { servingCheck } from "./serving_check.ts";
import { storageKeyCheck } from "./storage_key_check.ts";
import { versionCheck } from "./version_check.ts";

/** In the order of the output: from this machine outwards. */
export const checks: readonly Check[] = [
  rootDirCheck,
  diskCheck,
  storageKeyCheck,
  portsCheck,
  kubeletCheck,
  cniCheck,
  identityCheck,
  servingCheck,
  namesCheck,
  linkCheck,
  clockCheck,
  versionCheck,
  rightsCheck,
];

/** @returns 1 where something has failed. @throws UsageError */
export async function runDoctor({ platform, values }: CommandContext): Promise<number> {
  const signal = platform.process.stop;
  const { context, close } = createDoctorContext({ platform, values, origins: cloudOrigins(values), signal });
  try {
    const findings = await runChecks(checks, { context, timeoutMs: values.durationMs("check-timeout"), signal });
    const output = createCacheOutput(platform.process);
    await output.write(report(findings, formatOf(values)));
    await output.end();
    return isHealthy(findings) ? 0 : 1;
  } finally {
    await close();
  }
}

function formatOf(values: FlagValues): ReportFormat {
  if (values.boolean("json")) return "json";
  const format = values.string("output");
  return format === "json" || format === "yaml" ? format : "text";
}
