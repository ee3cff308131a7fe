import type { Store } from "../platform/store.ts";
import { CorruptRowsError } from "../store/sealed_store.ts";
import {
  collectionPrefix,
  decodeHeld,
  headRow,
  memberRow,
  prefixOfRow,
  readCollection,
  type StoredCollection,
} from "./collection_rows.ts";
import { decodeDocument, documentPrefix } from "./document_rows.ts";
import { type ObjectPath, objectUnder } from "./object_path.ts";
import { type HeldObject, objectPrefix } from "./object_rows.ts";
import { decodeRecord, recordPrefix } from "./record_rows.ts";
import type { HeldRecord } from "./records.ts";
import { openRow } from "./replica.ts";

/** A row that is not as it must be. */
export interface RowProblem {
  readonly row: string;
  /** `does not open`. */
  readonly what: string;
}

export interface StoredRecord {
  readonly row: string;
  readonly path: ObjectPath;
  readonly held: HeldRecord;
}

/** What is told of a copy of a document. */
export interface DocumentSummary {
  /** Path, query and what the client accepts, with spaces between. */
  readonly question: string;
  readonly savedAt: number;
  readonly bytes: number;
}

/** All that lies in a store, but for the bytes of objects. */
export interface StoredRows {
  /** Without those of which a row is damaged. */
  readonly collections: readonly StoredCollection[];
  readonly records: readonly StoredRecord[];
  readonly documents: readonly DocumentSummary[];
  /** The rows of objects: whether they open was not tried. */
  readonly objectRows: ReadonlySet<string>;
  /** Whether a hub has the store, or was killed while it had it. */
  readonly open: boolean;
  readonly problems: readonly RowProblem[];
  /** All rows. */
  readonly count: number;
}

/** Reads a store as it lies: nothing is dropped, changed or taken for whole. @throws StoreError where it cannot be read at all */
export async function readStoredRows(store: Store): Promise<StoredRows> {
  const problems: RowProblem[] = [];
  const objectRows = new Set<string>();
  let open = false;
  let count = 0;
  for await (const row of store.keys("")) {
    count += 1;
    if (row.startsWith(objectPrefix)) objectRows.add(row);
    else if (row === openRow) open = true;
    else if (![collectionPrefix, recordPrefix, documentPrefix].some((prefix) => row.startsWith(prefix))) {
      problems.push({ row, what: "is of a kind that this version does not know" });
    }
  }
  const collections = await readCollections(store, problems);
  const records: StoredRecord[] = [];
  for await (const [row, value] of openedRows(store, recordPrefix, problems)) {
    const record = readRecord(row, value);
    if (record === undefined) problems.push({ row, what: "is no record of that object" });
    else records.push(record);
  }
  const documents: DocumentSummary[] = [];
  for await (const [row, value] of openedRows(store, documentPrefix, problems)) {
    const document = decodeDocument(value);
    if (document === undefined) problems.push({ row, what: "is no document" });
    else {
      const { savedAt } = document;
      documents.push({ question: row.slice(documentPrefix.length), savedAt, bytes: value.length });
    }
  }
  return { collections, records, documents, objectRows, open, problems, count };
}

/** The rows of a prefix that open; the others become problems. @throws StoreError */
export async function* openedRows(
  store: Store,
  prefix: string,
  problems: RowProblem[],
): AsyncGenerator<readonly [row: string, value: Uint8Array]> {
  try {
    yield* store.list(prefix);
  } catch (error) {
    if (!(error instanceof CorruptRowsError)) throw error;
    for (const row of error.keys) problems.push({ row, what: "does not open" });
    const last = error.keys.at(-1) ?? prefix;
    if (error.cut) problems.push({ row: last, what: "is the last that was tried: too many do not open" });
  }
}

interface Found {
  head?: Uint8Array;
  readonly members: (readonly [row: string, value: Uint8Array])[];
}

async function readCollections(store: Store, problems: RowProblem[]): Promise<StoredCollection[]> {
  const own: RowProblem[] = [];
  const stored = new Map<string, Found>();
  for await (const [row, value] of openedRows(store, collectionPrefix, own)) {
    const prefix = prefixOfRow(row);
    const found = stored.get(prefix) ?? { members: [] };
    stored.set(prefix, found);
    if (row === headRow(prefix)) found.head = value;
    else found.members.push([row, value]);
  }
  const damaged = new Set(own.map(({ row }) => prefixOfRow(row)));
  const collections: StoredCollection[] = [];
  for (const [prefix, { head, members }] of stored) {
    const wrong = members.filter((member) => !isMember(prefix, member)).map(([row]) => row);
    for (const row of wrong) own.push({ row, what: "is no member of that name" });
    const values = members.map(([, value]) => value);
    const collection = readCollection(prefix, { ...(head === undefined ? {} : { head }), members: values });
    if (damaged.has(prefix) || wrong.length > 0) continue;
    if (collection !== undefined) collections.push(collection);
    else own.push({ row: headRow(prefix), what: head === undefined ? "is missing" : "is no head of a collection" });
  }
  problems.push(...own);
  return collections;
}

function isMember(prefix: string, [row, value]: readonly [row: string, value: Uint8Array]): boolean {
  const meta: HeldObject["meta"] | undefined = decodeHeld(value)?.meta;
  return meta !== undefined && row === memberRow(prefix, meta.namespace, meta.name);
}

function readRecord(row: string, value: Uint8Array): StoredRecord | undefined {
  const path = objectUnder(row.slice(recordPrefix.length));
  const held = decodeRecord(value);
  if (path === undefined || held?.meta.name !== path.name || held.meta.namespace !== path.namespace) return undefined;
  return { row, path, held };
}
