/** Time, injected, so that a test can replay an hour in a millisecond. */
export interface Clock {
  /** Milliseconds since 1970, UTC. May jump. */
  now(): number;
  /** Milliseconds since some moment; never jumps. For durations and deadlines. */
  monotonic(): number;
  /** Calls back once after `delayMs`, unless cancelled. Does not keep the process alive. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /** Resolves after `delayMs`; rejects with the signal's reason when it is aborted. */
  sleep(delayMs: number, signal: AbortSignal): Promise<void>;
}

/** A call back that is due. */
export interface Timer {
  cancel(): void;
}
