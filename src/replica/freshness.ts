import { compareVersions } from "../kube/resource_version.ts";
import type { Collection } from "./collection.ts";

interface Required {
  /** In which the version counts. */
  readonly epoch: number;
  /** The version to reach. */
  version: string;
  /** Objects whose deletion must have been seen. */
  readonly gone: Set<string>;
}

/**
 * Which collections are behind what the hub has shown of an object elsewhere, by a write's answer or by another
 * collection's event (R5). Kept in memory only.
 */
export class Freshness {
  readonly #required = new WeakMap<Collection, Required>();

  /** A collection must show this version before it is read again. */
  require(collection: Collection, version: string): void {
    if (compareVersions(version, collection.resourceVersion) <= 0) return;
    const required = this.#of(collection);
    if (compareVersions(version, required.version) > 0) required.version = version;
  }

  /** A collection must have seen the deletion of that uid before it is read again. */
  requireGone(collection: Collection, uid: string): void {
    this.#of(collection).gone.add(uid);
  }

  /** A collection has seen a deletion. */
  seenGone(collection: Collection, uid: string): void {
    this.#required.get(collection)?.gone.delete(uid);
  }

  /** A new epoch: versions from before mean nothing any more. */
  forget(collection: Collection): void {
    this.#required.delete(collection);
  }

  isBehind(collection: Collection): boolean {
    const required = this.#required.get(collection);
    if (required === undefined || required.epoch !== collection.resource.epoch) return false;
    const behind = required.gone.size > 0 || compareVersions(required.version, collection.resourceVersion) > 0;
    if (!behind) this.#required.delete(collection);
    return behind;
  }

  #of(collection: Collection): Required {
    let required = this.#required.get(collection);
    const { epoch } = collection.resource;
    if (required?.epoch !== epoch) {
      required = { epoch, version: "0", gone: new Set() };
      this.#required.set(collection, required);
    }
    return required;
  }
}
