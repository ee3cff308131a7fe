/** One waiter that any number of callers can wake; a call before the wait counts. */
export class Wake {
  #awake = false;
  #resolve: (() => void) | undefined;

  now(): void {
    this.#awake = true;
    this.#resolve?.();
    this.#resolve = undefined;
  }

  async wait(): Promise<void> {
    if (!this.#awake) await new Promise<void>((resolve) => this.#resolve = resolve);
    this.#awake = false;
  }
}
