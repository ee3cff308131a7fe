import type { Exchange } from "./exchange.ts";

/** Web-style handler. It either answers through the exchange (then its Response is ignored) or returns a Response. */
export type ExchangeHandler = (request: Request, exchange: Exchange) => Response | Promise<Response>;

/** Where to listen. */
export interface ListenOptions {
  readonly hostname: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly tls?: ServerTls;
  /**
   * Connections at once. A further one takes the place of the oldest that has no request; where each has one, it is refused.
   * @default {1024}
   */
  readonly maxConnections?: number;
  /** From a connection's opening to the end of its first request's header, TLS included. Milliseconds. @default {60_000} */
  readonly headersTimeoutMs?: number;
  /** From the end of an answer to the end of the next request's header. Milliseconds. @default {180_000} */
  readonly idleTimeoutMs?: number;
  /**
   * How long bytes of a request's body are waited for altogether, beside a second for each KiB that has come; until its answer
   * has begun. Milliseconds. @default {60_000}
   */
  readonly bodyPatienceMs?: number;
}

/** PEM texts. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  /** Whose client certificates count; without it none is asked for. A client without one is let in all the same. */
  readonly clientCa?: string;
}

/** Of the connections of a listener. */
export interface ListenerCounts {
  readonly open: number;
  /** Ended for want of room: past `maxConnections`. */
  readonly refused: number;
  /** Ended, they or a stream of them, because their client was too slow with a request. */
  readonly slow: number;
}

/** A port that listens. An answer under way is never cut for the time that it takes. */
export interface Listener {
  readonly hostname: string;
  readonly port: number;
  readonly counts: ListenerCounts;
  /** New connections get the new certificate; open ones go on. */
  updateTls(tls: ServerTls): void;
  /** Answers under way, those of hijacked connections aside. */
  readonly underWay: number;
  /** From now on each answer of HTTP/1.1 says that it is the last on its connection. */
  announceEnd(): void;
  /**
   * Stops listening before it returns; what is open goes on, but HTTP/2 takes no new streams. Resolves once no answer is
   * under way, hijacked connections aside.
   */
  release(): Promise<void>;
  /** Stops listening, lets answers under way end for at most `graceMs`, then breaks off what is left. */
  close(graceMs: number): Promise<void>;
}

/** Listens until it is closed. @throws an error with `code` "EADDRINUSE" or "EACCES" where the address is not to be had. */
export type Listen = (options: ListenOptions, handler: ExchangeHandler) => Promise<Listener>;
