import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";

/** One line in this time: anybody who reaches the port can be refused, over and over. */
const everyMs = 1_000;

/** Callers that were refused: counted each, told in the log about once a second. */
export class Refusals {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #count = 0;
  #leftOut = 0;
  #quietUntil = 0;

  constructor({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = clock;
    this.#logger = logger;
  }

  get count(): number {
    return this.#count;
  }

  /** @param fields of the line; it also says how many were left out before it */
  add(fields: Readonly<Record<string, unknown>>): void {
    this.#count++;
    const now = this.#clock.monotonic();
    if (now < this.#quietUntil) {
      this.#leftOut++;
      return;
    }
    const leftOut = this.#leftOut;
    this.#quietUntil = now + everyMs;
    this.#leftOut = 0;
    const before = leftOut === 0 ? {} : { leftOut };
    this.#logger.log("info", "A caller is refused: its token cannot be verified", { ...fields, ...before });
  }
}
