import { DatabaseSync, type StatementSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { prefixEnd } from "./store_database.ts";
import { storeError } from "./store_failure.ts";
import { checkSchema } from "./store_schema.ts";

/** A page of a list ends after this many rows, or with the row that passes the bytes. */
const PAGE_ROWS_MAX = 256;
const PAGE_BYTES_MAX: number = 512 * 1024;
const KEY_PAGE_ROWS_MAX = 1024;
/** How long another process's reader waits while the writer opens or closes the file. */
const BESIDE_TIMEOUT_MS = 5_000;

/** Where a list stands. */
export interface StoreCursor {
  /** The lowest key of the next page. */
  from: Uint8Array;
  /** Above all keys of the list. */
  readonly end: Uint8Array;
  done: boolean;
}

/**
 * `live`: beside this process's own writer. `snapshot`: beside another process's, as it is at this moment. `alone`: nobody
 * writes, and nothing is needed but the file.
 */
export type ReaderMode = "live" | "snapshot" | "alone";

type Row = readonly [key: string, value: Uint8Array];

/** The read-only connection. Its calls are synchronous and short. @throws StoreError */
export class StoreReader {
  readonly #database: DatabaseSync;
  readonly #get: StatementSync;
  readonly #sizes: StatementSync;
  readonly #list: StatementSync;
  readonly #keys: StatementSync;

  constructor(path: string, mode: ReaderMode) {
    this.#database = openFile(path, mode);
    try {
      // The first read takes the snapshot: SQLite keeps it until the transaction ends, whatever is written meanwhile.
      if (mode === "snapshot") this.#database.exec("BEGIN");
      checkSchema(this.#database, path);
      this.#get = this.#database.prepare("SELECT value FROM rows WHERE key = ?");
      const rows = "FROM rows WHERE key >= ? AND key < ? ORDER BY key LIMIT ?";
      this.#sizes = this.#database.prepare(`SELECT length(value) AS bytes ${rows}`);
      this.#list = this.#database.prepare(`SELECT key, value ${rows}`);
      this.#keys = this.#database.prepare(`SELECT key ${rows}`);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  get(key: string): Uint8Array | undefined {
    try {
      const row = this.#get.get(new TextEncoder().encode(key));
      return row === undefined ? undefined : blob(row["value"]);
    } catch (cause) {
      throw storeError("Cannot read the store", cause);
    }
  }

  cursor(prefix: string): StoreCursor {
    const from = new TextEncoder().encode(prefix);
    return { from, end: prefixEnd(from), done: false };
  }

  /** Reads one page and moves the cursor behind it. */
  page(cursor: StoreCursor): readonly Row[] {
    try {
      // Not `iterate`: on Deno 2.9 it ends without an error at a damaged page, as if there were no more rows.
      const count = this.#pageLength(cursor);
      const found = count === 0 ? [] : this.#list.all(cursor.from, cursor.end, count);
      const last = found.at(-1);
      if (last === undefined) cursor.done = true;
      else cursor.from = successor(blob(last["key"]));
      return found.map((row) => [new TextDecoder().decode(blob(row["key"])), blob(row["value"])]);
    } catch (cause) {
      throw storeError("Cannot read the store", cause);
    }
  }

  /** Reads one page of keys and moves the cursor behind it. */
  keyPage(cursor: StoreCursor): readonly string[] {
    try {
      const found = this.#keys.all(cursor.from, cursor.end, KEY_PAGE_ROWS_MAX).map((row) => blob(row["key"]));
      const last = found.at(-1);
      if (last === undefined) cursor.done = true;
      else cursor.from = successor(last);
      return found.map((key) => new TextDecoder().decode(key));
    } catch (cause) {
      throw storeError("Cannot read the store", cause);
    }
  }

  #pageLength({ from, end }: StoreCursor): number {
    let bytes = 0;
    const sizes = this.#sizes.all(from, end, PAGE_ROWS_MAX);
    const last = sizes.findIndex((row) => (bytes += Number(row["bytes"])) >= PAGE_BYTES_MAX);
    return last === -1 ? sizes.length : last + 1;
  }

  close(): void {
    this.#database.close();
  }
}

function openFile(path: string, mode: ReaderMode): DatabaseSync {
  if (mode !== "alone") {
    return new DatabaseSync(path, { readOnly: true, timeout: mode === "snapshot" ? BESIDE_TIMEOUT_MS : 0 });
  }
  const url = pathToFileURL(path);
  url.search = "?immutable=1";
  return new DatabaseSync(url, { readOnly: true });
}

/** The lowest key above this one. */
function successor(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

function blob(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`Cannot read a row: ${typeof value} instead of bytes`);
}
