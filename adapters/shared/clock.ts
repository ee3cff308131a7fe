import { clearTimeout, setTimeout } from "node:timers";
import type { Clock, Timer } from "../../src/platform/clock.ts";
import { sleepBy } from "./sleep.ts";

/** Longest delay that the runtimes' timers hold; a longer one fires at once there, so that it is split here. */
export const TIMER_DELAY_MS_MAX = 2_147_483_647;

/** The system's time. Its timers do not keep the process alive. */
export const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer,
  sleep: sleepBy(setTimer),
};

function setTimer(delayMs: number, callback: () => void): Timer {
  let handle: ReturnType<typeof setTimeout>;
  const arm = (restMs: number): void => {
    const stepMs = Math.min(restMs, TIMER_DELAY_MS_MAX);
    handle = setTimeout(() => restMs > stepMs ? arm(restMs - stepMs) : callback(), stepMs);
    handle.unref();
  };
  arm(Math.max(0, delayMs));
  return { cancel: () => clearTimeout(handle) };
}
