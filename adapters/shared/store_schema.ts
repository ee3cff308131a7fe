import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "../../src/platform/store.ts";
import { storeError } from "./store_failure.ts";

/** "Hold": tells our files from other SQLite databases. */
const APPLICATION_ID = 0x486f6c64;
const TABLE = "CREATE TABLE rows (key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL) STRICT";

/**
 * How a file comes from each format to the next: SQL, in order; format N is what the first N steps make of an empty file.
 * A step never changes once it is released. Values are sealed: a step that cannot keep rows removes them by their keys, and
 * what is a copy of the cloud is fetched again.
 */
export type SchemaSteps = readonly string[];

// A table with rowids: without them each comparison of keys reads the whole value where it is larger than a page's
// quarter (https://www.sqlite.org/withoutrowid.html), which was measured to cost twice the time to write and to read.
// It is there already in a file from before formats were counted.
export const SCHEMA_STEPS: SchemaSteps = [TABLE.replace("TABLE", "TABLE IF NOT EXISTS")];

/**
 * Brings a file from its format to the one that this program writes, in one transaction: an empty one is made, an older one
 * migrated.
 *
 * @throws StoreError; nothing of the file is changed then
 */
export function migrate(
  database: DatabaseSync,
  path: string,
  { version, steps }: { readonly version: number; readonly steps: SchemaSteps },
): void {
  if (version === steps.length) return;
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
  database.exec("BEGIN IMMEDIATE");
  let reached = version;
  try {
    for (const step of steps.slice(version)) {
      database.exec(step);
      reached += 1;
    }
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${steps.length}`);
    database.exec("COMMIT");
  } catch (cause) {
    rollBack(database);
    throw storeError(`Cannot bring ${path} from format ${reached} to ${reached + 1}; it is as it was`, cause);
  }
}

/** Checks that a file which is only read has the format of this program. @throws StoreError */
export function checkSchema(database: DatabaseSync, path: string, steps: SchemaSteps = SCHEMA_STEPS): void {
  const version = readVersion(database, path, steps);
  if (version === steps.length) return;
  const found = version === 0 ? "an older format" : `the older format ${version}`;
  throw new StoreError(
    "failed",
    `Cannot read ${path}: it has ${found}; the hub of this version brings it to format ${steps.length} when it starts`,
  );
}

/**
 * The format of a file: 0 for an empty one, and for one of ours from before formats were counted. Changes nothing.
 *
 * @throws StoreError where it is newer than this program, or of another one
 */
export function readVersion(database: DatabaseSync, path: string, steps: SchemaSteps): number {
  const applicationId = pragma(database, "application_id");
  const version = pragma(database, "user_version");
  const ours = applicationId === APPLICATION_ID || (applicationId === 0 && version === 0 && isEmptyOrOurs(database));
  if (!ours) {
    throw new StoreError(
      "failed",
      `Cannot open ${path}: it is a database of another program; choose another folder, or move the file away`,
    );
  }
  if (version <= steps.length) return version;
  throw new StoreError(
    "failed",
    `Cannot open ${path}: its format ${version} is newer than ${steps.length}, which this version of holdfast writes; ` +
      "use the version that wrote it, or move the file away to begin with an empty store",
  );
}

// A crash while the file was made may leave pages without a table.
function isEmptyOrOurs(database: DatabaseSync): boolean {
  const found = database.prepare("SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'").all();
  return found.every(({ sql }) => sql === TABLE);
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}

function rollBack(database: DatabaseSync): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // SQLite has already ended the transaction (disk full, I/O error).
  }
}
