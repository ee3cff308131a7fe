import { z } from "zod";
import { nodeScope } from "../identity/scope.ts";
import type { Query } from "../kube/resources.ts";
import type { StatusError } from "../kube/status.ts";
import { statusErrorOf } from "../kube/status_reader.ts";
import type { Logger } from "../platform/logger.ts";
import type { Store } from "../platform/store.ts";
import { CorruptRowsError } from "../store/sealed_store.ts";
import type { Collection, CollectionChange, CollectionHead } from "./collection.ts";
import type { HeldObject } from "./object_rows.ts";
import type { RowBatch } from "./row_batch.ts";

/** A collection as it was read back. */
export interface StoredCollection {
  readonly key: string;
  readonly query: Query;
  readonly makerId: string;
  readonly head: CollectionHead;
  readonly objects: readonly HeldObject[];
  readonly resourceEpoch: number;
  readonly shownBeyond: string;
  readonly staleSince: number;
  readonly refusal?: StatusError;
  readonly callersOnly: boolean;
  readonly lastRead: number;
  readonly lastWatched: number;
}

export interface CollectionRowsOptions {
  readonly store: Store;
  readonly batch: RowBatch;
  readonly logger: Logger;
  readonly now: () => number;
}

const heldSchema = z.object({
  row: z.string(),
  length: z.number(),
  meta: z.object({
    apiVersion: z.string(),
    kind: z.string(),
    namespace: z.string(),
    name: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    labels: z.record(z.string(), z.string()),
    deletionTimestamp: z.string().exactOptional(),
    generation: z.number().exactOptional(),
    initialEventsEnd: z.boolean(),
  }),
});

const headSchema = z.object({
  query: z.object({
    group: z.string(),
    version: z.string(),
    resource: z.string(),
    namespace: z.string(),
    labelSelector: z.string(),
    fieldSelector: z.string(),
  }),
  head: z.object({ apiVersion: z.string(), kind: z.string(), listKind: z.string(), resourceVersion: z.string() }),
  resourceEpoch: z.number().default(0),
  shownBeyond: z.string().default("0"),
  savedAt: z.number(),
  /** A Status. */
  refusal: z.unknown().optional(),
  callersOnly: z.boolean().default(false),
  makerId: z.string().default(nodeScope.id),
  lastRead: z.number(),
  lastWatched: z.number(),
});

export const collectionPrefix = "c|";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Collections in the store: `c|<collection>|h` head, `c|<collection>|m|<namespace>|<name>` one of its objects, whose bytes lie
 * in a row of their own. Head and members are committed together, so what is read back was complete at that version.
 */
export class CollectionRows {
  readonly #options: CollectionRowsOptions;
  readonly #prefixes = new WeakMap<Collection, string>();

  constructor(options: CollectionRowsOptions) {
    this.#options = options;
  }

  save(collection: Collection, change: CollectionChange): void {
    const { batch } = this.#options;
    const prefix = this.#prefixOf(collection);
    for (const { meta } of change.removed) batch.set(memberRow(prefix, meta.namespace, meta.name), undefined);
    for (const held of change.put) {
      batch.set(memberRow(prefix, held.meta.namespace, held.meta.name), () => encodeHeld(held));
    }
    batch.set(headRow(prefix), () => this.#encodeHead(collection));
  }

  drop(collection: Collection): void {
    const prefix = this.#prefixOf(collection);
    this.#options.batch.set(headRow(prefix), undefined);
    for (const { meta } of collection.objects()) {
      this.#options.batch.set(memberRow(prefix, meta.namespace, meta.name), undefined);
    }
  }

  /**
   * Reads all collections. One with a row that does not open, or without its head, is dropped, to be fetched again: it is
   * never taken for the whole (R11).
   */
  async load(): Promise<StoredCollection[]> {
    const { rows, corrupt } = await readRows(this.#options, collectionPrefix);
    const stored = new Map<string, Rows>();
    for (const [row, value] of rows) {
      const prefix = prefixOfRow(row);
      const collection = stored.get(prefix) ?? { rows: [], members: [] };
      stored.set(prefix, collection);
      collection.rows.push(row);
      if (row === headRow(prefix)) collection.head = value;
      else collection.members.push(value);
    }
    const damaged = new Set(corrupt.map(prefixOfRow));
    const whole: StoredCollection[] = [];
    for (const [prefix, found] of stored) {
      const read = damaged.has(prefix) ? undefined : readCollection(prefix, found);
      if (read !== undefined) whole.push(read);
      else for (const row of found.rows) this.#options.batch.set(row, undefined);
    }
    for (const row of corrupt) this.#options.batch.set(row, undefined);
    return whole;
  }

  #encodeHead(collection: Collection): Uint8Array {
    const { query, makerId, head, resourceEpoch, shownBeyond, lastRead, lastWatched, leave } = collection;
    const { callersOnly } = leave;
    const refusal = collection.refusal?.status();
    const times = { savedAt: this.#options.now(), lastRead, lastWatched };
    return encode({ query, makerId, head, resourceEpoch, shownBeyond, refusal, callersOnly, ...times });
  }

  #prefixOf(collection: Collection): string {
    let prefix = this.#prefixes.get(collection);
    if (prefix === undefined) {
      prefix = prefixOfKey(collection.key);
      this.#prefixes.set(collection, prefix);
    }
    return prefix;
  }
}

interface Rows {
  readonly rows: string[];
  readonly members: Uint8Array[];
  head?: Uint8Array;
}

/** @returns nothing where the head or a member is none */
export function readCollection(
  prefix: string,
  { head, members }: { readonly head?: Uint8Array; readonly members: readonly Uint8Array[] },
): StoredCollection | undefined {
  const parsed = headSchema.safeParse(decode(head));
  const objects = members.map(decodeHeld);
  if (!parsed.success || objects.includes(undefined)) return undefined;
  const { savedAt, refusal: status, ...read } = parsed.data;
  const refusal = statusErrorOf(status);
  return {
    ...read,
    ...(refusal === undefined ? {} : { refusal }),
    key: decodeURIComponent(prefix.slice(2, -1)),
    objects: objects.filter((held) => held !== undefined),
    staleSince: savedAt,
  };
}

export function encodeHeld(held: HeldObject): Uint8Array {
  return encode({ row: held.row, length: held.length, meta: held.meta });
}

/** @returns nothing where the value is no held object */
export function decodeHeld(value: Uint8Array): HeldObject | undefined {
  return heldSchema.safeParse(decode(value)).data;
}

/**
 * Reads all rows of a prefix.
 *
 * @returns those that open, and the keys of those that do not; where too many do not, none counts as readable
 */
export async function readRows(
  { store, logger }: Pick<CollectionRowsOptions, "store" | "logger">,
  prefix: string,
): Promise<{
  readonly rows: readonly (readonly [row: string, value: Uint8Array])[];
  readonly corrupt: readonly string[];
}> {
  const rows: (readonly [row: string, value: Uint8Array])[] = [];
  try {
    for await (const row of store.list(prefix)) rows.push(row);
    return { rows, corrupt: [] };
  } catch (error) {
    if (!(error instanceof CorruptRowsError)) throw error;
    logger.log("error", "Rows of the store cannot be read: what they belong to is dropped", {
      rows: error.keys.length,
    });
    return error.cut
      ? { rows: [], corrupt: [...rows.map(([row]) => row), ...error.keys] }
      : { rows, corrupt: error.keys };
  }
}

function encode(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

function decode(value: Uint8Array | undefined): unknown {
  try {
    return value === undefined ? undefined : JSON.parse(decoder.decode(value));
  } catch {
    return undefined; // no schema takes it: the collection is dropped
  }
}

/** What all rows of a collection begin with. */
export function prefixOfKey(key: string): string {
  return `c|${encodeURIComponent(key)}|`;
}

/** The row of a collection's head. */
export function headRow(prefix: string): string {
  return `${prefix}h`;
}

/** `c|<collection>|` of any of its rows: what stands between is escaped and has no `|`. */
export function prefixOfRow(row: string): string {
  return row.slice(0, row.indexOf("|", 2) + 1);
}

/** The row of one of a collection's objects. */
export function memberRow(prefix: string, namespace: string, name: string): string {
  return `${prefix}m|${namespace}|${name}`;
}
