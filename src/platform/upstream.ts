import type { ByteSource, Duplex, RawHeaders } from "./bytes.ts";

/** The client for one API server: bytes as sent, no decompression, no headers of its own, no time limit on bodies. */
export interface Upstream {
  /**
   * Sends one request and resolves with the head of its answer.
   *
   * @throws UpstreamError where no answer came. Aborting the signal ends the request at any moment, body included; the
   * body's iteration throws UpstreamError where it breaks before its end.
   */
  request(request: UpstreamRequest): Promise<UpstreamResponse>;
  /** As `request` for an `Upgrade`; `socket` is there where the answer is 101. */
  upgrade(request: UpstreamRequest): Promise<UpgradeResponse>;
  /** New requests travel over new connections, with these credentials or the same; those in flight end as they began. */
  rotate(credentials?: ClientCredentials): void;
  /** Takes no new requests, waits for those in flight for at most `graceMs`, then breaks them off. */
  close(graceMs: number): Promise<void>;
}

/** One request to the API server. */
export interface UpstreamRequest {
  readonly method: string;
  readonly rawPath: string;
  /** Sent as they are, `Host` and hop-by-hop headers included: the caller has chosen them. */
  readonly rawHeaders: RawHeaders;
  readonly body?: ByteSource | Uint8Array;
  readonly signal: AbortSignal;
  /** A watch or a log: shares a connection with many (HTTP/2) where the server can. */
  readonly longRunning?: boolean;
  /** Over a new connection, for this request alone: it tells of the path to the server, not of a connection's state. */
  readonly newConnection?: boolean;
}

/** The head of an answer, and its body while it comes. */
export interface UpstreamResponse {
  readonly status: number;
  /** Empty over HTTP/2. */
  readonly reason: string;
  readonly rawHeaders: RawHeaders;
  readonly body: ByteSource;
}

/** The answer to an `Upgrade`: with a socket where it is 101. */
export type UpgradeResponse =
  | (UpstreamResponse & { readonly socket?: undefined })
  | {
    readonly status: 101;
    readonly reason: string;
    readonly rawHeaders: RawHeaders;
    readonly socket: Duplex;
    readonly head: Uint8Array;
  };

/** PEM texts. Without `cert` the client shows none. */
export interface ClientCredentials {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Which server, and with what patience. */
export interface UpstreamOptions extends ClientCredentials {
  /** `https://host:port`; `http://` for an embedded server. */
  readonly origin: string;
  /** Name to verify in the server's certificate in place of the host. */
  readonly serverName?: string;
  /**
   * Takes whoever answers for the server: for a public document whose truth is proved by other means, and never with a
   * credential. @default {false}
   */
  readonly unverified?: boolean;
  /** Connections of HTTP/1.1 at once. @default {32} */
  readonly maxConnections?: number;
  /** Time for TCP and TLS. @default {10_000} */
  readonly connectTimeoutMs?: number;
  /** An HTTP/2 connection that was silent for this long is asked with a PING. @default {10_000} */
  readonly pingIntervalMs?: number;
  /** A PING without answer for this long ends the connection and all its streams. @default {5_000} */
  readonly pingTimeoutMs?: number;
}

/** Makes a client; nothing is dialled before the first request. */
export type CreateUpstream = (options: UpstreamOptions) => Upstream;

/** Why there is no answer, or no end of one. */
export type UpstreamFailure = "refused" | "unresolved" | "untrusted" | "timeout" | "broken" | "aborted" | "closed";

/** No answer came from upstream, or it broke. Adapters map their runtime's error codes to it. */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  readonly failure: UpstreamFailure;
  /** Whether any byte of the request may have reached the server. */
  readonly sent: boolean;

  constructor(
    failure: UpstreamFailure,
    message: string,
    options: { readonly sent: boolean; readonly cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.failure = failure;
    this.sent = options.sent;
  }
}
