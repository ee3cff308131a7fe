import { readObjectMeta } from "../kube/object_meta.ts";
import type { ResourceType } from "../kube/field_labels.ts";
import type { Store } from "../platform/store.ts";
import { collectionPrefix, memberRow, prefixOfKey } from "./collection_rows.ts";
import { type HeldObject, objectPrefix, rowOf } from "./object_rows.ts";
import { recordPrefix } from "./record_rows.ts";
import { openedRows, readStoredRows, type RowProblem, type StoredRows } from "./stored_rows.ts";

/** What a check of all rows has found. */
export interface VerifiedStore {
  readonly rows: StoredRows;
  /** Of all objects, before sealing. */
  readonly objectBytes: number;
  /** Objects that only the logs of a running or killed hub held: its next start removes them. */
  readonly leftOver: number;
  readonly problems: readonly RowProblem[];
}

/** An object as somebody holds it. */
interface Holder {
  /** Where that stands. */
  readonly row: string;
  readonly type: ResourceType;
  readonly held: HeldObject;
}

/**
 * Checks that every row opens by its seal and is what its key says, that each object that a collection or a record holds is
 * there, and that nothing is there that nobody holds.
 *
 * @throws StoreError where the store cannot be read at all
 */
export async function verifyStore(store: Store): Promise<VerifiedStore> {
  const rows = await readStoredRows(store);
  const problems = [...rows.problems];
  // What a damaged holder held is not known.
  const holdersKnown = !problems.some(({ row }) => row.startsWith(collectionPrefix) || row.startsWith(recordPrefix));
  const holders = new Map<string, Holder[]>();
  for (const holder of holdersOf(rows)) {
    const all = holders.get(holder.held.row) ?? [];
    all.push(holder);
    holders.set(holder.held.row, all);
    if (!rows.objectRows.has(holder.held.row)) {
      problems.push({ row: holder.row, what: `holds an object that is missing: ${holder.held.row}` });
    }
  }
  let objectBytes = 0;
  let leftOver = 0;
  for await (const [row, value] of openedRows(store, objectPrefix, problems)) {
    objectBytes += value.length;
    const all = holders.get(row);
    const what = all?.map((holder) => objectProblem(holder, value)).find((found) => found !== undefined);
    if (what !== undefined) problems.push({ row, what });
    if (all !== undefined || !holdersKnown) continue;
    if (rows.open) leftOver += 1;
    else problems.push({ row, what: "is an object that nothing holds" });
  }
  return { rows, objectBytes, leftOver, problems };
}

function* holdersOf({ collections, records }: StoredRows): Iterable<Holder> {
  for (const { key, query, objects } of collections) {
    for (const held of objects) {
      yield { row: memberRow(prefixOfKey(key), held.meta.namespace, held.meta.name), type: query, held };
    }
  }
  for (const { row, path, held } of records) yield { row, type: path, held };
}

function objectProblem({ type, held, row }: Holder, bytes: Uint8Array): string | undefined {
  let meta;
  try {
    meta = readObjectMeta(bytes);
  } catch {
    return "is no object";
  }
  if (bytes.length !== held.length || meta.uid !== held.meta.uid) return `is not the object that ${row} holds`;
  return rowOf(type, meta, bytes) === held.row ? undefined : "is another object than its key says";
}
