import { z } from "zod";
import { internalError, StatusError, type StatusReason } from "./status.ts";

const statusSchema = z.object({
  kind: z.literal("Status"),
  code: z.number(),
  reason: z.string().default(""),
  message: z.string().default(""),
  details: z.object({
    name: z.string().exactOptional(),
    group: z.string().exactOptional(),
    kind: z.string().exactOptional(),
    uid: z.string().exactOptional(),
    causes: z.array(z.object({
      reason: z.string().exactOptional(),
      message: z.string().exactOptional(),
      field: z.string().exactOptional(),
    })).exactOptional(),
    retryAfterSeconds: z.number().exactOptional(),
  }).exactOptional(),
});

/** What client-go says of an answer without a Status (apimachinery api/errors NewGenericServerResponse). */
const GENERIC: ReadonlyMap<number, readonly [reason: StatusReason, message: string]> = new Map([
  [400, ["BadRequest", "the server rejected our request for an unknown reason"]],
  [401, ["Unauthorized", "the server has asked for the client to provide credentials"]],
  [403, ["Forbidden", "the server does not allow access to the requested resource"]],
  [404, ["NotFound", "the server could not find the requested resource"]],
  [405, ["MethodNotAllowed", "the server does not allow this method on the requested resource"]],
  [406, ["NotAcceptable", "the server was unable to respond with a content type that the client supports"]],
  [410, ["Expired", "the requested resource version is no longer available"]],
  [429, ["TooManyRequests", "the server has received too many requests and has asked us to try again later"]],
  [500, ["InternalError", "an error on the server has prevented the request from succeeding"]],
  [503, ["ServiceUnavailable", "the server is currently unable to handle the request"]],
  [504, ["Timeout", "the server was unable to return a response in the time allotted"]],
]);

/**
 * Reads a Status that the API server sent in a watch's ERROR event.
 *
 * @returns the error it tells; where it is no Status, an internal error that says so
 */
export function readStatus(body: Uint8Array): StatusError {
  return statusErrorOf(parsed(body)) ?? internalError("Cannot read the answer of the API server: it is no Status");
}

/** An answer that tells of a failure. */
export interface FailedAnswer {
  /** The HTTP status. */
  readonly code: number;
  readonly body: Uint8Array;
  /** The header; a date does not count: the node's clock may be wrong, and the API server sends seconds. */
  readonly retryAfter?: string | undefined;
}

/**
 * Reads the failure that an answer tells, with the seconds after which it may be asked again: the Status in its body, or
 * where there is none (the API server's own 404 of an unknown path and 429 are plain text) what client-go makes of its code.
 */
export function readFailure({ code, body, retryAfter }: FailedAnswer): StatusError {
  const told = statusErrorOf(parsed(body)) ?? generic(code);
  if (retryAfter === undefined || !/^\d{1,9}$/.test(retryAfter)) return told;
  const { reason, message, details } = told;
  return new StatusError({
    code: told.code,
    reason,
    message,
    details: { ...details, retryAfterSeconds: Number(retryAfter) },
  });
}

/** The error that a parsed Status tells; nothing where it is none. */
export function statusErrorOf(value: unknown): StatusError | undefined {
  const { data: status } = statusSchema.safeParse(value);
  if (status === undefined) return undefined;
  const { code, message, details } = status;
  // The API server's own word: kept also where this version does not know it.
  const reason = status.reason as StatusReason;
  return new StatusError({ code, reason, message, ...(details === undefined ? {} : { details }) });
}

function generic(code: number): StatusError {
  const message = `the server responded with the status code ${code} but did not return more information`;
  const [reason, worded] = GENERIC.get(code) ?? ["Unknown" as const, message];
  return new StatusError({ code, reason, message: worded });
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined; // no schema takes it
  }
}
