import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import type { Backend } from "./backend.ts";
import type { CheckOutcome } from "./backend_health.ts";
import { checkBackend } from "./check_backend.ts";
import type { KnownCluster } from "./cluster_identity.ts";
import { severalTries } from "./several_tries.ts";

/** How often and how patiently backends are checked. */
export interface HealthTimes {
  /** Between two checks of a backend that is healthy: `--heartbeat-interval-seconds`. @default {10_000} */
  readonly intervalMs?: number;
  /** For one try: `--heartbeat-timeout-seconds`. @default {2_000} */
  readonly timeoutMs?: number;
  /** Tries of one check that must fail until the backend counts as unhealthy: `--heartbeat-failed-retry`. @default {3} */
  readonly tries?: number;
}

export interface HealthCheckOptions extends HealthTimes {
  readonly backend: Backend;
  readonly clock: Clock;
  readonly random: Random;
  readonly cluster: KnownCluster;
  /** Called after each check, and whether it has changed the state. */
  readonly checked: (outcome: CheckOutcome, changed: boolean) => void;
}

interface Begun {
  readonly number: number;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/** Between two checks of a backend that does not answer: its return is noticed within 2 s. */
const retryMs = 800;
/** Between two checks of one that has begun to answer again. */
const recoveringMs = 150;

/**
 * Checks one backend in the background: at its interval while it is healthy, at once when a request got no answer; when
 * it is not, about every second, whether or not the check before has ended.
 */
export class HealthCheck {
  readonly #options: HealthCheckOptions;
  readonly #closed = new AbortController();
  #beating: Promise<void> | undefined;
  #wake: AbortController | undefined;
  #suspected = false;
  /** Checks begun; the outcome of one that began before the last that succeeded is old news. */
  #begun = 0;
  #succeeded = 0;
  #readyAt = -Infinity;

  constructor(options: HealthCheckOptions) {
    this.#options = options;
  }

  /** When the last check that has succeeded began, in monotonic milliseconds. */
  get readyAt(): number {
    return this.#readyAt;
  }

  /** Makes the first check and goes on in the background until `close`. Resolves after the first check. */
  async start(): Promise<void> {
    await this.#probe();
    void this.#run();
  }

  /** Checks at once where it counts as healthy, unless it is being checked. */
  suspect(): void {
    if (!this.#options.backend.health.healthy || this.#beating !== undefined) return;
    this.#suspected = true;
    this.#wake?.abort();
  }

  /** Checks now, or waits for the check that is under way; once closed it does neither. Never rejects. */
  async confirm(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    await (this.#options.backend.health.healthy ? this.#beat() : this.#probe());
  }

  close(): void {
    this.#closed.abort(new Error("The link is closed"));
    this.#wake?.abort();
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#options;
    while (!this.#closed.signal.aborted) {
      this.#wake = new AbortController();
      const delayMs = this.#delayMs() * (0.8 + random.float() * 0.4);
      const slept = await clock.sleep(delayMs, this.#wake.signal).then(() => true, () => false);
      if (this.#closed.signal.aborted) return;
      // Another state has another time to the next check.
      if (!slept && !this.#suspected) continue;
      this.#suspected = false;
      if (this.#options.backend.health.healthy) await this.#beat();
      else if (this.#options.backend.health.state === "recovering") await this.#probe();
      else void this.#probe();
    }
  }

  #delayMs(): number {
    const { backend: { health }, intervalMs = 10_000 } = this.#options;
    if (health.healthy) return intervalMs;
    return health.state === "recovering" ? recoveringMs : retryMs;
  }

  /** A check of a backend that is not known to be healthy: one try on the way that a new client would take. */
  async #probe(): Promise<void> {
    const { cluster, backend } = this.#options;
    const check = this.#begin();
    // Who recovers has said a moment ago whose it is.
    const asked = backend.health.state === "recovering" ? {} : { cluster };
    this.#take(check, await this.#try({ newConnection: true, ...asked }, this.#closed.signal));
  }

  /** A check of a healthy backend: it must fail several times. */
  #beat(): Promise<void> {
    if (this.#beating !== undefined) return this.#beating;
    const check = this.#begin();
    this.#beating = this.#tries().then((outcome) => {
      this.#beating = undefined;
      this.#take(check, outcome);
    });
    return this.#beating;
  }

  #begin(): Begun {
    return { number: ++this.#begun, at: this.#options.clock.monotonic() };
  }

  async #tries(): Promise<CheckOutcome> {
    const { clock, timeoutMs = 2_000, tries = 3 } = this.#options;
    const over = new AbortController();
    const end = () => over.abort(this.#closed.signal.reason);
    this.#closed.signal.addEventListener("abort", end);
    let onlyNew = false;
    const attempt = async (number: number) => {
      const outcome = await this.#try({ newConnection: number > 0 }, over.signal);
      if (number > 0 && outcome.result === "ready") onlyNew = true;
      return outcome;
    };
    const outcome = await severalTries({ clock, tries, staggerMs: timeoutMs / tries, signal: over.signal, attempt });
    over.abort(new Error("The check has ended"));
    if (onlyNew) this.#options.backend.reconnect();
    this.#closed.signal.removeEventListener("abort", end);
    return outcome;
  }

  #try(
    how: { readonly newConnection: boolean; readonly cluster?: KnownCluster },
    signal: AbortSignal,
  ): Promise<CheckOutcome> {
    const { backend, clock, timeoutMs = 2_000 } = this.#options;
    return checkBackend(backend, { clock, timeoutMs, signal, ...how });
  }

  #take({ number, at }: Begun, outcome: CheckOutcome): void {
    if (this.#closed.signal.aborted) return;
    const { backend, checked } = this.#options;
    if (outcome.result === "ready") {
      this.#succeeded = number;
      this.#readyAt = at;
      backend.answered();
    } else if (number < this.#succeeded) return;
    const changed = backend.health.take(outcome);
    checked(outcome, changed);
    if (changed) this.#wake?.abort();
  }
}
