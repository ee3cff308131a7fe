import { serviceUnavailable } from "../kube/status.ts";
import type { Logger } from "../platform/logger.ts";
import { type Store, type StoreBatch, StoreError } from "../platform/store.ts";
import { readRows } from "./collection_rows.ts";
import { ObjectLocks } from "./object_locks.ts";
import { type ObjectPath, objectUnder, pathKey } from "./object_path.ts";
import {
  decodeEntry,
  decodeSettled,
  encodeEntry,
  encodeSettled,
  type OutboxEntry,
  type Settled,
  type SettledHow,
} from "./outbox_entry.ts";
import type { Overlays } from "./overlays.ts";

export interface OutboxOptions {
  /** Seals what it keeps; a commit survives power loss (R14). */
  readonly store: Store;
  readonly logger: Logger;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Of all rows that wait. Events may take half of it. */
  readonly maxBytes: number;
  readonly overlays: Overlays;
}

/** What the writer of an entry says; the outbox counts and dates it. */
export type OutboxWrite = Pick<OutboxEntry, "path" | "kind" | "uid" | "base" | "pending" | "came" | "manager">;

/** Why an entry has ended, and from which version of the object on the overlay is not needed. */
export interface Settlement {
  readonly how: SettledHow;
  /** Of the push's answer, or of the object as it is where the push was refused; missing where there is none any more. */
  readonly resourceVersion?: string;
  readonly message?: string;
}

const entryPrefix = "w|";
const settledPrefix = "s|";

/** Reports that are kept; the oldest go first. */
const maxSettled = 200;
/** Events that wait at most; the oldest go first, and are reported. */
export const maxOutboxEvents = 1_000;

/**
 * Writes that the cloud has still to get, one entry for each object: durable before they are acknowledged, restored at
 * start, bounded. What has ended is reported by the same commit that removes it, so that nothing is dropped silently.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #entries = new Map<string, OutboxEntry>();
  readonly #sizes = new Map<string, number>();
  readonly #locks = new ObjectLocks();
  readonly #listeners = new Set<() => void>();
  readonly #counts = new Map<SettledHow, number>();
  #settled: readonly Settled[] = [];
  #bytes = 0;
  #sequence = 0;
  #refused = 0;
  #failure: string | undefined;
  #reporting: Promise<void> = Promise.resolve();

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }
  get bytes(): number {
    return this.#bytes;
  }
  get maxBytes(): number {
    return this.#options.maxBytes;
  }
  /** How many writes were refused for want of room. */
  get refused(): number {
    return this.#refused;
  }
  /** Why the last commit failed; undefined where it did not. */
  get failure(): string | undefined {
    return this.#failure;
  }
  /** What has ended, oldest first. */
  get settled(): readonly Settled[] {
    return this.#settled;
  }
  /** How many have ended how since the start. */
  get counts(): ReadonlyMap<SettledHow, number> {
    return this.#counts;
  }

  get(path: ObjectPath): OutboxEntry | undefined {
    return this.#entries.get(pathKey(path));
  }

  /** In the order in which the objects were first written to. */
  entries(): readonly OutboxEntry[] {
    return [...this.#entries.values()].sort((a, b) => a.sequence - b.sequence);
  }

  /** Calls back after each entry that comes, changes or ends. @returns how to stop that */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Waits until nobody writes to or pushes that object. @returns how to let go. @throws the signal's reason */
  hold(path: ObjectPath, signal: AbortSignal): Promise<() => void> {
    return this.#locks.acquire(pathKey(path), signal);
  }

  /** Takes back what the store holds. Before anything is answered. @throws StoreError */
  async restore(): Promise<void> {
    const entries = await readRows(this.#options, entryPrefix);
    const reports = await readRows(this.#options, settledPrefix);
    const settled = reports.rows.flatMap(([, value]) => decodeSettled(value) ?? []);
    const lost: string[] = [...entries.corrupt];
    for (const [row, value] of entries.rows) {
      const entry = decodeEntry(value);
      if (entry === undefined || rowOf(entry.path) !== row) lost.push(row);
      else this.#insert(entry, value.length);
    }
    for (const { sequence } of [...settled, ...this.#entries.values()]) {
      this.#sequence = Math.max(this.#sequence, sequence);
    }
    this.#settled = settled;
    for (const row of lost) await this.#lose(row);
  }

  /**
   * Takes a write, or folds it into what waits for that object. The caller holds the object.
   *
   * @returns once it is durable
   * @throws StatusError 503 where there is no room, or it cannot be made durable; nothing has changed then
   */
  async put(write: OutboxWrite): Promise<OutboxEntry> {
    const now = this.#options.now();
    const before = this.get(write.path);
    const entry: OutboxEntry = {
      ...write,
      sequence: before?.sequence ?? ++this.#sequence,
      writes: (before?.writes ?? 0) + 1,
      since: before?.since ?? now,
      changedAt: now,
    };
    const row = encodeEntry(entry);
    if (entry.kind !== "status") await this.#makeRoomForEvent(entry, row.length);
    const growth = row.length - (this.#sizes.get(pathKey(entry.path)) ?? 0);
    if (growth > 0 && this.#bytes + growth > this.#options.maxBytes) {
      this.#refused += 1;
      throw serviceUnavailable(`The outbox is full: ${this.#bytes} bytes wait for the cloud`);
    }
    this.#bytes += growth; // reserved: others write meanwhile
    try {
      await this.#commit({ put: [[rowOf(entry.path), row]] });
    } catch (error) {
      this.#bytes -= growth;
      if (!(error instanceof StoreError)) throw error;
      throw serviceUnavailable(`The write cannot be made durable: ${error.message}`);
    }
    this.#bytes -= growth;
    this.#insert(entry, row.length);
    this.#changed();
    return entry;
  }

  /** Ends an entry. The caller holds the object. @throws StoreError where that cannot be made durable; nothing has changed then */
  async settle(entry: OutboxEntry, { how, resourceVersion, message }: Settlement): Promise<void> {
    if (this.get(entry.path) !== entry) return;
    const { path, kind, sequence, uid, writes, since } = entry;
    const told = { path, kind, sequence, uid, writes, since };
    await this.#report({
      ...told,
      settledAt: this.#options.now(),
      how,
      ...(message === undefined ? {} : { message }),
    }, rowOf(path));
    const key = pathKey(path);
    this.#entries.delete(key);
    this.#bytes -= this.#sizes.get(key) ?? 0;
    this.#sizes.delete(key);
    this.#options.overlays.settle(entry, how, resourceVersion);
    this.#changed();
  }

  #insert(entry: OutboxEntry, length: number): void {
    const key = pathKey(entry.path);
    this.#bytes += length - (this.#sizes.get(key) ?? 0);
    this.#sizes.set(key, length);
    this.#entries.set(key, entry);
    this.#options.overlays.put(entry);
  }

  /** The oldest events go where there are too many; those that are being pushed stay. */
  async #makeRoomForEvent(incoming: OutboxEntry, length: number): Promise<void> {
    const others = this.entries().filter(({ kind, path }) =>
      kind !== "status" && pathKey(path) !== pathKey(incoming.path)
    );
    let count = others.length + 1;
    let bytes = others.reduce((sum, { path }) => sum + (this.#sizes.get(pathKey(path)) ?? 0), length);
    for (const event of others) {
      if (count <= maxOutboxEvents && bytes <= this.#options.maxBytes / 2) return;
      const key = pathKey(event.path);
      if (this.#locks.isHeld(key)) continue;
      const release = await this.hold(event.path, new AbortController().signal);
      const size = this.#sizes.get(key) ?? 0;
      try {
        await this.settle(event, { how: "too-many" });
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        throw serviceUnavailable(`The outbox cannot be written: ${error.message}`);
      } finally {
        release();
      }
      count -= 1;
      bytes -= size;
    }
  }

  /** A row that did not open: what it named is all that is known of it. */
  async #lose(row: string): Promise<void> {
    const path = objectUnder(row.slice(entryPrefix.length)) ??
      { group: "", version: "", resource: "", namespace: "", name: row };
    const now = this.#options.now();
    const sequence = ++this.#sequence;
    this.#options.logger.log("error", "A write that waited for the cloud cannot be read: it is lost", { row });
    const told = { path, kind: "status" as const, sequence, uid: "", writes: 0, since: now, settledAt: now };
    try {
      await this.#report({ ...told, how: "unreadable" }, row);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error; // a full disk: the row is found again at the next start
    }
  }

  /** One after the other: what is kept of the reports, in memory and in the store, is one list. */
  #report(report: Settled, row: string): Promise<void> {
    const reporting = this.#reporting.then(() => this.#reportNow(report, row));
    this.#reporting = reporting.catch(() => undefined); // whoever asked for it hears of it
    return reporting;
  }

  async #reportNow(report: Settled, row: string): Promise<void> {
    const kept = [...this.#settled, report];
    const dropped = kept.splice(0, Math.max(0, kept.length - maxSettled));
    await this.#commit({
      put: [[settledRow(report), encodeSettled(report)]],
      remove: [row, ...dropped.map(settledRow)],
    });
    this.#settled = kept;
    this.#counts.set(report.how, (this.#counts.get(report.how) ?? 0) + 1);
    const level = ["pushed", "unchanged"].includes(report.how) ? "debug" : "warn";
    const { group, resource, namespace, name } = report.path;
    this.#options.logger.log(level, "A write that waited for the cloud has ended", {
      ...{ group, resource, namespace, name, how: report.how },
      ...(report.message === undefined ? {} : { message: report.message }),
    });
  }

  async #commit(batch: StoreBatch): Promise<void> {
    try {
      await this.#options.store.commit(batch);
      this.#failure = undefined;
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
      throw error;
    }
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function rowOf(path: ObjectPath): string {
  return entryPrefix + pathKey(path);
}

function settledRow({ sequence }: Settled): string {
  return settledPrefix + String(sequence).padStart(16, "0");
}
