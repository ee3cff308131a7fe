import { internalError, StatusError, type StatusReason } from "./status.ts";

/**
 * Reads a Status that the API server sent as an answer's body or in a watch's ERROR event.
 *
 * @returns the error it tells; where it is no Status, an internal error that says so
 */
export function readStatus(body: Uint8Array): StatusError {
  let status: unknown;
  try {
    status = JSON.parse(new TextDecoder().decode(body));
  } catch (cause) {
    return internalError("Cannot read the answer of the API server: it is no JSON", { cause });
  }
  if (!isStatus(status)) return internalError("Cannot read the answer of the API server: it is no Status");
  return new StatusError({
    code: status.code,
    // The API server's own word: kept also where this version does not know it.
    reason: (status.reason ?? "") as StatusReason,
    message: status.message ?? "",
  });
}

function isStatus(value: unknown): value is { code: number; reason?: string; message?: string } {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "Status" && "code" in value &&
    typeof value.code === "number" && (!("reason" in value) || typeof value.reason === "string") &&
    (!("message" in value) || typeof value.message === "string");
}
