import { compareVersions } from "../kube/resource_version.ts";

/** A change of a collection as its watchers see it. */
export interface LogEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  /** With `kind` and `apiVersion`; after a deletion the last state, at the deletion's version. */
  readonly object: Uint8Array;
  readonly resourceVersion: string;
}

export interface EventLogLimits {
  readonly maxEvents: number;
  readonly maxBytes: number;
}

/**
 * The recent changes of a collection in the order of their versions, bounded in number and bytes. Readers hold a cursor
 * into it instead of a queue of their own: one that falls too far behind finds its cursor lost (R13).
 */
export class EventLog {
  readonly #limits: EventLogLimits;
  #events: LogEvent[] = [];
  #bytes = 0;
  /** Cursor of the oldest event still here. */
  #first = 0;
  /** Every change above this version is in the log. */
  #startVersion: string;

  constructor(startVersion: string, limits: EventLogLimits) {
    this.#startVersion = startVersion;
    this.#limits = limits;
  }

  /** The cursor behind the newest event. */
  get end(): number {
    return this.#first + this.#events.length;
  }

  append(event: LogEvent): void {
    this.#events.push(event);
    this.#bytes += event.object.byteLength;
    let drop = 0;
    while (this.#events.length - drop > this.#limits.maxEvents || this.#bytes > this.#limits.maxBytes) {
      const oldest = this.#events[drop];
      if (oldest === undefined) break;
      this.#bytes -= oldest.object.byteLength;
      this.#startVersion = oldest.resourceVersion;
      drop += 1;
    }
    if (drop === 0) return;
    this.#events.splice(0, drop);
    this.#first += drop;
  }

  /** Forgets everything: all cursors given out so far are lost, and so is every version below `startVersion`. */
  reset(startVersion: string): void {
    this.#first = this.end + 1;
    this.#events = [];
    this.#bytes = 0;
    this.#startVersion = startVersion;
  }

  /**
   * @returns the events from a cursor on, at most `maxEvents`; undefined where some of them are no longer here
   */
  from(cursor: number, maxEvents: number): readonly LogEvent[] | undefined {
    if (cursor < this.#first) return undefined;
    const start = cursor - this.#first;
    return this.#events.slice(start, start + maxEvents);
  }

  /** @returns the cursor of the first event above a version; undefined where the log does not reach back that far */
  after(version: string): number | undefined {
    if (compareVersions(version, this.#startVersion) < 0) return undefined;
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const event = this.#events[middle];
      if (event !== undefined && compareVersions(event.resourceVersion, version) > 0) high = middle;
      else low = middle + 1;
    }
    return this.#first + low;
  }
}
