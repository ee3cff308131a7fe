import type { ObjectMeta } from "../kube/object_meta.ts";
import type { Collection } from "./collection.ts";
import { objectKey, type ObjectPath } from "./object_path.ts";
import type { ObjectRows } from "./object_rows.ts";
import type { OutboxEntry, SettledHow } from "./outbox_entry.ts";
import { Overlay } from "./overlay.ts";
import type { Records } from "./records.ts";

type ResourceType = Pick<ObjectPath, "group" | "version" | "resource">;
type Named = Pick<ObjectMeta, "namespace" | "name" | "uid" | "resourceVersion">;

/** What reads the bytes of held objects. */
export type ObjectReader = Pick<ObjectRows, "read">;

/** An object whose overlay has come, changed or gone. */
export interface Touched {
  readonly revision: number;
  readonly namespace: string;
  readonly name: string;
  /** Another object of that name is none of its business. */
  readonly uid: string;
}

/** Objects of one resource whose overlays have changed that are remembered for watchers. */
const maxTouched = 10_000;
/** Overlays of writes that have ended, of one resource, whose objects not all collections have yet. */
const maxEnded = 500;
/** Changes of collections between two looks for overlays that nothing needs any more: until then they cost memory only. */
const changesPerSweep = 64;

/** Ends that the cloud's objects do not show: the watchers get them as they are, once more. */
const shownAgain: readonly SettledHow[] = ["finished", "refused", "not-understood", "too-old", "too-many"];

/** The writes that wait for objects of one resource, laid over them. */
export class ResourceOverlays {
  readonly #overlays = new Map<string, Overlay>();
  readonly #touched = new Map<string, Touched>();
  #revision = 0;
  #changes = 0;

  /** Overlays, those of writes that have ended included. */
  get size(): number {
    return this.#overlays.size;
  }
  /** Grows with each change. */
  get revision(): number {
    return this.#revision;
  }

  /** Whether it changes anything of that version of an object. */
  covers(meta: Named): boolean {
    return this.#overlays.get(objectKey(meta.namespace, meta.name))?.covers(meta) === true;
  }

  /** An object as it is shown. */
  over(meta: Named, bytes: Uint8Array): Uint8Array {
    return this.#overlays.get(objectKey(meta.namespace, meta.name))?.over(meta, bytes) ?? bytes;
  }

  /** Reads held objects as they are shown. */
  reader(rows: ObjectReader): ObjectReader {
    return {
      read: (held) => {
        const read = rows.read(held);
        if (!this.covers(held.meta)) return read;
        return read instanceof Uint8Array ? this.over(held.meta, read) : read.then((it) => this.over(held.meta, it));
      },
    };
  }

  /** What has changed after a revision, in order; without one all that is covered now. */
  touched(after: number | undefined): readonly Touched[] {
    return [...this.#touched.values()].filter(({ revision, namespace, name }) =>
      after === undefined ? this.#overlays.has(objectKey(namespace, name)) : revision > after
    );
  }

  put(entry: OutboxEntry): void {
    const { path: { namespace, name }, base } = entry;
    if (base === undefined) return; // nothing that the cloud gave lies under it
    const key = objectKey(namespace, name);
    const overlay = new Overlay(entry, base);
    const before = this.#overlays.get(key);
    if (before !== undefined) overlay.replaces(before);
    this.#overlays.set(key, overlay);
    this.#touch(entry);
  }

  /** @returns whether watchers must be told */
  end(entry: OutboxEntry, how: SettledHow, resourceVersion: string | undefined): boolean {
    const { path: { namespace, name } } = entry;
    const overlay = this.#overlays.get(objectKey(namespace, name));
    if (overlay === undefined) return false;
    overlay.end(resourceVersion);
    if (!shownAgain.includes(how)) return false;
    this.#touch(entry);
    return true;
  }

  /** Whether it is time to look for those that nothing needs any more. */
  get isDue(): boolean {
    return this.#overlays.size > 0 && ++this.#changes % changesPerSweep === 0;
  }

  /** Lets go of those that have ended and that nothing needs any more. @param held all versions of objects that may be shown */
  sweep(held: Iterable<Named>): void {
    const needed = new Set<Overlay>();
    for (const meta of held) {
      const overlay = this.#overlays.get(objectKey(meta.namespace, meta.name));
      if (overlay?.covers(meta) === true) needed.add(overlay);
    }
    let ended = 0;
    for (const [key, overlay] of [...this.#overlays].reverse()) {
      if (overlay.ended && (!needed.has(overlay) || ++ended > maxEnded)) this.#overlays.delete(key);
    }
  }

  /** What they lie over. */
  *paths(): Iterable<ObjectPath> {
    for (const { entry } of this.#overlays.values()) yield entry.path;
  }

  /** Versions from before mean nothing any more: what has ended is over, what waits lies over other objects. */
  restored(): void {
    for (const [key, overlay] of this.#overlays) {
      if (overlay.ended) this.#overlays.delete(key);
      else overlay.restored();
    }
  }

  #touch({ path: { namespace, name }, uid }: OutboxEntry): void {
    const key = objectKey(namespace, name);
    this.#touched.delete(key);
    this.#touched.set(key, { revision: ++this.#revision, namespace, name, uid });
    for (const oldest of this.#touched.keys()) {
      if (this.#touched.size <= maxTouched) break;
      this.#touched.delete(oldest);
    }
  }
}

export interface OverlaysOptions {
  readonly records: Records;
  readonly collections: (type: ResourceType) => Iterable<Collection>;
}

/**
 * The overlays of all resources. An overlay lies over every answer, event and list about its object below the version from
 * which on the cloud's own object shows how the write has ended; it goes when no collection and no log has one of those.
 */
export class Overlays {
  readonly #options: OverlaysOptions;
  readonly #resources = new Map<string, ResourceOverlays>();

  constructor(options: OverlaysOptions) {
    this.#options = options;
  }

  /** Those of one resource; nothing where no write of it has ever waited. */
  of({ group, version, resource }: ResourceType): ResourceOverlays | undefined {
    return this.#resources.get(`${group}/${version}/${resource}`);
  }

  put(entry: OutboxEntry): void {
    const { group, version, resource } = entry.path;
    const key = `${group}/${version}/${resource}`;
    let overlays = this.#resources.get(key);
    if (overlays === undefined) this.#resources.set(key, overlays = new ResourceOverlays());
    overlays.put(entry);
    this.#wake(entry.path);
  }

  settle(entry: OutboxEntry, how: SettledHow, resourceVersion: string | undefined): void {
    const told = this.of(entry.path)?.end(entry, how, resourceVersion) === true;
    this.#sweep(entry.path);
    if (told) this.#wake(entry.path);
  }

  /** A collection has changed: it may have reached the version that an overlay waits for. */
  changed({ query }: Collection): void {
    if (this.of(query)?.isDue === true) this.#sweep(query);
  }

  /** Etcd was restored: the versions at which writes were made, and have ended, mean nothing any more. */
  restored(): void {
    for (const overlays of this.#resources.values()) overlays.restored();
  }

  #sweep(type: ResourceType): void {
    const overlays = this.of(type);
    overlays?.sweep(this.#held(type, overlays));
  }

  /** Events of logs too: a slow or a resuming watcher may still be sent them. */
  *#held(type: ResourceType, overlays: ResourceOverlays): Iterable<Named> {
    const { records, collections } = this.#options;
    for (const path of overlays.paths()) {
      const record = records.get(path);
      if (record !== undefined) yield record.meta;
      for (const collection of collections(type)) {
        const held = collection.get(path.namespace, path.name);
        if (held !== undefined && collection.query.version === type.version) yield held.meta;
      }
    }
    for (const { query, log } of collections(type)) {
      if (query.version !== type.version) continue;
      for (const { held, type: kind } of log.events()) if (kind !== "DELETED") yield held.meta;
    }
  }

  #wake(type: ResourceType): void {
    for (const collection of this.#options.collections(type)) collection.wake();
  }
}
