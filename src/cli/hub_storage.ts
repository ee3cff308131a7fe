import type { Logger } from "../platform/logger.ts";
import type { Platform } from "../platform/platform.ts";
import { type Store, StoreError } from "../platform/store.ts";
import { CorruptRowsError, createSealedStore } from "../store/sealed_store.ts";
import { loadStorageKey } from "../store/storage_key.ts";
import { refuseInterruptedRekey } from "./interrupted_rekey.ts";

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

/** What a hub keeps on disk. */
export interface HubStores {
  /** The replica. */
  readonly store: Store;
  /** Writes that the cloud has still to get: each commit survives power loss. */
  readonly outboxStore: Store;
}

/** The stores and what was started on them. */
export interface OnStorage<T> extends HubStores {
  readonly started: T;
}

/**
 * Opens the stores and starts something on them. Where SQLite finds the replica's file malformed, at opening or at the
 * start's first reads, the file is kept aside and all begins again with an empty one: its rows are fetched again. So it is
 * with the outbox's file, which is looked through before; what waited in it is lost then, and that is logged as an error.
 *
 * @throws StoreError, FileError, RangeError where the key has a wrong length, Error where it is another one than that with
 * which they were sealed (they stay as they are), and what `start` throws
 */
export async function startOnStorage<T>(
  options: HubStorageOptions,
  start: (stores: HubStores) => Promise<T>,
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
  options: HubStorageOptions,
  start: (stores: HubStores) => Promise<T>,
  setAside: boolean,
): Promise<OnStorage<T>> {
  const { platform } = options;
  const below = await platform.openStore({ path: storePath(options), durability: "normal", setAside });
  try {
    const { files, random } = platform;
    const keyPath = await storageKeyPath(options);
    const cipher = platform.createCipher(await loadStorageKey({ files, random, path: keyPath }));
    const store = createSealedStore(below, cipher);
    const outboxBelow = await openOutboxStore(options);
    try {
      const outboxStore = createSealedStore(outboxBelow, cipher);
      await refuseInterruptedRekey(options);
      await refuseOtherKey(options, { keyPath, stores: [store, outboxStore] });
      return { store, outboxStore, started: await start({ store, outboxStore }) };
    } catch (error) {
      await outboxBelow.close();
      throw error;
    }
  } catch (error) {
    await below.close();
    throw error;
  }
}

/** A damaged row among others is no sign of another key. @throws Error where there are rows and none of them opens */
export async function refuseOtherKey(
  place: StoragePlace,
  { keyPath, stores }: { readonly keyPath: string; readonly stores: readonly Store[] },
): Promise<void> {
  let isOther = false;
  for (const store of stores) {
    try {
      for await (const _ of store.list("")) return;
    } catch (error) {
      if (!(error instanceof CorruptRowsError)) throw error;
      isOther = true;
    }
  }
  if (!isOther) return;
  throw new Error(
    `No row of ${storePath(place)} and ${outboxPath(place)} opens: they were sealed with another key than ${keyPath} ` +
      "(--storage-key-file). Start with that key, or move them away to begin with empty ones",
  );
}

async function openOutboxStore(options: HubStorageOptions): Promise<Store> {
  const path = outboxPath(options);
  try {
    return await openWhole(options, { path, setAside: false });
  } catch (error) {
    if (!(error instanceof StoreError) || error.failure !== "corrupt") throw error;
    options.logger.log("error", "The outbox is damaged: it is kept aside, and what waited in it is lost", {
      path,
      keptAs: `${path}.damaged`,
      error: error.message,
    });
    return await openWhole(options, { path, setAside: true });
  }
}

/** Reads all of it, which is little: what is damaged is found before anything is started. */
async function openWhole(
  { platform }: StoragePlace,
  { path, setAside }: { readonly path: string; readonly setAside: boolean },
): Promise<Store> {
  const store = await platform.openStore({ path, durability: "full", setAside });
  try {
    for await (const _ of store.list("")) { /* malformed pages throw */ }
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** The outbox's file. */
export function outboxPath({ rootDir }: StoragePlace): string {
  return `${rootDir.replace(/\/+$/, "")}/outbox.db`;
}

/** The store's file. */
export function storePath({ rootDir, diskCachePath }: StoragePlace): string {
  const folder = diskCachePath === "" ? `${rootDir.replace(/\/+$/, "")}/cache` : diskCachePath;
  return `${folder.replace(/\/+$/, "")}/holdfast.db`;
}

/** The flag's file, else the credential that systemd has passed, else a file of the hub's own. @throws FileError */
export async function storageKeyPath({ platform, rootDir, storageKeyFile }: StoragePlace): Promise<string> {
  if (storageKeyFile !== "") return storageKeyFile;
  const path = credentialPath(platform);
  if (path !== undefined && await platform.files.read(path) !== undefined) return path;
  return `${rootDir.replace(/\/+$/, "")}/storage.key`;
}

/** Where systemd passes the key, if it started this process and has one. */
export function credentialPath(platform: Pick<Platform, "process">): string | undefined {
  const credentials = platform.process.environment["CREDENTIALS_DIRECTORY"];
  return credentials === undefined ? undefined : `${credentials}/${credentialName}`;
}
