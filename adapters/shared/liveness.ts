import { clearTimeout, setTimeout } from "node:timers";

export interface LivenessOptions {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Bytes that came in so far, where the runtime counts them. */
  readonly bytesRead: () => number;
  readonly ping: (answered: () => void) => void;
  /** Called once: a PING had no answer, and nothing else came either. */
  readonly dead: () => void;
}

/** Tells a dead connection from a silent one (RFC 9113 6.7). Whatever comes in is a sign of life. */
export class Liveness {
  readonly #options: LivenessOptions;
  #timer: NodeJS.Timeout | undefined;
  #bytes = 0;
  #touched = false;

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#listen();
  }

  /** Something came in. */
  touch(): void {
    this.#touched = true;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #listen(): void {
    this.#heard();
    this.#wait(this.#options.intervalMs, () => this.#heard() ? this.#listen() : this.#ask());
  }

  #ask(): void {
    this.#wait(this.#options.timeoutMs, () => this.#heard() ? this.#listen() : this.#options.dead());
    this.#options.ping(() => this.touch());
  }

  /** Whether anything came in since it was last asked. */
  #heard(): boolean {
    const bytes = this.#options.bytesRead();
    const heard = this.#touched || bytes !== this.#bytes;
    this.#bytes = bytes;
    this.#touched = false;
    return heard;
  }

  #wait(delayMs: number, then: () => void): void {
    this.#timer = setTimeout(then, delayMs);
    // A connection without a request must not keep the process alive.
    this.#timer.unref();
  }
}
