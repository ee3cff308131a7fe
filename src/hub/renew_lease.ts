import type { Backend } from "../cloud/backend.ts";
import type { Clock } from "../platform/clock.ts";
import { UpstreamError } from "../platform/upstream.ts";
import { decodedBody, readAll } from "../replica/body.ts";
import type { ObjectPath } from "../replica/object_path.ts";
import { member, parseJson } from "./write_body.ts";

export interface RenewLeaseOptions {
  readonly path: ObjectPath;
  readonly clock: Clock;
  /** The time of the last renewal, as the lease has it: the next must be later, whatever the clock says. */
  readonly after: unknown;
  /** For each try. */
  readonly timeoutMs: number;
  readonly tries: number;
  readonly signal: AbortSignal;
}

export type Renewal =
  | { readonly result: "renewed"; readonly body: Uint8Array }
  | { readonly result: "gone" }
  | { readonly result: "failed"; readonly reason: string };

/** No lease is longer. */
const maxLeaseBytes = 64 * 1024;

/**
 * Renews a lease by a patch of its time: neither a version nor the rest of it is needed, and two API servers may be asked
 * at once. Never rejects.
 */
export async function renewLease(backend: Backend, options: RenewLeaseOptions): Promise<Renewal> {
  let renewal: Renewal = { result: "failed", reason: "never asked" };
  for (let number = 0; number < options.tries && !options.signal.aborted; number++) {
    renewal = await attempt(backend, options);
    if (renewal.result !== "failed") break;
  }
  return renewal;
}

async function attempt(backend: Backend, options: RenewLeaseOptions): Promise<Renewal> {
  const { path, clock, timeoutMs, signal } = options;
  const limit = new AbortController();
  const abort = () => limit.abort(signal.reason);
  signal.addEventListener("abort", abort);
  const timer = clock.setTimer(timeoutMs, () => limit.abort(new Error("timeout")));
  try {
    const response = await backend.check({
      method: "PATCH",
      rawPath: `/apis/${path.group}/${path.version}/namespaces/${path.namespace}/${path.resource}/${path.name}`,
      rawHeaders: headers,
      body: new TextEncoder().encode(JSON.stringify({ spec: { renewTime: renewTime(options) } })),
      signal: limit.signal,
    });
    const body = await readAll(decodedBody(response), maxLeaseBytes);
    const kind = kindOf(body);
    if (response.status === 200 && kind === "Lease") return { result: "renewed", body };
    if (response.status === 404 && kind === "Status") return { result: "gone" };
    const what = [200, 404].includes(response.status) ? ", but not by an API server" : "";
    return { result: "failed", reason: `the renewal was answered ${response.status}${what}` };
  } catch (error) {
    if (limit.signal.aborted) return { result: "failed", reason: `no answer within ${timeoutMs} ms` };
    if (!(error instanceof UpstreamError || error instanceof RangeError)) throw error;
    return { result: "failed", reason: error.message };
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", abort);
  }
}

const headers = [
  "Accept",
  "application/json",
  "Content-Type",
  "application/merge-patch+json",
  "User-Agent",
  "holdfast-link",
];

/** @returns nothing where it is no JSON: a portal's page */
function kindOf(body: Uint8Array): unknown {
  try {
    return member(parseJson(body), "kind");
  } catch {
    return undefined;
  }
}

/** RFC 3339 with microseconds, as the API wants a MicroTime. */
function renewTime({ clock, after }: RenewLeaseOptions): string {
  const last = typeof after === "string" ? Date.parse(after) : Number.NaN;
  const at = Number.isNaN(last) ? clock.now() : Math.max(clock.now(), last + 1);
  return new Date(at).toISOString().replace(/Z$/, "000Z");
}
