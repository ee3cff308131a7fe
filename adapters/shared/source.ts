import type { Readable } from "node:stream";
import type { ByteSource } from "../../src/platform/bytes.ts";
import { ignoreError } from "./ignore_error.ts";

export interface SourceOptions {
  /** Whether an end that the stream reported was a proper one. Default: it was. */
  readonly complete?: () => boolean;
  /** What leaving the loop early does. Default: the stream is destroyed. */
  readonly leave?: () => void;
  /** Makes the error that the iteration throws. */
  readonly toError: (cause: unknown) => Error;
}

/**
 * Makes a readable stream iterable at the cost of one promise a chunk. Nothing is read before the first `next`, and no
 * more than the stream's own high-water mark is read ahead. There is one iterator: who asks again goes on where the last one
 * stopped.
 */
export function createSource(stream: Readable, options: SourceOptions): ByteSource {
  stream.on("error", ignoreError);
  const iterator = new StreamIterator(stream, options);
  return { [Symbol.asyncIterator]: () => iterator };
}

/** A source without a byte. */
export const EMPTY_SOURCE: ByteSource = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};

interface Waiter {
  readonly resolve: (result: IteratorResult<Uint8Array>) => void;
  readonly reject: (error: Error) => void;
}

class StreamIterator implements AsyncIterator<Uint8Array> {
  readonly #stream: Readable;
  readonly #options: SourceOptions;
  #waiter: Waiter | undefined;
  #attached = false;
  #ended = false;
  #closed = false;
  #left = false;
  #error: unknown;

  constructor(stream: Readable, options: SourceOptions) {
    this.#stream = stream;
    this.#options = options;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#attached) this.#attach();
    if (this.#left) return Promise.resolve({ done: true, value: undefined });
    const chunk = this.#read();
    if (chunk !== null) return Promise.resolve({ done: false, value: chunk });
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      if (this.#ended || this.#closed) this.#settle();
    });
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#left = true;
    if (!this.#ended) {
      if (this.#options.leave === undefined) this.#stream.destroy();
      else this.#options.leave();
    }
    this.#detach();
    return Promise.resolve({ done: true, value: undefined });
  }

  #attach(): void {
    this.#attached = true;
    this.#ended = this.#stream.readableEnded;
    this.#closed = this.#stream.destroyed;
    this.#error = this.#stream.errored;
    this.#stream.on("readable", this.#onReadable).on("end", this.#onEnd).on("error", this.#onError)
      .on("close", this.#onClose);
  }

  #detach(): void {
    this.#stream.off("readable", this.#onReadable).off("end", this.#onEnd).off("error", this.#onError)
      .off("close", this.#onClose);
  }

  #read(): Uint8Array | null {
    // Every stream here is in byte mode: `read` gives Buffers.
    return this.#stream.read() as Uint8Array | null;
  }

  #onReadable = (): void => {
    const waiter = this.#waiter;
    if (waiter === undefined) return;
    const chunk = this.#read();
    if (chunk === null) return;
    this.#waiter = undefined;
    waiter.resolve({ done: false, value: chunk });
  };

  #onEnd = (): void => {
    this.#ended = true;
    this.#settle();
  };

  #onError = (error: unknown): void => {
    this.#error ??= error;
    this.#closed = true;
    this.#settle();
  };

  #onClose = (): void => {
    this.#closed = true;
    this.#settle();
  };

  #settle(): void {
    const waiter = this.#waiter;
    if (waiter === undefined) return;
    this.#waiter = undefined;
    this.#detach();
    const complete = this.#ended && (this.#options.complete?.() ?? true);
    if (complete) waiter.resolve({ done: true, value: undefined });
    else waiter.reject(this.#options.toError(this.#error));
  }
}
