import { DatabaseSync, type StatementSync } from "node:sqlite";
import { checkSchema } from "./store_database.ts";
import { storeError } from "./store_failure.ts";

/** A page of a list ends after this many rows, or with the row that passes the bytes. */
export const PAGE_ROWS_MAX = 256;
export const PAGE_BYTES_MAX: number = 512 * 1024;

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
  readonly #list: StatementSync;

  constructor(path: string) {
    this.#database = new DatabaseSync(path, { readOnly: true, timeout: 0 });
    try {
      checkSchema(this.#database, path);
      this.#get = this.#database.prepare("SELECT value FROM rows WHERE key = ?");
      this.#list = this.#database.prepare("SELECT key, value FROM rows WHERE key >= ? AND key < ? ORDER BY key");
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
    const end = new Uint8Array(from.length + 1);
    end.set(from);
    // No byte of UTF-8 is 0xff: this is above every key with the prefix.
    end[from.length] = 0xff;
    return { from, end, done: false };
  }

  /** Reads one page and moves the cursor behind it. */
  page(cursor: StoreCursor): readonly Row[] {
    const rows: Row[] = [];
    let bytes = 0;
    let last: Uint8Array | undefined;
    try {
      cursor.done = true;
      for (const row of this.#list.iterate(cursor.from, cursor.end)) {
        last = blob(row["key"]);
        const value = blob(row["value"]);
        rows.push([new TextDecoder().decode(last), value]);
        bytes += value.length;
        cursor.done = false;
        if (rows.length >= PAGE_ROWS_MAX || bytes >= PAGE_BYTES_MAX) break;
        cursor.done = true;
      }
    } catch (cause) {
      throw storeError("Cannot read the store", cause);
    }
    if (last !== undefined) cursor.from = successor(last);
    return rows;
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
