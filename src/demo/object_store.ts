import type { ApiObject } from "./api_object.ts";

/** One change, with the object before and after it; a deletion's object carries the version of the deletion. */
export interface StoreEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly version: number;
  /** `pods`, `deployments.apps`. */
  readonly resource: string;
  readonly object: ApiObject;
  readonly previous: ApiObject | undefined;
}

/** Where an object lies. */
export interface ObjectKey {
  readonly resource: string;
  /** Empty for cluster-scoped ones. */
  readonly namespace: string;
  readonly name: string;
}

/** Versions below the store's own bound are compacted: what a watch from there would need is gone. */
export class CompactedError extends Error {
  override readonly name = "CompactedError";
}

/**
 * All objects in memory, with one version counter for all of them and a log of recent changes of at most `logLimit`
 * entries, as etcd keeps them until a compaction.
 */
export class ObjectStore {
  readonly #objects = new Map<string, Map<string, ApiObject>>();
  readonly #logLimit: number;
  readonly #listeners = new Set<(event: StoreEvent) => void>();
  #log: StoreEvent[] = [];
  #version: number;
  #compacted: number;

  constructor(options: { readonly logLimit: number; readonly firstVersion: number }) {
    this.#logLimit = options.logLimit;
    this.#version = options.firstVersion;
    this.#compacted = options.firstVersion;
  }

  /** The version of the last change. */
  get version(): number {
    return this.#version;
  }

  get(key: ObjectKey): ApiObject | undefined {
    return this.#objects.get(key.resource)?.get(pathOf(key));
  }

  /** All objects of a resource as they were at `version`, ordered by namespace and name. @throws CompactedError */
  list(resource: string, version: number = this.#version): readonly ApiObject[] {
    const objects = new Map(this.#objects.get(resource));
    if (version < this.#version) this.#undo(objects, { resource, version });
    return [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** Writes under the next version, which `make` puts into the object. */
  put(key: ObjectKey, make: (version: string) => ApiObject): ApiObject {
    const previous = this.get(key);
    const version = ++this.#version;
    const object = make(String(version));
    this.#collection(key.resource).set(pathOf(key), object);
    this.#record({ type: previous ? "MODIFIED" : "ADDED", version, resource: key.resource, object, previous });
    return object;
  }

  /** Removes an object, if it is there; the result carries the version of the deletion. */
  remove(key: ObjectKey): ApiObject | undefined {
    const previous = this.get(key);
    if (previous === undefined) return undefined;
    const version = ++this.#version;
    const object = { ...previous, metadata: { ...previous.metadata, resourceVersion: String(version) } };
    this.#collection(key.resource).delete(pathOf(key));
    this.#record({ type: "DELETED", version, resource: key.resource, object, previous });
    return object;
  }

  /** The changes after `version`, oldest first. @throws CompactedError where some of them are gone */
  changesAfter(version: number): readonly StoreEvent[] {
    if (version < this.#compacted) throw new CompactedError(`Version ${version} is below ${this.#compacted}`);
    const first = this.#log.findLastIndex((event) => event.version <= version) + 1;
    return this.#log.slice(first);
  }

  /** Forgets the log, as etcd's compaction does: a watch from an older version gets 410. */
  compact(): void {
    this.#log = [];
    this.#compacted = this.#version;
  }

  /** Calls back at each change, in order, until the result is called. */
  onChange(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #undo(objects: Map<string, ApiObject>, target: { readonly resource: string; readonly version: number }): void {
    for (const event of this.changesAfter(target.version).toReversed()) {
      if (event.resource !== target.resource) continue;
      const { name, namespace = "" } = event.object.metadata;
      const path = pathOf({ resource: event.resource, namespace, name });
      if (event.previous) objects.set(path, event.previous);
      else objects.delete(path);
    }
  }

  #collection(resource: string): Map<string, ApiObject> {
    const existing = this.#objects.get(resource);
    if (existing) return existing;
    const created = new Map<string, ApiObject>();
    this.#objects.set(resource, created);
    return created;
  }

  #record(event: StoreEvent): void {
    this.#log.push(event);
    while (this.#log.length > this.#logLimit) {
      const dropped = this.#log.shift();
      if (dropped) this.#compacted = dropped.version;
    }
    for (const listener of [...this.#listeners]) listener(event);
  }
}

function pathOf(key: ObjectKey): string {
  return `${key.namespace}/${key.name}`;
}
