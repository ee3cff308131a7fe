import { printable } from "../cache_output.ts";
import { formatJson, formatYaml } from "../exact_json.ts";
import type { FindingStatus } from "./finding.ts";
import type { NamedFinding } from "./run_checks.ts";

export type ReportFormat = "text" | "json" | "yaml";

/** As /readyz?verbose has them. */
const marks: Readonly<Record<FindingStatus, string>> = { ok: "[+]", warning: "[!]", failed: "[-]", skipped: "[ ]" };
const statuses: readonly FindingStatus[] = ["ok", "warning", "failed", "skipped"];

/** Whether nothing has failed. */
export function isHealthy(findings: readonly NamedFinding[]): boolean {
  return findings.every(({ status }) => status !== "failed");
}

/** All findings in their order, and how many of each kind there are; with a line feed at its end. */
export function report(findings: readonly NamedFinding[], format: ReportFormat): string {
  const summary = Object.fromEntries(
    statuses.map((status) => [status, findings.filter((finding) => finding.status === status).length]),
  );
  if (format === "text") return textReport(findings, summary);
  const document = {
    healthy: isHealthy(findings),
    summary,
    findings: findings.map(({ name, status, what, advice }) => ({
      check: name,
      status,
      what,
      ...(advice === undefined ? {} : { advice }),
    })),
  };
  return format === "json" ? `${formatJson(document)}\n` : formatYaml(document);
}

function textReport(findings: readonly NamedFinding[], summary: Readonly<Record<string, number>>): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const indent = " ".repeat("[+]".length + width + 2);
  const lines = findings.flatMap(({ name, status, what, advice }) => [
    `${marks[status]}${name.padEnd(width)}  ${printable(what)}`,
    ...(advice === undefined ? [] : [`${indent}-> ${printable(advice)}`]),
  ]);
  const counts = statuses.map((status) => `${summary[status]} ${status}`).join(", ");
  return [...lines, `doctor: ${counts}`, ""].join("\n");
}
