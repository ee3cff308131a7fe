import type { ByteSource, Duplex, RawHeaders, Sink } from "./bytes.ts";

/** Who is at the other end of a connection. */
export interface Peer {
  readonly address: string;
  readonly port: number;
  /** Whether TLS is spoken. */
  readonly secure: boolean;
  /** The client certificate; missing where none was shown. Its names count only where `authorized`. */
  readonly certificate?: PeerCertificate;
  /**
   * User id of the process at the other end of a loopback connection, where the platform can tell (Linux): undefined where
   * it cannot, `gone` where nobody holds that end any more.
   */
  uid(): Promise<number | "gone" | undefined>;
}

/** What a TLS client showed. */
export interface PeerCertificate {
  /** Whether it was signed by the listener's client CA and is valid in time. */
  readonly authorized: boolean;
  /** DER. */
  readonly raw: Uint8Array;
  readonly commonName: string;
  readonly organizations: readonly string[];
}

/**
 * One request and its answer as bytes: what Request and Response lose is kept (raw path, raw header list, reason
 * phrase, upgrade). Hono routes it; it rides in the bindings as `c.env.exchange`.
 */
export interface Exchange {
  readonly method: string;
  /** Path and query exactly as sent. */
  readonly rawPath: string;
  /** Without HTTP/2's pseudo headers; a `Host` stands for `:authority`. */
  readonly rawHeaders: RawHeaders;
  /** Lower-case name to value, duplicates joined with ", ". */
  header(name: string): string | undefined;
  readonly body: ByteSource;
  /** Aborted when the client goes away before the answer is complete; never after a complete answer. */
  readonly signal: AbortSignal;
  readonly peer: Peer;
  /** Whether the client asks for another protocol (`Upgrade`, RFC 9110 7.8). Such a request may be hijacked. */
  readonly upgrade: boolean;
  /** Whether `respond` or `hijack` was called. */
  readonly answered: boolean;
  /** Sends status and headers at once and gives the body's sink. HEAD, 204 and 304 take no body. Once per exchange. */
  respond(status: number, reason: string, rawHeaders: RawHeaders): Sink;
  /** Takes the raw connection; `head` is what the client has already sent after its request. Once, and only where `upgrade`. */
  hijack(): { readonly socket: Duplex; readonly head: Uint8Array };
}

/** The bindings of the hub's Hono apps. */
export interface ExchangeBindings {
  readonly exchange: Exchange;
}
