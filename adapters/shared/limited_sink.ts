import type { Sink } from "../../src/platform/bytes.ts";

export interface SinkLimit {
  readonly limitBytes: number;
  /** Called once, before the sink is broken off. */
  readonly reached: (error: Error) => void;
}

/** Breaks an answer off after a number of bytes, where the runtime would hold without a bound what a slow client has not read. */
export class LimitedSink implements Sink {
  readonly closed: Promise<boolean>;
  readonly releases: boolean;
  readonly #sink: Sink;
  readonly #limit: SinkLimit;
  #bytes = 0;

  constructor(sink: Sink, limit: SinkLimit) {
    this.#sink = sink;
    this.#limit = limit;
    this.closed = sink.closed;
    this.releases = sink.releases === true;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#bytes > this.#limit.limitBytes) return Promise.resolve();
    this.#bytes += chunk.byteLength;
    if (this.#bytes <= this.#limit.limitBytes) return this.#sink.write(chunk);
    const message = `The answer was cut after ${this.#limit.limitBytes} bytes: TLS has no backpressure on this runtime`;
    this.#limit.reached(new RangeError(message));
    this.#sink.destroy();
    return Promise.resolve();
  }

  end(): void {
    this.#sink.end();
  }

  destroy(): void {
    this.#sink.destroy();
  }
}
