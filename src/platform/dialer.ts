import type { Duplex } from "./bytes.ts";
import type { ClientCredentials } from "./upstream.ts";

/** What to dial. */
export interface DialOptions {
  readonly hostname: string;
  readonly port: number;
  readonly tls?: ClientCredentials & { readonly serverName?: string; readonly alpn?: readonly string[] };
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Opens one connection. @throws UpstreamError */
export type Dial = (options: DialOptions) => Promise<Duplex>;

/**
 * Joins two connections until both directions have ended: half-close and order are kept, `heads` are the bytes that
 * each side has already sent. Resolves, never rejects, when both are closed.
 */
export type Join = (
  a: { readonly socket: Duplex; readonly head: Uint8Array },
  b: { readonly socket: Duplex; readonly head: Uint8Array },
) => Promise<void>;
