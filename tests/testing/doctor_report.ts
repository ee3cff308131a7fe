import assert from "node:assert/strict";

/** What `holdfast doctor --json` prints, as far as tests look at it. */
export interface DoctorReport {
  readonly healthy: boolean;
  readonly summary: Readonly<Record<string, number>>;
  readonly findings: readonly DoctorFinding[];
}

export interface DoctorFinding {
  readonly check: string;
  readonly status: string;
  readonly what: string;
  readonly advice?: string;
}

export interface DoctorOutcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Reads it, and that its exit code fits. */
export function readReport({ exitCode, stdout, stderr }: DoctorOutcome): DoctorReport {
  assert.ok(stdout.startsWith("{"), `${stdout}${stderr}`);
  const report = JSON.parse(stdout) as DoctorReport; // the tests' assertions look at its fields
  const failed = report.findings.some(({ status }) => status === "failed");
  assert.deepEqual([exitCode, report.healthy], failed ? [1, false] : [0, true], stdout);
  for (const { status, what, advice } of report.findings) {
    // Whatever is wrong comes with what to do.
    assert.equal(advice !== undefined, status === "failed" || status === "warning", what);
  }
  return report;
}

/** Names of the checks with a finding of this status, each once. */
export function checksOf({ findings }: DoctorReport, status: string): readonly string[] {
  return [...new Set(findings.filter((finding) => finding.status === status).map(({ check }) => check))];
}

/** The findings of one check as lines. */
export function linesOf({ findings }: DoctorReport, check: string): string {
  return findings.filter((finding) => finding.check === check).map(({ status, what }) => `${status}: ${what}`).join(
    "\n",
  );
}
