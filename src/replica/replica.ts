import type { Cloud } from "../cloud/cloud.ts";
import type { Link } from "../cloud/link.ts";
import { isNode, nodeScope, type Scope } from "../identity/scope.ts";
import { isBuiltinGroup, type Query, queryKey } from "../kube/resources.ts";
import { compareVersions } from "../kube/resource_version.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import type { Store } from "../platform/store.ts";
import { jsonCodec } from "./codec.ts";
import { CallerTokens } from "./caller_tokens.ts";
import { Carriers } from "./carriers.ts";
import { Collection, type CollectionChange, type Snapshot } from "./collection.ts";
import { CollectionRows } from "./collection_rows.ts";
import { DocumentRows } from "./document_rows.ts";
import { EventFrames } from "./event_frames.ts";
import { CloudHistory } from "./cloud_history.ts";
import { Freshness } from "./freshness.ts";
import { type HeldObject, objectPrefix, ObjectRows } from "./object_rows.ts";
import { Overlays } from "./overlays.ts";
import { RecordRows } from "./record_rows.ts";
import { Records } from "./records.ts";
import { Reflectors } from "./reflectors.ts";
import { ResourceReplica } from "./resource_replica.ts";
import { RowBatch } from "./row_batch.ts";

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
/** Collections that one service account may have made: past it its requests go to the cloud, until one of them goes. */
export const maxScopeCollections = 100;

/** In the store while a hub has it, and after one that was killed: there may then be objects that only its logs held. */
export const openRow = "h|open";

/** What the hub holds of the cloud: collections with their reflectors, and records beside them. */
export class Replica {
  readonly batch: RowBatch;
  readonly rows: ObjectRows;
  readonly frames: EventFrames;
  readonly records: Records;
  readonly documents: DocumentRows;
  /** Writes that wait for the cloud, over what it gave. */
  readonly overlays: Overlays;
  readonly freshness: Freshness = new Freshness();
  /** In whose name the cloud is asked. */
  readonly carriers: Carriers;
  readonly reflectors: Reflectors;
  readonly #options: ReplicaOptions;
  readonly #collectionRows: CollectionRows;
  readonly #recordRows: RecordRows;
  readonly #collections = new Map<string, Collection>();
  readonly #history: CloudHistory;
  readonly #resources = new Map<string, ResourceReplica>();
  /** How many there are by the scope that they were made for. */
  readonly #made = new Map<string, number>();
  #restored = false;

  constructor(options: ReplicaOptions) {
    const { store, clock, logger } = options;
    this.#options = options;
    this.batch = new RowBatch(options);
    this.rows = new ObjectRows(this.batch, options.memoryMaxBytes);
    this.frames = new EventFrames(this.rows);
    const kept = { store, batch: this.batch, logger };
    this.documents = new DocumentRows(kept);
    this.#collectionRows = new CollectionRows({ ...kept, now: () => clock.now() });
    this.#recordRows = new RecordRows(kept);
    this.#history = new CloudHistory(clock, () => this.overlays.restored());
    this.carriers = new Carriers({ clock, tokens: new CallerTokens(clock) });
    this.reflectors = new Reflectors({ ...options, history: this.#history, carriers: this.carriers });
    this.records = new Records({
      epoch: () => this.#history.restores,
      rows: this.rows,
      maxBytes: maxRecordBytes,
      changed: (key, record) => this.#recordRows.save(key, record),
    });
    this.overlays = new Overlays({ records: this.records, collections: (type) => this.of(type).collections });
  }

  /** Takes back what the store holds. Before anything is answered. */
  async restore(): Promise<void> {
    for (const stored of await this.#collectionRows.load()) {
      this.#history.resume(stored.resourceEpoch);
      this.#create(stored.key, stored).restore(stored);
    }
    for (const [key, record] of await this.#recordRows.load()) this.records.restore(key, record);
    await this.documents.restore();
    for await (const row of this.#options.store.keys(objectPrefix)) {
      if (!this.rows.holds(row)) this.batch.set(row, undefined); // of a log, which is not kept over a restart (R14)
    }
    this.batch.set(openRow, new Uint8Array());
    this.#restored = true;
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

  /** Whether the collection of a query is there, or may be made for who asks. */
  hasRoom(scope: Scope, query: Query): boolean {
    return this.held(scope, query) !== undefined || !this.isFull(scope.id);
  }

  /** Whether no more may be made for a service account. */
  isFull(scopeId: string): boolean {
    return !isNode({ id: scopeId }) && (this.#made.get(scopeId) ?? 0) >= maxScopeCollections;
  }

  /** What is held of the resource of a query or an object. */
  of({ group, resource }: Pick<Query, "group" | "resource">): ResourceReplica {
    const key = `${group}/${resource}`;
    let held = this.#resources.get(key);
    if (held === undefined) {
      const { records, rows, freshness } = this;
      const now = () => this.#options.clock.now();
      held = new ResourceReplica({ group, resource, records, rows, freshness, history: this.#history, now });
      this.#resources.set(key, held);
    }
    return held;
  }

  /**
   * The collection of a query, made where missing, with a reflector that keeps it up to date.
   *
   * @param scope who asks: a service account has offered to carry it before
   * @returns nothing where the cloud has refused it a moment ago, or gives it to others only, or where there is no room
   */
  reflected(scope: Scope, query: Query): Collection | undefined {
    const key = collectionKey(scope, query);
    let collection = this.#collections.get(key);
    if (!this.hasRoom(scope, query) || !this.#mayBeGiven(scope, key, collection)) return undefined;
    // One that was refused is asked for anew: the node may have been granted it since. What is held of it stays until then.
    if (collection?.state === "refused" && !collection.synced) {
      this.#remove(collection); // who has offered to carry it goes on to
      collection = undefined;
    }
    collection ??= this.#create(key, { query, makerId: scope.id });
    collection.touch();
    this.reflectors.start(collection);
    return collection;
  }

  /** Whether it is worth to ask the cloud for it, or it is being asked already. */
  #mayBeGiven(scope: Scope, key: string, collection: Collection | undefined): boolean {
    const { carriers, reflectors } = this;
    const isRefused = reflectors.isRefused(key);
    const isCallers = collection?.leave.callersOnly === true;
    const runs = collection !== undefined && reflectors.runs(collection);
    if (isNode(scope)) return !isRefused && !(isCallers && (runs || carriers.isRefused(key, scope.id)));
    if (carriers.hasSponsor(key)) {
      collection?.leave.carried(true);
      return true;
    }
    return !isRefused && !(isCallers && !runs && carriers.isRefused(key, nodeScope.id));
  }

  /**
   * Takes a complete list that the cloud gave to a client: a full sync of its collection, which is made if need be, as a
   * stale one (R2). Of a collection that is live, or has passed it, only what is newer than the collection counts, beside it.
   * Where there is no room for its collection nothing is kept: it was shown, that is all (R5).
   */
  listed(scope: Scope, query: Query, snapshot: Snapshot): void {
    const key = collectionKey(scope, query);
    if (!this.hasRoom(scope, query)) {
      for (const bytes of snapshot.items) this.of(query).shown({ meta: jsonCodec.readMeta(bytes), bytes });
      return;
    }
    const known = this.#collections.get(key);
    const newEpoch = known?.synced === true && known.resourceEpoch !== this.of(query).epoch;
    const passed = known?.synced === true && !newEpoch &&
      compareVersions(snapshot.resourceVersion, known.resourceVersion) < 0;
    const callersOnly = !isNode(scope);
    if (!callersOnly && known?.state !== "refused") known?.leave.grantNode();
    if (known !== undefined && (known.state === "live" || passed)) {
      return this.#recordNewer(known, { ...snapshot, callersOnly });
    }
    if (known?.state === "refused") this.drop(known);
    const collection = this.#collections.get(key) ?? this.#create(key, { query, makerId: scope.id });
    if (callersOnly && !collection.synced) collection.leave.leaveToCallers();
    collection.replace(snapshot, { newEpoch });
    collection.enter("stale");
    collection.touch();
  }

  #recordNewer(
    { query, codec, resourceVersion }: Collection,
    { items, callersOnly }: Snapshot & { readonly callersOnly: boolean },
  ): void {
    for (const bytes of items) {
      const meta = codec.readMeta(bytes);
      if (compareVersions(meta.resourceVersion, resourceVersion) <= 0) continue;
      const path = { ...query, namespace: meta.namespace, name: meta.name };
      this.records.put(path, { bytes, savedAt: this.#options.clock.now(), callersOnly });
      this.of(path).shown({ meta, bytes });
    }
  }

  /** Lets go of a collection. */
  drop(collection: Collection): void {
    this.carriers.forget(collection.key);
    this.#remove(collection);
  }

  #remove(collection: Collection): void {
    if (this.#collections.delete(collection.key)) this.#count(collection, -1);
    this.of(collection.query).collections.delete(collection);
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

  /** Commits what is pending. */
  async close(): Promise<void> {
    await this.reflectors.close();
    if (this.#restored && !this.rows.isRead) this.#endLogs();
    await this.batch.close();
  }

  /** The rows of objects that only a log holds end with the hub: what is left is whole. */
  #endLogs(): void {
    const held = new Set<string>();
    for (const collection of this.#collections.values()) {
      for (const { row } of collection.objects()) held.add(row);
    }
    for (const [, { row }] of this.records.entries()) held.add(row);
    for (const row of this.rows.rows()) if (!held.has(row)) this.batch.set(row, undefined);
    this.batch.set(openRow, undefined);
  }

  #create(key: string, { query, makerId }: Pick<Collection, "query" | "makerId">): Collection {
    const resource = this.of(query);
    const collection: Collection = new Collection({
      key,
      query,
      makerId,
      rows: this.rows,
      resource,
      now: () => this.#options.clock.now(),
      changed: (changed, change) => this.#changed(changed, change),
    });
    this.#collections.set(key, collection);
    this.#count(collection, 1);
    resource.collections.add(collection);
    return collection;
  }

  #count({ makerId }: Collection, change: 1 | -1): void {
    const count = (this.#made.get(makerId) ?? 0) + change;
    if (count === 0) this.#made.delete(makerId);
    else this.#made.set(makerId, count);
  }

  #changed(collection: Collection, change: CollectionChange): void {
    const { query } = collection;
    const resource = this.of(query);
    this.#collectionRows.save(collection, change);
    // What a new epoch lacks was not deleted: its versions mean nothing any more.
    if (change.newEpoch !== true) { for (const removed of change.removed) resource.left(removed, collection); }
    for (const held of change.put) {
      const bytes = this.rows.read(held); // at hand: it has just come
      resource.took({ meta: held.meta, ...(bytes instanceof Uint8Array ? { bytes } : {}) }, collection);
    }
    this.overlays.changed(collection);
    // Last: nothing that was shown before counts any more.
    if (change.newEpoch === true) resource.forgetShown();
  }
}

function collectionKey(scope: Scope, query: Query): string {
  const key = queryKey(query);
  return isBuiltinGroup(query.group) ? key : `${scope.id}:${key}`;
}
