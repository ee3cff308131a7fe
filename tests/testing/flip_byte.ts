import { readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/**
 * Changes one byte of a row's value in the file of a store that is closed, as a failing disk would: SQLite does not notice.
 *
 * @param matches tells the row by its key
 * @returns the row
 */
export function flipByte(path: string, matches: (key: string) => boolean): string {
  const { key, value } = findRow(path, matches);
  const file = readFileSync(path);
  // SQLite may have left a copy behind where it has moved the row from.
  let offset = file.indexOf(value);
  if (offset === -1) throw new Error(`Cannot find the value of ${key} in one piece`);
  for (; offset !== -1; offset = file.indexOf(value, offset + 1)) {
    const at = offset + Math.floor(value.length / 2);
    file[at] = (file[at] ?? 0) ^ 1;
  }
  writeFileSync(path, file);
  return key;
}

function findRow(
  path: string,
  matches: (key: string) => boolean,
): { readonly key: string; readonly value: Uint8Array } {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    for (const row of database.prepare("SELECT CAST(key AS TEXT) AS key, value FROM rows").all()) {
      const key = String(row["key"]);
      if (matches(key) && row["value"] instanceof Uint8Array) return { key, value: row["value"] };
    }
  } finally {
    database.close();
  }
  throw new Error(`Cannot find the row in ${path}`);
}
