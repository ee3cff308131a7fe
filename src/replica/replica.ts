import type { Cloud } from "../cloud/cloud.ts";
import type { Link } from "../cloud/link.ts";
import type { Scope } from "../identity/scope.ts";
import type { ObjectMeta } from "../kube/object_meta.ts";
import { isBuiltinGroup, type Query, queryKey, selectedNameOf } from "../kube/resources.ts";
import { remainder } from "../kube/query_matcher.ts";
import { compareVersions } from "../kube/resource_version.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import type { Store } from "../platform/store.ts";
import { Collection, type CollectionChange, type Snapshot } from "./collection.ts";
import { CollectionRows, decodeHeld, encodeHeld, readRows } from "./collection_rows.ts";
import { DocumentRows } from "./document_rows.ts";
import { EventFrames } from "./event_frames.ts";
import { Freshness } from "./freshness.ts";
import type { ObjectPath } from "./object_path.ts";
import { type HeldObject, ObjectRows } from "./object_rows.ts";
import { type HeldRecord, Records } from "./records.ts";
import { Reflectors } from "./reflectors.ts";
import { RowBatch } from "./row_batch.ts";
import { View } from "./view.ts";

export interface ReplicaOptions {
  readonly cloud: Cloud;
  readonly link: Link;
  /** Seals what it keeps. */
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Of hot plaintext. */
  readonly memoryMaxBytes: number;
}

const maxRecordBytes = 32 * 1024 * 1024;
/** Objects that were seen to be deleted; a stale collection that still holds one does not show it. */
const maxTombstones = 10_000;

/** What the hub holds of the cloud: collections with their reflectors, and records beside them. */
export class Replica {
  readonly batch: RowBatch;
  readonly rows: ObjectRows;
  readonly frames: EventFrames;
  readonly records: Records;
  readonly documents: DocumentRows;
  readonly freshness: Freshness = new Freshness();
  readonly reflectors: Reflectors;
  readonly #options: ReplicaOptions;
  readonly #collectionRows: CollectionRows;
  readonly #collections = new Map<string, Collection>();
  /** The same by group and resource, in all versions of the API. */
  readonly #byResource = new Map<string, Set<Collection>>();
  readonly #tombstones = new Set<string>();

  constructor(options: ReplicaOptions) {
    const { store, clock, logger } = options;
    this.#options = options;
    this.batch = new RowBatch(options);
    this.rows = new ObjectRows(this.batch, options.memoryMaxBytes);
    this.frames = new EventFrames(this.rows);
    this.documents = new DocumentRows(this.batch);
    this.#collectionRows = new CollectionRows({ store, batch: this.batch, logger, now: () => clock.now() });
    this.reflectors = new Reflectors(options);
    this.records = new Records({
      rows: this.rows,
      maxBytes: maxRecordBytes,
      changed: (key, record) => this.batch.set(`r|${key}`, record === undefined ? undefined : encodeRecord(record)),
    });
  }

  /** Takes back what the store holds. Before anything is answered. */
  async restore(): Promise<void> {
    for (const stored of await this.#collectionRows.load()) {
      this.#create(stored.key, stored.query).restore(stored);
    }
    const { rows, corrupt } = await readRows(this.#options, "r|");
    for (const [row, value] of rows) {
      const record = decodeRecord(value);
      if (record === undefined) this.batch.set(row, undefined);
      else this.records.restore(row.slice(2), record);
    }
    for (const row of corrupt) this.batch.set(row, undefined);
    for await (const row of this.#options.store.keys("o|")) {
      if (!this.rows.holds(row)) this.batch.set(row, undefined); // of a log, which is not kept over a restart (R14)
    }
  }

  /** How many collections there are. */
  get count(): number {
    return this.#collections.size;
  }

  collections(): Iterable<Collection> {
    return this.#collections.values();
  }

  /** The collection of a query, whether or not it has been complete. */
  held(scope: Scope, query: Query): Collection | undefined {
    return this.#collections.get(collectionKey(scope, query));
  }

  /**
   * A view of the newest collection that holds all that a query selects: its own, or a wider one (R10).
   *
   * @param fit which collections will do
   */
  view(query: Query, fit: (collection: Collection) => boolean): View | undefined {
    let newest: View | undefined;
    for (const collection of this.#of(query)) {
      if (!fit(collection)) continue;
      const version = newest?.collection.resourceVersion;
      const order = version === undefined ? 1 : compareVersions(collection.resourceVersion, version);
      const matcher = order < 0 ? undefined : remainder(collection.query, query);
      // Of two that are as new, the query's own.
      if (matcher !== undefined && (order > 0 || matcher.selectsAll)) newest = new View(collection, this.rows, matcher);
    }
    return newest;
  }

  /**
   * The collection of a query, made where missing, with a reflector that keeps it up to date.
   *
   * @returns nothing where the cloud has refused it a moment ago
   */
  reflected(scope: Scope, query: Query): Collection | undefined {
    const key = collectionKey(scope, query);
    if (this.reflectors.isRefused(key)) return undefined;
    let collection = this.#collections.get(key);
    // One that was refused is asked for anew: the node may have been granted it since.
    if (collection?.state === "refused") {
      this.drop(collection);
      collection = undefined;
    }
    collection ??= this.#create(key, query);
    collection.touch();
    this.reflectors.start(collection);
    return collection;
  }

  /**
   * Takes a complete list that the cloud gave to a client: a full sync of its collection, which is made if need be, as a
   * stale one (R2). A collection that a reflector keeps knows better.
   */
  listed(scope: Scope, query: Query, snapshot: Snapshot): void {
    const key = collectionKey(scope, query);
    const known = this.#collections.get(key);
    if (known !== undefined && this.reflectors.runs(known)) return;
    if (known?.synced && compareVersions(snapshot.resourceVersion, known.resourceVersion) < 0) return; // an answer that was overtaken
    if (known?.state === "refused") this.drop(known);
    const collection = this.#collections.get(key) ?? this.#create(key, query);
    collection.replace(snapshot);
    collection.enter("stale");
    collection.touch();
  }

  /** The newest that is held of one object, in whichever collection or record. */
  find(path: ObjectPath): HeldObject | undefined {
    let newest: HeldObject | undefined = this.#record(path);
    for (const collection of this.#of(path)) {
      const held = collection.get(path.namespace, path.name);
      if (held === undefined || this.isGone(held)) continue;
      if (newest === undefined || compareVersions(held.meta.resourceVersion, newest.meta.resourceVersion) > 0) {
        newest = held;
      }
    }
    return newest;
  }

  /** The newest version at which anything is known of an object's resource; "0" where nothing is. */
  versionOf(path: ObjectPath): string {
    let newest = this.records.get(path)?.meta.resourceVersion ?? "0";
    for (const { resourceVersion } of this.#of(path)) {
      if (compareVersions(resourceVersion, newest) > 0) newest = resourceVersion;
    }
    return newest;
  }

  /** Whether a deletion of that very object was seen, by whichever collection or answer (R2). */
  isGone({ meta }: HeldObject): boolean {
    return this.#tombstones.has(meta.uid);
  }

  /** Whether a collection that was complete once would hold that name if it existed: only then is its absence known (R11). */
  covers(path: ObjectPath): boolean {
    return this.#covering(path, (collection) => collection.synced) !== undefined;
  }

  /** A live collection that would hold that name if it existed (R1). */
  covering(path: ObjectPath): Collection | undefined {
    return this.#covering(path, (collection) => collection.state === "live");
  }

  /** A write's answer has shown this version of an object: whatever is read next must not go behind it (R5). */
  shown(path: ObjectPath, object: { readonly meta: ObjectMeta; readonly bytes: Uint8Array }): void {
    this.#spread(path, object);
  }

  /** A write's answer has shown that an object is gone (R2, R5). */
  shownGone(path: ObjectPath, uid: string): void {
    this.#bury(uid);
    this.records.remove(path, uid);
    this.#requireGone(path, uid);
  }

  /** Lets go of a collection. */
  drop(collection: Collection): void {
    this.#collections.delete(collection.key);
    this.#siblings(collection.query).delete(collection);
    this.#collectionRows.drop(collection);
    this.reflectors.stop(collection);
    collection.drop();
  }

  /** A collection of which something cannot be read: it is dropped, to be fetched again, and never served (R11). */
  damaged(collection: Collection, error: Error): void {
    this.#options.logger.log("error", "A collection cannot be read from the store: it is dropped", {
      collection: collection.key,
      error: error.message,
    });
    this.drop(collection);
  }

  /** An object whose bytes cannot be read: whatever holds it goes. */
  lost(held: HeldObject, error: Error): void {
    for (const collection of [...this.#collections.values()]) {
      if (collection.get(held.meta.namespace, held.meta.name)?.row === held.row) this.damaged(collection, error);
    }
    this.records.forget(held.row);
  }

  async close(): Promise<void> {
    await this.reflectors.close();
    await this.batch.close();
  }

  /** A record, unless a collection that covers its name has passed its version: what that holds, or lacks, is newer (R2). */
  #record(path: ObjectPath): HeldRecord | undefined {
    const record = this.records.get(path);
    if (record === undefined) return undefined;
    const { resourceVersion } = record.meta;
    const passed = this.#covering(path, (known) => compareVersions(known.resourceVersion, resourceVersion) > 0);
    return passed === undefined ? record : undefined;
  }

  #covering(path: ObjectPath, fit: (collection: Collection) => boolean): Collection | undefined {
    for (const collection of this.#of(path)) {
      const { namespace, labelSelector, fieldSelector } = collection.query;
      if (labelSelector !== "" || (namespace !== "" && namespace !== path.namespace)) continue;
      if (fieldSelector !== "" && selectedNameOf(fieldSelector) !== path.name) continue;
      if (fit(collection)) return collection;
    }
    return undefined;
  }

  *#of(path: Omit<ObjectPath, "name" | "namespace">): Iterable<Collection> {
    for (const collection of this.#siblings(path)) {
      if (collection.synced && collection.state !== "refused" && collection.query.version === path.version) {
        yield collection;
      }
    }
  }

  #siblings({ group, resource }: Pick<ObjectPath, "group" | "resource">): Set<Collection> {
    const key = `${group}/${resource}`;
    let siblings = this.#byResource.get(key);
    if (siblings === undefined) {
      siblings = new Set();
      this.#byResource.set(key, siblings);
    }
    return siblings;
  }

  #create(key: string, query: Query): Collection {
    const collection: Collection = new Collection({
      key,
      query,
      rows: this.rows,
      now: () => this.#options.clock.now(),
      changed: (changed, change) => this.#changed(changed, change),
    });
    this.#collections.set(key, collection);
    this.#siblings(query).add(collection);
    return collection;
  }

  #changed(collection: Collection, change: CollectionChange): void {
    const { query } = collection;
    this.#collectionRows.save(collection, change);
    if (change.newEpoch === true) this.records.forgetAll(query);
    for (const meta of change.removed) {
      this.freshness.seenGone(collection, meta.uid);
      this.records.passed({ ...query, namespace: meta.namespace, name: meta.name }, meta);
      if (!selectsForLife(query)) continue;
      const path = { ...query, namespace: meta.namespace, name: meta.name };
      this.#bury(meta.uid);
      this.records.remove(path, meta.uid);
      this.#requireGone(path, meta.uid);
    }
    for (const held of change.put) {
      const { meta } = held;
      const path = { ...query, namespace: meta.namespace, name: meta.name };
      if (change.newEpoch === true) this.#tombstones.delete(meta.uid);
      this.records.passed(path, meta);
      const bytes = this.rows.read(held); // at hand: it has just come
      this.#spread(path, { meta, ...(bytes instanceof Uint8Array ? { bytes } : {}) }, collection);
    }
    // Last: nothing that was shown before counts any more.
    if (change.newEpoch === true) { for (const sibling of this.#siblings(query)) this.freshness.forget(sibling); }
  }

  /** Every other collection that the object belongs to, before or after, must reach its version before it is read (R5). */
  #spread(
    path: ObjectPath,
    object: { readonly meta: ObjectMeta; readonly bytes?: Uint8Array },
    from?: Collection,
  ): void {
    const { meta, bytes } = object;
    for (const collection of this.#siblings(path)) {
      if (collection === from) continue;
      const held = collection.get(meta.namespace, meta.name);
      if (held !== undefined || collection.selects(meta, bytes)) {
        this.freshness.require(collection, meta.resourceVersion);
      }
    }
  }

  /** Every collection that holds the object must see its deletion before it is read (R5). */
  #requireGone(path: ObjectPath, uid: string): void {
    for (const collection of this.#siblings(path)) {
      if (collection.get(path.namespace, path.name)?.meta.uid === uid) this.freshness.requireGone(collection, uid);
    }
  }

  #bury(uid: string): void {
    this.#tombstones.add(uid);
    for (const oldest of this.#tombstones) {
      if (this.#tombstones.size <= maxTombstones) break;
      this.#tombstones.delete(oldest);
    }
  }
}

/** Whether an object that leaves the query's collection is deleted: it cannot change what selects it. */
function selectsForLife({ labelSelector, fieldSelector }: Query): boolean {
  return labelSelector === "" &&
    (fieldSelector === "" || selectedNameOf(fieldSelector) !== undefined ||
      /^spec\.nodeName=[^,]+$/.test(fieldSelector));
}

function collectionKey(scope: Scope, query: Query): string {
  const key = queryKey(query);
  return isBuiltinGroup(query.group) ? key : `${scope.id}:${key}`;
}

function encodeRecord(record: HeldRecord): Uint8Array {
  const held = encodeHeld(record);
  const head = new TextEncoder().encode(`${record.savedAt}\n`);
  const row = new Uint8Array(head.length + held.length);
  row.set(head);
  row.set(held, head.length);
  return row;
}

function decodeRecord(row: Uint8Array): HeldRecord | undefined {
  const end = row.indexOf(10);
  const held = decodeHeld(row.subarray(end + 1));
  const savedAt = Number(new TextDecoder().decode(row.subarray(0, end)));
  return held === undefined || !Number.isFinite(savedAt) ? undefined : { ...held, savedAt };
}
