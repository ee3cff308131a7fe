import type { Clock } from "../platform/clock.ts";
import { UpstreamError, type UpstreamResponse } from "../platform/upstream.ts";
import type { Backend } from "./backend.ts";
import type { CheckOutcome } from "./backend_health.ts";
import type { KnownCluster } from "./cluster_identity.ts";

export interface CheckOptions {
  readonly clock: Clock;
  /** For each of its requests. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Over a new connection, which tells of the path to the server; else beside the watches, so that a dead one is noticed. */
  readonly newConnection: boolean;
  /** Asks also whose API server it is: it may be another one than the last that was reached there. Missing: it does not. */
  readonly cluster?: KnownCluster;
}

const headers = ["Accept", "*/*", "User-Agent", "holdfast-link"];
/** Names the issuer of service account tokens (OpenID Connect Discovery 1.0). */
const discoveryPath = "/.well-known/openid-configuration";
const maxDocumentBytes = 64 * 1024;

/** Asks a backend once whether it is ready, and ours. Never rejects. */
export async function checkBackend(backend: Backend, options: CheckOptions): Promise<CheckOutcome> {
  const ready = await ask(backend, options, {
    rawPath: "/readyz",
    ...(options.newConnection ? { newConnection: true } : { longRunning: true }),
  });
  if ("result" in ready) return ready;
  if (ready.status !== 200) return { result: "unready", reason: `/readyz answered ${ready.status}` };
  // A portal answers everything with 200.
  if (ready.body.trim() !== "ok") return { result: "unready", reason: "/readyz answered 200, but not ok" };
  const { cluster } = options;
  if (cluster === undefined) return { result: "ready" };
  const document = await ask(backend, options, { rawPath: discoveryPath });
  if ("result" in document) return document;
  if (document.status === 429 || document.status >= 500) {
    return { result: "unready", reason: `${discoveryPath} answered ${document.status}` };
  }
  // Only who may read it is told: without the right the CA alone says whose it is.
  const foreign = cluster.check(document.status === 200 ? issuerOf(document.body) : undefined);
  return foreign === undefined ? { result: "ready" } : { result: "foreign", reason: foreign };
}

interface Asked {
  readonly rawPath: string;
  readonly newConnection?: boolean;
  readonly longRunning?: boolean;
}

interface Told {
  readonly status: number;
  readonly body: string;
}

async function ask(backend: Backend, options: CheckOptions, asked: Asked): Promise<Told | CheckOutcome> {
  const { clock, timeoutMs, signal } = options;
  const limit = new AbortController();
  const abort = () => limit.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort);
  const timer = clock.setTimer(timeoutMs, () => limit.abort(new Error("timeout")));
  try {
    const response = await backend.check({ method: "GET", ...asked, rawHeaders: headers, signal: limit.signal });
    return { status: response.status, body: await textOf(response) };
  } catch (error) {
    if (limit.signal.aborted) return { result: "silent", reason: `no answer within ${timeoutMs} ms` };
    const failure = error instanceof UpstreamError ? error.failure : "broken";
    return { result: "failed", failure, reason: error instanceof Error ? error.message : String(error) };
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", abort);
  }
}

/** All of it is read, to free the connection, but no more than a limit is kept. */
async function textOf({ body }: UpstreamResponse): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) if (text.length < maxDocumentBytes) text += decoder.decode(chunk, { stream: true });
  return text;
}

function issuerOf(text: string): string | undefined {
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document !== "object" || document === null || !("issuer" in document)) return undefined;
    return typeof document.issuer === "string" && document.issuer !== "" ? document.issuer : undefined;
  } catch {
    return undefined; // no JSON: a portal's page, of which readiness said nothing
  }
}
