import type { ObjectMeta } from "../kube/object_meta.ts";
import { readObjectMeta, withResourceVersion } from "../kube/object_meta.ts";
import type { Query } from "../kube/resources.ts";
import { compareVersions } from "../kube/resource_version.ts";
import type { StatusError } from "../kube/status.ts";
import { EventLog, type LogEvent } from "./event_log.ts";

/** An object as it is held: its bytes with `kind` and `apiVersion` (R17), and what is asked of it most. */
export interface HeldObject {
  readonly bytes: Uint8Array;
  readonly meta: ObjectMeta;
}

/**
 * `syncing`: nothing complete yet. `live`: a watch to the cloud runs. `stale`: complete as of its version. `refused`: the
 * cloud gave no leave, or knows no such resource.
 */
export type CollectionState = "syncing" | "live" | "stale" | "refused";

/** What is told after every change, for the store. */
export interface CollectionChange {
  readonly put: readonly HeldObject[];
  readonly removed: readonly ObjectMeta[];
}

export interface CollectionOptions {
  readonly key: string;
  readonly query: Query;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly changed: (collection: Collection, change: CollectionChange) => void;
}

/** A complete list, or what the store held of one. */
export interface Snapshot {
  /** Of the items, as "v1" and "Pod". */
  readonly apiVersion: string;
  readonly kind: string;
  readonly listKind: string;
  readonly resourceVersion: string;
  readonly items: readonly Uint8Array[];
}

/** Bounds of what a watcher may be behind, and of the memory that costs. */
const logLimits = { maxEvents: 1_000, maxBytes: 8 * 1024 * 1024 };

/**
 * The replica of one query: its objects, the version up to which they are complete, a log of recent events and an epoch
 * (design, section 4). It changes only by a complete list or by the cloud's events in order.
 */
export class Collection {
  readonly key: string;
  readonly query: Query;
  readonly log: EventLog;
  readonly #options: CollectionOptions;
  readonly #objects = new Map<string, HeldObject>();
  readonly #watchers = new Set<() => void>();
  #apiVersion = "";
  #kind = "";
  #listKind = "";
  #resourceVersion = "";
  #epoch = 0;
  #state: CollectionState = "syncing";
  #since: number;
  #refusal: StatusError | undefined;
  #lastRead: number;

  constructor(options: CollectionOptions) {
    this.#options = options;
    this.key = options.key;
    this.query = options.query;
    this.log = new EventLog("0", logLimits);
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
    return this.#resourceVersion !== "";
  }
  get resourceVersion(): string {
    return this.#resourceVersion;
  }
  get epoch(): number {
    return this.#epoch;
  }
  get apiVersion(): string {
    return this.#apiVersion;
  }
  get kind(): string {
    return this.#kind;
  }
  get listKind(): string {
    return this.#listKind;
  }
  get size(): number {
    return this.#objects.size;
  }
  get watchers(): number {
    return this.#watchers.size;
  }
  get refusal(): StatusError | undefined {
    return this.#refusal;
  }
  get lastRead(): number {
    return this.#watchers.size > 0 ? this.#options.now() : this.#lastRead;
  }

  /** Notes that somebody reads. */
  touch(): void {
    this.#lastRead = this.#options.now();
  }

  /** All objects as readers see them: whatever must lie over the cloud's state is put on here, for lists and watches alike. */
  *objects(): Iterable<HeldObject> {
    for (const held of this.#objects.values()) yield held;
  }

  get(namespace: string, name: string): HeldObject | undefined {
    return this.#objects.get(objectKey(namespace, name));
  }

  /** Calls back after each event, bookmark and change of state. @returns how to stop that */
  subscribe(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
      this.touch();
    };
  }

  /**
   * Takes a complete list. One below the held version, or with an object below the held one, begins a new epoch: every
   * watcher has to list again. Otherwise watchers get the difference, deletions last (R7, R9).
   */
  replace(snapshot: Snapshot): void {
    const next = new Map<string, HeldObject>();
    for (const bytes of snapshot.items) {
      const meta = readObjectMeta(bytes);
      next.set(objectKey(meta.namespace, meta.name), { bytes, meta });
    }
    const change = difference(this.#objects, next);
    const first = !this.synced;
    const newEpoch = !first &&
      (compareVersions(snapshot.resourceVersion, this.#resourceVersion) < 0 || change.goesBack);
    this.#apiVersion = snapshot.apiVersion;
    this.#kind = snapshot.kind;
    this.#listKind = snapshot.listKind;
    this.#resourceVersion = snapshot.resourceVersion;
    if (this.#state === "stale") this.#since = this.#options.now();
    if (first || newEpoch) {
      if (newEpoch) this.#epoch += 1;
      this.log.reset(snapshot.resourceVersion);
    } else {
      for (const event of change.events(snapshot.resourceVersion)) this.log.append(event);
    }
    for (const meta of change.removed) this.#objects.delete(objectKey(meta.namespace, meta.name));
    for (const held of change.put) this.#objects.set(objectKey(held.meta.namespace, held.meta.name), held);
    this.#options.changed(this, change);
    this.#wake();
  }

  /**
   * Takes one event of the cloud. What is not above the collection's version was seen before; a deletion counts for the
   * same uid only (R9).
   */
  apply(type: LogEvent["type"], object: Uint8Array): void {
    const meta = readObjectMeta(object);
    if (compareVersions(meta.resourceVersion, this.#resourceVersion) <= 0) return;
    const key = objectKey(meta.namespace, meta.name);
    const before = this.#objects.get(key);
    this.#resourceVersion = meta.resourceVersion;
    const held = { bytes: object, meta };
    if (type !== "DELETED") {
      this.#objects.set(key, held);
      this.log.append({
        type: before === undefined ? "ADDED" : "MODIFIED",
        object,
        resourceVersion: meta.resourceVersion,
      });
      this.#options.changed(this, { put: [held], removed: [] });
    } else if (before !== undefined && before.meta.uid === meta.uid) {
      this.#objects.delete(key);
      this.log.append({ type, object, resourceVersion: meta.resourceVersion });
      this.#options.changed(this, { put: [], removed: [meta] });
    } else {
      this.#options.changed(this, { put: [], removed: [] });
    }
    this.#wake();
  }

  /** Takes a bookmark of the cloud: complete up to this version. */
  advance(resourceVersion: string): void {
    if (compareVersions(resourceVersion, this.#resourceVersion) <= 0) return;
    this.#resourceVersion = resourceVersion;
    this.#options.changed(this, { put: [], removed: [] });
    this.#wake();
  }

  enter(state: CollectionState, refusal?: StatusError): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#refusal = refusal;
    this.#since = this.#options.now();
    this.#wake();
  }

  /** Takes back what the store held, at start. */
  restore(snapshot: Snapshot & { readonly staleSince: number }): void {
    for (const bytes of snapshot.items) {
      const meta = readObjectMeta(bytes);
      this.#objects.set(objectKey(meta.namespace, meta.name), { bytes, meta });
    }
    this.#apiVersion = snapshot.apiVersion;
    this.#kind = snapshot.kind;
    this.#listKind = snapshot.listKind;
    this.#resourceVersion = snapshot.resourceVersion;
    this.log.reset(snapshot.resourceVersion);
    this.#state = "stale";
    this.#since = snapshot.staleSince;
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

export function objectKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

interface Difference extends CollectionChange {
  /** Whether an object of the list is older than the one held. */
  readonly goesBack: boolean;
  /** By version, deletions last, with the last known state at the list's version (R7). */
  events(listVersion: string): LogEvent[];
}

function difference(before: ReadonlyMap<string, HeldObject>, next: ReadonlyMap<string, HeldObject>): Difference {
  const put: HeldObject[] = [];
  const changes: LogEvent[] = [];
  let goesBack = false;
  for (const [key, held] of next) {
    const old = before.get(key);
    const order = old === undefined ? 1 : compareVersions(held.meta.resourceVersion, old.meta.resourceVersion);
    const replaced = old !== undefined && old.meta.uid !== held.meta.uid;
    if (order === 0 && !replaced) continue;
    if (order < 0) goesBack = true;
    put.push(held);
    const resourceVersion = held.meta.resourceVersion;
    // Just below its successor, so that a watcher that was cut between the two still gets the second one.
    if (replaced) changes.push(deletion(old, String(BigInt(resourceVersion) - 1n)));
    changes.push({ type: old === undefined || replaced ? "ADDED" : "MODIFIED", object: held.bytes, resourceVersion });
  }
  const gone = [...before].filter(([key]) => !next.has(key)).map(([, held]) => held);
  return {
    put,
    removed: gone.map((held) => held.meta),
    goesBack,
    events: (listVersion) => [
      ...changes.toSorted((a, b) => compareVersions(a.resourceVersion, b.resourceVersion)),
      ...gone.map((held) => deletion(held, listVersion)),
    ],
  };
}

function deletion(held: HeldObject, resourceVersion: string): LogEvent {
  return { type: "DELETED", object: withResourceVersion(held.bytes, resourceVersion), resourceVersion };
}
