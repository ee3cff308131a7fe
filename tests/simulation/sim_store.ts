import type { Clock } from "../../src/platform/clock.ts";
import { type Store, type StoreBatch, StoreError } from "../../src/platform/store.ts";
import { createMemoryStore } from "../../src/store/memory_store.ts";
import { CorruptRowsError } from "../../src/store/sealed_store.ts";
import type { Ambush } from "./sim_network.ts";

/** The fault model of the disk: what holds at the moment. */
export interface DiskConditions {
  /** How long a commit takes. */
  readonly commitMs: number;
  /** Commits fail for want of room. */
  readonly full: boolean;
}

/** A store in memory that outlives the hubs that use it, with a slow, full or damaged disk below. */
export class SimStore {
  readonly #clock: Clock;
  readonly #damaged = new Set<string>();
  #rows: Store = createMemoryStore();
  #conditions: DiskConditions = { commitMs: 0, full: false };
  #ambush: Ambush | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  set(conditions: Partial<DiskConditions>): void {
    this.#conditions = { ...this.#conditions, ...conditions };
  }

  /** Something that happens at the next commit, before or after its rows are on disk; nothing to take it back. */
  atNextCommit(happens: Ambush | undefined): void {
    this.#ambush = happens;
  }

  #meet(when: Ambush["when"]): void {
    if (this.#ambush?.when !== when) return;
    const { run } = this.#ambush;
    this.#ambush = undefined;
    run();
  }

  /** Damages one row: it no longer opens. @returns its key, or nothing where there is none */
  async damage(choose: (keys: readonly string[]) => string): Promise<string | undefined> {
    const keys: string[] = [];
    for await (const [key] of this.#rows.list("")) keys.push(key);
    if (keys.length === 0) return undefined;
    const key = choose(keys);
    this.#damaged.add(key);
    return key;
  }

  /** The store as one hub has it; `kill` takes it away: what is not committed by then never is. */
  open(): Store & { kill(): void } {
    let dead = false;
    const isDead = () => dead;
    const rows = this.#rows;
    let last: Promise<void> = Promise.resolve();
    return {
      get: async (key) => {
        if (this.#damaged.has(key)) throw new CorruptRowsError([key], { cut: false });
        return await rows.get(key);
      },
      list: (prefix) => this.#list(prefix),
      keys: (prefix: string) => keysOf(rows, prefix),
      commit: (batch) => {
        const copied = copyOf(batch);
        const commit = last.then(() => this.#commit(copied, isDead));
        last = commit.catch(() => undefined);
        return commit;
      },
      close: () => last,
      kill: () => void (dead = true),
    };
  }

  async *#list(prefix: string): AsyncGenerator<readonly [key: string, value: Uint8Array]> {
    const corrupt: string[] = [];
    for await (const row of this.#rows.list(prefix)) {
      if (this.#damaged.has(row[0])) corrupt.push(row[0]);
      else yield row;
    }
    if (corrupt.length > 0) throw new CorruptRowsError(corrupt, { cut: false });
  }

  async #commit(batch: StoreBatch, isDead: () => boolean): Promise<void> {
    const { commitMs } = this.#conditions;
    if (commitMs > 0) await this.#clock.sleep(commitMs, new AbortController().signal);
    this.#meet("before");
    if (isDead()) return await new Promise(() => undefined); // nobody is there to hear of it
    if (this.#conditions.full) throw new StoreError("full", "database or disk is full");
    for (const [key] of batch.put ?? []) this.#damaged.delete(key);
    for (const key of batch.remove ?? []) this.#damaged.delete(key);
    for (const prefix of batch.removePrefix ?? []) {
      for (const key of this.#damaged) if (key.startsWith(prefix)) this.#damaged.delete(key);
    }
    await this.#rows.commit(batch);
    this.#meet("after");
    if (isDead()) await new Promise(() => undefined);
  }
}

async function* keysOf(rows: Store, prefix: string): AsyncGenerator<string> {
  for await (const [key] of rows.list(prefix)) yield key;
}

function copyOf(batch: StoreBatch): StoreBatch {
  return {
    put: (batch.put ?? []).map(([key, value]) => [key, value.slice()] as const),
    remove: [...batch.remove ?? []],
    removePrefix: [...batch.removePrefix ?? []],
  };
}
