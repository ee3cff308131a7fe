import type { Clock } from "../platform/clock.ts";
import type { CheckOutcome } from "./backend_health.ts";

export interface SeveralTries {
  readonly clock: Clock;
  /** How many must fail. */
  readonly tries: number;
  /** What is not answered after this is not waited for alone: the next try begins beside it. */
  readonly staggerMs: number;
  /** Once it is aborted no further try begins. */
  readonly signal: AbortSignal;
  /** Never rejects, and has a time limit of its own. */
  readonly attempt: (number: number) => Promise<CheckOutcome>;
}

/**
 * Tries until one succeeds or all have failed: a lost packet does not look like a dead backend, nor takes a dead one much
 * longer than one time limit.
 *
 * @returns the first success, else how the last to end has failed
 */
export function severalTries({ clock, tries, staggerMs, signal, attempt }: SeveralTries): Promise<CheckOutcome> {
  return new Promise((resolve) => {
    let begun = 0;
    let ended = 0;
    let over = false;
    let next: { cancel(): void } | undefined;
    const finish = (outcome: CheckOutcome) => {
      over = true;
      next?.cancel();
      resolve(outcome);
    };
    const begin = () => {
      next?.cancel();
      const number = begun++;
      next = begun < tries && !signal.aborted ? clock.setTimer(staggerMs, begin) : undefined;
      void attempt(number).then((outcome) => {
        ended += 1;
        if (over) return;
        if (outcome.result === "ready" || ended >= tries || signal.aborted) return finish(outcome);
        // The latest has failed: there is nothing to wait for before the next.
        if (number === begun - 1 && begun < tries) begin();
      });
    };
    begin();
  });
}
