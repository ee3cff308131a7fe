import { FileError } from "../platform/files.ts";
import { type Store, StoreError } from "../platform/store.ts";
import { readStoredRows, type StoredRows } from "../replica/stored_rows.ts";
import { createSealedStore } from "../store/sealed_store.ts";
import { readStorageKey } from "../store/storage_key.ts";
import type { CommandContext } from "./command.ts";
import type { FlagValues } from "./flag_values.ts";
import { storageKeyPath, type StoragePlace, storePath } from "./hub_storage.ts";
import { refuseInterruptedRekey } from "./interrupted_rekey.ts";

export type CacheContext = Pick<CommandContext, "platform" | "values">;

/**
 * Opens the hub's store for reading, as it is at this moment, whether or not the hub runs.
 *
 * @throws Error whose message names the flags to change; StoreError
 */
export async function openCache(context: CacheContext): Promise<Store> {
  const { platform } = context;
  const place = placeOf(context);
  await refuseInterruptedRekey(place);
  const key = await openingKey(place);
  return createSealedStore(await openToRead(place), platform.createCipher(key));
}

/** Opens what lies under the seal. @throws Error where there is no store; StoreError */
export async function openToRead(place: StoragePlace): Promise<Store> {
  try {
    return await place.platform.openStore({ path: storePath(place), durability: "normal", readOnly: true });
  } catch (error) {
    if (!(error instanceof StoreError) || error.failure !== "failed") throw error;
    throw new Error(`${error.message} (--root-dir, --disk-cache-path)`, { cause: error });
  }
}

/** Opens the store, asks it one thing and closes it: an open reader keeps the hub's `-wal` file from being used anew. */
export async function askCache<T>(context: CacheContext, ask: (store: Store) => Promise<T>): Promise<T> {
  const store = await openCache(context);
  try {
    return await ask(store);
  } finally {
    await store.close();
  }
}

/** Where the flags say that the store and its key are. */
export function placeOf({ platform, values }: CacheContext): StoragePlace {
  return { platform, ...pathsOf(values) };
}

function pathsOf(values: FlagValues) {
  return {
    rootDir: values.string("root-dir"),
    diskCachePath: values.string("disk-cache-path"),
    storageKeyFile: values.string("storage-key-file"),
  };
}

/** The key that the store was sealed with; never made here. @throws Error whose message names the flag to change */
export async function openingKey(place: StoragePlace): Promise<Uint8Array> {
  const path = await storageKeyPath(place);
  try {
    const key = await readStorageKey(place.platform.files, path);
    if (key !== undefined) return key;
  } catch (error) {
    if (error instanceof FileError || error instanceof RangeError) {
      throw new Error(`${error.message} (--storage-key-file)`, { cause: error });
    }
    throw error;
  }
  throw new Error(
    `Cannot read the storage key ${path}: there is no such file (--root-dir, --storage-key-file; ` +
      "a systemd credential lies in /run/credentials/UNIT/holdfast-storage-key)",
  );
}

/** Reads all rows. @throws Error where none of them opens: the key is another one; StoreError */
export async function readCache(store: Store): Promise<StoredRows> {
  const rows = await readStoredRows(store);
  refuseForeignKey(rows);
  return rows;
}

/** @throws Error */
export function refuseForeignKey({ collections, records, documents, problems }: StoredRows): void {
  const opened = collections.length + records.length + documents.length;
  if (opened > 0 || !problems.some(({ what }) => what === "does not open")) return;
  throw new Error("No row opens: the store was sealed with another key (--storage-key-file)");
}
