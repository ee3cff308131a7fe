import type { ByteSource, Duplex, RawHeaders, Sink } from "../../src/platform/bytes.ts";
import type { Exchange, Peer } from "../../src/platform/exchange.ts";
import { headerValue } from "./raw_headers.ts";

/** How an answer gets out: differs between HTTP/1.1, HTTP/2 and an upgrade. */
export interface Answerer {
  respond(status: number, reason: string, rawHeaders: RawHeaders): Sink;
  hijack?(): { readonly socket: Duplex; readonly head: Uint8Array };
}

export interface StreamExchangeOptions {
  readonly method: string;
  readonly rawPath: string;
  readonly rawHeaders: RawHeaders;
  readonly body: ByteSource;
  readonly peer: Peer;
  readonly upgrade: boolean;
  readonly answerer: Answerer;
}

/** An exchange over a connection of `node:http` or `node:http2`. */
export class StreamExchange implements Exchange {
  readonly method: string;
  readonly rawPath: string;
  readonly rawHeaders: RawHeaders;
  readonly body: ByteSource;
  readonly peer: Peer;
  readonly upgrade: boolean;
  readonly #answerer: Answerer;
  #controller: AbortController | undefined;
  #answered = false;
  #gone: Error | undefined;
  #sink: Sink | undefined;

  constructor(options: StreamExchangeOptions) {
    this.method = options.method;
    this.rawPath = options.rawPath;
    this.rawHeaders = options.rawHeaders;
    this.body = options.body;
    this.peer = options.peer;
    this.upgrade = options.upgrade;
    this.#answerer = options.answerer;
  }

  get answered(): boolean {
    return this.#answered;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#gone !== undefined) this.#controller.abort(this.#gone);
    }
    return this.#controller.signal;
  }

  header(name: string): string | undefined {
    return headerValue(this.rawHeaders, name);
  }

  respond(status: number, reason: string, rawHeaders: RawHeaders): Sink {
    this.#take();
    try {
      return this.#sink = this.#answerer.respond(status, reason, rawHeaders);
    } catch (error) {
      // A field that HTTP refuses: nothing is out yet, so the caller may still answer with something else.
      this.#answered = false;
      throw error;
    }
  }

  hijack(): { readonly socket: Duplex; readonly head: Uint8Array } {
    if (this.#answerer.hijack === undefined) throw new TypeError("Cannot hijack a request that asks for no upgrade");
    this.#take();
    const hijacked = this.#answerer.hijack();
    this.#sink = hijacked.socket;
    return hijacked;
  }

  /** The client is gone before it had its answer. */
  abort(reason: Error): void {
    if (this.#gone !== undefined) return;
    this.#gone = reason;
    this.#controller?.abort(reason);
  }

  /** Breaks an answer under way off. */
  breakOff(): void {
    this.#sink?.destroy();
  }

  #take(): void {
    if (this.#answered) throw new TypeError("Cannot answer an exchange twice");
    this.#answered = true;
  }
}

/** The reason of an aborted exchange. */
export function clientGone(): Error {
  return new DOMException("The client went away", "AbortError");
}

/** Whether an answer has no body whatever its fields say (RFC 9112 6.3). */
export function isBodiless(method: string, status: number): boolean {
  return method === "HEAD" || status === 204 || status === 304;
}
