import type { Sink } from "../platform/bytes.ts";
import type { Clock } from "../platform/clock.ts";
import { concat } from "./body.ts";
import type { Framing } from "./codec.ts";

/** Small chunks are joined up to this size: a write costs more than its bytes. */
const joinBytes = 128 * 1024;
/** Buffers that one answer writes from in turn. */
const maxBuffers = 4;
/** A reader that takes nothing for so long is broken off: it would keep old rows from going. */
const stallMs = 60_000;

/** Writes to a reader that may be slow: joins small chunks, waits for room, and gives up one that takes nothing. */
export class PacedWriter {
  readonly #sink: Sink;
  readonly #clock: Clock;
  #chunks: Uint8Array[] = [];
  /** Of a long answer, instead of chunks. */
  #buffer: Uint8Array | undefined;
  #length = 0;
  #gone = false;
  /** Written over as soon as the sink allows: a long answer costs a buffer or two and not its own length. */
  #free: Uint8Array[] = [];
  /** What was written from and may still be looked at. */
  #lent: Uint8Array[] = [];

  constructor(sink: Sink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
    void sink.closed.then(() => this.#gone = true);
  }

  /** Whether the reader has gone, or was given up: there is nobody to write for. */
  get gone(): boolean {
    return this.#gone;
  }

  /** @returns a promise only where the reader must be waited for */
  push(chunk: Uint8Array): Promise<void> | undefined {
    const room = this.#length + chunk.length > joinBytes ? this.flush() : undefined;
    if (this.#buffer === undefined) this.#chunks.push(chunk);
    else this.#buffer.set(chunk, this.#length);
    this.#length += chunk.length;
    return this.#length >= joinBytes ? this.flush() : room;
  }

  /** The same of an object of a long answer, with what stands around it: they are copied at once. */
  pushFramed({ lead, skip, tail }: Framing, object: Uint8Array): Promise<void> | undefined {
    const room = this.#length + lead.length + object.length + tail.length > joinBytes ? this.flush() : undefined;
    const buffer = this.#open(lead.length + object.length + tail.length);
    let at = this.#length;
    buffer.set(lead, at);
    at += lead.length;
    buffer.set(object, at);
    // Cheaper than a view of what is not left out.
    if (skip > 0) buffer.copyWithin(at, at + skip, at + object.length);
    at += object.length - skip;
    buffer.set(tail, at);
    this.#length = at + tail.length;
    return this.#length >= joinBytes ? this.flush() : room;
  }

  /** Writes what was pushed. @returns a promise only where the reader must be waited for */
  flush(): Promise<void> | undefined {
    if (this.#length === 0) return undefined;
    const [only] = this.#chunks;
    const chunk = only !== undefined && this.#chunks.length === 1 ? only : this.#joined();
    this.#chunks.length = 0;
    this.#buffer = undefined;
    this.#length = 0;
    const room = this.#sink.write(chunk);
    return room === undefined ? undefined : this.#wait(room);
  }

  /** Lets go of memory that is kept for more of a long answer. */
  rest(): void {
    this.#free.length = 0;
    this.#lent.length = 0;
  }

  /** The buffer that is being filled, with room for so much. */
  #open(length: number): Uint8Array {
    if (this.#buffer !== undefined) return this.#buffer;
    const buffer = length > joinBytes ? new Uint8Array(length) : this.#free.pop() ?? new Uint8Array(joinBytes);
    if (this.#sink.releases === true && length <= joinBytes && this.#lent.length < maxBuffers) this.#lent.push(buffer);
    let offset = 0;
    for (const chunk of this.#chunks) {
      buffer.set(chunk, offset);
      offset += chunk.length;
    }
    this.#chunks.length = 0;
    return this.#buffer = buffer;
  }

  #joined(): Uint8Array {
    if (this.#buffer === undefined) return concat(this.#chunks);
    return this.#length === this.#buffer.length ? this.#buffer : this.#buffer.subarray(0, this.#length);
  }

  async #wait(room: Promise<void>): Promise<void> {
    const lent = this.#lent;
    this.#lent = [];
    const timer = this.#clock.setTimer(stallMs, () => {
      this.#gone = true;
      this.#sink.destroy();
    });
    try {
      await room;
    } finally {
      timer.cancel();
    }
    if (!this.#gone) this.#free = lent;
  }
}
