/** One at a time for each key, in the order in which they asked. */
export class ObjectLocks {
  /** What holds a key, and those that wait for it. */
  readonly #waiting = new Map<string, (() => void)[]>();

  /** Whether somebody holds the key. */
  isHeld(key: string): boolean {
    return this.#waiting.has(key);
  }

  /**
   * Waits until nobody holds the key.
   *
   * @returns how to let go of it
   * @throws the signal's reason, where it is aborted before
   */
  async acquire(key: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) this.#waiting.set(key, []);
    else await turn(waiting, signal);
    let held = true;
    return () => {
      if (held) this.#release(key);
      held = false;
    };
  }

  #release(key: string): void {
    const next = this.#waiting.get(key)?.shift();
    if (next === undefined) this.#waiting.delete(key);
    else next();
  }
}

function turn(waiting: (() => void)[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const mine = () => {
      signal.removeEventListener("abort", aborted);
      resolve();
    };
    const aborted = () => {
      const index = waiting.indexOf(mine);
      if (index >= 0) waiting.splice(index, 1);
      reject(signal.reason);
    };
    signal.addEventListener("abort", aborted, { once: true });
    waiting.push(mine);
  });
}
