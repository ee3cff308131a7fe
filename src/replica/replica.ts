import type { Cloud } from "../cloud/cloud.ts";
import type { Link } from "../cloud/link.ts";
import type { Scope } from "../identity/scope.ts";
import { isBuiltinGroup, type Query, queryKey, selectedNameOf } from "../kube/resources.ts";
import { compareVersions } from "../kube/resource_version.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import type { Store } from "../platform/store.ts";
import { Collection, type CollectionChange, type HeldObject, type Snapshot } from "./collection.ts";
import { type ObjectPath, Records } from "./records.ts";
import { Reflector } from "./reflector.ts";
import { ReplicaStore } from "./replica_store.ts";

export interface ReplicaOptions {
  readonly cloud: Cloud;
  readonly link: Link;
  /** Seals what it keeps. */
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Collections held at most; past it, the ones that were not read for longest and have no reader go, but never offline. */
const maxCollections = 2_000;
const maxRecordBytes = 32 * 1024 * 1024;
/** A single-object collection without a reader for this long costs the cloud no watch any more. */
const idleMs = 10 * 60_000;
const sweepMs = 60_000;

/** What the hub holds of the cloud: collections with their reflectors, and records beside them. */
export class Replica {
  readonly store: ReplicaStore;
  readonly records: Records;
  readonly #options: ReplicaOptions;
  readonly #collections = new Map<string, Collection>();
  readonly #reflectors = new Map<string, Reflector>();
  #sweeper: Timer | undefined;
  #closed = false;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.store = new ReplicaStore(options);
    this.records = new Records({
      maxBytes: maxRecordBytes,
      changed: (path, record) => this.store.saveRecord(path, record),
    });
  }

  /** Takes back what the store holds. Before anything is answered. */
  async restore(): Promise<void> {
    for (const stored of await this.store.collections()) {
      const collection = this.#create(stored.key, stored.query);
      collection.restore(stored);
    }
    for (const [path, record] of await this.store.records()) this.records.restore(path, record);
    this.#sweeper = this.#options.clock.setTimer(sweepMs, () => this.#sweep());
  }

  collections(): Iterable<Collection> {
    return this.#collections.values();
  }

  /** The collection of a query, whether or not it has been complete. */
  held(scope: Scope, query: Query): Collection | undefined {
    return this.#collections.get(collectionKey(scope, query));
  }

  /** The collection of a query, made where missing, with a reflector that keeps it up to date. */
  reflected(scope: Scope, query: Query): Collection {
    const key = collectionKey(scope, query);
    let collection = this.#collections.get(key);
    // One that was refused is asked for anew: the node may have been granted it since.
    if (collection?.state === "refused") {
      this.#drop(collection);
      collection = undefined;
    }
    collection ??= this.#create(key, query);
    collection.touch();
    if (!this.#reflectors.has(key) && !this.#closed) {
      const reflector = new Reflector({ ...this.#options, collection });
      this.#reflectors.set(key, reflector);
    }
    return collection;
  }

  /**
   * Takes a complete list that the cloud gave to a client: a full sync of its collection, which is made if need be, as a
   * stale one (R2). A collection that a reflector keeps knows better.
   */
  listed(scope: Scope, query: Query, snapshot: Snapshot): void {
    const key = collectionKey(scope, query);
    const known = this.#collections.get(key);
    if (known?.state === "live" || known?.state === "syncing") return;
    if (known?.synced && compareVersions(snapshot.resourceVersion, known.resourceVersion) < 0) return; // an answer that was overtaken
    if (known?.state === "refused") this.#drop(known); // with its reflector, which has ended
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
      if (held === undefined) continue;
      if (newest === undefined || compareVersions(held.meta.resourceVersion, newest.meta.resourceVersion) > 0) {
        newest = held;
      }
    }
    return newest;
  }

  /** Whether a collection that was complete once would hold that name if it existed: only then is its absence known (R11). */
  covers(path: ObjectPath): boolean {
    return this.#covering(path, (collection) => collection.synced) !== undefined;
  }

  /** A live collection that would hold that name if it existed (R1). */
  covering(path: ObjectPath): Collection | undefined {
    return this.#covering(path, (collection) => collection.state === "live");
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#sweeper?.cancel();
    await Promise.all([...this.#reflectors.values()].map((reflector) => reflector.close()));
    this.#reflectors.clear();
    await this.store.flush();
  }

  /** A record, unless a collection that covers its name has passed its version: what that holds, or lacks, is newer (R2). */
  #record(path: ObjectPath): HeldObject | undefined {
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
    for (const collection of this.#collections.values()) {
      const { group, version, resource } = collection.query;
      if (collection.synced && resource === path.resource && group === path.group && version === path.version) {
        yield collection;
      }
    }
  }

  #create(key: string, query: Query): Collection {
    const collection: Collection = new Collection({
      key,
      query,
      now: () => this.#options.clock.now(),
      changed: (changed, change) => this.#changed(changed, change),
    });
    this.#collections.set(key, collection);
    return collection;
  }

  #changed(collection: Collection, change: CollectionChange): void {
    this.store.saveCollection(collection, change);
    for (const meta of [...change.removed, ...change.put.map((held) => held.meta)]) {
      this.records.passed({ ...collection.query, namespace: meta.namespace, name: meta.name }, meta);
    }
  }

  #drop(collection: Collection): void {
    this.#collections.delete(collection.key);
    this.store.dropCollection(collection.key);
    const reflector = this.#reflectors.get(collection.key);
    this.#reflectors.delete(collection.key);
    void reflector?.close();
  }

  #sweep(): void {
    this.#sweeper = this.#options.clock.setTimer(sweepMs, () => this.#sweep());
    if (this.#options.link.state !== "online") return;
    const now = this.#options.clock.now();
    const unread = [...this.#collections.values()].filter((collection) => collection.watchers === 0)
      .sort((a, b) => a.lastRead - b.lastRead);
    for (const collection of unread) {
      const reflector = this.#reflectors.get(collection.key);
      const single = selectedNameOf(collection.query.fieldSelector) !== undefined;
      if (reflector === undefined || !single || now - collection.lastRead < idleMs) continue;
      this.#reflectors.delete(collection.key);
      void reflector.close();
    }
    for (const collection of unread.slice(0, Math.max(0, this.#collections.size - maxCollections))) {
      this.#options.logger.log("warn", "A collection is dropped, there are too many", { collection: collection.key });
      this.#drop(collection);
    }
  }
}

function collectionKey(scope: Scope, query: Query): string {
  const key = queryKey(query);
  return isBuiltinGroup(query.group) ? key : `${scope.id}:${key}`;
}
