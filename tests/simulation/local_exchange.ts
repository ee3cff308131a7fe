import type { ByteSource, RawHeaders, Sink } from "../../src/platform/bytes.ts";
import type { Exchange, Peer } from "../../src/platform/exchange.ts";

/** What a local client gets of an answer, as it comes. */
export interface AnswerReader {
  head(status: number, rawHeaders: RawHeaders): void;
  chunk(bytes: Uint8Array): void;
  /** `complete`: the other side said that it was all. */
  end(complete: boolean): void;
}

export interface LocalRequest {
  readonly method: string;
  readonly rawPath: string;
  readonly body?: string;
  /** @default that of a merge patch, or of JSON */
  readonly contentType?: string;
  /** With which it comes to the TLS port. @default none: the plain port */
  readonly token?: string;
}

/** Bytes that lie between hub and client before the hub has to wait. */
const bufferBytes = 16 * 1024;

/** A client's request on the loopback interface. It may read slowly, and may go away. */
export class LocalExchange implements Exchange {
  readonly method: string;
  readonly rawPath: string;
  readonly rawHeaders: RawHeaders;
  readonly signal: AbortSignal;
  readonly peer: Peer = { address: "127.0.0.1", port: 1, secure: false, uid: () => Promise.resolve(undefined) };
  readonly upgrade = false;
  readonly #body: string;
  readonly #reader: AnswerReader;
  readonly #gone = new AbortController();
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #answered = false;
  #paused = false;
  #over = false;
  #ending = false;
  #room: (() => void) | undefined;
  #close: (complete: boolean) => void = () => undefined;

  constructor(request: LocalRequest, reader: AnswerReader) {
    this.method = request.method;
    this.rawPath = request.rawPath;
    this.#body = request.body ?? "";
    const type = request.contentType ??
      (request.method === "PATCH" ? "application/merge-patch+json" : "application/json");
    const content = this.#body === "" ? [] : ["Content-Type", type, "Content-Length", String(this.#body.length)];
    const own = request.token === undefined ? [] : ["Authorization", `Bearer ${request.token}`];
    this.rawHeaders = ["Host", "127.0.0.1:10261", "Accept", "application/json", ...own, ...content];
    this.signal = this.#gone.signal;
    this.#reader = reader;
  }

  get answered(): boolean {
    return this.#answered;
  }

  get body(): ByteSource {
    return single(new TextEncoder().encode(this.#body));
  }

  header(name: string): string | undefined {
    const at = this.rawHeaders.findIndex((header, index) => index % 2 === 0 && header.toLowerCase() === name);
    return at < 0 ? undefined : this.rawHeaders[at + 1];
  }

  respond(status: number, _reason: string, rawHeaders: RawHeaders): Sink {
    if (this.#answered) throw new TypeError("Cannot respond twice");
    this.#answered = true;
    const closed = new Promise<boolean>((resolve) => this.#close = resolve);
    if (!this.#over) this.#reader.head(status, rawHeaders);
    else this.#close(false);
    return {
      write: (chunk) => this.#write(chunk),
      end: () => this.#end(),
      destroy: () => this.#finish(false),
      closed,
    };
  }

  hijack(): never {
    throw new TypeError("Cannot hijack a request without upgrade");
  }

  /** The client goes away. */
  leave(): void {
    this.#finish(false);
  }

  /** The client reads no further. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    while (!this.#paused && !this.#over) {
      const chunk = this.#waiting.shift();
      if (chunk === undefined) break;
      this.#waitingBytes -= chunk.length;
      this.#reader.chunk(chunk);
    }
    if (this.#waiting.length > 0) return;
    this.#release();
    if (this.#ending) this.#finish(true);
  }

  #write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#over || this.#ending) return undefined;
    if (!this.#paused) {
      this.#reader.chunk(chunk);
      return undefined;
    }
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes < bufferBytes) return undefined;
    return new Promise((resolve) => this.#room = resolve);
  }

  #end(): void {
    if (this.#waiting.length > 0) this.#ending = true;
    else this.#finish(true);
  }

  #finish(complete: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#waiting.length = 0;
    this.#release();
    this.#close(complete);
    this.#reader.end(complete);
    if (!complete) this.#gone.abort(new Error("The client has gone"));
  }

  #release(): void {
    this.#room?.();
    this.#room = undefined;
  }
}

// deno-lint-ignore require-await
async function* single(bytes: Uint8Array): ByteSource {
  if (bytes.length > 0) yield bytes;
}
