/** Randomness, injected. */
export interface Random {
  /** From 0 up to, but not, 1. For jitter only. */
  float(): number;
  /** Fit for keys. */
  bytes(length: number): Uint8Array;
}
