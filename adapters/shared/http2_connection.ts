import http2, { type ClientHttp2Session, type ClientHttp2Stream, constants } from "node:http2";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import {
  type ClientCredentials,
  UpstreamError,
  type UpstreamRequest,
  type UpstreamResponse,
} from "../../src/platform/upstream.ts";
import { openSocket } from "./dialer.ts";
import { toUpstreamError } from "./errors.ts";
import { type Flight, Http2Request } from "./http2_request.ts";
import { ignoreError } from "./ignore_error.ts";
import { Liveness } from "./liveness.ts";
import type { Origin } from "./origin.ts";
import { headerValue, toHttp2Headers } from "./raw_headers.ts";

/** Windows that do not throttle a list over a long line: the defaults of 64 KiB cost half the throughput. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
/** No more than twice a stream's: past that Bun (1.4.5) never opens a stream's window again (oven-sh/bun#40180). */
const CONNECTION_WINDOW_BYTES = 2 * STREAM_WINDOW_BYTES;
/** What unread streams may hold together, in the unit of the option; past it the runtime refuses new streams. */
const MAX_SESSION_MEMORY_MB = 256;
const MAX_HEADER_LIST_BYTES = 256 * 1024;

export interface Http2ConnectionOptions {
  readonly origin: Origin;
  readonly credentials: ClientCredentials;
  readonly signal: AbortSignal;
}

/**
 * Connects and waits for the server's settings.
 *
 * @returns nothing where the server speaks only HTTP/1.1. @throws UpstreamError
 */
export async function openHttp2Connection(options: Http2ConnectionOptions): Promise<Http2Connection | undefined> {
  const { origin, credentials, signal } = options;
  const socket = await openSocket({
    hostname: origin.hostname,
    port: origin.port,
    timeoutMs: origin.connectTimeoutMs,
    allowHalfOpen: false,
    tls: { ...credentials, serverName: origin.serverName, alpn: ["h2", "http/1.1"] },
    signal,
  });
  if (!(socket instanceof TLSSocket) || socket.alpnProtocol !== "h2") {
    socket.destroy();
    return undefined;
  }
  const session = http2.connect(`https://${origin.authority}`, {
    createConnection: () => socket,
    maxSessionMemory: MAX_SESSION_MEMORY_MB,
    settings: {
      initialWindowSize: STREAM_WINDOW_BYTES,
      maxHeaderListSize: MAX_HEADER_LIST_BYTES,
      enablePush: false,
    },
  });
  session.on("error", ignoreError);
  await settingsOf(session, origin);
  session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
  return new Http2Connection(session, { origin, socket });
}

/** One connection of HTTP/2 and the streams on it. */
export class Http2Connection {
  /** Called when a stream has ended or no further one is possible. */
  changed: () => void = () => {};
  readonly #session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #origin: Origin;
  readonly #liveness: Liveness;
  readonly #requests = new Set<Http2Request>();
  #reserved = 0;
  #draining = false;

  constructor(session: ClientHttp2Session, options: { readonly origin: Origin; readonly socket: Socket }) {
    this.#session = session;
    this.#origin = options.origin;
    this.#socket = options.socket;
    this.#liveness = new Liveness({
      intervalMs: options.origin.pingIntervalMs,
      timeoutMs: options.origin.pingTimeoutMs,
      bytesRead: () => options.socket.bytesRead,
      ping: (answered) => this.#ping(answered),
      dead: () => this.#die(),
    });
    session.once("goaway", () => this.#drain());
    session.once("close", () => {
      this.#liveness.close();
      this.#drain();
    });
  }

  /** Streams under way or reserved. */
  get streams(): number {
    return this.#requests.size + this.#reserved;
  }

  get usable(): boolean {
    return !this.#draining && !this.#session.closed && !this.#session.destroyed;
  }

  /** Holds a place for one stream, where there is one under the server's limit. `request` uses it up. */
  reserve(): boolean {
    const limit = this.#session.remoteSettings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY;
    if (!this.usable || this.streams >= limit) return false;
    this.#reserved++;
    return true;
  }

  /** @throws UpstreamError */
  request(request: UpstreamRequest, flight: Flight): Promise<UpstreamResponse> {
    this.#reserved--;
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.request(this.#headers(request), { endStream: request.body === undefined });
    } catch (error) {
      this.changed();
      return Promise.reject(toUpstreamError(error, { sent: false }));
    }
    return new Promise((resolve, reject) => {
      const own = new Http2Request(stream, { request, flight, resolve, reject, touch: () => this.#liveness.touch() });
      this.#requests.add(own);
      stream.once("close", () => {
        this.#requests.delete(own);
        this.changed();
      });
    });
  }

  /** Ends the connection and whatever is on it. */
  destroy(): void {
    this.#liveness.close();
    this.#draining = true;
    // Not by the session's `destroy`, which sends GOAWAY: that can crash a peer that runs on Deno (denoland/deno#36788).
    this.#socket.destroy();
  }

  #headers(request: UpstreamRequest): Record<string, string | string[]> {
    return {
      [constants.HTTP2_HEADER_METHOD]: request.method,
      [constants.HTTP2_HEADER_PATH]: request.rawPath,
      [constants.HTTP2_HEADER_SCHEME]: "https",
      [constants.HTTP2_HEADER_AUTHORITY]: headerValue(request.rawHeaders, "host") ?? this.#origin.authority,
      ...toHttp2Headers(request.rawHeaders),
    };
  }

  #ping(answered: () => void): void {
    if (this.#session.destroyed) return;
    this.#session.ping((error) => {
      if (error === null || error === undefined) answered();
    });
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.changed();
  }

  #die(): void {
    const message = `${this.#origin.authority} did not answer a PING within ${this.#origin.pingTimeoutMs} ms`;
    for (const request of [...this.#requests]) request.fail(new UpstreamError("timeout", message, { sent: true }));
    this.destroy();
    this.changed();
  }
}

/** Before them nobody knows how many streams the server takes. */
function settingsOf(session: ClientHttp2Session, origin: Origin): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      stopWaiting();
      session.destroy();
      reject(toUpstreamError(error ?? new Error("The connection was closed before it was open"), { sent: false }));
    };
    const onSettings = () => {
      stopWaiting();
      resolve();
    };
    const onClose = () => fail(undefined);
    const timer = setTimeout(() => {
      const message = `No HTTP/2 settings from ${origin.authority} within ${origin.connectTimeoutMs} ms`;
      fail(new UpstreamError("timeout", message, { sent: false }));
    }, origin.connectTimeoutMs);
    const stopWaiting = () => {
      clearTimeout(timer);
      session.off("remoteSettings", onSettings).off("error", fail).off("close", onClose);
    };
    session.on("remoteSettings", onSettings).on("error", fail).on("close", onClose);
  });
}
