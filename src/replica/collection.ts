import { nodeScope } from "../identity/scope.ts";
import type { ObjectMeta } from "../kube/object_meta.ts";
import { compileQuery, type Matcher } from "../kube/query_matcher.ts";
import type { Query } from "../kube/resources.ts";
import { compareVersions } from "../kube/resource_version.ts";
import type { StatusError } from "../kube/status.ts";
import { type Codec, jsonCodec } from "./codec.ts";
import { EventLog, type LogEvent } from "./event_log.ts";
import { Leave } from "./leave.ts";
import { listDifference, type Removed } from "./list_difference.ts";
import { missedEvents } from "./missed_events.ts";
import { objectKey, type ObjectPath, objectPath } from "./object_path.ts";
import type { HeldObject, ObjectRows } from "./object_rows.ts";

/**
 * `syncing`: nothing complete yet. `live`: a watch to the cloud runs. `stale`: complete as of its version. `refused`: the
 * cloud gave no leave, or knows no such resource.
 */
export type CollectionState = "syncing" | "live" | "stale" | "refused";

/** What is told after every change, for the store. */
export interface CollectionChange {
  /** Versions from before mean nothing any more. */
  readonly newEpoch?: boolean;
  readonly put: readonly HeldObject[];
  readonly removed: readonly Removed[];
}

/** Within one epoch of a resource the versions of all its collections compare. */
export interface ResourceEpoch {
  readonly epoch: number;
  /** The highest version of anything that is held in this epoch; "0" where nothing is. */
  readonly highestVersion: () => string;
  /** The cloud was found to have left the history of a collection, or of what lies beside the collections. */
  readonly beginEpoch: (collection?: Collection) => void;
}

export interface CollectionOptions {
  readonly key: string;
  readonly query: Query;
  /** The scope that it is made for. @default the node's */
  readonly makerId?: string;
  readonly rows: ObjectRows;
  readonly resource: ResourceEpoch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly changed: (collection: Collection, change: CollectionChange) => void;
}

/** What a collection is complete at, and of which type its objects are. */
export interface CollectionHead {
  /** Of the items, as "v1" and "Pod". */
  readonly apiVersion: string;
  readonly kind: string;
  readonly listKind: string;
  readonly resourceVersion: string;
}

/** A complete list. */
export interface Snapshot extends CollectionHead {
  /** In stored form. */
  readonly items: readonly Uint8Array[];
}

/** What the store held of a collection. Times in milliseconds since 1970. */
export interface RestoredCollection {
  readonly head: CollectionHead;
  readonly objects: readonly HeldObject[];
  readonly resourceEpoch: number;
  readonly shownBeyond: string;
  readonly staleSince: number;
  /** With which the cloud ended what it had granted. */
  readonly refusal?: StatusError;
  readonly callersOnly?: boolean;
  readonly lastRead: number;
  readonly lastWatched: number;
}

const noBytes = new Uint8Array();

/** Bounds of what a watcher may be behind, and of the memory that costs. */
const logLimits = { maxEvents: 1_000, maxBytes: 8 * 1024 * 1024 };

/**
 * The replica of one query: its objects, the version up to which they are complete, a log of recent events and an epoch
 * (design, section 4). It changes only by a complete list or by the cloud's events in order.
 */
export class Collection {
  readonly key: string;
  readonly query: Query;
  /** The scope that it was made for: it counts against what that one may have made, whoever reads it since. */
  readonly makerId: string;
  readonly codec: Codec = jsonCodec;
  readonly log: EventLog;
  readonly leave: Leave = new Leave(() => this.#leaveChanged());
  readonly #options: CollectionOptions;
  readonly #objects = new Map<string, HeldObject>();
  readonly #subscribers = new Set<() => void>();
  #openWatches = 0;
  #pinningWatches = 0;
  /** What a reflector still brings then is for nobody. */
  #dropped = false;
  #sorted: readonly HeldObject[] | undefined;
  #head: CollectionHead = { apiVersion: "", kind: "", listKind: "", resourceVersion: "" };
  #matcher: Matcher | undefined;
  #epoch = 0;
  #resourceEpoch: number;
  #relists = 0;
  #shownBeyond = "0";
  #state: CollectionState = "syncing";
  #since: number;
  #refusal: StatusError | undefined;
  #lastRead: number;
  #lastWatched = 0;

  constructor(options: CollectionOptions) {
    this.#options = options;
    this.key = options.key;
    this.query = options.query;
    this.makerId = options.makerId ?? nodeScope.id;
    this.log = new EventLog("0", { ...logLimits, dropped: (event) => this.#forget(event) });
    this.#resourceEpoch = options.resource.epoch;
    this.#since = options.now();
    this.#lastRead = this.#since;
  }

  get state(): CollectionState {
    return this.#state;
  }
  /** When the state was entered, in milliseconds since 1970. */
  get since(): number {
    return this.#since;
  }
  /** Whether it was complete once: it may then be answered from, offline too (R11). */
  get synced(): boolean {
    return this.#head.resourceVersion !== "";
  }
  get head(): CollectionHead {
    return this.#head;
  }
  get resourceVersion(): string {
    return this.#head.resourceVersion;
  }
  get epoch(): number {
    return this.#epoch;
  }
  /** The epoch of the resource in which the cloud has confirmed the state. */
  get resourceEpoch(): number {
    return this.#resourceEpoch;
  }
  /** How often a list has replaced the state: what was missed in between is known only from the version held before. */
  get relists(): number {
    return this.#relists;
  }
  /** The highest version of an object that a list of it has shown and that it did not hold. */
  get shownBeyond(): string {
    return this.#shownBeyond;
  }
  get size(): number {
    return this.#objects.size;
  }
  /** Of its objects, before sealing; other collections may hold the same ones. */
  get bytes(): number {
    return [...this.#objects.values()].reduce((sum, { length }) => sum + length, 0);
  }
  get resource(): ResourceEpoch {
    return this.#options.resource;
  }
  get watchers(): number {
    return this.#openWatches;
  }
  get refusal(): StatusError | undefined {
    return this.#refusal;
  }
  get lastRead(): number {
    return this.#openWatches > 0 ? this.#options.now() : this.#lastRead;
  }
  /** When a watch that pins it was open last (R15). */
  get lastWatched(): number {
    return this.#pinningWatches > 0 ? this.#options.now() : this.#lastWatched;
  }

  /** Notes that somebody reads. */
  touch(): void {
    this.#lastRead = this.#options.now();
  }

  /**
   * A list has shown objects that are not held yet, up to that version (R2). Its reader learns of their end by the events that
   * lead there; of a relist, which may lack them, it could not.
   */
  showBeyond(resourceVersion: string): void {
    if (compareVersions(resourceVersion, this.#shownBeyond) <= 0) return;
    this.#shownBeyond = resourceVersion;
    this.#options.changed(this, { put: [], removed: [] });
  }

  /** In the order of the API server's lists: by namespace and name. The array never changes. */
  objects(): readonly HeldObject[] {
    this.#sorted ??= [...this.#objects].sort(([a], [b]) => a < b ? -1 : 1).map(([, held]) => held);
    return this.#sorted;
  }

  get(namespace: string, name: string): HeldObject | undefined {
    return this.#objects.get(objectKey(namespace, name));
  }

  /** Whether the query selects an object; false where its bytes are needed for that and are not at hand. */
  selects(meta: ObjectMeta, bytes: Uint8Array | undefined): boolean {
    this.#matcher ??= compileQuery(this.query);
    if (this.#matcher.needsObject && bytes === undefined) return false;
    return this.#matcher.matches(meta, bytes ?? noBytes) === true;
  }

  /** Calls back after each event, bookmark and change of state. @returns how to stop that */
  subscribe(subscriber: () => void): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  /**
   * Notes an open watch.
   *
   * @param pins whether it pins the collection for a day (R15)
   * @returns how to note its end
   */
  openWatch({ pins = true }: { readonly pins?: boolean } = {}): () => void {
    this.#openWatches += 1;
    if (pins) this.#pinningWatches += 1;
    return () => {
      this.#openWatches -= 1;
      this.touch();
      if (!pins) return;
      this.#pinningWatches -= 1;
      this.#lastWatched = this.#lastRead;
    };
  }

  /**
   * Takes a complete list. One below the held version, or with an object that is no newer than that version and not what is
   * held, or `known` to be of another history, begins a new epoch: every watcher has to list again. Otherwise watchers get the
   * difference, deletions last (R7, R9).
   */
  replace(snapshot: Snapshot, known: { readonly newEpoch?: boolean } = {}): void {
    if (this.#dropped) return;
    const { items, ...head } = snapshot;
    const after = this.resourceVersion;
    const first = !this.synced;
    const listed = items.map((bytes) => ({ bytes, meta: this.codec.readMeta(bytes) }));
    const isOther = () =>
      compareVersions(head.resourceVersion, after) < 0 || listed.some(({ meta }) => this.#denies(meta));
    const newEpoch = !first && (known.newEpoch === true || isOther());
    const { rows } = this.#options;
    const change = listDifference(listed, { objects: this.#objects, query: this.query, rows }, { newEpoch });
    this.#head = head;
    this.#relists += 1;
    this.#sorted = undefined;
    if (this.#state === "stale") this.#since = this.#options.now();
    for (const { meta } of change.removed) this.#objects.delete(objectKey(meta.namespace, meta.name));
    for (const held of change.put) this.#objects.set(objectKey(held.meta.namespace, held.meta.name), held);
    const events = missedEvents(change, { after, upTo: head.resourceVersion });
    // Of what its watchers were shown beyond it a restore may have undone something, of which no event tells.
    const restored = this.#resourceEpoch !== this.#options.resource.epoch;
    const isReset = first || newEpoch || restored || compareVersions(this.#shownBeyond, after) > 0;
    if (isReset) {
      this.#shownBeyond = "0";
      if (newEpoch) this.#epoch += 1;
      this.log.reset(head.resourceVersion);
    } else {
      if (after !== head.resourceVersion) this.log.relisted(after, head.resourceVersion);
      for (const event of events) this.log.append(event);
    }
    if (newEpoch) this.#options.resource.beginEpoch(this);
    this.#resourceEpoch = this.#options.resource.epoch;
    this.#options.changed(this, { ...change, newEpoch });
    for (const event of isReset ? events : []) this.#forget(event); // until now it could be kept elsewhere
    this.wake();
  }

  /**
   * Takes one event of the cloud. What is not above the collection's version was seen before; a deletion counts for the
   * same uid only (R9).
   *
   * @param object in stored form
   * @returns false where it cannot follow on what is held, and is not taken: another object has the name, and is not deleted
   */
  apply(type: LogEvent["type"], object: Uint8Array): boolean {
    if (this.#dropped) return true;
    const { rows } = this.#options;
    const meta = this.codec.readMeta(object);
    const { resourceVersion } = meta;
    if (compareVersions(resourceVersion, this.resourceVersion) <= 0) return true;
    const key = objectKey(meta.namespace, meta.name);
    const before = this.#objects.get(key);
    if (before !== undefined && before.meta.uid !== meta.uid) return false;
    this.#head = { ...this.#head, resourceVersion };
    this.#sorted = undefined;
    let change: CollectionChange = { put: [], removed: [] };
    // What the log holds is counted apart from what the collection holds; `before` passes from the one to the other.
    if (type !== "DELETED") {
      const held = rows.add(this.#path(meta), { meta, bytes: object });
      this.#objects.set(key, held);
      this.log.append({
        type: before === undefined ? "ADDED" : "MODIFIED",
        held: rows.retain(held),
        resourceVersion,
        ...(before === undefined ? {} : { before }),
      });
      change = { put: [held], removed: [] };
    } else if (before !== undefined) {
      this.#objects.delete(key);
      this.log.append({ type, held: rows.add(this.#path(meta), { meta, bytes: object }), before, resourceVersion });
      change = { put: [], removed: [{ meta, last: before }] };
    }
    this.#options.changed(this, change);
    this.wake();
    return true;
  }

  /** Takes a bookmark of the cloud: complete up to this version. */
  advance(resourceVersion: string): void {
    if (this.#dropped || compareVersions(resourceVersion, this.resourceVersion) <= 0) return;
    this.#head = { ...this.#head, resourceVersion };
    this.#options.changed(this, { put: [], removed: [] });
    this.wake();
  }

  /**
   * The cloud was found to have what is held, by a check or list that began in that epoch. In another one than before its
   * watchers have to list again: what they were shown beyond it may be undone.
   */
  verify(epoch: number): void {
    if (epoch === this.#resourceEpoch) return;
    this.#resourceEpoch = epoch;
    this.log.reset(this.resourceVersion);
    this.wake();
  }

  enter(state: CollectionState, refusal?: StatusError): void {
    if (state === this.#state) return;
    const ofGrant = state === "refused" || this.#state === "refused";
    this.#state = state;
    this.#refusal = refusal;
    this.#since = this.#options.now();
    if (ofGrant && this.synced) this.#options.changed(this, { put: [], removed: [] });
    this.wake();
  }

  /** Takes back what the store held, at start. */
  restore(stored: RestoredCollection): void {
    for (const held of stored.objects) {
      this.#objects.set(objectKey(held.meta.namespace, held.meta.name), this.#options.rows.retain(held));
    }
    this.#head = stored.head;
    this.#resourceEpoch = stored.resourceEpoch;
    this.#shownBeyond = stored.shownBeyond;
    this.log.reset(stored.head.resourceVersion);
    this.#state = stored.refusal === undefined ? "stale" : "refused";
    this.#refusal = stored.refusal;
    this.leave.restore(stored.callersOnly ?? false);
    this.#since = stored.staleSince;
    this.#lastRead = stored.lastRead;
    this.#lastWatched = stored.lastWatched;
  }

  /** Lets go of everything it holds. Nobody reads it any more. */
  drop(): void {
    this.#dropped = true;
    this.log.reset(this.resourceVersion);
    for (const held of this.#objects.values()) this.#options.rows.release(held);
    this.#objects.clear();
    this.wake();
  }

  /** Whether an object is of the held version or before, and not what is held: no one history has both. */
  #denies({ namespace, name, uid, resourceVersion }: ObjectMeta): boolean {
    if (compareVersions(resourceVersion, this.resourceVersion) > 0) return false;
    const held = this.#objects.get(objectKey(namespace, name))?.meta;
    return held?.uid !== uid || held.resourceVersion !== resourceVersion;
  }

  #path(meta: ObjectMeta): ObjectPath {
    return objectPath(this.query, meta);
  }

  #leaveChanged(): void {
    if (this.synced) this.#options.changed(this, { put: [], removed: [] });
    this.wake();
  }

  #forget({ held, before }: LogEvent): void {
    this.#options.rows.release(held);
    if (before !== undefined) this.#options.rows.release(before);
  }

  /** Calls its subscribers back: an overlay of what it holds has changed. */
  wake(): void {
    for (const subscriber of [...this.#subscribers]) subscriber();
  }
}
