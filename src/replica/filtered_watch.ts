import { refiltered, type RefilterOptions, type ShownEvent } from "./filtered_event.ts";
import type { ObjectFilter, WatchFilter } from "./object_filter.ts";
import type { ObjectRows } from "./object_rows.ts";

/** By which filter one watch's client has been answered, and what it has to be sent once another counts. */
export class FilteredWatch {
  readonly #source: WatchFilter | undefined;
  /** By which the client has been answered so far. */
  #answered: ObjectFilter | "unknown" | undefined;

  /** @param source missing where nothing is ever filtered */
  constructor(source: WatchFilter | undefined) {
    this.#source = source;
    this.#answered = source?.now();
  }

  /** The client comes from a version at which it may have been answered otherwise. */
  beginAt(resourceVersion: string): void {
    if (this.#source?.isUnknownAt(resourceVersion) === true) this.#answered = "unknown";
  }

  /** By which events go until `changes` has been sent. */
  get filter(): ObjectFilter | undefined {
    return this.#answered === "unknown" ? this.#source?.now() : this.#answered;
  }

  /** Whether another filter counts than the one by which the client was answered. */
  get isBehind(): boolean {
    return this.#source !== undefined && this.#source.now() !== this.#answered;
  }

  /**
   * What the client sees otherwise by the newest filter; it counts as sent.
   *
   * @param isCurrent whether what was looked at is still the state that there is: else nothing is to be sent, and it is asked anew
   * @throws StoreError, MissingRowError, StatusError
   */
  async changes(
    { rows, isCurrent, ...options }: Omit<RefilterOptions, "before" | "after"> & {
      readonly rows: ObjectRows;
      readonly isCurrent: () => boolean;
    },
  ): Promise<readonly ShownEvent[]> {
    const after = this.#source?.now();
    const snapshot = rows.snapshot();
    try {
      const changes = await refiltered({ ...options, before: this.#answered, after });
      if (!isCurrent()) return [];
      this.#answered = after;
      this.#source?.gave(options.view.collection.resourceVersion);
      return changes;
    } finally {
      snapshot.release();
    }
  }

  /** The watch ends where its client stands. */
  end(resourceVersion: string): void {
    if (this.isBehind) this.#source?.leftBehind(resourceVersion);
  }
}
