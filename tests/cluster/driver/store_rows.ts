import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";

/**
 * Removes a collection from the store of a hub that does not run: its head and its objects.
 *
 * @param matches tells the collection by its query, for example `/v1/pods///spec.nodeName%3Dnode-1`
 * @returns how many rows there were
 */
export function removeCollection(rootDir: string, matches: (query: string) => boolean): number {
  const database = new DatabaseSync(join(rootDir, "cache", "holdfast.db"));
  try {
    const rows = database.prepare("SELECT CAST(key AS TEXT) AS key FROM rows").all();
    // See src/replica/collection_rows.ts for the keys.
    const found = rows.map((row) => String(row["key"])).filter((key) => {
      const [kind, collection = ""] = key.split("|");
      return kind === "c" && matches(decodeURIComponent(collection));
    });
    const remove = database.prepare("DELETE FROM rows WHERE CAST(key AS TEXT) = ?");
    for (const key of found) remove.run(key);
    return found.length;
  } finally {
    database.close();
  }
}
