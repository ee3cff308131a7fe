import { StatusError } from "../kube/status.ts";
import type { Clock } from "../platform/clock.ts";

export interface RefusalOptions {
  readonly clock: Clock;
  /** Whether the cloud was ever asked with success: only then is a refusal waited out. */
  readonly granted: boolean;
  /** Whether fresh discovery has the resource. Rejects where it cannot be told. */
  readonly isServed: () => Promise<boolean>;
}

/** How long the cloud must have refused, and nothing else, until what was granted ends. */
const refusedMs = 60_000;

/**
 * Whether the cloud's refusals of one query end it (R16). Before anything was granted one is enough, for the request itself
 * then goes to the cloud and gets its answer (R1). What was granted ends after a minute of nothing but 403, or of 404 while
 * discovery does not have the resource; a 401 never ends it.
 */
export class Refusal {
  readonly #options: RefusalOptions;
  #granted: boolean;
  #since: number | undefined;

  constructor(options: RefusalOptions) {
    this.#options = options;
    this.#granted = options.granted;
  }

  /** Until the refusals that have come so far count, if no other answer comes; missing where there are none. */
  get remainingMs(): number | undefined {
    if (this.#since === undefined) return undefined;
    return Math.max(0, this.#since + refusedMs - this.#options.clock.monotonic());
  }

  /** The cloud gave what was asked for. */
  granted(): void {
    this.#granted = true;
    this.#since = undefined;
  }

  /** What was granted has ended. */
  ended(): void {
    this.#granted = false;
    this.#since = undefined;
  }

  /** Nothing was asked for a while: the minute begins anew. */
  interrupted(): void {
    this.#since = undefined;
  }

  /** Takes a failure. @returns whether it ends what the cloud granted */
  async ends(error: unknown): Promise<boolean> {
    if (!isRefusal(error)) return this.#goesOn();
    if (!this.#granted) return true;
    const counts = error.code === 403 || (error.code === 404 && await this.#isGone());
    if (!counts) return this.#goesOn();
    this.#since ??= this.#options.clock.monotonic();
    return this.remainingMs === 0;
  }

  #goesOn(): false {
    this.#since = undefined;
    return false;
  }

  async #isGone(): Promise<boolean> {
    try {
      return !await this.#options.isServed();
    } catch {
      return false; // it is asked again
    }
  }
}

/** Neither overload nor a fault of the server is one, nor a redirect. */
function isRefusal(error: unknown): error is StatusError {
  if (!(error instanceof StatusError)) return false;
  return error.code >= 400 && error.code < 500 && error.code !== 408 && error.code !== 429;
}
