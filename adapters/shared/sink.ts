import type { Writable } from "node:stream";
import type { Sink } from "../../src/platform/bytes.ts";
import { ignoreError } from "./ignore_error.ts";

export interface StreamSinkOptions {
  /** Breaks the stream off so that the other side can tell. */
  readonly destroy: () => void;
  /** Whether `closed` waits for the stream's `close` (both directions) and not only for its `finish`. */
  readonly untilClose?: boolean;
}

/** One direction of a stream of the runtime as a Sink. */
export class StreamSink implements Sink {
  readonly closed: Promise<boolean>;
  /** Room is there when all that was written has gone: Node's streams drain so, and Bun's and Deno's as well. */
  readonly releases = true;
  readonly #stream: Writable;
  readonly #options: StreamSinkOptions;
  #drained: Promise<void> | undefined;
  #release: (() => void) | undefined;
  #resolve: (() => void) | undefined;
  #started = false;
  #ended = false;
  #closed = false;

  constructor(stream: Writable, options: StreamSinkOptions) {
    this.#stream = stream;
    this.#options = options;
    stream.on("error", ignoreError);
    this.closed = new Promise((resolve) => {
      let finished = false;
      const settle = () => {
        this.#closed = true;
        resolve(finished);
      };
      stream.once("finish", () => {
        finished = true;
        if (options.untilClose !== true) settle();
      });
      stream.once("close", settle);
      if (stream.destroyed) settle();
    });
  }

  /** Whether anything was written, or the end. */
  get started(): boolean {
    return this.#started;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    this.#started = true;
    if (this.#ended || this.#closed || this.#stream.destroyed) return Promise.resolve();
    if (this.#stream.write(chunk)) return undefined;
    return this.#drained ??= this.#drain();
  }

  end(): void {
    if (this.#ended) return;
    this.#started = true;
    this.#ended = true;
    this.#stream.end();
  }

  destroy(): void {
    this.#ended = true;
    this.#options.destroy();
  }

  #drain(): Promise<void> {
    // The listeners stay: a long answer drains thousands of times.
    if (this.#release === undefined) {
      this.#release = () => this.#resolve?.();
      this.#stream.on("drain", this.#release).on("close", this.#release).on("error", this.#release);
    }
    return new Promise((resolve) => {
      this.#resolve = () => {
        this.#drained = undefined;
        this.#resolve = undefined;
        resolve();
      };
    });
  }
}

/** The sink of an answer that has no body (HEAD, 204, 304): takes and drops. */
export class BodilessSink implements Sink {
  readonly closed: Promise<boolean>;
  readonly #end: () => void;
  readonly #destroy: () => void;

  constructor(options: { readonly closed: Promise<boolean>; readonly end: () => void; readonly destroy: () => void }) {
    this.closed = options.closed;
    this.#end = options.end;
    this.#destroy = options.destroy;
  }

  write(_chunk: Uint8Array): undefined {
    return undefined;
  }

  end(): void {
    this.#end();
  }

  destroy(): void {
    this.#destroy();
  }
}
