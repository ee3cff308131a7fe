import { setImmediate } from "node:timers";
import { sleepBy } from "../../adapters/shared/sleep.ts";
import type { Clock, Timer } from "../../src/platform/clock.ts";

/** A clock that stands still until it is told to move. */
export interface FakeClock extends Clock {
  /** Moves on by this much. Timers due run in order, each at its own time; between two, all that waits on promises runs. */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock on, or back, by this much; nothing else moves. */
  step(ms: number): void;
  /** Timers, sleeps included, that have neither run nor been cancelled. */
  readonly pending: number;
}

interface FakeTimer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** Makes a clock that shows `startMs` first. */
export function createFakeClock(startMs: number = Date.UTC(2026, 0, 1)): FakeClock {
  const timers = new Set<FakeTimer>();
  let elapsedMs = 0;
  let steppedMs = 0;
  const setTimer = (delayMs: number, callback: () => void): Timer => {
    const timer = { dueMs: elapsedMs + Math.max(0, delayMs), callback };
    timers.add(timer);
    return { cancel: () => void timers.delete(timer) };
  };
  return {
    now: () => startMs + elapsedMs + steppedMs,
    monotonic: () => elapsedMs,
    setTimer,
    sleep: sleepBy(setTimer),
    get pending(): number {
      return timers.size;
    },
    step: (ms) => void (steppedMs += ms),
    async advance(ms: number): Promise<void> {
      const untilMs = elapsedMs + ms;
      await settle();
      for (let timer = next(timers, untilMs); timer !== undefined; timer = next(timers, untilMs)) {
        timers.delete(timer);
        elapsedMs = Math.max(elapsedMs, timer.dueMs);
        timer.callback();
        await settle();
      }
      elapsedMs = untilMs;
    },
  };
}

/** The earliest that is due; of several at one time the one that was set first. */
function next(timers: ReadonlySet<FakeTimer>, untilMs: number): FakeTimer | undefined {
  let earliest: FakeTimer | undefined;
  for (const timer of timers) {
    if (timer.dueMs <= untilMs && (earliest === undefined || timer.dueMs < earliest.dueMs)) earliest = timer;
  }
  return earliest;
}

/** A turn of the event loop: every chain of promises has run to its end before it. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
