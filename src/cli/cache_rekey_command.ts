import type { Cipher } from "../platform/cipher.ts";
import { type Store, StoreError } from "../platform/store.ts";
import { type Rekeyed, rekeyStore } from "../store/rekey_store.ts";
import { createSealedStore } from "../store/sealed_store.ts";
import { loadStorageKey } from "../store/storage_key.ts";
import { storageFlags } from "./cache_flags.ts";
import { counted, createCacheOutput } from "./cache_output.ts";
import { openingKey, openToRead, placeOf } from "./cache_store.ts";
import type { Command, CommandContext } from "./command.ts";
import { hubFlags } from "./hub_flags.ts";
import {
  credentialPath,
  outboxPath,
  refuseOtherKey,
  storageKeyPath,
  type StoragePlace,
  storePath,
} from "./hub_storage.ts";
import { interruptedRekey, markRekey, rekeyMarkPath } from "./interrupted_rekey.ts";
import { UsageError } from "./usage_error.ts";

/** `holdfast cache rekey`. */
export const cacheRekeyCommand: Command = {
  name: "cache rekey",
  summary:
    "Seals all that a hub that does not run keeps with a new storage key; interrupted, it goes on when run again",
  flags: [
    {
      name: "new-storage-key-file",
      type: "string",
      default: "",
      defaultHelp: "a new key, which takes the place of the old one",
      placeholder: "FILE",
      help: "the new key, 32 bytes; made (0600) where missing. From then on the hub needs it as its --storage-key-file",
      group: "Storage",
      commandLineOnly: true,
    },
    ...storageFlags,
  ],
  fileFlags: hubFlags,
  run: rekeyCache,
};

/** Which key takes the place of which. */
interface KeyChange {
  readonly place: StoragePlace;
  readonly keyPath: string;
  readonly newPath: string;
  /** Whether the new key is to lie where the old one does. */
  readonly replaces: boolean;
  /** An earlier run was interrupted. */
  readonly begun: boolean;
}

/** @returns 1 where a row opens with neither key */
async function rekeyCache(context: CommandContext): Promise<number> {
  const change = await changeOf(context);
  await (await openToRead(change.place)).close(); // a folder without a store is an error: none is made
  const results = await withStores(change.place, (stores) => rekey(change, stores));
  const output = createCacheOutput(context.platform.process);
  const sum = (of: (one: Rekeyed) => number) => results.reduce((all, one) => all + of(one), 0);
  const { newPath, keyPath, replaces } = change;
  await output.write(`${counted(sum(({ sealed }) => sealed), "row")} sealed with the new key\n`);
  await output.write(
    replaces ? `The new key is ${keyPath}\n` : `Start the hub with --storage-key-file ${newPath} from now on\n`,
  );
  await output.end();
  const unreadable = sum((one) => one.unreadable);
  if (unreadable === 0) return 0;
  context.platform.process.stderr.write(`${counted(unreadable, "row")} opened with neither key: the hub drops them\n`);
  return 1;
}

/** @throws UsageError, Error */
async function changeOf(context: CommandContext): Promise<KeyChange> {
  const { platform, values } = context;
  const place = placeOf(context);
  const keyPath = await storageKeyPath(place);
  const given = values.string("new-storage-key-file");
  const begun = await interruptedRekey(platform.files, place.rootDir);
  if (begun !== undefined && begun.oldKey !== keyPath) {
    throw new UsageError(`The change that was interrupted is from --storage-key-file "${begun.oldKey}": give that`);
  }
  if (given !== "" && begun !== undefined && begun.newKey !== given) {
    throw new UsageError(
      `--new-storage-key-file "${given}" is another one than that of the change that was interrupted: "${begun.newKey}"`,
    );
  }
  if (given === keyPath) throw new UsageError(`--new-storage-key-file "${given}" is the file of the old key`);
  const next = `${keyPath}.next`;
  const newPath = begun?.newKey ?? (given === "" ? next : given);
  const replaces = newPath === next;
  if (replaces && keyPath === credentialPath(platform)) {
    throw new UsageError(
      "--new-storage-key-file is required: the key is a credential of systemd's, which it alone changes",
    );
  }
  return { place, keyPath, newPath, replaces, begun: begun !== undefined };
}

/** At each step a run that follows goes on where this one was ended: the old key goes last. */
async function rekey({ place, keyPath, newPath, replaces, begun }: KeyChange, stores: readonly Store[]) {
  const { files, random, createCipher } = place.platform;
  const from: Cipher = createCipher(await openingKey(place));
  if (!begun) {
    await refuseOtherKey(place, { keyPath, stores: stores.map((store) => createSealedStore(store, from)) });
    if (replaces) await files.remove(newPath); // left by a change that was done
  }
  const newKey = await loadStorageKey({ files, random, path: newPath });
  await markRekey(files, place.rootDir, { oldKey: keyPath, newKey: newPath });
  const results: Rekeyed[] = [];
  for (const store of stores) results.push(await rekeyStore(store, { from, to: createCipher(newKey) }));
  if (replaces) await files.writeAtomic(keyPath, newKey, { mode: 0o600 });
  await files.remove(rekeyMarkPath(place.rootDir));
  if (replaces) await files.remove(newPath);
  return results;
}

/** Opens both stores as the hub does, so that none can run meanwhile. @throws Error where one runs; StoreError */
async function withStores<T>(place: StoragePlace, act: (stores: readonly Store[]) => Promise<T>): Promise<T> {
  const stores: Store[] = [];
  try {
    for (const path of [storePath(place), outboxPath(place)]) {
      stores.push(await place.platform.openStore({ path, durability: "full" }));
    }
    return await act(stores);
  } catch (error) {
    if (!(error instanceof StoreError) || error.failure !== "locked") throw error;
    throw new Error(`${error.message}: end the hub first`, { cause: error });
  } finally {
    for (const store of stores) await store.close();
  }
}
