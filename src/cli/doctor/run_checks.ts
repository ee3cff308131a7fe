import type { Clock } from "../../platform/clock.ts";
import type { DoctorContext } from "./doctor_context.ts";
import { type Check, failed, type Finding } from "./finding.ts";
import { reasonOf } from "./reason.ts";

/** A finding and whose it is. */
export interface NamedFinding extends Finding {
  /** Of the check. */
  readonly name: string;
}

export interface RunChecksOptions {
  readonly context: DoctorContext;
  /** For each check. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Runs all at once, each to its own deadline: one that fails or hangs keeps none of the others. Never rejects. */
export async function runChecks(checks: readonly Check[], options: RunChecksOptions): Promise<readonly NamedFinding[]> {
  const found = await Promise.all(checks.map(async (check) => {
    const findings = await runCheck(check, options);
    return findings.map((finding) => ({ name: check.name, ...finding }));
  }));
  return found.flat();
}

async function runCheck(
  check: Check,
  { context, timeoutMs, signal }: RunChecksOptions,
): Promise<readonly Finding[]> {
  const { clock } = context.platform;
  try {
    return await withDeadline((limit) => check.run(context, limit), { clock, timeoutMs, signal });
  } catch (error) {
    return [failed(
      `this could not be checked: ${reasonOf(error)}`,
      "run the doctor as root; if it does so again, that is a fault of Holdfast: report it with this output",
    )];
  }
}

interface Deadline {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What does not heed its signal is left to itself. */
function withDeadline<T>(
  run: (signal: AbortSignal) => Promise<T>,
  { clock, timeoutMs, signal }: Deadline,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const limit = new AbortController();
    const end = (reason: unknown): void => {
      limit.abort(reason);
      reject(reason instanceof Error ? reason : new Error(String(reason)));
    };
    const stopped = (): void => end(signal.reason);
    if (signal.aborted) return stopped();
    signal.addEventListener("abort", stopped);
    const timer = clock.setTimer(timeoutMs, () => end(new Error(`no answer within ${timeoutMs / 1_000} s`)));
    run(limit.signal).then(resolve, reject).finally(() => {
      timer.cancel();
      signal.removeEventListener("abort", stopped);
    });
  });
}
