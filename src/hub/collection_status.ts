import { type Query, queryKey } from "../kube/resources.ts";
import type { Collection, CollectionState } from "../replica/collection.ts";
import type { Replica } from "../replica/replica.ts";
import { iso } from "./link_status.ts";

/** What `/v1/status` says of a collection. Times are RFC 3339. */
export interface CollectionStatus extends Query {
  readonly state: CollectionState;
  /** When it entered that. */
  readonly since: string;
  readonly resourceVersion: string;
  readonly epoch: number;
  readonly objects: number;
  /** Of its objects, before sealing; other collections may hold the same ones. */
  readonly bytes: number;
  /** Open local watches. */
  readonly watchers: number;
  /** Missing while it is watched. */
  readonly lastRead?: string;
  /** For whom it is kept, where it is not shared by all. */
  readonly scope?: string;
  /** With which words the cloud refused it. */
  readonly refusal?: string;
}

export function collectionStatuses(replica: Replica): readonly CollectionStatus[] {
  return [...replica.collections()].map(collectionStatus);
}

function collectionStatus(collection: Collection): CollectionStatus {
  const { key, query, refusal } = collection;
  const shared = queryKey(query);
  return {
    ...query,
    state: collection.state,
    since: iso(collection.since),
    resourceVersion: collection.resourceVersion,
    epoch: collection.epoch,
    objects: collection.size,
    bytes: collection.bytes,
    watchers: collection.watchers,
    ...(collection.watchers > 0 ? {} : { lastRead: iso(collection.lastRead) }),
    ...(key === shared ? {} : { scope: key.slice(0, -shared.length - 1) }),
    ...(refusal === undefined ? {} : { refusal: refusal.message }),
  };
}
