import type { Link } from "../cloud/link.ts";
import { StatusError } from "../kube/status.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import { StoreError } from "../platform/store.ts";
import { UpstreamError } from "../platform/upstream.ts";
import { type ObjectPath, pathKey } from "./object_path.ts";
import type { Outbox } from "./outbox.ts";
import type { OutboxEntry } from "./outbox_entry.ts";
import { pushEntry, type Pushing } from "./outbox_push.ts";

/** What is asked of the link. */
export type PushingLink = Pick<Link, "onChange" | "suspect"> & { readonly state: Link["state"] };

export interface OutboxPusherOptions {
  readonly outbox: Outbox;
  readonly cloud: Pushing;
  readonly link: PushingLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Why an object's push has failed, and when it is tried again. */
export interface PushFailure {
  readonly attempts: number;
  readonly message: string;
  /** On the monotonic clock. */
  readonly nextAt: number;
}

/** Objects that are pushed at once. */
const maxPushing = 4;
/** Between two attempts for one object: doubled each time, with jitter. */
const firstRetryMs = 500;
const maxRetryMs = 30_000;
/** An Event is pushed no later than this after its last change: the API server keeps it no longer either (--event-ttl). */
export const maxEventAgeMs: number = 60 * 60_000;

/** Pushes what waits in the outbox while the cloud is in reach: several objects at once, each by itself and in order. */
export class OutboxPusher {
  readonly #options: OutboxPusherOptions;
  readonly #closed = new AbortController();
  readonly #pushing = new Map<string, Promise<void>>();
  readonly #failures = new Map<string, PushFailure>();
  #stops: readonly (() => void)[] = [];
  #timer: Timer | undefined;

  constructor(options: OutboxPusherOptions) {
    this.#options = options;
  }

  /** Why an object's last push has failed; nothing where it has not. */
  failure(path: ObjectPath): PushFailure | undefined {
    return this.#failures.get(pathKey(path));
  }

  start(): void {
    const { outbox, link } = this.#options;
    const returned = () => {
      if (link.state === "online") this.#failures.clear(); // what failed may have been the cut
      this.#next();
    };
    this.#stops = [link.onChange(returned), outbox.onChange(() => this.#next())];
    this.#next();
  }

  /** Breaks off what is being pushed. */
  async close(): Promise<void> {
    this.#closed.abort(new Error("The outbox is closed"));
    for (const stop of this.#stops) stop();
    this.#timer?.cancel();
    await Promise.all(this.#pushing.values());
  }

  #next(): void {
    const { outbox, link, clock } = this.#options;
    this.#timer?.cancel();
    if (link.state !== "online" || this.#closed.signal.aborted || outbox.size === 0) return;
    const now = clock.monotonic();
    let wakeAt = Infinity;
    for (const { path } of outbox.entries()) {
      const key = pathKey(path);
      if (this.#pushing.size >= maxPushing) return;
      if (this.#pushing.has(key)) continue;
      const { nextAt = now } = this.#failures.get(key) ?? {};
      if (nextAt > now) wakeAt = Math.min(wakeAt, nextAt);
      else {
        this.#pushing.set(
          key,
          this.#push(path).finally(() => {
            this.#pushing.delete(key);
            this.#next();
          }),
        );
      }
    }
    if (wakeAt < Infinity) this.#timer = clock.setTimer(wakeAt - now, () => this.#next());
  }

  async #push(path: ObjectPath): Promise<void> {
    const { outbox, cloud, link, clock } = this.#options;
    const { signal } = this.#closed;
    let release = () => {};
    try {
      release = await outbox.hold(path, signal);
      const entry = outbox.get(path);
      if (entry === undefined) return;
      const settlement = this.#isTooOld(entry) ? { how: "too-old" as const } : await pushEntry(cloud, entry, signal);
      await outbox.settle(entry, settlement);
      this.#failures.delete(pathKey(path));
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof UpstreamError) link.suspect();
      this.#failed(path, error, clock.monotonic());
    } finally {
      release();
    }
  }

  #isTooOld({ kind, changedAt }: OutboxEntry): boolean {
    return kind !== "status" && this.#options.clock.now() - changedAt > maxEventAgeMs;
  }

  #failed(path: ObjectPath, error: unknown, now: number): void {
    const { random, logger } = this.#options;
    const key = pathKey(path);
    const attempts = (this.#failures.get(key)?.attempts ?? 0) + 1;
    const asked = error instanceof StatusError ? (error.retryAfterSeconds ?? 0) * 1_000 : 0;
    const delayMs = Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(attempts, 10)) * (0.5 + random.float() / 2);
    const message = error instanceof Error ? error.message : String(error);
    this.#failures.set(key, { attempts, message, nextAt: now + Math.max(delayMs, asked) });
    const expected = error instanceof UpstreamError || error instanceof StatusError || error instanceof StoreError;
    const { resource, namespace, name } = path;
    logger.log(expected ? "info" : "error", "A write that waits for the cloud could not be pushed", {
      ...{ resource, namespace, name, attempts, error: message },
    });
  }
}
