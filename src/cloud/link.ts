import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import type { Backend } from "./backend.ts";
import type { CheckOutcome } from "./backend_health.ts";
import type { Cloud } from "./cloud.ts";
import { KnownCluster } from "./cluster_identity.ts";
import { HealthCheck, type HealthTimes } from "./health_check.ts";

/** `unknown` until the first checks have ended. */
export type LinkState = "unknown" | "online" | "offline";

export interface LinkOptions extends HealthTimes {
  readonly cloud: Cloud;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Whether the backends are checked: else it is taken to be online for ever. @default {true} */
  readonly checked?: boolean;
  /** @default one that learns the first cluster that it sees */
  readonly cluster?: KnownCluster;
}

/**
 * Whether the cloud answers: some API server said that it is ready and is one of our cluster; only then do its 401, 403
 * and 404 count (R16). Each is checked in the background, at once when a request to it has failed.
 */
export class Link {
  /** The cluster that its API servers must belong to. */
  readonly cluster: KnownCluster;
  readonly #options: LinkOptions;
  readonly #checks: ReadonlyMap<Backend, HealthCheck>;
  readonly #listeners = new Set<() => void>();
  readonly #backendListeners = new Set<() => void>();
  readonly #beatListeners = new Set<(backend: Backend) => void>();
  #state: LinkState = "unknown";
  #since: number;

  constructor(options: LinkOptions) {
    const { cloud, clock } = options;
    this.#options = options;
    this.#since = clock.now();
    this.cluster = options.cluster ?? new KnownCluster({ caHashes: [], learnt: () => undefined });
    const checked = options.checked === false ? [] : cloud.backends;
    this.#checks = new Map(checked.map((backend) => [backend, this.#checkOf(backend)]));
  }

  get state(): LinkState {
    return this.#state;
  }

  /** When the state was entered, in milliseconds since 1970. */
  get since(): number {
    return this.#since;
  }

  /** What the last checks said, in words; of several backends each with its address. */
  get reason(): string {
    if (this.#options.checked === false) return "not checked";
    const { backends } = this.#options.cloud;
    if (backends.length === 1) return backends[0]?.health.reason ?? "";
    return backends.map(({ address, health }) => `${address}: ${health.reason}`).join("; ");
  }

  /**
   * Makes the first checks and goes on in the background until `close`. Resolves when one backend is healthy, or none is.
   * Where the cluster is not known yet they are checked one by one: it is the first one's.
   */
  async start(): Promise<void> {
    if (this.#options.checked === false) return this.#enter("online");
    const checks = [...this.#checks.values()];
    const isKnown = this.cluster.identity !== undefined;
    const [first, ...further] = checks;
    if (!isKnown) await first?.start();
    const starting = (isKnown ? checks : further).map((check) => check.start());
    const enough = new AbortController();
    const online = this.online(enough.signal).catch(() => undefined);
    await Promise.race([online, Promise.all(starting)]);
    enough.abort();
    this.#update();
  }

  /** Tells that a request got no answer: what is healthy is checked at once, unless it is being checked. */
  suspect(): void {
    for (const check of this.#checks.values()) check.suspect();
  }

  /**
   * Checks now, or waits for the check that is under way.
   *
   * @param backend who gave the answer that is in question. @default all of them
   * @returns whether it, or one of them, is healthy; false once the signal is aborted
   */
  async confirm(signal: AbortSignal, backend?: Backend): Promise<boolean> {
    if (signal.aborted || this.#options.checked === false) return !signal.aborted;
    const checks = [...this.#checks].filter(([one]) => backend === undefined || one === backend);
    await new Promise<void>((resolve) => {
      const settle = () => {
        signal.removeEventListener("abort", settle);
        resolve();
      };
      signal.addEventListener("abort", settle);
      void Promise.all(checks.map(([, check]) => check.confirm())).then(settle);
    });
    return !signal.aborted && checks.some(([one]) => one.health.healthy);
  }

  /**
   * Whether an API server says that it is ready, as of no more than `maxAgeMs` ago: else it is checked now.
   *
   * @param backend who gave the answer that is in question. @default any of them
   * @returns false too once the signal is aborted
   */
  async isReady(maxAgeMs: number, signal: AbortSignal, backend?: Backend): Promise<boolean> {
    if (this.#options.checked === false) return !signal.aborted;
    const state = backend?.health.state ?? this.#state;
    if (signal.aborted || !["unknown", "online", "healthy"].includes(state)) return false;
    const since = this.#options.clock.monotonic() - maxAgeMs;
    const checks = [...this.#checks].filter(([one]) => backend === undefined || one === backend);
    if (checks.some(([one, { readyAt }]) => one.health.healthy && readyAt >= since)) return true;
    return await this.confirm(signal, backend);
  }

  /** Calls back after each change of state. @returns how to stop that */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls back after each check that has found a backend healthy: its heartbeat. @returns how to stop that */
  onHeartbeat(listener: (backend: Backend) => void): () => void {
    this.#beatListeners.add(listener);
    return () => this.#beatListeners.delete(listener);
  }

  /** Calls back after each change of the state of a backend. @returns how to stop that */
  onBackend(listener: () => void): () => void {
    this.#backendListeners.add(listener);
    return () => this.#backendListeners.delete(listener);
  }

  /** Resolves when the link is online, rejects with the signal's reason. */
  online(signal: AbortSignal): Promise<void> {
    if (this.#state === "online") return Promise.resolve();
    return new Promise((resolve, reject) => {
      const stop = this.onChange(() => {
        if (this.#state === "online") settle(resolve);
      });
      const aborted = () => settle(() => reject(signal.reason));
      const settle = (how: () => void) => {
        stop();
        signal.removeEventListener("abort", aborted);
        how();
      };
      if (signal.aborted) aborted();
      else signal.addEventListener("abort", aborted);
    });
  }

  close(): void {
    for (const check of this.#checks.values()) check.close();
  }

  #checkOf(backend: Backend): HealthCheck {
    const check = new HealthCheck({
      ...this.#options,
      backend,
      cluster: this.cluster,
      checked: (outcome, changed) => this.#checked(backend, { outcome, changed }),
    });
    backend.suspected = () => check.suspect();
    return check;
  }

  #checked(
    backend: Backend,
    { outcome, changed }: { readonly outcome: CheckOutcome; readonly changed: boolean },
  ): void {
    if (changed) this.#log(backend);
    if (outcome.result !== "ready") {
      // What still speaks, but is not ready, ends what it has begun.
      const draining = outcome.result === "unready";
      if (changed && !draining) backend.reconnect();
      this.#options.cloud.leave(backend, { reason: outcome.reason, draining });
    }
    this.#update();
    if (changed) { for (const listener of [...this.#backendListeners]) listener(); }
    if (backend.health.healthy) { for (const listener of [...this.#beatListeners]) listener(backend); }
  }

  #log(backend: Backend): void {
    const { logger, cloud } = this.#options;
    const { state, reason } = backend.health;
    const fields = { backend: backend.address, state, reason };
    if (state === "untrusted") logger.log("error", "An API server is refused: it is not one of this cluster", fields);
    else if (cloud.backends.length > 1 || state === "recovering") {
      logger.log(state === "unhealthy" ? "warn" : "info", "The state of an API server has changed", fields);
    }
  }

  #update(): void {
    const states = this.#options.cloud.backends.map(({ health }) => health.state);
    this.#enter(states.includes("healthy") ? "online" : states.includes("unknown") ? "unknown" : "offline");
  }

  #enter(state: LinkState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#since = this.#options.clock.now();
    const { logger } = this.#options;
    logger.log(state === "online" ? "info" : "warn", `The cloud is ${state}`, { reason: this.reason });
    for (const listener of [...this.#listeners]) listener();
  }
}
