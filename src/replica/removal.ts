import type { Query } from "../kube/resources.ts";
import type { Collection } from "./collection.ts";
import { type HeldSelection, selectsCollection, selectsObject, selectsType } from "./held_selection.ts";
import type { Replica } from "./replica.ts";

/** What is to be let go of: a part of the objects, the copies of documents, or all. */
export type Removal = HeldSelection | "documents" | "all";

/** What was let go of. */
export interface Removed {
  /** Queries of collections. */
  readonly collections: readonly Query[];
  readonly records: number;
  readonly documents: number;
  /** Queries of collections that still hold an object that was meant: whole ones, which hold more than that. */
  readonly remaining: readonly Query[];
}

/**
 * Lets go of collections, records and documents. A collection goes as a whole or not at all, for without one of its objects
 * it would no longer be a state that the cloud had (R11): who means one object only gets its record and the collections of
 * that very object removed.
 */
export function removeHeld(replica: Replica, removal: Removal): Removed {
  if (removal === "documents") {
    return { collections: [], records: 0, documents: replica.documents.clear(), remaining: [] };
  }
  const selection = removal === "all" ? everything : removal;
  const collections = [...replica.collections()].filter(({ query, head }) =>
    selectsCollection(selection, query, head.kind)
  );
  for (const collection of collections) replica.drop(collection);
  const records = [...replica.records.entries()].filter(([path, { meta }]) => selectsObject(selection, path, meta));
  for (const [path] of records) replica.records.remove(path);
  return {
    collections: collections.map(({ query }) => query),
    records: records.length,
    documents: removal === "all" ? replica.documents.clear() : 0,
    remaining: [...replica.collections()].filter((collection) => holdsAny(collection, selection))
      .map(({ query }) => query),
  };
}

const everything: HeldSelection = { resource: "", namespace: "", name: "" };

function holdsAny(collection: Collection, selection: HeldSelection): boolean {
  return selectsType(selection, collection.query, collection.head.kind) &&
    collection.objects().some(({ meta }) => selectsObject(selection, collection.query, meta));
}
