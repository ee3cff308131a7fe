import { JsonSyntaxError, ValueScanner } from "./json_scan.ts";

const noBytes = new Uint8Array();
/** Of the memory for a value that comes in several chunks, at first. */
const firstBytes = 1024;

/** One JSON value that arrives in chunks: its bytes so far, and where in its syntax they end. */
export class PartialValue {
  readonly #limitBytes: number;
  readonly #scanner = new ValueScanner();
  /** A value that lay within one chunk: a view of it. */
  #whole: Uint8Array = noBytes;
  /** One that comes in several: `#length` bytes of it so far. */
  #buffer: Uint8Array<ArrayBuffer> = noBytes;
  #length = 0;
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
    const bytes = this.#length + part.length;
    if (bytes > this.#limitBytes) {
      throw new JsonSyntaxError(`Cannot read JSON: a value of ${bytes} bytes exceeds ${this.#limitBytes}`);
    }
    if (end >= 0 && this.#length === 0) this.#whole = part;
    else this.#append(part);
    return end;
  }

  /** The value that `take` has ended: a view of its one chunk, or a copy. */
  close(): Uint8Array {
    const value = this.#length === 0 ? this.#whole : this.#buffer.subarray(0, this.#length);
    this.#whole = noBytes;
    this.#buffer = noBytes;
    this.#length = 0;
    this.#open = false;
    return value;
  }

  /** Memory grows with the value, whatever the size of its chunks. */
  #append(part: Uint8Array): void {
    const length = this.#length + part.length;
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#buffer.length, firstBytes));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(part, this.#length);
    this.#length = length;
  }
}
