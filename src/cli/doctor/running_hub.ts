import { z } from "zod";
import type { Platform } from "../../platform/platform.ts";
import { UpstreamError } from "../../platform/upstream.ts";
import { hostAndPort } from "../address.ts";

/** A hub of ours that runs here. */
export interface RunningHub {
  readonly program: "holdfast";
  readonly nodeName: string;
  readonly version: string;
  /** Whether it has its HTTPS port. */
  readonly secureOpen: boolean;
}

/** Who has the port of the status server. */
export type StatusServer = RunningHub | { readonly program: "yurthub" | "other" };

export interface LocalPort {
  readonly hostname: string;
  readonly port: number;
}

const timeoutMs = 5_000;
const statusSchema = z.object({ version: z.string(), runtime: z.string(), nodeName: z.string() });

/** Asks the status server who it is. */
export async function askStatusServer(
  platform: Platform,
  at: LocalPort,
  signal: AbortSignal,
): Promise<StatusServer> {
  const answer = await ask(platform, { ...at, path: "/v1/status", signal });
  const status = statusSchema.safeParse(jsonOf(answer?.body ?? ""));
  if (status.success) {
    const readiness = await ask(platform, { ...at, path: "/readyz?verbose", signal });
    const secureOpen = readiness?.body.includes("[+]secure-port ok") === true;
    return { program: "holdfast", ...status.data, secureOpen };
  }
  const health = await ask(platform, { ...at, path: "/v1/healthz", signal });
  return { program: health?.status === 200 && health.body === "OK" ? "yurthub" : "other" };
}

/**
 * Whether a hub of ours has the port of the plain proxy. It refuses a host of another name by itself, in its own words,
 * however the cloud is.
 */
export async function isPlainProxy(platform: Platform, at: LocalPort, signal: AbortSignal): Promise<boolean> {
  const answer = await ask(platform, { ...at, path: "/version", host: foreignHost, signal });
  const refusal = refusalSchema.safeParse(jsonOf(answer?.body ?? ""));
  return refusal.success && refusal.data.message.includes(`"${foreignHost}" is not a name of this machine's loopback`);
}

const foreignHost = "doctor.holdfast.invalid";
const refusalSchema = z.object({ kind: z.literal("Status"), message: z.string() });

interface Asked extends LocalPort {
  readonly path: string;
  /** The status server takes loopback's names only, whatever address it listens at. @default {localhost} */
  readonly host?: string;
  readonly signal: AbortSignal;
}

interface Told {
  readonly status: number;
  readonly body: string;
}

/** @returns nothing where what listens there gives no answer of HTTP, or not in time */
async function ask(
  { createUpstream, clock }: Platform,
  { hostname, port, path, host = "localhost", signal }: Asked,
): Promise<Told | undefined> {
  const limit = new AbortController();
  const abort = (): void => limit.abort(signal.reason);
  signal.addEventListener("abort", abort);
  const timer = clock.setTimer(timeoutMs, abort);
  const upstream = createUpstream({ origin: `http://${hostAndPort(reachable(hostname), port)}` });
  try {
    const rawHeaders = ["Host", host, "Accept", "application/json, */*", "User-Agent", "holdfast-doctor"];
    const response = await upstream.request({ method: "GET", rawPath: path, rawHeaders, signal: limit.signal });
    const decoder = new TextDecoder();
    let body = "";
    for await (const chunk of response.body) body += decoder.decode(chunk, { stream: true });
    return { status: response.status, body: body.trim() };
  } catch (error) {
    if (error instanceof UpstreamError) return undefined;
    throw error;
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", abort);
    await upstream.close(0);
  }
}

/** An address to dial for one to listen at: that of all interfaces is none. */
function reachable(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  return hostname === "::" ? "::1" : hostname;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no schema takes it
  }
}
