import { randomBytes } from "node:crypto";
import type { Random } from "../../src/platform/random.ts";

/** The system's randomness. */
export const random: Random = {
  float: () => Math.random(),
  bytes: (length) => new Uint8Array(randomBytes(length)),
};
