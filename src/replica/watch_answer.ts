import { expired, type StatusError } from "../kube/status.ts";
import { frameBookmark, frameError, frameEvent } from "../kube/watch_codec.ts";
import { compareVersions } from "../kube/resource_version.ts";
import type { Sink } from "../platform/bytes.ts";
import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import type { Collection } from "./collection.ts";
import type { LogEvent } from "./event_log.ts";
import { map, writeJoined } from "./list_answer.ts";

/** Where a watch begins (R3, R4). */
export type WatchStart =
  | { readonly from: "state"; readonly initialEventsEnd: boolean }
  | { readonly from: "version"; readonly resourceVersion: string };

export interface WatchAnswerOptions {
  readonly collection: Collection;
  readonly start: WatchStart;
  readonly bookmarks: boolean;
  /** How long the watch lasts. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
  /** The client has gone; the hub ends. */
  readonly signals: readonly AbortSignal[];
}

/** Bookmarks come about this often (R6). */
const bookmarkMs = 60_000;
/** Events taken from the log at once. */
const batchEvents = 100;

/**
 * One local watch: a cursor into the collection's log. It ends cleanly at its time limit and when the hub ends, and with an
 * ERROR event where it can't go on: its version is too old, it fell behind, a new epoch began, or the cloud refused.
 */
export async function writeWatch(sink: Sink, options: WatchAnswerOptions): Promise<void> {
  await new WatchAnswer(sink, options).run();
  sink.end();
}

class WatchAnswer {
  readonly #sink: Sink;
  readonly #options: WatchAnswerOptions;
  readonly #wake = new Wake();
  readonly #deadline: number;
  #cursor: number | undefined;
  #nextBookmark: number;
  /** Nothing at or below it is sent. */
  #position = "0";

  constructor(sink: Sink, options: WatchAnswerOptions) {
    this.#sink = sink;
    this.#options = options;
    const now = options.clock.monotonic();
    this.#deadline = now + options.timeoutMs;
    this.#nextBookmark = this.#bookmarkTime(now);
  }

  async run(): Promise<void> {
    const { collection, signals } = this.#options;
    const stop = collection.subscribe(() => this.#wake.now());
    const aborted = () => this.#wake.now();
    for (const signal of signals) signal.addEventListener("abort", aborted);
    // A client that has gone does not make room any more: its sink says so.
    void this.#sink.closed.then(aborted);
    try {
      if (await this.#begin()) await this.#follow();
    } finally {
      stop();
      for (const signal of signals) signal.removeEventListener("abort", aborted);
    }
  }

  async #begin(): Promise<boolean> {
    const { collection, start } = this.#options;
    if (start.from === "version") {
      this.#position = start.resourceVersion;
      const cursor = compareVersions(start.resourceVersion, collection.resourceVersion) > 0
        ? collection.log.end
        : collection.log.after(start.resourceVersion);
      if (cursor === undefined) return this.#tooOld();
      this.#cursor = cursor;
      return true;
    }
    this.#cursor = collection.log.end;
    this.#position = collection.resourceVersion;
    const held = [...collection.objects()];
    await writeJoined(this.#sink, map(held, ({ bytes }) => frameEvent("ADDED", bytes)));
    if (start.initialEventsEnd) await this.#bookmark(this.#position, true);
    return true;
  }

  async #follow(): Promise<void> {
    const { collection, clock, signals } = this.#options;
    while (!signals.some((signal) => signal.aborted)) {
      const behind = await this.#send();
      if (behind === "lost") return void await this.#tooOld();
      if (behind === "more") continue;
      if (collection.state === "refused" && collection.refusal !== undefined) {
        return await this.#error(collection.refusal);
      }
      const now = clock.monotonic();
      if (now >= this.#deadline) break;
      if (now >= this.#nextBookmark) {
        await this.#bookmark(collection.resourceVersion, false);
        this.#nextBookmark = this.#bookmarkTime(now);
      }
      const timer = clock.setTimer(
        Math.max(0, Math.min(this.#deadline, this.#nextBookmark) - now),
        () => this.#wake.now(),
      );
      await this.#wake.wait();
      timer.cancel();
    }
    await this.#bookmark(collection.resourceVersion, false);
  }

  /** Sends what the log has from the cursor on. */
  async #send(): Promise<"more" | "none" | "lost"> {
    const { collection } = this.#options;
    const events = collection.log.from(this.#cursor ?? 0, batchEvents);
    if (events === undefined) return "lost";
    if (events.length === 0) return "none";
    this.#cursor = (this.#cursor ?? 0) + events.length;
    const unseen = events.filter((event) => compareVersions(event.resourceVersion, this.#position) > 0);
    await writeJoined(this.#sink, map(unseen, frameOf));
    return "more";
  }

  /** A position above the collection's is the client's own: a bookmark would lead it back. */
  async #bookmark(resourceVersion: string, initialEventsEnd: boolean): Promise<void> {
    const { collection, bookmarks } = this.#options;
    if (!bookmarks || compareVersions(resourceVersion, this.#position) < 0) return;
    const { apiVersion, kind } = collection;
    await this.#sink.write(
      frameBookmark({ apiVersion, kind, resourceVersion, ...(initialEventsEnd ? { initialEventsEnd } : {}) }),
    );
  }

  async #tooOld(): Promise<false> {
    const asked = this.#options.start.from === "version" ? this.#options.start.resourceVersion : this.#position;
    await this.#error(expired(`too old resource version: ${asked} (${this.#options.collection.resourceVersion})`));
    return false;
  }

  async #error(error: StatusError): Promise<void> {
    await this.#sink.write(frameError(error));
  }

  #bookmarkTime(now: number): number {
    return now + bookmarkMs * (0.9 + this.#options.random.float() / 5);
  }
}

/** Frames of events are made once for all watchers. */
const frames = new WeakMap<LogEvent, Uint8Array>();

function frameOf(event: LogEvent): Uint8Array {
  let frame = frames.get(event);
  if (frame === undefined) {
    frame = frameEvent(event.type, event.object);
    frames.set(event, frame);
  }
  return frame;
}

/** One waiter that any number of callers can wake; a call before the wait counts. */
class Wake {
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
