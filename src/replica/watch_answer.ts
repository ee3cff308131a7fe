import { compareVersions } from "../kube/resource_version.ts";
import { expired, type StatusError } from "../kube/status.ts";
import type { Sink } from "../platform/bytes.ts";
import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import type { EventFrames } from "./event_frames.ts";
import type { LogEvent } from "./event_log.ts";
import type { Form } from "./form.ts";
import type { ObjectRows } from "./object_rows.ts";
import type { ResourceOverlays } from "./overlays.ts";
import { PacedWriter } from "./paced_writer.ts";
import type { View } from "./view.ts";
import { Wake } from "./wake.ts";

/** Where a watch begins (R3, R4). */
export type WatchStart =
  | { readonly from: "state"; readonly initialEventsEnd: boolean }
  | { readonly from: "version"; readonly resourceVersion: string };

export interface WatchAnswerOptions {
  readonly view: View;
  readonly rows: ObjectRows;
  readonly frames: EventFrames;
  /** Of the resource, as they are now; nothing where there have never been any. */
  readonly overlays: () => ResourceOverlays | undefined;
  readonly start: WatchStart;
  readonly bookmarks: boolean;
  /** Missing for objects as they are. */
  readonly form?: Form;
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
 *
 * @throws StoreError, MissingRowError where an object cannot be read; the answer is broken off then
 */
export async function writeWatch(sink: Sink, options: WatchAnswerOptions): Promise<void> {
  try {
    await new WatchAnswer(sink, options).run();
    sink.end();
  } catch (error) {
    sink.destroy();
    throw error;
  }
}

interface Framed {
  readonly object: Uint8Array;
  readonly resourceVersion: string;
}

class WatchAnswer {
  readonly #sink: Sink;
  readonly #writer: PacedWriter;
  readonly #options: WatchAnswerOptions;
  readonly #wake = new Wake();
  readonly #deadline: number;
  #cursor = 0;
  /** The collection's relists when the watch began above its version, until it has reached that. */
  #aheadSince: number | undefined;
  #nextBookmark: number;
  /** Up to which changes of overlays have been sent; undefined where those that are there have to be sent first. */
  #overlayRevision: number | undefined;
  /** Where the client stands: nothing at or below it is sent. */
  #position = "0";

  constructor(sink: Sink, options: WatchAnswerOptions) {
    this.#sink = sink;
    this.#options = options;
    this.#writer = new PacedWriter(sink, options.clock);
    const now = options.clock.monotonic();
    this.#deadline = now + options.timeoutMs;
    this.#nextBookmark = this.#bookmarkTime(now);
  }

  async run(): Promise<void> {
    const { view: { collection }, signals } = this.#options;
    const stop = collection.subscribe(() => this.#wake.now());
    const closed = collection.openWatch();
    const aborted = () => this.#wake.now();
    for (const signal of signals) signal.addEventListener("abort", aborted);
    // A client that has gone does not make room any more: its sink says so.
    void this.#sink.closed.then(aborted);
    try {
      if (await this.#begin()) await this.#follow();
      await this.#writer.flush();
    } finally {
      stop();
      closed();
      for (const signal of signals) signal.removeEventListener("abort", aborted);
    }
  }

  async #begin(): Promise<boolean> {
    const { view: { collection }, start } = this.#options;
    if (start.from === "version") {
      this.#position = start.resourceVersion;
      const ahead = compareVersions(start.resourceVersion, collection.resourceVersion) > 0;
      if (ahead) this.#aheadSince = collection.relists;
      // In a later epoch a version above the collection's is most likely one of the epoch before.
      const cursor = !ahead
        ? collection.log.after(start.resourceVersion)
        : collection.epoch > 0
        ? undefined
        : collection.log.end;
      if (cursor === undefined) return this.#tooOld();
      this.#cursor = cursor;
      return true;
    }
    this.#cursor = collection.log.end;
    this.#position = collection.resourceVersion;
    this.#overlayRevision = this.#options.overlays()?.revision ?? 0;
    await this.#state();
    if (start.initialEventsEnd) this.#bookmark(true);
    return true;
  }

  async #state(): Promise<void> {
    const { view, rows, overlays } = this.#options;
    const reader = overlays()?.reader(rows) ?? rows;
    const snapshot = rows.snapshot();
    try {
      for (const held of view.collection.objects()) {
        const sees = view.sees(held);
        if (sees === false || (sees !== true && !await sees)) continue;
        const read = reader.read(held);
        const bytes = read instanceof Uint8Array ? read : await read;
        const room = this.#writer.push(
          this.#frame("ADDED", { object: bytes, resourceVersion: held.meta.resourceVersion }),
        );
        if (room !== undefined) await room;
        if (this.#writer.gone) return;
      }
    } finally {
      snapshot.release();
    }
  }

  async #follow(): Promise<void> {
    const { view: { collection }, clock } = this.#options;
    while (!this.#over()) {
      if (this.#missedWhileAhead()) return void this.#tooOld();
      const sent = await this.#send();
      if (sent === "lost") return void this.#tooOld();
      if (sent === "more" || await this.#sendOverlaid()) continue;
      if (collection.state === "refused" && collection.refusal !== undefined) return this.#error(collection.refusal);
      const now = clock.monotonic();
      if (now >= this.#deadline) break;
      if (now >= this.#nextBookmark) {
        this.#bookmark();
        this.#nextBookmark = this.#bookmarkTime(now);
      }
      await this.#writer.flush();
      const timer = clock.setTimer(
        Math.max(0, Math.min(this.#deadline, this.#nextBookmark) - now),
        () => this.#wake.now(),
      );
      await this.#wake.wait();
      timer.cancel();
    }
    this.#bookmark();
  }

  /** What a relist shows of what was missed begins at the collection's version: who stood above it may know other things. */
  #missedWhileAhead(): boolean {
    const { view: { collection }, start } = this.#options;
    if (this.#aheadSince === undefined || start.from !== "version") return false;
    if (collection.relists !== this.#aheadSince) return true;
    if (compareVersions(collection.resourceVersion, start.resourceVersion) >= 0) this.#aheadSince = undefined;
    return false;
  }

  #over(): boolean {
    return this.#writer.gone || this.#options.signals.some((signal) => signal.aborted);
  }

  /** Sends what the log has from the cursor on. */
  async #send(): Promise<"more" | "none" | "lost"> {
    const { view, frames, rows, form } = this.#options;
    const { collection } = view;
    const overlays = this.#options.overlays();
    const events = collection.log.from(this.#cursor, batchEvents);
    if (events === undefined) return "lost";
    if (events.length === 0) return "none";
    const snapshot = rows.snapshot();
    try {
      for (const event of events) {
        this.#cursor += 1;
        if (compareVersions(event.resourceVersion, this.#position) <= 0) continue;
        const translating = view.event(event);
        const seen = translating instanceof Promise ? await translating : translating;
        if (seen === undefined) continue;
        const shared = form === undefined && overlays?.covers(seen.held.meta) !== true;
        const read = shared ? frames.of(seen, collection.codec) : this.#formed(seen);
        const room = this.#writer.push(read instanceof Uint8Array ? read : await read);
        this.#position = event.resourceVersion;
        if (room !== undefined) await room;
        if (this.#over()) break;
      }
    } finally {
      snapshot.release();
    }
    return "more";
  }

  /**
   * Sends the objects whose overlays have changed, as MODIFIED at the versions that they have, once all events before are
   * sent; then a bookmark (R6).
   *
   * @returns whether something may have come meanwhile
   */
  async #sendOverlaid(): Promise<boolean> {
    const overlays = this.#options.overlays();
    // What is held below the client's own position may be older than what it has seen.
    if (overlays === undefined || overlays.revision === this.#overlayRevision || this.#aheadSince !== undefined) {
      return false;
    }
    const { view, rows } = this.#options;
    const { collection } = view;
    const upTo = overlays.revision;
    const starts = this.#overlayRevision === undefined;
    let sent = false;
    for (const { revision, namespace, name } of overlays.touched(this.#overlayRevision)) {
      if (this.#cursor !== collection.log.end) return true;
      const held = collection.get(namespace, name);
      if (held !== undefined && (!starts || overlays.covers(held.meta)) && await view.sees(held)) {
        const object = await overlays.reader(rows).read(held);
        if (this.#cursor !== collection.log.end) return true;
        await this.#writer.push(this.#frame("MODIFIED", { object, resourceVersion: held.meta.resourceVersion }));
        sent = true;
      }
      this.#overlayRevision = revision;
      if (this.#over()) return true;
    }
    this.#overlayRevision = upTo;
    if (sent) this.#bookmark();
    return true;
  }

  /** Never above an event that was not sent yet, and never below where the client stands. */
  #bookmark(initialEventsEnd = false): void {
    const { view: { collection }, bookmarks } = this.#options;
    if (!bookmarks) return;
    const { apiVersion, kind, resourceVersion: complete } = collection.head;
    const caughtUp = !initialEventsEnd && this.#cursor === collection.log.end;
    if (caughtUp && compareVersions(complete, this.#position) > 0) this.#position = complete;
    const ending = initialEventsEnd ? { initialEventsEnd } : {};
    const resourceVersion = this.#position;
    const object = collection.codec.bookmarkObject({ apiVersion, kind, resourceVersion, ...ending });
    void this.#writer.push(this.#frame("BOOKMARK", { object, resourceVersion }));
  }

  /** A frame for this watch alone: forms depend on the client, and on what it has been sent. */
  async #formed({ type, held, resourceVersion }: LogEvent): Promise<Uint8Array> {
    const { view: { collection }, rows, overlays } = this.#options;
    const reader = type === "DELETED" ? rows : overlays()?.reader(rows) ?? rows;
    const object = collection.codec.withResourceVersion(await reader.read(held), resourceVersion);
    return this.#frame(type, { object, resourceVersion });
  }

  #frame(type: LogEvent["type"] | "BOOKMARK", { object, resourceVersion }: Framed): Uint8Array {
    const { view: { collection: { codec } }, form } = this.#options;
    return codec.frameEvent(type, form?.object(object, resourceVersion) ?? object);
  }

  #tooOld(): false {
    const { start, view: { collection } } = this.#options;
    const asked = start.from === "version" ? start.resourceVersion : this.#position;
    this.#error(expired(`too old resource version: ${BigInt(asked)} (${collection.resourceVersion})`));
    return false;
  }

  #error(error: StatusError): void {
    void this.#writer.push(this.#options.view.collection.codec.frameError(error));
  }

  #bookmarkTime(now: number): number {
    return now + bookmarkMs * (0.9 + this.#options.random.float() / 5);
  }
}
