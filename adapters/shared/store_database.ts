import { chmodSync, closeSync, existsSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { type OpenStoreOptions, StoreError } from "../../src/platform/store.ts";
import { isFailure, storeError } from "./store_failure.ts";
import { migrate, readVersion, SCHEMA_STEPS, type SchemaSteps } from "./store_schema.ts";

/** How long a commit waits for a foreign writer (the sqlite3 program). */
const BUSY_TIMEOUT_MS = 30_000;
const PRIVATE = 0o600;
const WAL_BYTES_KEPT = 4 * 1024 * 1024;
/** What belongs to one database: the file itself, and what SQLite keeps beside it. */
const SUFFIXES = ["", "-wal", "-shm"];

/** The writing connection and the lock that it holds. */
export interface StoreDatabase {
  readonly database: DatabaseSync;
  close(): void;
}

/**
 * Opens the file for writing, made (0600) where missing, migrated where it is older.
 *
 * @param steps of the format that is to be written
 * @throws StoreError
 */
export function openDatabase(options: OpenStoreOptions, steps: SchemaSteps = SCHEMA_STEPS): StoreDatabase {
  const lock = takeLock(options.path);
  try {
    const database = openLocked(options, steps);
    return {
      database,
      close(): void {
        database.close();
        lock.close();
      },
    };
  } catch (cause) {
    lock.close();
    throw cause;
  }
}

/** As `openDatabase`, by who has the lock. @throws StoreError */
export function openLocked(options: OpenStoreOptions, steps: SchemaSteps = SCHEMA_STEPS): DatabaseSync {
  const { path } = options;
  try {
    if (options.setAside === true) setAside(path);
    if (existsSync(malformedMark(path))) {
      throw new StoreError("corrupt", `Cannot open ${path}: it was found malformed while it was written`);
    }
    makeFile(path);
    const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    try {
      prepareDatabase(database, options, steps);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (cause) {
    throw storeError(`Cannot open ${path}`, cause);
  }
}

/**
 * Whether all that was committed lies in the file itself, as after a proper end: then it can be read where there is no room
 * for the files that a connection needs beside it.
 */
export function isReadableAlone(path: string): boolean {
  const size = (each: string): number => statSync(each, { throwIfNoEntry: false })?.size ?? 0;
  return size(path) > 0 && size(`${path}-wal`) === 0;
}

/**
 * Notes that SQLite found the file malformed while it was written: who opens it next is told so at once, for reading alone
 * may never come upon the damage.
 */
export function markMalformed(path: string): void {
  try {
    makeFile(malformedMark(path));
  } catch {
    // A disk that takes no file: the commit's own error is told all the same.
  }
}

/** What lies above every key with this prefix: no byte of UTF-8 is 0xff. */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  const end = new Uint8Array(prefix.length + 1);
  end.set(prefix);
  end[prefix.length] = 0xff;
  return end;
}

function prepareDatabase(
  database: DatabaseSync,
  { path, durability }: OpenStoreOptions,
  steps: SchemaSteps,
): void {
  const version = readVersion(database, path, steps);
  chmodSync(path, PRIVATE);
  migrate(database, path, { version, steps });
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`PRAGMA synchronous = ${durability === "full" ? "FULL" : "NORMAL"}`);
  database.exec(`PRAGMA journal_size_limit = ${WAL_BYTES_KEPT}`);
}

/** Moves what lies there to `<path>.damaged`, in place of what was moved there before. */
function setAside(path: string): void {
  for (const suffix of SUFFIXES) {
    rmSync(`${path}.damaged${suffix}`, { force: true });
    if (existsSync(path + suffix)) renameSync(path + suffix, `${path}.damaged${suffix}`);
  }
  rmSync(malformedMark(path), { force: true });
}

function malformedMark(path: string): string {
  return `${path}.malformed`;
}

/**
 * Holds an exclusive transaction on an empty database of its own beside the file: the kernel ends it with the process,
 * however that ends. The store's own file cannot be locked so, because that would lock out its readers.
 *
 * @throws StoreError `locked` where another process has it
 */
export function takeLock(path: string): DatabaseSync {
  const lockPath = `${path}.lock`;
  let lock: DatabaseSync | undefined;
  try {
    makeFile(lockPath);
    chmodSync(lockPath, PRIVATE);
    lock = new DatabaseSync(lockPath, { timeout: 0 });
    // Without a journal on disk: a full one must not keep the store from being read.
    lock.exec("PRAGMA journal_mode = MEMORY");
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (cause) {
    lock?.close();
    const error = storeError(`Cannot lock ${lockPath}`, cause);
    if (!isFailure(error, "locked")) throw error;
    throw new StoreError("locked", `Cannot open ${path}: another process writes it`, { cause });
  }
}

/** Makes the file where it is missing. SQLite gives its `-wal` and `-shm` the same rights. */
function makeFile(path: string): void {
  closeSync(openSync(path, "a", PRIVATE));
}
