import { headerOf } from "../kube/hop_by_hop.ts";
import type { RawHeaders } from "../platform/bytes.ts";
import { UpstreamError } from "../platform/upstream.ts";
import type { Backend } from "./backend.ts";
import type { Link } from "./link.ts";

/** A refusal counts where the backend has said within this time that it is ready; else it is asked first (R16). */
const trustMs = 1_000;

/** Whether an answer is a page for people, which no API server gives: a portal's, or a proxy's. */
export function isPage({ rawHeaders }: { readonly rawHeaders: RawHeaders }): boolean {
  return (headerOf(rawHeaders, "content-type") ?? "").startsWith("text/html");
}

/**
 * Whether an answer is the cloud's word (R16). A 401, 403 or 404 of a backend that is not ready is not: its authorizers and
 * caches are still empty, and clients would take it for a decision.
 *
 * @returns false too once the signal is aborted
 */
export async function isTrusted(
  link: Link,
  { status, backend }: { readonly status: number; readonly backend: Backend },
  signal: AbortSignal,
): Promise<boolean> {
  return ![401, 403, 404].includes(status) || await link.isReady(trustMs, signal, backend);
}

/** Whether a backend that answers with errors still says that it is ready is asked, at most once in a while. */
export function doubt(link: Link, backend: Backend, signal: AbortSignal): void {
  void link.isReady(trustMs, signal, backend);
}

/** What came is none: to the request it is as if the cloud were out of reach. */
export function untrusted({ status }: { readonly status: number }): UpstreamError {
  return new UpstreamError("untrusted", `${status} came from something that is not ready or no API server`, {
    sent: true,
  });
}
