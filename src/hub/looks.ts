import type { Link } from "../cloud/link.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";

export interface LooksOptions {
  readonly clock: Clock;
  readonly link: Pick<Link, "onChange">;
  readonly logger: Logger;
  readonly look: () => Promise<void>;
}

/** Between two looks, where nothing calls for one. */
const everyMs = 60_000;
/** What is asked for is mostly held a moment later. */
const soonMs = 1_000;
/** From the end of a look to the next at least, whatever calls for it. */
const gapMs = 5_000;

/** Looks again and again whether there is something to do, and soon where something calls for it. One look at a time. */
export class Looks {
  readonly #options: LooksOptions;
  #timer: Timer | undefined;
  /** Monotonic milliseconds, of the next look. */
  #dueAt = Infinity;
  /** The same, of the end of the last one. */
  #lookedAt = -gapMs;
  #looking: Promise<void> = Promise.resolve();
  #running = false;
  #leave: () => void = () => undefined;

  constructor(options: LooksOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = true;
    this.#leave = this.#options.link.onChange(() => this.soon());
    this.soon();
  }

  async close(): Promise<void> {
    this.#running = false;
    this.#leave();
    this.#timer?.cancel();
    await this.#looking;
  }

  soon(): void {
    this.#schedule(Math.max(soonMs, this.#lookedAt + gapMs - this.#options.clock.monotonic()));
  }

  /** The next look is then, unless it is sooner. */
  #schedule(delayMs: number): void {
    const { clock } = this.#options;
    const dueAt = clock.monotonic() + delayMs;
    if (!this.#running || this.#dueAt <= dueAt) return;
    this.#timer?.cancel();
    this.#dueAt = dueAt;
    this.#timer = clock.setTimer(delayMs, () => {
      this.#looking = this.#looking.then(() => this.#look());
    });
  }

  async #look(): Promise<void> {
    const { clock, logger, look } = this.#options;
    this.#dueAt = Infinity; // what calls for one meanwhile gets another
    try {
      await look();
    } catch (error) {
      logger.log("error", "The look for custom resources failed", { error: String(error) });
    }
    this.#lookedAt = clock.monotonic();
    this.#schedule(everyMs);
  }
}
