import type { Sink } from "../platform/bytes.ts";
import type { Clock } from "../platform/clock.ts";
import { concat } from "./body.ts";

/** Small chunks are joined up to this size: a write costs more than its bytes. */
const joinBytes = 64 * 1024;
/** A reader that takes nothing for so long is broken off: it would keep old rows from going. */
const stallMs = 60_000;

/** Writes to a reader that may be slow: joins small chunks, waits for room, and gives up one that takes nothing. */
export class PacedWriter {
  readonly #sink: Sink;
  readonly #clock: Clock;
  #parts: Uint8Array[] = [];
  #length = 0;
  #gone = false;

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
    this.#parts.push(chunk);
    this.#length += chunk.length;
    return this.#length >= joinBytes ? this.flush() : undefined;
  }

  /** Writes what was pushed. @returns a promise only where the reader must be waited for */
  flush(): Promise<void> | undefined {
    if (this.#length === 0) return undefined;
    const room = this.#sink.write(concat(this.#parts));
    this.#parts = [];
    this.#length = 0;
    return room === undefined ? undefined : this.#wait(room);
  }

  async #wait(room: Promise<void>): Promise<void> {
    const timer = this.#clock.setTimer(stallMs, () => {
      this.#gone = true;
      this.#sink.destroy();
    });
    try {
      await room;
    } finally {
      timer.cancel();
    }
  }
}
