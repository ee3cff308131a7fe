import type { Clock, Timer } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Store } from "../platform/store.ts";
import type { Query } from "../kube/resources.ts";
import { CorruptRowsError } from "../store/sealed_store.ts";
import type { Collection, CollectionChange, Snapshot } from "./collection.ts";
import type { StoredRecord } from "./records.ts";

export interface ReplicaStoreOptions {
  /** Seals what it keeps. */
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A collection as it was read back. */
export interface StoredCollection extends Snapshot {
  readonly key: string;
  readonly query: Query;
  readonly staleSince: number;
}

/** Changes wait at most this long, and at most this many rows, for their commit (R14). */
const commitDelayMs = 200;
const commitRows = 1_000;
/** After a commit that failed. What waits is kept, one row per object, so it is bounded by the replica itself. */
const retryMs = 5_000;

interface Head {
  readonly query: Query;
  readonly apiVersion: string;
  readonly kind: string;
  readonly listKind: string;
  readonly resourceVersion: string;
  readonly savedAt: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Keeps the replica in the store, in batches off the path of events: a batch holds for each collection its objects and
 * the version that they make complete, so that what is read back is a state the API server had.
 *
 * Rows: `c|<collection>|h` head, `c|<collection>|o|<namespace>|<name>` object, `r|<path>` record, `d|<question>` copy of a
 * discovery document.
 */
export class ReplicaStore {
  readonly #options: ReplicaStoreOptions;
  /** The newest value of each row that is not committed yet; undefined removes it. */
  #pending = new Map<string, Uint8Array | undefined>();
  #pendingPrefixes = new Set<string>();
  /** The rows of the commit under way. */
  #committing: ReadonlyMap<string, Uint8Array | undefined> = new Map();
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  #failure: string | undefined;

  constructor(options: ReplicaStoreOptions) {
    this.#options = options;
  }

  /** Why the last commit failed; undefined where it did not. */
  get failure(): string | undefined {
    return this.#failure;
  }

  saveCollection(collection: Collection, change: CollectionChange): void {
    const prefix = collectionPrefix(collection.key);
    for (const { namespace, name } of change.removed) this.#pending.set(objectRow(prefix, namespace, name), undefined);
    for (const { bytes, meta } of change.put) this.#pending.set(objectRow(prefix, meta.namespace, meta.name), bytes);
    const head: Head = {
      query: collection.query,
      apiVersion: collection.apiVersion,
      kind: collection.kind,
      listKind: collection.listKind,
      resourceVersion: collection.resourceVersion,
      savedAt: this.#options.clock.now(),
    };
    this.#pending.set(`${prefix}h`, encoder.encode(JSON.stringify(head)));
    this.#schedule();
  }

  dropCollection(key: string): void {
    this.#dropPrefix(collectionPrefix(key));
  }

  saveRecord(path: string, record: StoredRecord | undefined): void {
    this.#pending.set(
      `r|${path}`,
      record === undefined ? undefined : withHeader({ savedAt: record.savedAt }, record.bytes),
    );
    this.#schedule();
  }

  /** @param header what of the answer's head must be kept with its body */
  saveDocument(question: string, header: unknown, body: Uint8Array): void {
    this.#pending.set(`d|${question}`, withHeader(header, body));
    this.#schedule();
  }

  /** The last copy of a document; a damaged one counts as missing. */
  async document(question: string): Promise<{ readonly header: unknown; readonly body: Uint8Array } | undefined> {
    const row = `d|${question}`;
    try {
      const value = this.#pending.get(row) ?? this.#committing.get(row) ?? await this.#options.store.get(row);
      return value === undefined ? undefined : splitHeader(value);
    } catch (error) {
      if (error instanceof CorruptRowsError) return undefined;
      throw error;
    }
  }

  /**
   * Reads all collections. One with a row that does not open, or without its head, is dropped, to be fetched again: it is
   * never taken for the whole (R11).
   */
  async collections(): Promise<StoredCollection[]> {
    const { rows, corrupt } = await this.#read("c|");
    const stored = new Map<string, { head?: Uint8Array; items: Uint8Array[] }>();
    for (const [row, value] of rows) {
      const prefix = prefixOf(row);
      const collection = stored.get(prefix) ?? { items: [] };
      stored.set(prefix, collection);
      if (row === `${prefix}h`) collection.head = value;
      else collection.items.push(value);
    }
    const damaged = new Set(corrupt.map(prefixOf));
    const whole: StoredCollection[] = [];
    for (const [prefix, { head, items }] of stored) {
      const read = damaged.has(prefix) ? undefined : readHead(head);
      if (read === undefined) damaged.add(prefix);
      else whole.push({ ...read, key: decodeURIComponent(prefix.slice(2, -1)), items, staleSince: read.savedAt });
    }
    for (const prefix of damaged) this.#dropPrefix(prefix);
    return whole;
  }

  /** Reads all records; one that does not open is dropped. */
  async records(): Promise<(readonly [path: string, record: StoredRecord])[]> {
    const { rows, corrupt } = await this.#read("r|");
    for (const row of corrupt) this.#pending.set(row, undefined);
    return rows.map(([row, value]) => {
      const { header, body } = splitHeader(value);
      return [row.slice(2), { savedAt: numberField(header, "savedAt"), bytes: body }] as const;
    });
  }

  /** Commits what waits. Never rejects: what could not be committed is tried again. */
  async flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#writing;
    if (this.#pending.size > 0 || this.#pendingPrefixes.size > 0) {
      this.#writing = this.#commit().finally(() => this.#writing = undefined);
      await this.#writing;
    }
  }

  #schedule(): void {
    if (this.#writing !== undefined || this.#failure !== undefined) return;
    if (this.#pending.size >= commitRows) void this.flush();
    else this.#timer ??= this.#options.clock.setTimer(commitDelayMs, () => void this.flush());
  }

  async #commit(): Promise<void> {
    const rows = this.#pending;
    const prefixes = this.#pendingPrefixes;
    this.#pending = new Map();
    this.#pendingPrefixes = new Set();
    this.#committing = rows;
    const put: [string, Uint8Array][] = [];
    const remove: string[] = [];
    for (const [row, value] of rows) {
      if (value === undefined) remove.push(row);
      else put.push([row, value]);
    }
    try {
      await this.#options.store.commit({ put, remove, removePrefix: [...prefixes] });
      this.#report(undefined);
    } catch (error) {
      this.#report(error instanceof Error ? error.message : String(error));
      // What has come meanwhile is newer: it wins, unless the whole collection went.
      const newer = this.#pending;
      const dropped = [...this.#pendingPrefixes];
      this.#pending = new Map([...rows].filter(([row]) => !dropped.some((prefix) => row.startsWith(prefix))));
      for (const [row, value] of newer) this.#pending.set(row, value);
      for (const prefix of prefixes) this.#pendingPrefixes.add(prefix);
    }
    this.#committing = new Map();
    if (this.#pending.size === 0 && this.#pendingPrefixes.size === 0) return;
    this.#timer ??= this.#options.clock.setTimer(
      this.#failure === undefined ? commitDelayMs : retryMs,
      () => void this.flush(),
    );
  }

  #report(failure: string | undefined): void {
    if (failure !== undefined && this.#failure === undefined) {
      this.#options.logger.log("error", "Cannot write to the store, going on from memory", { error: failure });
    } else if (failure === undefined && this.#failure !== undefined) {
      this.#options.logger.log("info", "The store can be written again");
    }
    this.#failure = failure;
  }

  /** @returns the rows that open, and the keys of those that do not; where too many do not, none counts as readable */
  async #read(prefix: string) {
    const rows: (readonly [row: string, value: Uint8Array])[] = [];
    try {
      for await (const row of this.#options.store.list(prefix)) rows.push(row);
      return { rows, corrupt: [] };
    } catch (error) {
      if (!(error instanceof CorruptRowsError)) throw error;
      this.#options.logger.log("error", "Rows of the store cannot be read: what they belong to is dropped", {
        rows: error.keys.length,
      });
      return error.cut
        ? { rows: [], corrupt: [...rows.map(([row]) => row), ...error.keys] }
        : { rows, corrupt: error.keys };
    }
  }

  #dropPrefix(prefix: string): void {
    for (const row of this.#pending.keys()) if (row.startsWith(prefix)) this.#pending.delete(row);
    this.#pendingPrefixes.add(prefix);
    this.#schedule();
  }
}

function collectionPrefix(key: string): string {
  return `c|${encodeURIComponent(key)}|`;
}

/** `c|<collection>|` of any of its rows: what stands between is escaped and has no `|`. */
function prefixOf(row: string): string {
  return row.slice(0, row.indexOf("|", 2) + 1);
}

function objectRow(prefix: string, namespace: string, name: string): string {
  return `${prefix}o|${namespace}|${name}`;
}

/** One line of JSON, then the bytes. */
function withHeader(header: unknown, body: Uint8Array): Uint8Array {
  const line = encoder.encode(`${JSON.stringify(header)}\n`);
  const row = new Uint8Array(line.length + body.length);
  row.set(line);
  row.set(body, line.length);
  return row;
}

function splitHeader(row: Uint8Array): { readonly header: unknown; readonly body: Uint8Array } {
  const end = row.indexOf(10);
  const header: unknown = JSON.parse(decoder.decode(row.subarray(0, end)));
  return { header, body: row.subarray(end + 1) };
}

function readHead(value: Uint8Array | undefined): Head | undefined {
  const head: unknown = value === undefined ? undefined : JSON.parse(decoder.decode(value));
  return isHead(head) ? head : undefined;
}

function isHead(head: unknown): head is Head {
  return typeof head === "object" && head !== null && "query" in head && typeof head.query === "object" &&
    head.query !== null &&
    "resourceVersion" in head && typeof head.resourceVersion === "string" && "kind" in head &&
    typeof head.kind === "string" &&
    "listKind" in head && typeof head.listKind === "string" && "apiVersion" in head &&
    typeof head.apiVersion === "string" &&
    "savedAt" in head && typeof head.savedAt === "number";
}

function numberField(header: unknown, field: string): number {
  const value: unknown = typeof header === "object" && header !== null ? Reflect.get(header, field) : undefined;
  return typeof value === "number" ? value : 0;
}
