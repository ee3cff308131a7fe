import { JsonSyntaxError, ValueScanner } from "./json_scan.ts";

/** One JSON value that arrives in chunks: its bytes so far, and where in its syntax they end. */
export class PartialValue {
  readonly #limitBytes: number;
  readonly #scanner = new ValueScanner();
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #open = false;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Whether a value has begun and not ended. */
  get open(): boolean {
    return this.#open;
  }

  /** See ValueScanner. */
  get outerCommas(): number {
    return this.#scanner.outerCommas;
  }

  /**
   * Takes what belongs to the value from `start` on; the first call begins it. The rest of a chunk is copied.
   *
   * @returns the offset after the value; -1 where it goes on in the next chunk
   * @throws JsonSyntaxError, also where the value exceeds the limit
   */
  take(chunk: Uint8Array, start: number): number {
    if (!this.#open) this.#scanner.reset();
    this.#open = true;
    const end = this.#scanner.scan(chunk, start);
    const part = chunk.subarray(start, end < 0 ? chunk.length : end);
    this.#bytes += part.length;
    if (this.#bytes > this.#limitBytes) {
      throw new JsonSyntaxError(`Cannot read JSON: a value of ${this.#bytes} bytes exceeds ${this.#limitBytes}`);
    }
    // A Buffer's `slice` would be a view.
    this.#parts.push(end < 0 ? new Uint8Array(part) : part);
    return end;
  }

  /** The value that `take` has ended: a view of its one chunk, or a copy. */
  close(): Uint8Array {
    const [only = new Uint8Array(), ...others] = this.#parts;
    const value = others.length === 0 ? only : this.#joined();
    this.#parts = [];
    this.#bytes = 0;
    this.#open = false;
    return value;
  }

  #joined(): Uint8Array {
    const value = new Uint8Array(this.#bytes);
    let at = 0;
    for (const part of this.#parts) {
      value.set(part, at);
      at += part.length;
    }
    return value;
  }
}
