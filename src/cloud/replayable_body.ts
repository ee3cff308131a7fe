import type { ByteSource } from "../platform/bytes.ts";

/** The API server takes no longer body: past it nothing is kept, and the body can be sent once only. */
const maxKeptBytes = 3 * 1024 * 1024;

/** A request's body that can be sent again from its beginning, as long as it is not too long. */
export class ReplayableBody {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #chunks: Uint8Array[] = [];
  /** How many chunks came before the first of those. */
  #dropped = 0;
  #bytes = 0;
  #ended = false;
  #pulling: Promise<void> | undefined;
  #readers = 0;
  #settled = false;

  constructor(source: ByteSource) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** Whether it can still be sent as a whole. */
  get whole(): boolean {
    return this.#dropped === 0;
  }

  /** It from its beginning: what was read before, then what comes. */
  async *read(): ByteSource {
    this.#readers += 1;
    try {
      for (let index = 0;; index++) {
        while (index >= this.#dropped + this.#chunks.length && !this.#ended) await (this.#pulling ??= this.#pull());
        const chunk = this.#chunks[index - this.#dropped];
        if (chunk === undefined) return;
        yield chunk;
      }
    } finally {
      this.#readers -= 1;
      this.#leave();
    }
  }

  /** It is not sent again: whoever leaves it now ends what is behind it. */
  settle(): void {
    this.#settled = true;
    this.#leave();
  }

  #leave(): void {
    if (!this.#settled || this.#readers > 0 || this.#ended || this.#bytes === 0) return;
    this.#ended = true;
    void this.#iterator.return?.();
  }

  async #pull(): Promise<void> {
    try {
      const next = await this.#iterator.next();
      if (next.done === true) this.#ended = true;
      else this.#keep(next.value);
    } finally {
      this.#pulling = undefined;
    }
  }

  #keep(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    if (this.#bytes > maxKeptBytes) {
      this.#dropped += this.#chunks.length;
      this.#chunks = [chunk];
    } else this.#chunks.push(chunk.slice());
  }
}
