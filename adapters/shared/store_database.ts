import { chmodSync, closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { type OpenStoreOptions, StoreError } from "../../src/platform/store.ts";
import { isFailure, storeError } from "./store_failure.ts";

/** The format of the file; it counts up with each change that older programs cannot read. */
const SCHEMA_VERSION = 1;
/** "Hold": tells our files from other SQLite databases. */
const APPLICATION_ID = 0x486f6c64;
/** How long a commit waits for a foreign writer (the sqlite3 program). */
const BUSY_TIMEOUT_MS = 30_000;
const WAL_BYTES_KEPT = 4 * 1024 * 1024;

/** The writing connection and the lock that it holds. */
export interface StoreDatabase {
  readonly database: DatabaseSync;
  close(): void;
}

/** Opens the file for writing and makes it (0600) where missing. @throws StoreError */
export function openDatabase({ path, durability }: OpenStoreOptions): StoreDatabase {
  const lock = takeLock(`${path}.lock`);
  try {
    makePrivate(path);
    const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    try {
      prepareDatabase(database, { path, durability });
    } catch (error) {
      database.close();
      throw error;
    }
    return {
      database,
      close(): void {
        database.close();
        lock.close();
      },
    };
  } catch (cause) {
    lock.close();
    throw storeError(`Cannot open ${path}`, cause);
  }
}

/**
 * Checks that a database is a store that this program can read.
 *
 * @throws StoreError
 */
export function checkSchema(database: DatabaseSync, path: string): void {
  const version = pragma(database, "user_version");
  if (pragma(database, "application_id") !== APPLICATION_ID) {
    throw new StoreError("failed", `Cannot open ${path}: it is a database of another program`);
  }
  if (version !== SCHEMA_VERSION) {
    throw new StoreError(
      "failed",
      `Cannot open ${path}: its format ${String(version)} is not ${SCHEMA_VERSION}, which this version reads`,
    );
  }
}

/** What lies above every key with this prefix: no byte of UTF-8 is 0xff. */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  const end = new Uint8Array(prefix.length + 1);
  end.set(prefix);
  end[prefix.length] = 0xff;
  return end;
}

// A table with rowids: without them each comparison of keys reads the whole value where it is larger than a page's
// quarter (https://www.sqlite.org/withoutrowid.html), which was measured to cost twice the time to write and to read.
function prepareDatabase(database: DatabaseSync, { path, durability }: OpenStoreOptions): void {
  if (pragma(database, "page_count") === 0) {
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = FULL");
    database.exec(`BEGIN IMMEDIATE;
      CREATE TABLE rows (key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL) STRICT;
      PRAGMA application_id = ${APPLICATION_ID};
      PRAGMA user_version = ${SCHEMA_VERSION};
      COMMIT`);
  }
  checkSchema(database, path);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`PRAGMA synchronous = ${durability === "full" ? "FULL" : "NORMAL"}`);
  database.exec(`PRAGMA journal_size_limit = ${WAL_BYTES_KEPT}`);
}

function pragma(database: DatabaseSync, name: string): unknown {
  return database.prepare(`PRAGMA ${name}`).get()?.[name];
}

/**
 * Holds an exclusive transaction on an empty database of its own: the kernel ends it with the process, however that
 * ends. The store's own file cannot be locked so, because that would lock out its readers.
 */
function takeLock(path: string): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    makePrivate(path);
    lock = new DatabaseSync(path, { timeout: 0 });
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (cause) {
    lock?.close();
    const error = storeError(`Cannot lock ${path}`, cause);
    if (!isFailure(error, "locked")) throw error;
    throw new StoreError("locked", `Cannot open ${path.replace(/\.lock$/, "")}: another process writes it`, { cause });
  }
}

/** Makes the file, or takes others' rights from it; SQLite gives its `-wal` and `-shm` the same ones. */
function makePrivate(path: string): void {
  closeSync(openSync(path, "a", 0o600));
  chmodSync(path, 0o600);
}
