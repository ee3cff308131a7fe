import type { Random } from "../../src/platform/random.ts";

/** Makes randomness that the seed determines (mulberry32): the same seed gives the same run. Not fit for real keys. */
export function createFakeRandom(seed: number = 1): Random {
  let state = seed >>> 0;
  const float = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    float,
    bytes: (length) => Uint8Array.from({ length }, () => Math.floor(float() * 256)),
  };
}
