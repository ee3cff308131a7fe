import type { ByteSource } from "../platform/bytes.ts";
import type { Clock } from "../platform/clock.ts";

/** What nobody waits for: what the replica reads, and what the outbox pushes, which no long list may hold up. */
export type Background = "reads" | "pushes";

/** Requests of each kind under way at once: the others wait their turn. */
const maxBackground = 8;
/** The longest that one waits for clients' requests to end: they must not starve it. */
const maxYieldMs = 500;
/** The longest wait between two pieces of a background answer. */
const maxPauseMs = 250;

/**
 * Lets clients' requests go first: while one is under way no background request begins, and the answers to those that
 * have begun are read slowly, so that a narrow line is the clients'.
 */
export class Precedence {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #clients = 0;
  readonly #background: Record<Background, number> = { reads: 0, pushes: 0 };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A client's request is under way. @returns how to say that it has ended */
  client(): () => void {
    this.#clients += 1;
    return once(() => {
      this.#clients -= 1;
      this.#wake();
    });
  }

  /** Waits for the turn of a background request. @returns how to say that it has ended. @throws the signal's reason */
  async background(kind: Background, signal: AbortSignal): Promise<() => void> {
    await this.#until(() => this.#clients === 0, { limitMs: maxYieldMs, signal });
    await this.#until(() => this.#takePlace(kind), { signal });
    return once(() => {
      this.#background[kind] -= 1;
      this.#wake();
    });
  }

  /** Reads a background answer, slowly while clients have requests under way. */
  async *yielding(body: ByteSource, signal: AbortSignal): ByteSource {
    for await (const chunk of body) {
      yield chunk;
      if (this.#clients > 0) await this.#until(() => this.#clients === 0, { limitMs: maxPauseMs, signal });
    }
  }

  #takePlace(kind: Background): boolean {
    if (this.#background[kind] >= maxBackground) return false;
    this.#background[kind] += 1;
    return true;
  }

  #wake(): void {
    for (const look of [...this.#waiting]) look();
  }

  #until(
    done: () => boolean,
    { limitMs, signal }: { readonly limitMs?: number; readonly signal: AbortSignal },
  ): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (done()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (how: () => void) => {
        this.#waiting.delete(look);
        timer?.cancel();
        signal.removeEventListener("abort", aborted);
        how();
      };
      const look = () => {
        if (done()) settle(resolve);
      };
      const aborted = () => settle(() => reject(signal.reason));
      const timer = limitMs === undefined ? undefined : this.#clock.setTimer(limitMs, () => settle(resolve));
      this.#waiting.add(look);
      signal.addEventListener("abort", aborted);
    });
  }
}

function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (!done) run();
    done = true;
  };
}
