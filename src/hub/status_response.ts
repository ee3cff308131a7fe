import { statusBody, type StatusError, statusHeaders } from "../kube/status.ts";

/** A Status as a Response, for control routes. */
export function statusResponse(error: StatusError): Response {
  const headers = new Headers();
  const raw = statusHeaders(error);
  for (let i = 0; i < raw.length; i += 2) headers.append(raw[i] ?? "", raw[i + 1] ?? "");
  return new Response(new Uint8Array(statusBody(error)), { status: error.code, headers });
}
