import type { RawHeaders } from "../../platform/bytes.ts";
import type { Platform } from "../../platform/platform.ts";
import { ResolveError, type ResolveFailure } from "../../platform/resolve.ts";
import { UpstreamError, type UpstreamFailure, type UpstreamResponse } from "../../platform/upstream.ts";
import { isIpAddress } from "../address.ts";
import type { CloudServer } from "./cloud_access.ts";
import { reasonOf } from "./reason.ts";

/** How far a request to one API server got. */
export type ServerProbe =
  & { readonly origin: string; readonly host: string; readonly hostname: string; readonly unverified: boolean }
  & (
    | { readonly outcome: "unresolved"; readonly failure: ResolveFailure; readonly reason: string }
    /** No TCP connection. */
    | { readonly outcome: "unreachable"; readonly failure: UpstreamFailure; readonly reason: string }
    /** A connection, but no answer over it: TLS, or what came after. */
    | { readonly outcome: "unanswered"; readonly failure: UpstreamFailure; readonly reason: string }
    | ProbeAnswer
  );

/** What `/readyz` answered. */
export interface ProbeAnswer {
  readonly outcome: "answered";
  readonly status: number;
  /** The beginning of the body, trimmed. */
  readonly body: string;
  readonly connectMs: number;
  /** TLS and the answer, over a new connection. */
  readonly answerMs: number;
  /** How much the server's clock is ahead of ours, to a second; missing where it told no time. */
  readonly aheadMs?: number;
}

/** For each step. */
const stepTimeoutMs = 5_000;
const bodyLength = 200;
/** `Date` has no fractions: on average that much has passed of its second. */
const halfSecondMs = 500;

export interface ProbeOptions {
  readonly server: CloudServer;
  readonly signal: AbortSignal;
}

/** Finds the name, opens a connection, and asks `/readyz` over another one, as the hub asks it. Never rejects. */
export async function probeServer(platform: Platform, { server, signal }: ProbeOptions): Promise<ServerProbe> {
  const { origin, host, hostname, unverified } = server;
  const of = { origin, host, hostname, unverified };
  if (!isIpAddress(hostname)) {
    try {
      await platform.resolve(hostname, { timeoutMs: stepTimeoutMs, signal });
    } catch (error) {
      const failure = error instanceof ResolveError ? error.failure : "unanswered";
      return { ...of, outcome: "unresolved", failure, reason: reasonOf(error) };
    }
  }
  const began = platform.clock.monotonic();
  try {
    const connection = await platform.dial({ hostname, port: server.port, timeoutMs: stepTimeoutMs, signal });
    connection.destroy();
  } catch (error) {
    return { ...of, outcome: "unreachable", ...failureOf(error) };
  }
  const connectMs = platform.clock.monotonic() - began;
  try {
    return { ...of, ...await askReadiness(platform, { server, signal }), connectMs };
  } catch (error) {
    return { ...of, outcome: "unanswered", ...failureOf(error) };
  }
}

async function askReadiness(
  { clock }: Platform,
  { server: { upstream, host, token }, signal }: ProbeOptions,
): Promise<Omit<ProbeAnswer, "connectMs">> {
  const limit = new AbortController();
  const abort = (): void => limit.abort(signal.reason);
  signal.addEventListener("abort", abort);
  const timer = clock.setTimer(stepTimeoutMs, () => limit.abort(new Error("No answer in time")));
  const [began, beganAt] = [clock.monotonic(), clock.now()];
  try {
    const response = await upstream.request({
      method: "GET",
      rawPath: "/readyz",
      rawHeaders: [
        ...["Host", host, "Accept", "*/*", "User-Agent", "holdfast-doctor"],
        ...(token === undefined ? [] : ["Authorization", `Bearer ${token}`]),
      ],
      signal: limit.signal,
      newConnection: true,
    });
    const answerMs = clock.monotonic() - began;
    const date = Date.parse(headerOf(response.rawHeaders, "date") ?? "");
    const aheadMs = date + halfSecondMs - (beganAt + answerMs / 2);
    const body = await beginningOf(response);
    const answer = { outcome: "answered", status: response.status, body, answerMs } as const;
    return Number.isNaN(aheadMs) ? answer : { ...answer, aheadMs };
  } catch (error) {
    if (!limit.signal.aborted || signal.aborted) throw error;
    throw new UpstreamError("timeout", `no answer within ${stepTimeoutMs} ms`, { sent: true, cause: error });
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", abort);
  }
}

/** All of it is read, to free the connection. */
async function beginningOf({ body }: UpstreamResponse): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) if (text.length < bodyLength) text += decoder.decode(chunk, { stream: true });
  return text.slice(0, bodyLength).trim();
}

function headerOf(rawHeaders: RawHeaders, name: string): string | undefined {
  const at = rawHeaders.findIndex((word, index) => index % 2 === 0 && word.toLowerCase() === name);
  return at === -1 ? undefined : rawHeaders[at + 1];
}

function failureOf(error: unknown): { readonly failure: UpstreamFailure; readonly reason: string } {
  return { failure: error instanceof UpstreamError ? error.failure : "broken", reason: reasonOf(error) };
}
