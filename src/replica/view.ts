import type { ObjectMeta } from "../kube/object_meta.ts";
import type { Matcher } from "../kube/query_matcher.ts";
import type { Collection } from "./collection.ts";
import type { LogEvent } from "./event_log.ts";
import type { HeldObject, ObjectRows } from "./object_rows.ts";

/** What a reader sees of a collection: all of it, or what a narrower query selects of it (R10). */
export class View {
  readonly collection: Collection;
  readonly #rows: ObjectRows;
  readonly #matcher: Matcher | undefined;

  /** @param matcher what is still to be asked of the collection's objects; all are seen without it */
  constructor(collection: Collection, rows: ObjectRows, matcher?: Matcher) {
    this.collection = collection;
    this.#rows = rows;
    this.#matcher = matcher?.selectsAll === true ? undefined : matcher;
  }

  /** Whether it is the collection as it is. */
  get whole(): boolean {
    return this.#matcher === undefined;
  }

  /** @throws StoreError, MissingRowError */
  sees(held: HeldObject): boolean | Promise<boolean> {
    const matcher = this.#matcher;
    if (matcher === undefined) return true;
    const bytes = matcher.needsObject ? this.#rows.read(held) : noBytes;
    if (bytes instanceof Uint8Array) return matcher.matches(held.meta, bytes) === true;
    return bytes.then((read) => matcher.matches(held.meta, read) === true);
  }

  /** Whether an object of these bytes would be seen, whatever is held of it. */
  selects(meta: ObjectMeta, bytes: Uint8Array): boolean {
    return this.collection.selects(meta, bytes) && this.#matcher?.matches(meta, bytes) !== false;
  }

  /** Those of some objects that are seen, in their order. @throws StoreError, MissingRowError */
  async filter<T extends HeldObject>(objects: readonly T[]): Promise<readonly T[]> {
    if (this.whole) return objects;
    const seen: T[] = [];
    for (const held of objects) {
      const sees = this.sees(held);
      if (sees === true || (sees !== false && await sees)) seen.push(held);
    }
    return seen;
  }

  /**
   * An event as this view's watchers get it: an object that begins to be selected is ADDED, one that ends DELETED with its
   * last selected state, as the API server's own watch cache has it.
   *
   * @returns nothing where it does not concern them
   * @throws StoreError, MissingRowError
   */
  event(event: LogEvent): LogEvent | undefined | Promise<LogEvent | undefined> {
    return this.whole ? event : this.#translated(event);
  }

  async #translated(event: LogEvent): Promise<LogEvent | undefined> {
    const { type, held, resourceVersion } = event;
    const before = event.before?.meta.uid === held.meta.uid ? event.before : undefined; // another one has gone before
    // A deletion that was missed has the last known state for both.
    const had = type === "DELETED" && before === undefined
      ? await this.sees(held)
      : type !== "ADDED" && before !== undefined && await this.sees(before); // the one before may be of another uid
    const has = type !== "DELETED" && await this.sees(held);
    if (had && has) return { ...event, type: "MODIFIED" };
    if (has) return { ...event, type: "ADDED" };
    if (!had) return undefined;
    return type === "DELETED" ? event : { type: "DELETED", held: before ?? held, resourceVersion };
  }
}

const noBytes = new Uint8Array();
