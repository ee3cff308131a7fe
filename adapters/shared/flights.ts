/** The requests in flight of one client, so that its end can wait for them and then break them off. */
export class Flights {
  readonly #breakers = new Set<() => void>();
  #landed: (() => void) | undefined;

  get size(): number {
    return this.#breakers.size;
  }

  /** Counts one until the function that it gives is called; `breakOff` ends it by force and leads to that call. */
  begin(breakOff: () => void): () => void {
    const own = () => breakOff();
    this.#breakers.add(own);
    return () => {
      this.#breakers.delete(own);
      if (this.#breakers.size === 0) this.#landed?.();
    };
  }

  /** Resolves when none is in flight; breaks off what is left after `graceMs`. */
  async land(graceMs: number): Promise<void> {
    if (this.#breakers.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        for (const breakOff of [...this.#breakers]) breakOff();
        resolve();
      }, graceMs);
      this.#landed = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Calls back when none is in flight. */
  whenLanded(callback: () => void): void {
    if (this.#breakers.size === 0) return callback();
    const before = this.#landed;
    this.#landed = () => {
      before?.();
      callback();
    };
  }
}
