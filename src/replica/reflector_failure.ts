import { StatusError } from "../kube/status.ts";
import { readStatus } from "../kube/status_reader.ts";
import { Expired } from "./cloud_query.ts";

/** What a `Retry-After` is taken for at most. */
const retryAfterSecondsMax = 60;

/** For how long a failure asks to be left alone: overload, or a server that is not there yet. */
export function retryAfterMs(error: unknown): number {
  if (!(error instanceof StatusError) || (error.code !== 429 && error.code < 500)) return 0;
  return 1_000 * Math.min(error.retryAfterSeconds ?? 0, retryAfterSecondsMax);
}

/** Whether the cloud has refused who asks, and not what is asked. */
export function isOfCredential(error: unknown): error is StatusError {
  return error instanceof StatusError && (error.code === 401 || error.code === 403);
}

export function isForbidden(error: unknown): boolean {
  return error instanceof StatusError && error.code === 403;
}

/** What the object of an ERROR event tells. */
export function watchError(status: Uint8Array): Error {
  const error = readStatus(status);
  return error.code === 410 ? new Expired() : error;
}
