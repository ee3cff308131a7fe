import type { Codec } from "./codec.ts";
import type { LogEvent } from "./event_log.ts";
import type { ObjectRows } from "./object_rows.ts";

/** Frames that are kept for further watchers of the same events, all collections together. */
const maxBytes = 2 * 1024 * 1024;

/** Frames of events, made once for all watchers that take them at about the same time. */
export class EventFrames {
  readonly #rows: ObjectRows;
  readonly #frames = new Map<LogEvent, Uint8Array>();
  #bytes = 0;

  constructor(rows: ObjectRows) {
    this.#rows = rows;
  }

  /** @throws StoreError, MissingRowError */
  of(event: LogEvent, codec: Codec): Uint8Array | Promise<Uint8Array> {
    const known = this.#frames.get(event);
    if (known !== undefined) return known;
    const read = this.#rows.read(event.held);
    return read instanceof Uint8Array
      ? this.#keep(event, codec, read)
      : read.then((bytes) => this.#keep(event, codec, bytes));
  }

  #keep(event: LogEvent, codec: Codec, bytes: Uint8Array): Uint8Array {
    const made = this.#frames.get(event);
    if (made !== undefined) return made; // another watcher was quicker
    const { type, held, resourceVersion } = event;
    // A deletion that was missed has the last known state, at the version at which it was gone (R7).
    const object = held.meta.resourceVersion === resourceVersion
      ? bytes
      : codec.withResourceVersion(bytes, resourceVersion);
    const frame = codec.frameEvent(type, object);
    this.#frames.set(event, frame);
    this.#bytes += frame.length;
    for (const [oldest, { length }] of this.#frames) {
      if (this.#bytes <= maxBytes) break;
      this.#frames.delete(oldest);
      this.#bytes -= length;
    }
    return frame;
  }
}
