import { DatabaseSync, type StatementSync } from "node:sqlite";
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

type Row = readonly [key: string, value: Uint8Array];

/** The read-only connection. Its calls are synchronous and short. @throws StoreError */
export class StoreReader {
  readonly #database: DatabaseSync;
  readonly #get: StatementSync;
  readonly #sizes: StatementSync;
  readonly #list: StatementSync;
  readonly #keys: StatementSync;

  /** @param beside whether another process may be the writer: what is read is then the state of this moment */
  constructor(path: string, beside: boolean) {
    this.#database = new DatabaseSync(path, { readOnly: true, timeout: beside ? BESIDE_TIMEOUT_MS : 0 });
    try {
      // The first read takes the snapshot: SQLite keeps it until the transaction ends, whatever is written meanwhile.
      if (beside) this.#database.exec("BEGIN");
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
