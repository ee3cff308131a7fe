import type { Scope } from "../identity/scope.ts";
import { type Query, queryKey } from "../kube/resources.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import type { Collection, CollectionHead } from "./collection.ts";
import type { HeldObject, ObjectRows } from "./object_rows.ts";

/** A list as it was when its first page was answered. */
export interface PagedList {
  /** Whose it is: it is continued for the same only. */
  readonly scope: Scope;
  readonly query: Query;
  /** From which it was answered. */
  readonly collection: Collection;
  readonly head: CollectionHead;
  /** All of them, in the order of the list. */
  readonly items: readonly HeldObject[];
  /** Of the resource: a new one ends the list. */
  readonly epoch: number;
  /** Since when the cloud had not confirmed it, in milliseconds since 1970; missing where it was up to date. */
  readonly staleSince?: number;
}

export interface PagedListsOptions {
  readonly rows: ObjectRows;
  readonly clock: Clock;
  readonly random: Random;
}

interface Kept {
  readonly list: PagedList;
  readonly bytes: number;
  timer: Timer;
}

/** Lists at most; the oldest goes first. */
export const maxPagedLists = 64;
/** Bytes of the objects of all lists, before sealing. Most of them are those of the collections. */
export const maxPagedListsBytes: number = 128 * 1024 * 1024;
/** How long further pages may be asked for: as long as etcd keeps what it has compacted. */
export const pagedListMs: number = 5 * 60_000;

/**
 * Lists of which further pages may still be asked for (R8): a paged list is one list, so that what was held when its first
 * page was answered is kept, for a time and up to a bound. Without it there is no further page.
 */
export class PagedLists {
  readonly #options: PagedListsOptions;
  /** By what their tokens name them, oldest first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;
  #dropped = 0;

  constructor(options: PagedListsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#kept.size;
  }
  get bytes(): number {
    return this.#bytes;
  }
  /** How many had to go for want of room before their time was up. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Keeps a list, or the one just like it that is kept already.
   *
   * @returns what its tokens name it; nothing where it is larger than all lists together may be
   */
  keep(list: PagedList): string | undefined {
    for (const [id, kept] of this.#kept) {
      if (isSame(kept.list, list)) return this.#renew(id, kept);
    }
    const bytes = list.items.reduce((sum, { length }) => sum + length, 0);
    if (bytes > maxPagedListsBytes) return undefined;
    for (const held of list.items) this.#options.rows.retain(held);
    const id = Array.from(this.#options.random.bytes(16), (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.#kept.set(id, { list, bytes, timer: this.#timer(id) });
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.size <= maxPagedLists && this.#bytes <= maxPagedListsBytes) break;
      this.drop(oldest);
      this.#dropped += 1;
    }
    return id;
  }

  /** The list of that name, where it is kept and is that scope's, of that query. */
  find(id: string, asked: Owned): PagedList | undefined {
    const list = this.#kept.get(id)?.list;
    return list !== undefined && isOfSame(list, asked) ? list : undefined;
  }

  /** Lets go of a list. */
  drop(id: string): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    kept.timer.cancel();
    this.#kept.delete(id);
    this.#bytes -= kept.bytes;
    for (const held of kept.list.items) this.#options.rows.release(held);
  }

  /** Lets go of all. */
  clear(): void {
    for (const id of [...this.#kept.keys()]) this.drop(id);
  }

  close(): void {
    this.clear();
  }

  #renew(id: string, kept: Kept): string {
    kept.timer.cancel();
    kept.timer = this.#timer(id);
    this.#kept.delete(id);
    this.#kept.set(id, kept);
    return id;
  }

  #timer(id: string): Timer {
    return this.#options.clock.setTimer(pagedListMs, () => this.drop(id));
  }
}

function isSame(one: PagedList, other: PagedList): boolean {
  return isOfSame(one, other) && one.collection === other.collection && one.epoch === other.epoch &&
    one.head.resourceVersion === other.head.resourceVersion && one.staleSince === other.staleSince &&
    one.items.length === other.items.length &&
    one.items.every(({ row }, index) => row === other.items[index]?.row);
}

type Owned = Pick<PagedList, "scope" | "query">;

function isOfSame(one: Owned, other: Owned): boolean {
  return one.scope.id === other.scope.id && queryKey(one.query) === queryKey(other.query);
}
