import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import type { Cloud } from "./cloud.ts";

/** `unknown` until the first check has ended. */
export type LinkState = "unknown" | "online" | "offline";

export interface LinkOptions {
  readonly cloud: Cloud;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Between two checks of a link that answers. @default {10_000} */
  readonly intervalMs?: number;
  /** Between two checks of one that does not. @default {1_000} */
  readonly retryMs?: number;
  /** For one check. @default {2_000} */
  readonly timeoutMs?: number;
}

/**
 * Whether the cloud answers: checked in the background by `GET /readyz`, at once when a request has failed. Online means
 * that a backend said that it is ready; only then do its 401, 403 and 404 count (R16).
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #listeners = new Set<() => void>();
  readonly #closed = new AbortController();
  #state: LinkState = "unknown";
  #since: number;
  #confirmedAt = -Infinity;
  #reason = "not checked yet";
  #checkNow: AbortController | undefined;
  #checking: Promise<void> | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#since = options.clock.now();
  }

  get state(): LinkState {
    return this.#state;
  }

  /** When the state was entered, in milliseconds since 1970. */
  get since(): number {
    return this.#since;
  }

  /** Why it is offline, in words. */
  get reason(): string {
    return this.#reason;
  }

  /** Makes the first check and goes on in the background until `close`. Resolves after the first check. */
  async start(): Promise<void> {
    await this.#check();
    void this.#run();
  }

  /** Tells that a request got no answer: the link is checked at once, unless it is being checked. */
  suspect(): void {
    if (this.#checking === undefined) this.#checkNow?.abort();
  }

  /**
   * Checks now, or waits for the check that is under way.
   *
   * @returns whether the cloud says that it is ready; false once the signal is aborted
   */
  async confirm(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    await new Promise<void>((resolve) => {
      const settle = () => {
        signal.removeEventListener("abort", settle);
        resolve();
      };
      signal.addEventListener("abort", settle);
      void this.#check().then(settle);
    });
    return !signal.aborted && this.#state === "online";
  }

  /**
   * Whether the cloud says that it is ready, as of no more than `maxAgeMs` ago: else it is checked now.
   *
   * @returns false too once the signal is aborted
   */
  async isReady(maxAgeMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.#state === "offline" || signal.aborted) return false;
    if (this.#options.clock.monotonic() - this.#confirmedAt <= maxAgeMs) return true;
    return await this.confirm(signal);
  }

  /** Calls back after each change of state. @returns how to stop that */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
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
    this.#closed.abort(new Error("The link is closed"));
    this.#checkNow?.abort();
  }

  async #run(): Promise<void> {
    const { clock, random, intervalMs = 10_000, retryMs = 1_000 } = this.#options;
    while (!this.#closed.signal.aborted) {
      const delayMs = (this.#state === "online" ? intervalMs : retryMs) * (0.75 + random.float() / 2);
      this.#checkNow = new AbortController();
      // Woken early by `suspect` or `close`: both are no error.
      await clock.sleep(delayMs, this.#checkNow.signal).catch(() => undefined);
      if (!this.#closed.signal.aborted) await this.#check();
    }
  }

  #check(): Promise<void> {
    this.#checking ??= this.#ask().finally(() => this.#checking = undefined);
    return this.#checking;
  }

  async #ask(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    const { cloud, clock, timeoutMs = 2_000 } = this.#options;
    const limit = new AbortController();
    const abort = () => limit.abort(this.#closed.signal.reason);
    this.#closed.signal.addEventListener("abort", abort);
    const timer = clock.setTimer(timeoutMs, () => limit.abort(new Error(`no answer within ${timeoutMs} ms`)));
    try {
      const askedAt = clock.monotonic();
      const status = await cloud.ready(limit.signal, { newConnection: this.#state !== "online" });
      if (status === 200) this.#confirmedAt = askedAt;
      this.#enter(status === 200 ? "online" : "offline", `/readyz answered ${status}`);
    } catch (error) {
      const cause: unknown = limit.signal.aborted ? limit.signal.reason : error;
      if (!this.#closed.signal.aborted) this.#enter("offline", cause instanceof Error ? cause.message : String(cause));
    } finally {
      timer.cancel();
      this.#closed.signal.removeEventListener("abort", abort);
    }
  }

  #enter(state: LinkState, reason: string): void {
    this.#reason = reason;
    if (state === this.#state) return;
    this.#state = state;
    this.#since = this.#options.clock.now();
    this.#options.logger.log(state === "online" ? "info" : "warn", `The cloud is ${state}`, { reason });
    this.#checkNow?.abort(); // the time to the next check is another one now
    for (const listener of [...this.#listeners]) listener();
  }
}
