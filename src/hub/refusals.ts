import type { Clock } from "../platform/clock.ts";
import type { Logger, LogLevel } from "../platform/logger.ts";

/** One line in this time: whoever reaches the port can be refused, over and over. */
const everyMs = 1_000;

export interface RefusalsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of the line, which says `message`. */
  readonly level: LogLevel;
  readonly message: string;
}

/** Requests that were refused for one reason: counted each, told in the log about once a second. */
export class Refusals {
  readonly #options: RefusalsOptions;
  #count = 0;
  #leftOut = 0;
  #quietUntil = 0;

  constructor(options: RefusalsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#count;
  }

  /** @param fields of the line; it also says how many were left out before it */
  add(fields: Readonly<Record<string, unknown>>): void {
    const { clock, logger, level, message } = this.#options;
    this.#count++;
    const now = clock.monotonic();
    if (now < this.#quietUntil) {
      this.#leftOut++;
      return;
    }
    const leftOut = this.#leftOut;
    this.#quietUntil = now + everyMs;
    this.#leftOut = 0;
    const before = leftOut === 0 ? {} : { leftOut };
    logger.log(level, message, { ...fields, ...before });
  }
}
