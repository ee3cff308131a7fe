import type { Random } from "../../src/platform/random.ts";
import { createFakeRandom } from "../testing/fake_random.ts";

/** Choices that a seed determines. */
export class Dice {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = createFakeRandom(seed);
  }

  /** The same source as the hub's port. */
  get random(): Random {
    return this.#random;
  }

  /** From `min` up to, but not, `max`. */
  between(min: number, max: number): number {
    return min + this.#random.float() * (max - min);
  }

  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return Math.floor(this.between(min, max + 1));
  }

  chance(probability: number): boolean {
    return this.#random.float() < probability;
  }

  /** @throws RangeError where there is nothing to pick */
  pick<T>(choices: readonly T[]): T {
    const chosen = choices[this.int(0, choices.length - 1)];
    if (chosen === undefined) throw new RangeError("Cannot pick from nothing");
    return chosen;
  }

  /** Another source, so that one more choice here changes nothing there. */
  fork(): Dice {
    return new Dice(Math.floor(this.#random.float() * 2 ** 32));
  }

  /** Some of a list, in random order. */
  some<T>(choices: readonly T[], count: number): readonly T[] {
    const left = [...choices];
    return Array.from({ length: Math.min(count, left.length) }, () => left.splice(this.int(0, left.length - 1), 1))
      .flat();
  }
}
