import http, { type ClientRequest, type IncomingMessage } from "node:http";
import https from "node:https";
import type { RawHeaders } from "../../src/platform/bytes.ts";
import {
  type ClientCredentials,
  UpstreamError,
  type UpstreamRequest,
  type UpstreamResponse,
} from "../../src/platform/upstream.ts";
import { sniName } from "./dialer.ts";
import { abortedError, errorCode, toUpstreamError } from "./errors.ts";
import type { Flights } from "./flights.ts";
import { ignoreError } from "./ignore_error.ts";
import type { Origin } from "./origin.ts";
import { headerValue } from "./raw_headers.ts";
import { sendBody } from "./request_body.ts";
import { createSource } from "./source.ts";

/** Watches that a server without HTTP/2 gets one connection each for. */
const MAX_LONG_RUNNING_CONNECTIONS = 1024;
const MAX_IDLE_CONNECTIONS = 16;
/** Sum of an answer's header fields. */
const MAX_HEADER_BYTES = 256 * 1024;
/** Requests that may be sent twice where a kept-alive connection turns out to be gone (RFC 9110 9.2.2; as Go's transport). */
const REPLAYABLE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** One generation of HTTP/1.1 connections: all with the same credentials. */
export class Http1Upstream {
  readonly #origin: Origin;
  readonly #flights: Flights;
  readonly #tls: https.AgentOptions;
  readonly #agent: http.Agent;
  readonly #longRunningAgent: http.Agent;

  constructor(origin: Origin, options: { readonly credentials: ClientCredentials; readonly flights: Flights }) {
    this.#origin = origin;
    this.#flights = options.flights;
    this.#tls = origin.secure ? tlsOptions(origin, options.credentials) : {};
    this.#agent = createAgent(origin, { tls: this.#tls, maxSockets: origin.maxConnections });
    this.#longRunningAgent = createAgent(origin, { tls: this.#tls, maxSockets: MAX_LONG_RUNNING_CONNECTIONS });
  }

  /** @throws UpstreamError */
  async request(request: UpstreamRequest): Promise<UpstreamResponse> {
    try {
      return await this.#attempt(request, { fresh: request.newConnection === true });
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      if (request.signal.aborted || request.body !== undefined || !REPLAYABLE.has(request.method)) throw error.reason;
    }
    try {
      return await this.#attempt(request, { fresh: true });
    } catch (error) {
      throw error instanceof StaleConnection ? error.reason : error;
    }
  }

  /** Ends all connections. Call it when none is in use. */
  destroy(): void {
    this.#agent.destroy();
    this.#longRunningAgent.destroy();
  }

  #attempt(request: UpstreamRequest, options?: { readonly fresh: boolean }): Promise<UpstreamResponse> {
    const { signal } = request;
    if (signal.aborted) return Promise.reject(abortedError(signal, { sent: false }));
    return new Promise((resolve, reject) => {
      const client = this.#open(request, options?.fresh === true);
      const attempt = new Attempt(client, { request, origin: this.#origin, reject });
      const landed = this.#flights.begin(() => attempt.fail(closedError()));
      client.once("close", landed);
      client.once("response", (response: IncomingMessage) => resolve(attempt.answered(response)));
    });
  }

  #open(request: UpstreamRequest, fresh: boolean): ClientRequest {
    const options = {
      host: this.#origin.hostname,
      port: this.#origin.port,
      method: request.method,
      path: request.rawPath,
      headers: withFraming(request),
      setHost: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      agent: request.longRunning === true ? this.#longRunningAgent : this.#agent,
      // Without an agent the connection is a new one, for this request alone.
      ...(fresh ? { ...this.#tls, agent: false as const } : {}),
    };
    return this.#origin.secure ? https.request(options) : http.request(options);
  }
}

/** One sending of a request: who ends it, and what that means. */
class Attempt {
  readonly #client: ClientRequest;
  readonly #signal: AbortSignal;
  readonly #reject: (error: Error) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #connected = false;
  #answered = false;
  #failure: UpstreamError | undefined;
  #response: IncomingMessage | undefined;

  constructor(
    client: ClientRequest,
    options: { readonly request: UpstreamRequest; readonly origin: Origin; readonly reject: (error: Error) => void },
  ) {
    this.#client = client;
    this.#signal = options.request.signal;
    this.#reject = options.reject;
    client.once("close", () => {
      clearTimeout(this.#timer);
      this.#signal.removeEventListener("abort", this.#onAbort);
      // Some runtimes end a request without an error event.
      if (!this.#answered) this.#failed(new Error("The connection was closed before an answer came"));
    });
    client.on("error", (error) => this.#failed(error));
    this.#signal.addEventListener("abort", this.#onAbort, { once: true });
    this.#watchSocket(options.origin);
    sendBody(client, options.request, (error) => this.fail(toUpstreamError(error, { sent: true })));
  }

  answered(response: IncomingMessage): UpstreamResponse {
    this.#answered = true;
    this.#response = response;
    response.on("error", ignoreError);
    return {
      status: response.statusCode ?? 0,
      reason: response.statusMessage ?? "",
      rawHeaders: response.rawHeaders,
      body: createSource(response, {
        complete: () => response.complete,
        leave: () => void this.#client.destroy(),
        toError: (cause) =>
          this.#failure ?? toUpstreamError(cause ?? new Error("The answer broke off"), { sent: true }),
      }),
    };
  }

  fail(error: UpstreamError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    if (!this.#answered) this.#reject(error);
    this.#response?.destroy(error);
    this.#client.destroy();
  }

  #onAbort = (): void => this.fail(abortedError(this.#signal, { sent: this.#connected }));

  #failed(error: Error): void {
    if (this.#answered || this.#failure !== undefined) return;
    this.#failure = toUpstreamError(error, { sent: this.#connected });
    const stale = this.#client.reusedSocket &&
      (errorCode(error) === "ECONNRESET" || this.#failure.failure === "broken");
    this.#reject(stale ? new StaleConnection(this.#failure) : this.#failure);
  }

  #watchSocket(origin: Origin): void {
    // Before this event the request waits for one of the connections to be free, for as long as its signal allows.
    this.#client.once("socket", (socket) => {
      const connected = () => {
        this.#connected = true;
        clearTimeout(this.#timer);
      };
      if (this.#client.reusedSocket) return connected();
      if (this.#answered || this.#failure !== undefined) return;
      this.#timer = setTimeout(() => this.fail(connectTimeout(origin)), origin.connectTimeoutMs);
      socket.once(origin.secure ? "secureConnect" : "connect", connected);
    });
    this.#client.once("response", () => clearTimeout(this.#timer));
  }
}

/** A kept-alive connection that the server had already ended. */
class StaleConnection extends Error {
  override readonly name = "StaleConnection";
  readonly reason: UpstreamError;

  constructor(reason: UpstreamError) {
    super(reason.message);
    this.reason = reason;
  }
}

function createAgent(
  origin: Origin,
  options: { readonly tls: https.AgentOptions; readonly maxSockets: number },
): http.Agent {
  const pool = { keepAlive: true, maxSockets: options.maxSockets, maxFreeSockets: MAX_IDLE_CONNECTIONS } as const;
  return origin.secure ? new https.Agent({ ...pool, ...options.tls }) : new http.Agent(pool);
}

function tlsOptions(origin: Origin, credentials: ClientCredentials): https.AgentOptions {
  return {
    ...credentials,
    servername: sniName(origin.serverName),
    rejectUnauthorized: !origin.unverified,
    minVersion: "TLSv1.2",
  };
}

/** A body that its fields say nothing about would be read as the next request (RFC 9112 6.3). */
function withFraming(request: UpstreamRequest): string[] {
  const headers: string[] = [...request.rawHeaders];
  const { body } = request;
  if (body === undefined || isFramed(headers)) return headers;
  if (body instanceof Uint8Array) headers.push("Content-Length", String(body.byteLength));
  else headers.push("Transfer-Encoding", "chunked");
  return headers;
}

function isFramed(headers: RawHeaders): boolean {
  return headerValue(headers, "content-length") !== undefined ||
    headerValue(headers, "transfer-encoding") !== undefined;
}

function connectTimeout(origin: Origin): UpstreamError {
  const message = `No connection to ${origin.authority} within ${origin.connectTimeoutMs} ms`;
  return new UpstreamError("timeout", message, { sent: false });
}

/** The upstream was closed while the request was in flight. */
export function closedError(): UpstreamError {
  return new UpstreamError("closed", "The upstream was closed", { sent: true });
}
