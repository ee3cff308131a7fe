import type { Readable } from "node:stream";
import type { ByteSource } from "../../src/platform/bytes.ts";
import { ignoreError } from "./ignore_error.ts";
import type { SourceOptions } from "./source.ts";

/**
 * As `createSource`, but without backpressure: the stream is never paused, what nobody has read yet waits in memory.
 * For TLS sockets on Deno (2.9): once one was paused, the end of the other side is never reported.
 */
export function createFlowingSource(stream: Readable, options: SourceOptions): ByteSource {
  const iterator = new FlowingIterator(stream, options);
  return { [Symbol.asyncIterator]: () => iterator };
}

class FlowingIterator implements AsyncIterator<Uint8Array> {
  readonly #stream: Readable;
  readonly #options: SourceOptions;
  readonly #chunks: Uint8Array[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #closed = false;
  #left = false;
  #error: unknown;

  constructor(stream: Readable, options: SourceOptions) {
    this.#stream = stream;
    this.#options = options;
    stream.on("error", ignoreError);
    stream.on("data", (chunk: Uint8Array) => {
      if (this.#left) return;
      this.#chunks.push(chunk);
      this.#wake?.();
    });
    stream.on("end", () => {
      this.#ended = true;
      this.#wake?.();
    });
    stream.on("error", (error: unknown) => this.#end(error));
    stream.on("close", () => this.#end(undefined));
    if (stream.destroyed) this.#closed = true;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    while (true) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) return { done: false, value: chunk };
      if (this.#ended || this.#left) return { done: true, value: undefined };
      if (this.#closed) throw this.#options.toError(this.#error);
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
    }
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#left = true;
    this.#chunks.length = 0;
    if (!this.#ended) {
      if (this.#options.leave === undefined) this.#stream.destroy();
      else this.#options.leave();
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  #end(error: unknown): void {
    this.#error ??= error;
    this.#closed = true;
    this.#wake?.();
  }
}
