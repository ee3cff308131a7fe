import type { ObjectMeta } from "../kube/object_meta.ts";
import { compareVersions } from "../kube/resource_version.ts";
import type { Query } from "../kube/resources.ts";
import type { LogEvent } from "./event_log.ts";
import type { Missed } from "./missed_events.ts";
import { objectKey, objectPath } from "./object_path.ts";
import type { HeldObject, ObjectRows } from "./object_rows.ts";

/** An object of a list, in stored form. */
export interface ListedObject {
  readonly meta: ObjectMeta;
  readonly bytes: Uint8Array;
}

/** An object that has left a collection. */
export interface Removed {
  /** As the deletion told it, at its version; where a list shows no more than that it is gone, the last that was held. */
  readonly meta: ObjectMeta;
  readonly last: HeldObject;
}

/** What a collection holds, by `objectKey`. */
export interface HeldObjects {
  readonly objects: ReadonlyMap<string, HeldObject>;
  readonly query: Query;
  readonly rows: ObjectRows;
}

/** What makes a list of what is held, and what watchers have missed of that. */
export interface ListDifference extends Missed {
  readonly put: readonly HeldObject[];
  readonly removed: readonly Removed[];
}

/**
 * Compares a complete list with what is held, which stays as it is. The rows of what is new are added, once for the
 * collection and once for the event of it; an object that is gone passes from the collection to its event.
 *
 * @param options.newEpoch whether the list is of another history: it may give a version to other bytes
 */
export function listDifference(
  listed: readonly ListedObject[],
  { objects, query, rows }: HeldObjects,
  { newEpoch }: { readonly newEpoch: boolean },
): ListDifference {
  const put: HeldObject[] = [];
  const changes: LogEvent[] = [];
  const deletions: Missed["deletions"][number][] = [];
  const removed: Removed[] = [];
  const seen = new Set<string>();
  for (const { bytes, meta } of listed) {
    const { resourceVersion, uid } = meta;
    const key = objectKey(meta.namespace, meta.name);
    seen.add(key);
    const before = objects.get(key);
    const order = before === undefined ? 1 : compareVersions(resourceVersion, before.meta.resourceVersion);
    const replaced = before !== undefined && before.meta.uid !== uid;
    if (order === 0 && !replaced && !newEpoch) continue;
    const held = rows.add(objectPath(query, meta), { meta, bytes });
    put.push(held);
    if (replaced) {
      removed.push({ meta: before.meta, last: before });
      deletions.push({ held: rows.retain(before), below: resourceVersion });
    }
    const type = before === undefined || replaced ? "ADDED" : "MODIFIED";
    changes.push({ type, held: rows.retain(held), resourceVersion, ...(before === undefined ? {} : { before }) });
  }
  for (const [key, held] of objects) {
    if (seen.has(key)) continue;
    removed.push({ meta: held.meta, last: held });
    deletions.push({ held });
  }
  return { put, changes, deletions, removed };
}
