import type { Clock } from "../../src/platform/clock.ts";

/** The `sleep` of a clock that sets timers. */
export function sleepBy(setTimer: Clock["setTimer"]): Clock["sleep"] {
  return (delayMs, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const aborted = (): void => {
        timer.cancel();
        reject(signal.reason);
      };
      const timer = setTimer(delayMs, () => {
        signal.removeEventListener("abort", aborted);
        resolve();
      });
      signal.addEventListener("abort", aborted, { once: true });
    });
}
