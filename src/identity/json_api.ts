import type { ByteSource } from "../platform/bytes.ts";
import type { Clock } from "../platform/clock.ts";
import { type Upstream, UpstreamError } from "../platform/upstream.ts";
import { IdentityError } from "./identity_error.ts";

/** A request with a JSON body or none. */
export interface JsonRequest {
  readonly method: "GET" | "POST" | "PUT";
  readonly path: string;
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

/** An answer; `object` is not checked, and missing where it is no JSON. */
export interface JsonAnswer {
  readonly status: number;
  readonly object: unknown;
}

/**
 * The API servers, for the few requests of certificates.
 *
 * @throws IdentityError where none answers, retryable, or where an answer is too long
 */
export type JsonApi = (request: JsonRequest) => Promise<JsonAnswer>;

/** An API server and a way to it. */
export interface JsonServer {
  /** `host:port` */
  readonly host: string;
  readonly upstream: Upstream;
}

export interface JsonApiOptions {
  /** Asked in this order until one answers. */
  readonly servers: readonly JsonServer[];
  readonly clock: Clock;
  /** A bearer token. */
  readonly token?: () => string | undefined;
}

/** An API server's whole time for an answer. */
const timeoutMs = 10_000;
const maxBodyBytes = 4 * 1024 * 1024;

export function createJsonApi({ servers, clock, token }: JsonApiOptions): JsonApi {
  return async (request) => {
    const failures: string[] = [];
    let cause: unknown;
    for (const server of servers) {
      request.signal.throwIfAborted();
      try {
        return await ask(server, { request, clock, token: token?.() });
      } catch (error) {
        if (request.signal.aborted || !(error instanceof UpstreamError)) throw error;
        failures.push(`${server.host}: ${error.message}`);
        cause = error;
      }
    }
    throw new IdentityError(`No API server answers: ${failures.join("; ")}`, { retryable: true, cause });
  };
}

interface Asking {
  readonly request: JsonRequest;
  readonly clock: Clock;
  readonly token: string | undefined;
}

async function ask({ host, upstream }: JsonServer, { request, clock, token }: Asking): Promise<JsonAnswer> {
  const { method, path, body, signal } = request;
  const limit = new AbortController();
  const abort = (): void => limit.abort(signal.reason);
  signal.addEventListener("abort", abort);
  const timer = clock.setTimer(timeoutMs, () => limit.abort(new Error(`No answer within ${timeoutMs} ms`)));
  try {
    const response = await upstream.request({
      method,
      rawPath: path,
      rawHeaders: [
        ...["Host", host, "Accept", "application/json", "User-Agent", "holdfast-identity"],
        ...(token === undefined ? [] : ["Authorization", `Bearer ${token}`]),
        ...(body === undefined ? [] : ["Content-Type", "application/json"]),
      ],
      ...(body === undefined ? {} : { body: new TextEncoder().encode(JSON.stringify(body)) }),
      signal: limit.signal,
    });
    return { status: response.status, object: parse(await readText(response.body, path)) };
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", abort);
  }
}

/** @throws IdentityError where it is too long: half of it would be taken for no JSON at all */
async function readText(body: ByteSource, path: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > maxBodyBytes) {
      throw new IdentityError(`The answer to ${path} is longer than ${maxBodyBytes} bytes`, { retryable: true });
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a portal's page: no schema takes it
  }
}

/** The message of a Status, for an error of ours. */
export function messageOf({ status, object }: JsonAnswer): string {
  const told = typeof object === "object" && object !== null && "message" in object
    ? `: ${String(object.message)}`
    : "";
  return `${status}${told}`;
}

/** Whether the API server may answer otherwise in a while. */
export function isPassing({ status, object }: JsonAnswer): boolean {
  return status === 429 || status >= 500 || object === undefined;
}
