import type { Clock, Timer } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Store } from "../platform/store.ts";

export interface RowBatchOptions {
  /** Seals what it keeps. */
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A row's new value; one that is made when it is committed spares those that are overtaken before. Undefined removes the row. */
export type RowValue = Uint8Array | (() => Uint8Array) | undefined;

/** Changes wait at most this long, and at most this many rows, for their commit (R14). */
const commitDelayMs = 200;
const commitRows = 1_000;
/** After a commit that failed. What waits is kept, one value per row, so it is bounded by the replica itself. */
const retryMs = 5_000;

/**
 * Rows of the store, written in batches off the path of events: all changes made at once are committed together, so that
 * what is read back is a state the API server had (R14). A commit that fails is tried again; meanwhile what waits is read
 * from memory.
 */
export class RowBatch {
  readonly #options: RowBatchOptions;
  /** The newest value of each row that is not in a commit yet; undefined removes it. */
  #pending = new Map<string, RowValue>();
  #committing: ReadonlyMap<string, RowValue> = new Map();
  #committingBytes = 0;
  #pendingBytes = 0;
  #timer: Timer | undefined;
  /** Whether the timer is for as soon as may be. */
  #soon = false;
  #writing: Promise<void> | undefined;
  #failure: string | undefined;
  #closed = false;

  constructor(options: RowBatchOptions) {
    this.#options = options;
  }

  /** Why the last commit failed; undefined where it did not. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Rows that are not committed yet. */
  get pendingRows(): number {
    return this.#pending.size + this.#committing.size;
  }

  /** Bytes that are not committed yet, but for those that are not made yet. */
  get pendingBytes(): number {
    return this.#pendingBytes + this.#committingBytes;
  }

  set(row: string, value: RowValue): void {
    this.#pendingBytes += lengthOf(value) - lengthOf(this.#pending.get(row));
    this.#pending.set(row, value);
    if (this.#writing !== undefined || this.#failure !== undefined) return;
    // Not in this turn: what belongs together is set in one.
    if (this.#pending.size >= commitRows) this.#schedule(0);
    else this.#schedule(commitDelayMs);
  }

  /** The value of a row as it was set last, where it is still in memory; `unknown` where the store must be asked. */
  waiting(row: string): Uint8Array | "removed" | "unknown" {
    for (const rows of [this.#pending, this.#committing]) {
      const value = rows.get(row);
      if (value !== undefined) return made(value);
      if (rows.has(row)) return "removed";
    }
    return "unknown";
  }

  /** @throws StoreError */
  async get(row: string): Promise<Uint8Array | undefined> {
    const waiting = this.waiting(row);
    if (waiting === "removed") return undefined;
    return waiting === "unknown" ? await this.#options.store.get(row) : waiting;
  }

  /** Commits what waits. Never rejects: what could not be committed is tried again. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    this.#cancelTimer();
    if (this.#pending.size === 0) return;
    this.#writing = this.#commit().finally(() => this.#writing = undefined);
    await this.#writing;
    if (this.#pending.size > 0) this.#schedule(this.#failure === undefined ? commitDelayMs : retryMs);
  }

  /** Commits what waits, once; what is set after it stays in memory. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
  }

  #schedule(delayMs: number): void {
    if (this.#closed || this.#soon || (this.#timer !== undefined && delayMs > 0)) return;
    this.#cancelTimer();
    this.#soon = delayMs === 0;
    this.#timer = this.#options.clock.setTimer(delayMs, () => void this.flush());
  }

  #cancelTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#soon = false;
  }

  async #commit(): Promise<void> {
    const rows = this.#pending;
    const bytes = this.#pendingBytes;
    this.#committingBytes = bytes;
    this.#pending = new Map();
    this.#pendingBytes = 0;
    this.#committing = rows;
    const put: [string, Uint8Array][] = [];
    const remove: string[] = [];
    for (const [row, value] of rows) {
      if (value === undefined) remove.push(row);
      else put.push([row, made(value)]);
    }
    try {
      await this.#options.store.commit({ put, remove });
      this.#report(undefined);
    } catch (error) {
      this.#report(error instanceof Error ? error.message : String(error));
      const newer = this.#pending;
      this.#pending = rows;
      this.#pendingBytes = bytes;
      for (const [row, value] of newer) {
        this.#pendingBytes += lengthOf(value) - lengthOf(rows.get(row));
        rows.set(row, value);
      }
    } finally {
      this.#committing = new Map();
      this.#committingBytes = 0;
    }
  }

  #report(failure: string | undefined): void {
    if (failure !== undefined && this.#failure === undefined) {
      this.#options.logger.log("error", "Cannot write to the store, going on from memory", { error: failure });
    } else if (failure === undefined && this.#failure !== undefined) {
      this.#options.logger.log("info", "The store can be written again");
    }
    this.#failure = failure;
  }
}

function lengthOf(value: RowValue): number {
  return value instanceof Uint8Array ? value.length : 0;
}

function made(value: Uint8Array | (() => Uint8Array)): Uint8Array {
  return value instanceof Uint8Array ? value : value();
}
