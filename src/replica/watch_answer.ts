import { compareVersions } from "../kube/resource_version.ts";
import { expired, StatusError } from "../kube/status.ts";
import type { Sink } from "../platform/bytes.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import type { EventFrames } from "./event_frames.ts";
import type { LogEvent } from "./event_log.ts";
import { concernsEvent, filteredEvent } from "./filtered_event.ts";
import type { Form } from "./form.ts";
import { FilteredWatch } from "./filtered_watch.ts";
import type { ObjectFilter, WatchFilter } from "./object_filter.ts";
import type { HeldObject, ObjectRows } from "./object_rows.ts";
import type { ObjectReader, ResourceOverlays } from "./overlays.ts";
import { PacedWriter } from "./paced_writer.ts";
import type { View } from "./view.ts";
import { writeState } from "./watch_state.ts";

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
  /** Whether it was seen elsewhere that an object is gone: nothing is laid over it any more. */
  readonly isGone: (held: HeldObject) => boolean;
  readonly start: WatchStart;
  /** What this client alone gets otherwise, or not at all. @default nothing */
  readonly filter?: WatchFilter;
  readonly bookmarks: boolean;
  /** Missing for objects as they are. */
  readonly form?: Form;
  /** Whether it pins its collection (R15). @default {true} */
  readonly pins?: boolean;
  /** How long the watch lasts. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
  /** How it has to end, where it has: a refusal as ERROR event, or cleanly. @default when the cloud refuses the collection */
  readonly ended?: () => StatusError | "clean" | undefined;
  /** The client has gone; the hub ends. */
  readonly signals: readonly AbortSignal[];
}

/** Bookmarks come about this often (R6). */
const bookmarkMs = 60_000;

/**
 * One local watch: a cursor into the collection's log. It ends cleanly at its time limit and when the hub ends, and with an
 * ERROR event where it can't go on: its version is too old, it fell behind, a new epoch began, the cloud refused, or a filter failed.
 *
 * @throws StoreError, MissingRowError where an object cannot be read; the answer is broken off then
 */
export async function writeWatch(sink: Sink, options: WatchAnswerOptions): Promise<void> {
  try {
    await new WatchAnswer(sink, options).run();
    sink.end();
  } catch (error) {
    if (!(error instanceof StatusError)) {
      sink.destroy();
      throw error;
    }
    void sink.write(options.view.collection.codec.frameError(error));
    sink.end();
  }
}

interface Framed {
  readonly object: Uint8Array;
  readonly resourceVersion: string;
}

/**
 * It goes on in turns: one for whatever came meanwhile, and no promise, timer or turn for each event. Two hundred watches
 * take an event that is in memory in one pass.
 */
class WatchAnswer {
  readonly #sink: Sink;
  readonly #writer: PacedWriter;
  readonly #options: WatchAnswerOptions;
  readonly #deadline: number;
  #cursor = 0;
  /** The collection's relists when the watch began above its version, until it has reached that. */
  #aheadSince: number | undefined;
  #nextBookmark: number;
  /** Of the resource, as of the turn. */
  #overlays: ResourceOverlays | undefined;
  /** Up to which changes of overlays have been sent; undefined where those that are there have to be sent first. */
  #overlayRevision: number | undefined;
  readonly #filtering: FilteredWatch;
  /** Where the client stands: nothing at or below it is sent. */
  #position = "0";
  #timer: Timer | undefined;
  /** `waking`: a turn is due. `waiting`: one follows what is being waited for. `idle`: whatever happens begins one. */
  #state: "beginning" | "idle" | "waking" | "waiting" | "over" = "beginning";
  #ended: () => void = () => undefined;
  #failed: (error: unknown) => void = () => undefined;

  constructor(sink: Sink, options: WatchAnswerOptions) {
    this.#sink = sink;
    this.#options = options;
    this.#writer = new PacedWriter(sink, options.clock);
    const now = options.clock.monotonic();
    this.#deadline = now + options.timeoutMs;
    this.#nextBookmark = this.#bookmarkTime(now);
    this.#filtering = new FilteredWatch(options.filter);
  }

  async run(): Promise<void> {
    const { view: { collection }, signals, pins = true } = this.#options;
    const stop = collection.subscribe(this.#wake);
    const closed = collection.openWatch({ pins });
    for (const signal of signals) signal.addEventListener("abort", this.#wake);
    // A client that has gone does not make room any more: its sink says so.
    void this.#sink.closed.then(this.#wake);
    try {
      if (await this.#begin()) await this.#follow();
      await this.#writer.flush();
    } finally {
      this.#filtering.end(this.#position);
      this.#timer?.cancel();
      stop();
      closed();
      for (const signal of signals) signal.removeEventListener("abort", this.#wake);
    }
  }

  async #begin(): Promise<boolean> {
    const { view, rows, form, start } = this.#options;
    const { collection } = view;
    if (start.from === "version") {
      this.#position = start.resourceVersion;
      this.#filtering.beginAt(start.resourceVersion);
      const ahead = compareVersions(start.resourceVersion, collection.resourceVersion) > 0;
      if (ahead) this.#aheadSince = collection.relists;
      // In a later epoch a version above the collection's is most likely one of the epoch before.
      const cursor = !ahead
        ? collection.log.after(start.resourceVersion)
        : collection.epoch > 0
        ? undefined
        : collection.log.end;
      if (cursor === undefined) {
        this.#tooOld();
        return false;
      }
      this.#cursor = cursor;
      return true;
    }
    this.#cursor = collection.log.end;
    this.#position = collection.resourceVersion;
    this.#overlays = this.#options.overlays();
    this.#overlayRevision = this.#overlays?.revision ?? 0;
    const { filter } = this.#filtering;
    await writeState(this.#writer, { view, rows, form, filter, reader: this.#reader() });
    if (start.initialEventsEnd) this.#bookmark(true);
    return true;
  }

  /** Resolves when the watch is over. @throws StoreError, MissingRowError */
  #follow(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#ended = resolve;
      this.#failed = reject;
      this.#turn();
    });
  }

  /** Something has happened. What happens together is looked at together. */
  readonly #wake = (): void => {
    if (this.#state !== "idle") return;
    this.#state = "waking";
    queueMicrotask(() => this.#turn());
  };

  #turn(): void {
    try {
      const waiting = this.#advance();
      if (waiting instanceof Promise) {
        this.#state = "waiting";
        waiting.then(() => this.#turn(), this.#failed);
      } else if (waiting === "over") {
        this.#state = "over";
        this.#ended();
      } else {
        this.#state = "idle";
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  /** @returns what must be waited for; nothing where nothing is left to do */
  #advance(): Promise<void> | "over" | undefined {
    const { view: { collection }, clock, overlays } = this.#options;
    this.#overlays = overlays();
    while (!this.#over()) {
      const end = this.#options.ended?.();
      if (end === "clean") break;
      if (end !== undefined) return this.#error(end);
      if (this.#missedWhileAhead()) return this.#tooOld();
      const sent = this.#sendEvents();
      if (sent === "lost") return this.#tooOld();
      if (sent !== undefined) return sent;
      if (this.#hasOverlaid()) return this.#sendOverlaid();
      if (this.#filtering.isBehind && this.#aheadSince === undefined) return this.#sendRefiltered();
      if (collection.state === "refused" && collection.refusal !== undefined) return this.#error(collection.refusal);
      const now = clock.monotonic();
      if (now >= this.#deadline) break;
      if (now >= this.#nextBookmark) {
        this.#bookmark();
        this.#nextBookmark = this.#bookmarkTime(now);
      }
      const room = this.#writer.flush();
      if (room !== undefined) return room;
      this.#writer.rest();
      this.#sleep(Math.min(this.#deadline, this.#nextBookmark) - now);
      return undefined;
    }
    this.#bookmark();
    return "over";
  }

  /** One timer until the next bookmark is due, however many events come before. */
  #sleep(delayMs: number): void {
    this.#timer ??= this.#options.clock.setTimer(Math.max(0, delayMs), () => {
      this.#timer = undefined;
      this.#wake();
    });
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

  /** Sends what the log has from the cursor on. @returns what must be waited for */
  #sendEvents(): Promise<void> | "lost" | undefined {
    const { view } = this.#options;
    const { log } = view.collection;
    for (let event = log.at(this.#cursor); event !== undefined; event = log.at(this.#cursor)) {
      if (compareVersions(event.resourceVersion, this.#position) > 0) {
        const seen = view.event(event);
        const frame = seen instanceof Promise ? seen.then((one) => this.#frameOf(one)) : this.#frameOf(seen);
        if (frame instanceof Promise) return this.#sendLater(event, frame);
        const room = this.#sent(event, frame);
        if (room !== undefined) return room;
      } else {
        this.#cursor += 1;
      }
    }
    return this.#cursor === log.end ? undefined : "lost";
  }

  /** What is in the store only. Its rows are kept meanwhile: the log may let go of it. */
  async #sendLater(event: LogEvent, frame: Promise<Uint8Array | undefined>): Promise<void> {
    const snapshot = this.#options.rows.snapshot();
    try {
      await this.#sent(event, await frame);
    } finally {
      snapshot.release();
    }
  }

  /** @param frame missing where the event does not concern this watch */
  #sent(event: LogEvent, frame: Uint8Array | undefined): Promise<void> | undefined {
    this.#cursor += 1;
    if (frame === undefined) return undefined;
    this.#position = event.resourceVersion;
    return this.#writer.push(frame);
  }

  #frameOf(event: LogEvent | undefined): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    if (event === undefined) return undefined;
    const { form, frames, view: { collection } } = this.#options;
    const { filter } = this.#filtering;
    if (filter !== undefined && concernsEvent(filter, event)) return this.#filtered(event, filter);
    const shared = form === undefined && this.#overlays?.covers(event.held.meta) !== true;
    return shared ? frames.of(event, collection.codec) : this.#formed(event);
  }

  #reader(): ObjectReader {
    const { rows } = this.#options;
    return this.#overlays?.reader(rows) ?? rows;
  }

  /** Whether overlays have changed. What is held below the client's own position may be older than what it has seen. */
  #hasOverlaid(): boolean {
    if (this.#overlays === undefined || this.#overlays.revision === this.#overlayRevision) return false;
    return this.#aheadSince === undefined;
  }

  /**
   * Sends the objects whose overlays have changed, as MODIFIED at the versions that they have, once all events before are
   * sent; then a bookmark (R6).
   */
  async #sendOverlaid(): Promise<void> {
    const { view } = this.#options;
    const { collection } = view;
    const overlays = this.#overlays;
    if (overlays === undefined) return;
    const upTo = overlays.revision;
    const starts = this.#overlayRevision === undefined;
    let sent = false;
    for (const { revision, namespace, name, uid } of overlays.touched(this.#overlayRevision)) {
      if (this.#cursor !== collection.log.end) return;
      const held = collection.get(namespace, name);
      const isConcerned = held?.meta.uid === uid && !this.#options.isGone(held) &&
        (!starts || overlays.covers(held.meta));
      if (isConcerned && await view.sees(held)) {
        const read = await this.#reader().read(held);
        if (this.#cursor !== collection.log.end) return;
        const { filter } = this.#filtering;
        const object = filter === undefined ? read : filter.show(held.meta, read);
        // What the write was made from may be newer than what is held, and have left the selection.
        if (object !== undefined && view.selects(collection.codec.readMeta(read), read)) {
          await this.#writer.push(this.#frame("MODIFIED", { object, resourceVersion: held.meta.resourceVersion }));
          sent = true;
        }
      }
      this.#overlayRevision = revision;
      if (this.#over()) return;
    }
    this.#overlayRevision = upTo;
    if (sent) this.#bookmark();
  }

  /** Sends what the client sees otherwise by the newest filter, once all events before are sent; then a bookmark (R6). */
  async #sendRefiltered(): Promise<void> {
    const { view, rows, isGone } = this.#options;
    const { log, resourceVersion } = view.collection;
    const isCurrent = () => this.#cursor === log.end;
    const changes = await this.#filtering.changes({ view, rows, reader: this.#reader(), isGone, isCurrent });
    if (changes.length === 0) return;
    const rooms = changes.map((change) => this.#writer.push(this.#frame(change.type, change)));
    if (compareVersions(resourceVersion, this.#position) > 0) this.#position = resourceVersion;
    this.#bookmark();
    await Promise.all(rooms.filter((room) => room !== undefined));
  }

  async #filtered(event: LogEvent, filter: ObjectFilter): Promise<Uint8Array | undefined> {
    const { codec } = this.#options.view.collection;
    const shown = await filteredEvent(event, { filter, codec, reader: this.#reader() });
    return shown === undefined ? undefined : this.#frame(shown.type, shown);
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
    const { view: { collection }, rows } = this.#options;
    const reader = type === "DELETED" ? rows : this.#reader();
    const object = collection.codec.withResourceVersion(await reader.read(held), resourceVersion);
    return this.#frame(type, { object, resourceVersion });
  }

  #frame(type: LogEvent["type"] | "BOOKMARK", { object, resourceVersion }: Framed): Uint8Array {
    const { view: { collection: { codec } }, form } = this.#options;
    return codec.frameEvent(type, form?.object(object, resourceVersion) ?? object);
  }

  #tooOld(): "over" {
    const { start, view: { collection } } = this.#options;
    const asked = start.from === "version" ? start.resourceVersion : this.#position;
    return this.#error(expired(`too old resource version: ${BigInt(asked)} (${collection.resourceVersion})`));
  }

  #error(error: StatusError): "over" {
    void this.#writer.push(this.#options.view.collection.codec.frameError(error));
    return "over";
  }

  #bookmarkTime(now: number): number {
    return now + bookmarkMs * (0.9 + this.#options.random.float() / 5);
  }
}
