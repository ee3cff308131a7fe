import { z } from "zod";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Store } from "../platform/store.ts";
import { readRows } from "./collection_rows.ts";
import { RowBatch } from "./row_batch.ts";

export interface KeptGrantsOptions {
  /** Seals what it keeps; a commit survives power loss (R14). */
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the cloud has let a caller read. */
export interface Grant {
  /** When the cloud said so last. Monotonic milliseconds; of one from before a restart as the wall clock tells. */
  readonly reviewedAt: number;
  /** Since when the cloud says otherwise. Monotonic milliseconds. */
  deniedSince?: number;
}

/** Grants of one service account at most: the one that was reviewed first goes first. */
export const maxScopeGrants = 1_000;
/** And of all together: who has most gives way. */
export const maxGrants = 10_000;
/** How long is waited for a store that neither takes nor refuses. */
const saveTimeoutMs = 2_000;
const grantPrefix = "g|";

/** Milliseconds since 1970. */
const rowSchema = z.object({ reviewedAt: z.number() });

/** The grants that are held, by keys that begin with the scope and a bar; each sealed in a row of the store. */
export class KeptGrants {
  readonly #options: KeptGrantsOptions;
  readonly #batch: RowBatch;
  /** By scope, by key, the one that was reviewed first in front. */
  readonly #scopes = new Map<string, Map<string, Grant>>();
  #size = 0;
  #dropped = 0;

  constructor(options: KeptGrantsOptions) {
    this.#options = options;
    this.#batch = new RowBatch(options);
  }

  get size(): number {
    return this.#size;
  }
  /** How many had to go for want of room. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Why the last commit failed; undefined where it did not. */
  get failure(): string | undefined {
    return this.#batch.failure;
  }

  *entries(): Iterable<readonly [key: string, grant: Grant]> {
    for (const grants of this.#scopes.values()) yield* grants;
  }

  get(key: string): Grant | undefined {
    return this.#scopes.get(scopeOf(key))?.get(key);
  }

  /** Takes back what the store holds. Before anything is answered. @throws StoreError */
  async restore(): Promise<void> {
    const { rows, corrupt } = await readRows(this.#options, grantPrefix);
    for (const row of corrupt) this.#batch.set(row, undefined);
    const read = rows.map(([row, value]) => ({ row, grant: rowSchema.safeParse(parse(value)).data }));
    read.sort((a, b) => (a.grant?.reviewedAt ?? 0) - (b.grant?.reviewedAt ?? 0));
    for (const { row, grant } of read) {
      if (grant === undefined) this.#batch.set(row, undefined);
      else this.#put(row.slice(grantPrefix.length), { reviewedAt: this.#monotonicOf(grant.reviewedAt) });
    }
  }

  /** Takes a grant that the cloud gives now. */
  set(key: string): void {
    const { clock } = this.#options;
    const row = { reviewedAt: clock.now() };
    this.#batch.set(grantPrefix + key, new TextEncoder().encode(JSON.stringify(row)));
    this.#put(key, { reviewedAt: clock.monotonic() });
  }

  delete(key: string): void {
    const grants = this.#scopes.get(scopeOf(key));
    if (grants?.delete(key) !== true) return;
    this.#size -= 1;
    if (grants.size === 0) this.#scopes.delete(scopeOf(key));
    this.#batch.set(grantPrefix + key, undefined);
  }

  /**
   * Waits until what was set of a grant, or its end, is durable (R14). A store that cannot be written holds nobody up: it is
   * tried again, and meanwhile what is in memory counts.
   */
  async saved(key: string): Promise<void> {
    if (this.#batch.failure !== undefined || this.#batch.waiting(grantPrefix + key) === "unknown") return;
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.setTimer(saveTimeoutMs, resolve);
      void this.#batch.flush().then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** Commits what is pending. */
  async close(): Promise<void> {
    await this.#batch.close();
  }

  /** A clock that went back tells nothing: it may be any time ago. */
  #monotonicOf(reviewedAt: number): number {
    const { clock } = this.#options;
    const ageMs = clock.now() - reviewedAt;
    return ageMs >= 0 ? clock.monotonic() - ageMs : -Infinity;
  }

  #put(key: string, grant: Grant): void {
    const scope = scopeOf(key);
    const grants = this.#scopes.get(scope) ?? new Map<string, Grant>();
    this.#scopes.set(scope, grants);
    if (!grants.delete(key)) this.#size += 1;
    grants.set(key, grant);
    if (grants.size > maxScopeGrants) this.#dropFirst(grants);
    else if (this.#size > maxGrants) this.#dropFirst(this.#largest(grants));
  }

  #largest(own: ReadonlyMap<string, Grant>): ReadonlyMap<string, Grant> {
    let largest = own;
    for (const grants of this.#scopes.values()) if (grants.size > largest.size) largest = grants;
    return largest;
  }

  #dropFirst(grants: ReadonlyMap<string, Grant>): void {
    for (const first of grants.keys()) {
      this.delete(first);
      this.#dropped += 1;
      return;
    }
  }
}

function scopeOf(key: string): string {
  return key.slice(0, key.indexOf("|"));
}

function parse(value: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(value));
  } catch {
    return undefined; // no schema takes it
  }
}
