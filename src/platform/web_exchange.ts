import type { ByteSource, RawHeaders, Sink } from "./bytes.ts";
import type { Exchange, Peer } from "./exchange.ts";

/** Chunks that a Response's stream may hold before its writer has to wait. */
const queuedChunks = 4;

/**
 * An exchange out of Request and Response, where the hub is mounted in somebody's app or the runtime has only
 * `fetch(Request)`: the same core, without upgrades.
 */
export class WebExchange implements Exchange {
  readonly method: string;
  readonly rawPath: string;
  readonly rawHeaders: RawHeaders;
  readonly body: ByteSource;
  readonly signal: AbortSignal;
  readonly peer: Peer = { address: "", port: 0, secure: false, uid: () => Promise.resolve(undefined) };
  readonly upgrade = false;
  /** Resolves with what was answered. */
  readonly response: Promise<Response>;
  readonly #request: Request;
  readonly #gone = new AbortController();
  #answered = false;
  #resolve: (response: Response) => void = () => undefined;

  constructor(request: Request) {
    this.#request = request;
    this.method = request.method;
    this.rawPath = request.url.replace(/^[^:]+:\/\/[^/]*/, "") || "/";
    this.rawHeaders = [...request.headers].flat();
    this.body = bodyOf(request);
    this.signal = AbortSignal.any([request.signal, this.#gone.signal]);
    this.response = new Promise((resolve) => this.#resolve = resolve);
  }

  get answered(): boolean {
    return this.#answered;
  }

  header(name: string): string | undefined {
    return this.#request.headers.get(name) ?? undefined;
  }

  respond(status: number, reason: string, rawHeaders: RawHeaders): Sink {
    if (this.#answered) throw new TypeError("Cannot respond twice");
    const headers = new Headers();
    for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i] ?? "", rawHeaders[i + 1] ?? "");
    const sink = new StreamSink(() => this.#gone.abort(new Error("The client has gone")));
    const bodiless = this.method === "HEAD" || status === 204 || status === 304;
    const response = new Response(bodiless ? null : sink.stream, { status, statusText: reason, headers });
    this.#answered = true;
    this.#resolve(response);
    return sink;
  }

  hijack(): never {
    throw new TypeError("Cannot hijack an exchange that was made of a Request");
  }
}

async function* bodyOf(request: Request): ByteSource {
  if (request.body !== null) yield* request.body;
}

class StreamSink implements Sink {
  readonly stream: ReadableStream<Uint8Array>;
  readonly closed: Promise<boolean>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #room: (() => void) | undefined;
  #close: (complete: boolean) => void = () => undefined;
  #ended = false;

  constructor(cancelled: () => void) {
    this.closed = new Promise((resolve) => this.#close = resolve);
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#release(),
      cancel: () => {
        this.#finish(false);
        cancelled();
      },
    }, { highWaterMark: queuedChunks });
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#ended) return undefined;
    this.#controller?.enqueue(chunk);
    if ((this.#controller?.desiredSize ?? 0) > 0) return undefined;
    return new Promise((resolve) => this.#room = resolve);
  }

  end(): void {
    if (this.#ended) return;
    this.#controller?.close();
    this.#finish(true);
  }

  destroy(): void {
    if (this.#ended) return;
    this.#controller?.error(new Error("The answer was broken off"));
    this.#finish(false);
  }

  #finish(complete: boolean): void {
    this.#ended = true;
    this.#release();
    this.#close(complete);
  }

  #release(): void {
    this.#room?.();
    this.#room = undefined;
  }
}
