import { compareVersions } from "../kube/resource_version.ts";
import type { HeldObject } from "./object_rows.ts";

/** A change of a collection as its watchers see it. */
export interface LogEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  /** After a deletion the last state, at the deletion's version. */
  readonly held: HeldObject;
  /** What was held of that name before. */
  readonly before?: HeldObject;
  readonly resourceVersion: string;
}

export interface EventLogLimits {
  readonly maxEvents: number;
  /** Of the objects of the events. */
  readonly maxBytes: number;
}

/**
 * The recent changes of a collection in the order of their versions, bounded in number and bytes. Readers hold a cursor
 * into it instead of a queue of their own: one that falls too far behind finds its cursor lost (R13).
 */
export class EventLog {
  readonly #limits: EventLogLimits;
  readonly #dropped: (event: LogEvent) => void;
  #events: LogEvent[] = [];
  #bytes = 0;
  /** Cursor of the first of them. */
  #first = 0;
  /** How many of them, at the beginning, are gone. */
  #gone = 0;
  /** Every change above this version is in the log. */
  #startVersion: string;
  /** Ranges of versions of which only a list at their end is known. */
  #gaps: readonly Gap[] = [];

  /** @param dropped is told of each event that leaves the log */
  constructor(startVersion: string, options: EventLogLimits & { readonly dropped: (event: LogEvent) => void }) {
    this.#startVersion = startVersion;
    this.#limits = options;
    this.#dropped = options.dropped;
  }

  /** The cursor behind the newest event. */
  get end(): number {
    return this.#first + this.#events.length;
  }

  /** Those that are still here, oldest first. */
  events(): Iterable<LogEvent> {
    return this.#events;
  }

  /**
   * Notes that the next events are what a list showed: of a reader that stands between the two versions nobody knows what it
   * has seen, for it may have its position from another collection, and the versions of missed deletions are not their own.
   */
  relisted(from: string, to: string): void {
    const known = this.#gaps.filter((gap) => compareVersions(gap.to, this.#startVersion) > 0);
    this.#gaps = [...known.slice(-maxGaps), { from, to }];
  }

  append(event: LogEvent): void {
    this.#events.push(event);
    this.#bytes += event.held.length;
    while (this.#events.length - this.#gone > this.#limits.maxEvents || this.#bytes > this.#limits.maxBytes) {
      const oldest = this.#events[this.#gone];
      if (oldest === undefined) break;
      this.#bytes -= oldest.held.length;
      this.#startVersion = oldest.resourceVersion;
      this.#gone += 1;
      this.#dropped(oldest);
    }
    // Moving all that is left for each event that goes would cost more than the event.
    if (this.#gone < goneEvents) return;
    this.#first += this.#gone;
    this.#events.splice(0, this.#gone);
    this.#gone = 0;
  }

  /** Forgets everything: all cursors given out so far are lost, and so is every version below `startVersion`. */
  reset(startVersion: string): void {
    this.#first = this.end + 1;
    const gone = this.#events.slice(this.#gone);
    this.#events = [];
    this.#gone = 0;
    this.#bytes = 0;
    this.#gaps = [];
    this.#startVersion = startVersion;
    for (const event of gone) this.#dropped(event);
  }

  /** @returns the event at a cursor; nothing at the end, and where it is no longer here */
  at(cursor: number): LogEvent | undefined {
    return cursor < this.#first + this.#gone ? undefined : this.#events[cursor - this.#first];
  }

  /**
   * @returns the cursor of the first event above a version; undefined where the log does not reach back that far, or cannot
   * tell what a reader at that version has seen
   */
  after(version: string): number | undefined {
    if (compareVersions(version, this.#startVersion) < 0) return undefined;
    if (this.#gaps.some((gap) => isWithin(version, gap))) return undefined;
    let low = this.#gone;
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

/** So many are taken off at once. */
const goneEvents = 128;

interface Gap {
  readonly from: string;
  readonly to: string;
}

/** More than that many lists within the length of one log are not told apart. */
const maxGaps = 100;

function isWithin(version: string, { from, to }: Gap): boolean {
  return compareVersions(version, from) > 0 && compareVersions(version, to) < 0;
}
