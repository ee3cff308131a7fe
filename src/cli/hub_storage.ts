import type { Logger } from "../platform/logger.ts";
import type { Platform } from "../platform/platform.ts";
import { type Store, StoreError } from "../platform/store.ts";
import { createSealedStore } from "../store/sealed_store.ts";
import { loadStorageKey } from "../store/storage_key.ts";

/** Where the hub's storage flags put things. */
export interface StoragePlace {
  readonly platform: Platform;
  readonly rootDir: string;
  /** Empty for `<rootDir>/cache`. */
  readonly diskCachePath: string;
  /** Empty for the systemd credential, else `<rootDir>/storage.key`. */
  readonly storageKeyFile: string;
}

export interface HubStorageOptions extends StoragePlace {
  readonly logger: Logger;
}

const credentialName = "holdfast-storage-key";

/** The replica's store and what was started on it. */
export interface OnStorage<T> {
  readonly store: Store;
  readonly started: T;
}

/**
 * Opens the replica's store and starts something on it. Where SQLite finds the file malformed, at opening or at the start's
 * first reads, the file is kept aside and all begins again with an empty one: its rows are fetched again.
 *
 * @throws StoreError, FileError, RangeError where the key has a wrong length, and what `start` throws
 */
export async function startOnStorage<T>(
  options: HubStorageOptions,
  start: (store: Store) => Promise<T>,
): Promise<OnStorage<T>> {
  try {
    return await attempt(options, start, false);
  } catch (error) {
    if (!(error instanceof StoreError) || error.failure !== "corrupt") throw error;
    const path = storePath(options);
    options.logger.log("error", "The store is damaged: it is kept aside, and the hub begins with an empty one", {
      path,
      keptAs: `${path}.damaged`,
      error: error.message,
    });
    return await attempt(options, start, true);
  }
}

async function attempt<T>(
  options: StoragePlace,
  start: (store: Store) => Promise<T>,
  setAside: boolean,
): Promise<OnStorage<T>> {
  const { platform } = options;
  const below = await platform.openStore({ path: storePath(options), durability: "normal", setAside });
  try {
    const { files, random } = platform;
    const key = await loadStorageKey({ files, random, path: await storageKeyPath(options) });
    const store = createSealedStore(below, platform.createCipher(key));
    return { store, started: await start(store) };
  } catch (error) {
    await below.close();
    throw error;
  }
}

/** The store's file. */
export function storePath({ rootDir, diskCachePath }: StoragePlace): string {
  const folder = diskCachePath === "" ? `${rootDir.replace(/\/+$/, "")}/cache` : diskCachePath;
  return `${folder.replace(/\/+$/, "")}/holdfast.db`;
}

/** The flag's file, else the credential that systemd has passed, else a file of the hub's own. @throws FileError */
export async function storageKeyPath({ platform, rootDir, storageKeyFile }: StoragePlace): Promise<string> {
  if (storageKeyFile !== "") return storageKeyFile;
  const credentials = platform.process.environment["CREDENTIALS_DIRECTORY"];
  if (credentials !== undefined) {
    const path = `${credentials}/${credentialName}`;
    if (await platform.files.read(path) !== undefined) return path;
  }
  return `${rootDir.replace(/\/+$/, "")}/storage.key`;
}
