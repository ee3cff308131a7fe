import type { Link } from "../cloud/link.ts";
import type { Clock, Timer } from "../platform/clock.ts";

export interface StatusEventsOptions {
  readonly clock: Pick<Clock, "setTimer">;
  readonly link: Pick<Link, "onChange" | "onBackend">;
  /** Aborted when the hub drains or closes: all listeners' streams end. */
  readonly ended: AbortSignal;
  /** What is told: one line. */
  readonly status: () => string;
}

interface Listener {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** What it was told last. */
  told: string;
}

/** Listeners at once; further ones are refused. */
export const maxStatusListeners = 16;
/** Events that one may leave unread. */
const maxUnread = 4;
/** Between two events, while the link stays as it is. */
export const statusIntervalMs = 5_000;

const encoder = new TextEncoder();
/** How long a listener waits before it comes back, in milliseconds. */
const greeting = "retry: 2000\n\n";
const heartbeat = encoder.encode("event: heartbeat\ndata:\n\n");

/**
 * Tells how the hub is to whoever listens (server-sent events): an event `status` when it is another than before, looked at
 * every few seconds and at each change of the link, else `heartbeat`. One who does not read misses events, and gets what is
 * true then once it reads on.
 */
export class StatusEvents {
  readonly #options: StatusEventsOptions;
  readonly #listeners = new Set<Listener>();
  #timer: Timer | undefined;
  #stops: readonly (() => void)[] = [];
  #refused = 0;

  constructor(options: StatusEventsOptions) {
    this.#options = options;
    options.ended.addEventListener("abort", () => this.#end());
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** Listeners that were refused for want of room. */
  get refused(): number {
    return this.#refused;
  }

  /** @returns the stream of one more listener; nothing where there is no room, or the hub ends */
  listen(): ReadableStream<Uint8Array> | undefined {
    if (this.#options.ended.aborted) return undefined;
    if (this.#listeners.size >= maxStatusListeners) {
      this.#refused += 1;
      return undefined;
    }
    let listener: Listener;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        listener = { controller, told: this.#options.status() };
        controller.enqueue(encoder.encode(greeting + eventOf(listener.told)));
        this.#add(listener);
      },
      cancel: () => this.#remove(listener),
    }, { highWaterMark: maxUnread });
  }

  #add(listener: Listener): void {
    this.#listeners.add(listener);
    if (this.#listeners.size > 1) return;
    const { link } = this.#options;
    const changed = () => this.#tell({ beats: false });
    this.#stops = [link.onChange(changed), link.onBackend(changed)];
    this.#schedule();
  }

  #remove(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) this.#rest();
  }

  #schedule(): void {
    this.#timer = this.#options.clock.setTimer(statusIntervalMs, () => {
      this.#schedule();
      this.#tell({ beats: true });
    });
  }

  #tell({ beats }: { readonly beats: boolean }): void {
    const status = this.#options.status();
    let event: Uint8Array | undefined;
    for (const listener of this.#listeners) {
      const { controller, told } = listener;
      if ((controller.desiredSize ?? 0) <= 0) continue;
      if (told !== status) {
        listener.told = status;
        controller.enqueue(event ??= encoder.encode(eventOf(status)));
      } else if (beats) controller.enqueue(heartbeat);
    }
  }

  #end(): void {
    for (const { controller } of this.#listeners) controller.close();
    this.#listeners.clear();
    this.#rest();
  }

  #rest(): void {
    this.#timer?.cancel();
    for (const stop of this.#stops) stop();
    this.#stops = [];
  }
}

function eventOf(status: string): string {
  return `event: status\ndata: ${status}\n\n`;
}
