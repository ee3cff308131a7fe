import { setImmediate } from "node:timers";
import { sleepBy } from "../../adapters/shared/sleep.ts";
import type { Clock, Timer } from "../../src/platform/clock.ts";

interface SimTimer {
  readonly dueMs: number;
  readonly order: number;
  callback: (() => void) | undefined;
}

/** A clock as one part of the simulation sees it, with a count of its own. */
export interface CountingClock extends Clock {
  /** Timers, sleeps included, that have neither run nor been cancelled. */
  readonly pending: number;
}

const startMs = Date.UTC(2026, 0, 1);

/**
 * Virtual time for long runs: timers lie in a heap and run in order of time, in whole milliseconds; all that are due in
 * one millisecond run before what waits on promises goes on.
 */
export class SimClock {
  readonly #heap: SimTimer[] = [];
  #elapsedMs = 0;
  #order = 0;

  get elapsedMs(): number {
    return this.#elapsedMs;
  }

  /** A clock that counts its own timers. */
  counting(): CountingClock {
    let pending = 0;
    const setTimer = (delayMs: number, callback: () => void): Timer => {
      pending++;
      const timer = this.#add(delayMs, () => {
        pending--;
        callback();
      });
      return {
        cancel: () => {
          if (timer.callback !== undefined) pending--;
          timer.callback = undefined;
        },
      };
    };
    return {
      now: () => startMs + this.#elapsedMs,
      monotonic: () => this.#elapsedMs,
      setTimer,
      sleep: sleepBy(setTimer),
      get pending(): number {
        return pending;
      },
    };
  }

  /** Moves on by this much, or until `stopped` says so. */
  async advance(ms: number, stopped: () => boolean = () => false): Promise<void> {
    const untilMs = this.#elapsedMs + ms;
    await settle();
    while (!stopped()) {
      const first = this.#heap[0];
      if (first === undefined || first.dueMs > untilMs) break;
      this.#elapsedMs = first.dueMs;
      if (this.#runDue()) await settle();
    }
    if (!stopped()) this.#elapsedMs = untilMs;
  }

  #runDue(): boolean {
    let ran = false;
    for (let first = this.#heap[0]; first !== undefined && first.dueMs <= this.#elapsedMs; first = this.#heap[0]) {
      this.#removeFirst();
      const { callback } = first;
      first.callback = undefined;
      if (callback === undefined) continue;
      ran = true;
      callback();
    }
    return ran;
  }

  #add(delayMs: number, callback: () => void): SimTimer {
    const dueMs = this.#elapsedMs + Math.ceil(Math.max(0, delayMs));
    const timer: SimTimer = { dueMs, order: this.#order++, callback };
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, timer)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = timer;
    return timer;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const left = heap[child];
      const right = heap[child + 1];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) child++;
      const least = right !== undefined && isBefore(right, left) ? right : left;
      if (isBefore(last, least)) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: SimTimer, b: SimTimer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

/** A turn of the event loop: every chain of promises has run to its end before it. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
