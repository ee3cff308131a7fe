import type { Platform } from "../platform/platform.ts";
import type { Store } from "../platform/store.ts";
import { createSealedStore } from "../store/sealed_store.ts";
import { loadStorageKey } from "../store/storage_key.ts";

export interface HubStorageOptions {
  readonly platform: Platform;
  readonly rootDir: string;
  /** Empty for `<rootDir>/cache`. */
  readonly diskCachePath: string;
  /** Empty for the systemd credential, else `<rootDir>/storage.key`. */
  readonly storageKeyFile: string;
}

const credentialName = "holdfast-storage-key";

/**
 * Opens the replica's store, sealed with the storage key, which is made where there is none.
 *
 * @throws StoreError, FileError, RangeError where the key has a wrong length
 */
export async function openHubStorage(options: HubStorageOptions): Promise<Store> {
  const { platform } = options;
  const folder = options.diskCachePath === "" ? `${options.rootDir}/cache` : options.diskCachePath;
  const store = await platform.openStore({ path: `${folder.replace(/\/+$/, "")}/holdfast.db`, durability: "normal" });
  try {
    const { files, random } = platform;
    const key = await loadStorageKey({ files, random, path: await storageKeyPath(options) });
    return createSealedStore(store, platform.createCipher(key));
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** The flag's file, else the credential that systemd has passed, else a file of the hub's own. */
async function storageKeyPath({ platform, rootDir, storageKeyFile }: HubStorageOptions): Promise<string> {
  if (storageKeyFile !== "") return storageKeyFile;
  const credentials = platform.process.environment["CREDENTIALS_DIRECTORY"];
  if (credentials !== undefined) {
    const path = `${credentials}/${credentialName}`;
    if (await platform.files.read(path) !== undefined) return path;
  }
  return `${rootDir.replace(/\/+$/, "")}/storage.key`;
}
