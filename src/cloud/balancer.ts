import type { Backend } from "./backend.ts";

/** `rr`: in turn. `priority`: the first in the order of `--server-addr` that is healthy. */
export type LbMode = "rr" | "priority";

/** Decides which backend is asked. */
export class Balancer {
  readonly #mode: LbMode;
  #next = 0;

  constructor(mode: LbMode) {
    this.#mode = mode;
  }

  /** @param usable in the order in which they were given. @returns one of them, rather one that has not failed lately */
  pick(usable: readonly Backend[]): Backend | undefined {
    const calm = usable.filter((backend) => !backend.isSuspect);
    const choice = calm.length > 0 ? calm : usable;
    if (this.#mode === "priority") return choice[0];
    return choice[this.#next++ % choice.length];
  }
}
