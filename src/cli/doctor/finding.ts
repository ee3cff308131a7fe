import type { DoctorContext } from "./doctor_context.ts";

/** `warning`: a node works so, but not in every case, or not as long; `skipped`: it could not be checked, and why. */
export type FindingStatus = "ok" | "warning" | "failed" | "skipped";

/** What one check says of one thing. */
export interface Finding {
  readonly status: FindingStatus;
  /** What is so, in one sentence without a full stop. Never a token or a key. */
  readonly what: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** One thing that makes a node fail, or a family of them. */
export interface Check {
  /** As it stands in the output and in docs/doctor.md. */
  readonly name: string;
  /** Looks, and changes nothing; what it throws is told as a finding. @returns at least one finding */
  run(context: DoctorContext, signal: AbortSignal): Promise<readonly Finding[]>;
}

export function ok(what: string): Finding {
  return { status: "ok", what };
}

export function warning(what: string, advice: string): Finding {
  return { status: "warning", what, advice };
}

export function failed(what: string, advice: string): Finding {
  return { status: "failed", what, advice };
}

export function skipped(what: string): Finding {
  return { status: "skipped", what };
}
