import type { UpstreamFailure } from "../platform/upstream.ts";

/**
 * `unknown` until the first check has ended. `recovering`: it answers again, but not often enough in a row. `untrusted`:
 * its certificate or its cluster is another one than what is trusted.
 */
export type HealthState = "unknown" | "healthy" | "recovering" | "unhealthy" | "untrusted";

/** How a check ended, with its words. `unready`: it answered, but not that it is ready; `silent`: not in time. */
export type CheckOutcome =
  | { readonly result: "ready" }
  | { readonly result: "unready" | "silent" | "foreign"; readonly reason: string }
  | { readonly result: "failed"; readonly failure: UpstreamFailure; readonly reason: string };

export interface BackendHealthOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Checks in a row that must succeed until a backend counts as healthy again. */
  readonly threshold: number;
}

/** Who was healthy for a shorter time than this was not well: it flaps. */
const steadyMs = 10_000;
/** How many times as many checks must succeed of one that flaps. */
const flapFactor = 2;

/** Whether a backend is to be used: what its checks said, damped. */
export class BackendHealth {
  readonly #options: BackendHealthOptions;
  #state: HealthState = "unknown";
  #since: number;
  #reason = "not checked yet";
  /** In a row, since it was healthy last. */
  #successes = 0;
  /** Whether nobody listened when it was asked last: what answers then has just been started. */
  #wasRefused = false;
  #flaps = false;

  constructor(options: BackendHealthOptions) {
    this.#options = options;
    this.#since = options.now();
  }

  get state(): HealthState {
    return this.#state;
  }

  /** When the state was entered, in milliseconds since 1970. */
  get since(): number {
    return this.#since;
  }

  /** What the last check said. */
  get reason(): string {
    return this.#reason;
  }

  get healthy(): boolean {
    return this.#state === "healthy";
  }

  /** Takes the outcome of a check. @returns whether the state is another one now */
  take(outcome: CheckOutcome): boolean {
    switch (outcome.result) {
      case "ready":
        this.#reason = "ready";
        return this.#enter(this.#succeeded());
      case "foreign":
        return this.#fell("untrusted", outcome.reason);
      case "failed":
        return this.#fell(
          outcome.failure === "untrusted" ? "untrusted" : "unhealthy",
          outcome.reason,
          isRefusal(outcome.failure),
        );
      case "unready":
      case "silent":
        return this.#fell("unhealthy", outcome.reason);
    }
  }

  #succeeded(): HealthState {
    if (this.#state === "healthy" || this.#state === "unknown") return "healthy";
    this.#successes += 1;
    return this.#successes >= this.#needed() ? "healthy" : "recovering";
  }

  #needed(): number {
    if (this.#flaps) return this.#options.threshold * flapFactor;
    return this.#wasRefused ? 1 : this.#options.threshold;
  }

  #fell(state: "unhealthy" | "untrusted", reason: string, wasRefused = false): boolean {
    if (this.#state === "healthy") this.#flaps = this.#options.now() - this.#since < steadyMs;
    this.#successes = 0;
    this.#wasRefused = wasRefused;
    this.#reason = reason;
    return this.#enter(state);
  }

  #enter(state: HealthState): boolean {
    if (state === this.#state) return false;
    this.#state = state;
    this.#since = this.#options.now();
    return true;
  }
}

/** Nobody was there: that says more than silence, for whoever answers afterwards has begun anew. */
function isRefusal(failure: UpstreamFailure): boolean {
  return failure === "refused" || failure === "unresolved";
}
