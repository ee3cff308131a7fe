import type { ObjectMeta } from "../kube/object_meta.ts";
import { compareVersions } from "../kube/resource_version.ts";
import { type Codec, jsonCodec } from "./codec.ts";
import { type ObjectPath, objectUnder, pathKey } from "./object_path.ts";
import type { HeldObject, ObjectRows } from "./object_rows.ts";

/** An object that an answer of the cloud showed, beside the collections (R2). */
export interface HeldRecord extends HeldObject {
  /** Milliseconds since 1970. */
  readonly savedAt: number;
  /** In which the cloud showed it: the versions of two epochs do not compare. */
  readonly epoch: number;
  /** Answers to service accounts alone have shown that object: it is nothing to the node (design, section 4). */
  readonly callersOnly: boolean;
}

/** What an answer has shown of an object. */
export interface Recorded {
  readonly bytes: Uint8Array;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
  /** @default the node's own answer */
  readonly callersOnly?: boolean;
}

export interface RecordsOptions {
  /** Now. */
  readonly epoch: () => number;
  readonly rows: ObjectRows;
  /** Bytes of all records together; what only service accounts were shown goes first, then the least recently used. */
  readonly maxBytes: number;
  readonly changed: (key: string, record: HeldRecord | undefined) => void;
}

/**
 * Objects of single answers: they never move a collection's version and never enter its log. One goes when it was seen to
 * be deleted, or when the collection that covers it has passed its version.
 */
export class Records {
  readonly codec: Codec = jsonCodec;
  readonly #options: RecordsOptions;
  readonly #records = new Map<string, HeldRecord>();
  #bytes = 0;
  #dropped = 0;

  constructor(options: RecordsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#records.size;
  }
  get bytes(): number {
    return this.#bytes;
  }
  /** How many had to go for want of room. */
  get dropped(): number {
    return this.#dropped;
  }

  get(path: ObjectPath): HeldRecord | undefined {
    return this.#records.get(pathKey(path));
  }

  *entries(): Iterable<readonly [path: ObjectPath, record: HeldRecord]> {
    for (const [key, record] of this.#records) {
      const path = objectUnder(key);
      if (path !== undefined) yield [path, record];
    }
  }

  /** Keeps an object, unless a newer one of its name and uid is kept. The same version replaces: it may be a local answer. */
  put(path: ObjectPath, { bytes, savedAt, callersOnly: byCaller = false }: Recorded): void {
    const key = pathKey(path);
    const meta = this.codec.readMeta(bytes);
    const old = this.#records.get(key);
    const epoch = this.#options.epoch();
    const isOlder = old?.meta.uid === meta.uid && old.epoch === epoch &&
      compareVersions(meta.resourceVersion, old.meta.resourceVersion) < 0;
    const callersOnly = byCaller && !isNodes(old, meta);
    if (isOlder) return callersOnly === old.callersOnly ? undefined : this.#replace(key, { ...old, callersOnly });
    const record = { ...this.#options.rows.add(path, { meta, bytes }), savedAt, epoch, callersOnly };
    this.#insert(key, record);
    this.#options.changed(key, record);
    this.#bound(); // it may be the one that goes
  }

  /** Keeps an object that a collection has held until now, in place of what is kept of its name. */
  keep(path: ObjectPath, held: HeldObject, { savedAt, callersOnly: byCaller = false }: Omit<Recorded, "bytes">): void {
    const key = pathKey(path);
    const callersOnly = byCaller && !isNodes(this.#records.get(key), held.meta);
    const record = { ...this.#options.rows.retain(held), savedAt, epoch: this.#options.epoch(), callersOnly };
    this.#insert(key, record);
    this.#options.changed(key, record);
    this.#bound(); // it may be the one that goes
  }

  /** Ends the record of a name, where it is of that uid or no uid is known. */
  remove(path: ObjectPath, uid?: string): void {
    const key = pathKey(path);
    const held = this.#records.get(key);
    if (held === undefined || (uid !== undefined && held.meta.uid !== uid)) return;
    this.#delete(key);
    this.#options.changed(key, undefined);
  }

  /** A collection of the same resource has taken an object, or its deletion: a record that is not newer has done its work. */
  passed(path: ObjectPath, { resourceVersion }: Pick<ObjectMeta, "resourceVersion">): void {
    const held = this.get(path);
    if (held !== undefined && compareVersions(held.meta.resourceVersion, resourceVersion) <= 0) this.remove(path);
  }

  /** The records of one resource, in all namespaces or one. */
  *of(resource: Omit<ObjectPath, "name">): Iterable<HeldRecord> {
    const prefix = `${resource.group}/${resource.version}/${resource.resource}/${
      resource.namespace === "" ? "" : `${resource.namespace}/`
    }`;
    for (const [key, record] of this.#records) if (key.startsWith(prefix)) yield record;
  }

  /** The records of one resource, in all versions of its API. */
  *ofAllVersions({ group, resource }: Pick<ObjectPath, "group" | "resource">): Iterable<HeldRecord> {
    for (const [key, record] of this.#records) {
      const [ofGroup, , ofResource] = key.split("/");
      if (ofGroup === group && ofResource === resource) yield record;
    }
  }

  /** Ends the record whose bytes lie in that row. */
  forget(row: string): void {
    for (const [key, record] of this.#records) {
      if (record.row !== row) continue;
      this.#delete(key);
      this.#options.changed(key, undefined);
    }
  }

  /** Takes back what the store held, at start. */
  restore(key: string, record: HeldRecord): void {
    this.#options.rows.retain(record);
    this.#insert(key, record);
    this.#bound();
  }

  /** In place of the same object. */
  #replace(key: string, record: HeldRecord): void {
    this.#records.set(key, record);
    this.#options.changed(key, record);
  }

  #insert(key: string, record: HeldRecord): void {
    this.#delete(key);
    this.#records.set(key, record);
    this.#bytes += record.length;
  }

  #bound(): void {
    if (this.#bytes <= this.#options.maxBytes) return; // looking for who goes reads them all
    for (const oldest of this.#leastFirst()) {
      if (this.#bytes <= this.#options.maxBytes) break;
      this.#delete(oldest);
      this.#dropped += 1;
      this.#options.changed(oldest, undefined);
    }
  }

  /** No service account pushes out what the node was shown: some of that is pinned (R15). */
  *#leastFirst(): Iterable<string> {
    for (const [key, { callersOnly }] of this.#records) if (callersOnly) yield key;
    yield* this.#records.keys();
  }

  #delete(key: string): void {
    const held = this.#records.get(key);
    if (held === undefined) return;
    this.#records.delete(key);
    this.#bytes -= held.length;
    this.#options.rows.release(held);
  }
}

/** Whether a record is of that object and was shown to the node: what has become of it since is the node's to know too. */
export function isNodes(record: HeldRecord | undefined, { uid }: Pick<ObjectMeta, "uid">): record is HeldRecord {
  return record?.callersOnly === false && record.meta.uid === uid;
}
