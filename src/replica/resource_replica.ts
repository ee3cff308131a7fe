import type { ObjectMeta } from "../kube/object_meta.ts";
import { compileQuery, remainder } from "../kube/query_matcher.ts";
import { type Query, selectedNameOf } from "../kube/resources.ts";
import { compareVersions } from "../kube/resource_version.ts";
import type { CloudHistory } from "./cloud_history.ts";
import type { Collection, ResourceEpoch } from "./collection.ts";
import type { Removed } from "./list_difference.ts";
import { objectKey, type ObjectPath, objectPath } from "./object_path.ts";
import type { HeldObject, ObjectRows } from "./object_rows.ts";
import type { Freshness } from "./freshness.ts";
import { type HeldRecord, isNodes, type Records } from "./records.ts";
import { View } from "./view.ts";

/** Objects of one resource that were seen to be deleted; a stale collection that still holds one does not show it. */
const maxTombstones = 10_000;

/** What a collection or record tells of one name: what it was at a version, or that it was not there. */
interface Known {
  readonly epoch: number;
  readonly version: string;
  readonly held: HeldObject | undefined;
  /** When that was, in milliseconds since 1970; missing where it is up to date. */
  readonly staleSince?: number;
}

/** The newest that is held of one object. */
export interface Found {
  readonly held: HeldObject;
  /** When it was the newest, in milliseconds since 1970; missing where it is up to date. */
  readonly staleSince?: number;
}

/** An object as it was shown; its bytes where they are at hand. */
export interface ShownObject {
  readonly meta: ObjectMeta;
  readonly bytes?: Uint8Array;
}

/** To whom something is shown: the node, or a service account that was granted what it asks. */
export type Audience = "node" | "granted";

type NamedVersion = Pick<ObjectMeta, "namespace" | "name" | "uid" | "resourceVersion">;

export interface ResourceReplicaOptions {
  readonly group: string;
  readonly resource: string;
  readonly records: Records;
  readonly rows: ObjectRows;
  readonly freshness: Freshness;
  readonly history: CloudHistory;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * What is held of one resource of one group, in all versions of its API: its collections, the deletions that were seen, and
 * the epoch within which its versions can be compared.
 */
export class ResourceReplica implements ResourceEpoch {
  readonly collections: Set<Collection> = new Set();
  readonly #options: ResourceReplicaOptions;
  readonly #tombstones = new Set<string>();
  #tombstoneEpoch = 0;

  constructor(options: ResourceReplicaOptions) {
    this.#options = options;
  }

  /** Of what the cloud said last; what was confirmed in an earlier one is older, whatever its version. */
  get epoch(): number {
    return this.#options.history.restores;
  }

  /**
   * The cloud was found to have left the history of a collection, or of what lies beside the collections: a restored etcd, or
   * another cluster. Nothing that was shown before counts any more: what was seen to be deleted may be there again. Where a
   * restore was found before, what was shown since stays.
   */
  beginEpoch(collection?: Collection): void {
    const { records, history } = this.#options;
    history.left(collection);
    this.#forgetUndone();
    for (const { row, epoch } of [...records.ofAllVersions(this.#options)]) if (epoch < this.epoch) records.forget(row);
    this.forgetShown();
  }

  /** What the collections of an earlier epoch had to show does not count for them any more. */
  forgetShown(): void {
    for (const one of this.collections) if (one.resourceEpoch < this.epoch) this.#options.freshness.forget(one);
  }

  highestVersion(): string {
    let highest = "0";
    const offer = (version: string) => {
      if (version !== "" && compareVersions(version, highest) > 0) highest = version;
    };
    for (const { epoch, meta } of this.#options.records.ofAllVersions(this.#options)) {
      if (epoch === this.epoch) offer(meta.resourceVersion);
    }
    for (const { resourceEpoch, resourceVersion } of this.collections) {
      if (resourceEpoch === this.epoch) offer(resourceVersion);
    }
    return highest;
  }

  /**
   * An answer, or an event of one collection, has shown an object: every other collection that it belongs to, before or
   * after, must reach its version before it is read (R5).
   */
  shown({ meta, bytes }: ShownObject, from?: Collection): void {
    for (const collection of this.collections) {
      if (collection === from) continue;
      const held = collection.get(meta.namespace, meta.name);
      if (held === undefined && !collection.selects(meta, bytes)) continue;
      this.#options.freshness.require(collection, meta.resourceVersion);
    }
    this.#buryOlder(meta);
  }

  /**
   * An answer, or a collection's event, has shown that an object is gone: every collection that holds it must see that before
   * it is read (R2, R5).
   *
   * @param resourceVersion of the deletion, where it is known
   */
  shownGone(
    path: ObjectPath,
    { uid, resourceVersion }: { readonly uid: string; readonly resourceVersion?: string },
  ): void {
    const { records, freshness } = this.#options;
    this.#bury(uid);
    records.remove(path, uid);
    for (const collection of this.collections) {
      if (collection.get(path.namespace, path.name)?.meta.uid === uid) freshness.requireGone(collection, uid);
    }
    if (resourceVersion === undefined) return;
    records.passed(path, { resourceVersion });
    this.#buryOlder({ ...path, uid, resourceVersion });
  }

  /** A collection has taken an object. What is recorded of it goes, unless the object may leave the collection's selection. */
  took(object: ShownObject, by: Collection): void {
    const path = objectPath(by.query, object.meta);
    if (by.leave.callersOnly) this.#passedForCallers(path, object);
    else if (selectsForLife(by.query)) this.#options.records.passed(path, object.meta);
    this.shown(object, by);
  }

  /** An object has left a collection: it was deleted, or it is no longer what the query selects. */
  left({ meta, last }: Removed, from: Collection): void {
    const { records, freshness } = this.#options;
    const path = objectPath(from.query, meta);
    freshness.seenGone(from, meta.uid);
    if (selectsForLife(from.query)) {
      records.passed(path, meta);
      return this.shownGone(path, meta);
    }
    this.#keepLast(path, last, from);
    for (const collection of this.collections) {
      if (collection === from || collection.get(meta.namespace, meta.name)?.meta.uid !== meta.uid) continue;
      freshness.require(collection, from.resourceVersion);
    }
  }

  /** Whether a deletion of that very object was seen, by whichever collection or answer (R2). */
  isGone({ meta }: HeldObject): boolean {
    this.#forgetUndone();
    return this.#tombstones.has(meta.uid);
  }

  /** Those of an API version that were complete once and are not refused. */
  *synced(version: string): Iterable<Collection> {
    for (const collection of this.collections) {
      if (collection.synced && collection.state !== "refused" && collection.query.version === version) yield collection;
    }
  }

  /**
   * A view of the newest collection that holds all that a query selects: its own, or a wider one (R10).
   *
   * @param fit which collections will do
   */
  view(query: Query, fit: (collection: Collection) => boolean, audience: Audience = "node"): View | undefined {
    let newest: View | undefined;
    for (const collection of this.synced(query.version)) {
      if (!isFor(audience, collection.leave) || !fit(collection)) continue;
      const order = newest === undefined ? 1 : compareAge(collection, newest.collection);
      const matcher = order < 0 ? undefined : remainder(collection.query, query);
      // Of two that are as new, the query's own.
      if (matcher !== undefined && (order > 0 || matcher.selectsAll)) {
        newest = new View(collection, this.#options.rows, matcher);
      }
    }
    return newest;
  }

  /** The newest that is known of one object; nothing where that is its absence (R2). */
  find(path: ObjectPath, audience: Audience = "node"): Found | undefined {
    const record = this.#options.records.get(path);
    let newest = record === undefined || !isFor(audience, record) ? undefined : this.#recorded(record);
    for (const collection of this.synced(path.version)) {
      if (!isFor(audience, collection.leave)) continue;
      const held = collection.get(path.namespace, path.name);
      if (held === undefined && !covers(collection.query, path)) continue;
      newest = newer({ ...knowledgeOf(collection), held }, newest);
    }
    if (newest?.held === undefined || this.isGone(newest.held)) return undefined;
    const { held, staleSince } = newest;
    return staleSince === undefined ? { held } : { held, staleSince };
  }

  /** The newest version at which anything is known of an object's resource; "0" where nothing is. */
  versionOf(path: ObjectPath): string {
    const record = this.#options.records.get(path);
    let newest = record === undefined ? undefined : this.#recorded(record);
    for (const collection of this.synced(path.version)) {
      newest = newer({ ...knowledgeOf(collection), held: undefined }, newest);
    }
    return newest?.version ?? "0";
  }

  /** A fit collection that would hold that name if it existed: only then is its absence known (R11). */
  covering(
    path: ObjectPath,
    fit: (collection: Collection) => boolean,
    audience: Audience = "node",
  ): Collection | undefined {
    for (const collection of this.synced(path.version)) {
      if (isFor(audience, collection.leave) && covers(collection.query, path) && fit(collection)) return collection;
    }
    return undefined;
  }

  /**
   * The state of a view whose collection is not live: of each name what is known newest, by whichever collection or record
   * (R2). It is the collection's state at its version, in which single objects are newer.
   *
   * @throws StoreError, MissingRowError
   */
  async newestState(view: View): Promise<readonly HeldObject[]> {
    const { collection } = view;
    const held = collection.objects();
    const known = this.#newerThan(collection);
    const matcher = compileQuery(collection.query);
    // Where it cannot be told what is selected (fields of custom resources), the collection's own state is the last true one.
    const isReplaced = (newest: Known | undefined) =>
      newest !== undefined && (matcher.decidable || newest.held === undefined);
    const kept = held.filter((object) =>
      !this.isGone(object) && !isReplaced(known.get(objectKey(object.meta.namespace, object.meta.name)))
    );
    const replacing = matcher.decidable ? [...known.values()].flatMap((newest) => newest.held ?? []) : [];
    const changed = replacing.filter((object) => !this.isGone(object));
    if (changed.length === 0) return await view.filter(kept);
    // What is newer may no longer be what the collection selects.
    const selected = await new View(collection, this.#options.rows, matcher).filter(changed);
    for (const { meta } of selected) {
      if (collection.get(meta.namespace, meta.name)?.meta.uid !== meta.uid) collection.showBeyond(meta.resourceVersion);
    }
    return await view.filter([...kept, ...selected].sort(byKey));
  }

  /**
   * An object that left a selection may be there still: where a collection or record knows its name only from before, its
   * last state is kept, so that nobody is shown an older one.
   */
  #keepLast(path: ObjectPath, last: HeldObject, from: Collection): void {
    const { records, rows, now } = this.#options;
    if (from.resourceEpoch !== this.epoch || !rows.holds(last.row)) return;
    const known: Known = { epoch: this.epoch, version: last.meta.resourceVersion, held: last };
    const isOlder = (other: Known) => newer(known, other) === known;
    const record = records.get(path);
    if (record !== undefined && !isOlder(this.#recorded(record))) return;
    const older = [...this.synced(path.version)].some((other) =>
      other !== from && isOlder({ ...knowledgeOf(other), held: undefined }) &&
      (covers(other.query, path) || other.get(path.namespace, path.name) !== undefined)
    );
    if (record !== undefined || older) {
      records.keep(path, last, { savedAt: now(), callersOnly: from.leave.callersOnly });
    }
  }

  /**
   * What the node was shown goes on to be known to it, also where only service accounts see what becomes of it. What comes
   * after it under its name is another object, and nothing to the node.
   */
  #passedForCallers(path: ObjectPath, { meta, bytes }: ShownObject): void {
    const { records, now } = this.#options;
    if (!isNodes(records.get(path), meta)) return records.passed(path, meta);
    if (bytes !== undefined) records.put(path, { bytes, savedAt: now(), callersOnly: true });
  }

  /** In another epoch what was seen to be deleted may be there again. */
  #forgetUndone(): void {
    if (this.#tombstoneEpoch !== this.epoch) this.#tombstones.clear();
    this.#tombstoneEpoch = this.epoch;
  }

  #bury(uid: string): void {
    this.#forgetUndone();
    this.#tombstones.add(uid);
    for (const oldest of this.#tombstones) {
      if (this.#tombstones.size <= maxTombstones) break;
      this.#tombstones.delete(oldest);
    }
  }

  /** A name was free, or had another object, at that version: those that had it before are gone. */
  #buryOlder({ namespace, name, uid, resourceVersion }: NamedVersion): void {
    for (const collection of this.collections) {
      const meta = collection.get(namespace, name)?.meta;
      if (meta === undefined || meta.uid === uid) continue;
      if (compareVersions(meta.resourceVersion, resourceVersion) < 0) this.#bury(meta.uid);
    }
  }

  /** What is known of single names since a collection's version, by their keys. */
  #newerThan(collection: Collection): ReadonlyMap<string, Known> {
    const { query } = collection;
    const found = new Map<string, Known>();
    const own = { ...knowledgeOf(collection), held: undefined };
    const offer = (key: string, known: Known) => {
      const before = found.get(key) ?? own;
      const newest = newer(known, before);
      if (newest !== before) found.set(key, newest);
    };
    for (const other of this.synced(query.version)) {
      if (other === collection || compareAge(other, collection) <= 0) continue;
      const at = knowledgeOf(other);
      for (const held of other.objects()) {
        if (isWithin(query, held)) offer(objectKey(held.meta.namespace, held.meta.name), { ...at, held });
      }
      for (const { meta } of collection.objects()) {
        if (other.get(meta.namespace, meta.name) !== undefined || !covers(other.query, { ...query, ...meta })) continue;
        offer(objectKey(meta.namespace, meta.name), { ...at, held: undefined });
      }
    }
    for (const record of this.#options.records.of(query)) {
      offer(objectKey(record.meta.namespace, record.meta.name), this.#recorded(record));
    }
    return found;
  }

  /** Records of an earlier epoch have ended with it. */
  #recorded(record: HeldRecord): Known {
    return { epoch: record.epoch, version: record.meta.resourceVersion, held: record, staleSince: record.savedAt };
  }
}

function isFor(audience: Audience, { callersOnly }: { readonly callersOnly: boolean }): boolean {
  return !callersOnly || audience === "granted";
}

function knowledgeOf({ resourceEpoch, resourceVersion, state, since }: Collection): Omit<Known, "held"> {
  const stale = state === "live" ? {} : { staleSince: since };
  return { epoch: resourceEpoch, version: resourceVersion, ...stale };
}

/** Of two that are as new, the second. */
function newer(one: Known, other: Known | undefined): Known {
  if (other === undefined) return one;
  const order = one.epoch - other.epoch || compareVersions(one.version, other.version);
  return order > 0 ? one : other;
}

function compareAge(one: Collection, other: Collection): number {
  return one.resourceEpoch - other.resourceEpoch || compareVersions(one.resourceVersion, other.resourceVersion);
}

/** Whether an object that leaves the query's collection is deleted: it cannot change what selects it. */
function selectsForLife({ labelSelector, fieldSelector }: Query): boolean {
  return labelSelector === "" &&
    (fieldSelector === "" || selectedNameOf(fieldSelector) !== undefined ||
      /^spec\.nodeName=[^,]+$/.test(fieldSelector));
}

/** Whether a query's complete state would show that name if it existed. */
function covers({ namespace, labelSelector, fieldSelector }: Query, path: ObjectPath): boolean {
  if (labelSelector !== "" || (namespace !== "" && namespace !== path.namespace)) return false;
  return fieldSelector === "" || selectedNameOf(fieldSelector) === path.name;
}

function isWithin({ namespace }: Query, { meta }: HeldObject): boolean {
  return namespace === "" || namespace === meta.namespace;
}

function byKey({ meta: a }: HeldObject, { meta: b }: HeldObject): number {
  return objectKey(a.namespace, a.name) < objectKey(b.namespace, b.name) ? -1 : 1;
}
