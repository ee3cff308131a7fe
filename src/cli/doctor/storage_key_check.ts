import type { Platform } from "../../platform/platform.ts";
import { type Store, StoreError } from "../../platform/store.ts";
import { createSealedStore } from "../../store/sealed_store.ts";
import { readStorageKey } from "../../store/storage_key.ts";
import { placeOf } from "../cache_store.ts";
import { workingModeOf } from "../hub_link_options.ts";
import { outboxPath, refuseOtherKey, storageKeyPath, type StoragePlace, storePath } from "../hub_storage.ts";
import { refuseInterruptedRekey } from "../interrupted_rekey.ts";
import { type Check, failed, type Finding, ok, warning } from "./finding.ts";
import { reasonOf } from "./reason.ts";
import { octal } from "./root_dir_check.ts";

/** Whether what lies on disk opens with the storage key, which is the hub's alone to read. */
export const storageKeyCheck: Check = {
  name: "storage-key",
  run: async (context) => {
    if (workingModeOf(context.values) === "cloud") return [ok("with --working-mode cloud nothing is kept")];
    const { platform } = context;
    const place = placeOf(context);
    const keyPath = await storageKeyPath(place);
    const found = await platform.disk.stat(keyPath);
    const stores = await presentStores(place);
    if (found === undefined) return [absentFinding(place, { keyPath, isKept: stores.length > 0 })];
    const exposed = exposedFinding(keyPath, found.mode);
    const unfit = await unfitFinding(place, { keyPath, stores });
    const faults = [exposed, unfit].filter((finding) => finding !== undefined);
    const opens = stores.length > 0 ? ", and opens what is kept" : "";
    return faults.length > 0 ? faults : [ok(`${keyPath} is the hub's alone${opens}`)];
  },
};

/** Paths of the store's files that are there. */
async function presentStores(place: StoragePlace): Promise<readonly string[]> {
  const paths = [storePath(place), outboxPath(place)];
  const stats = await Promise.all(paths.map((path) => place.platform.disk.stat(path)));
  return paths.filter((_, index) => (stats[index]?.bytes ?? 0) > 0);
}

interface Kept {
  readonly keyPath: string;
  readonly stores: readonly string[];
}

function absentFinding(
  place: StoragePlace,
  { keyPath, isKept }: { readonly keyPath: string; readonly isKept: boolean },
): Finding {
  if (!isKept) return ok(`there is no ${keyPath} yet: the hub makes it`);
  return failed(
    `${keyPath} is missing, and ${storePath(place)} was sealed with it: the hub cannot start`,
    "bring the key back (--storage-key-file; systemd's credential holdfast-storage-key), or move the store away to begin " +
      "with an empty one",
  );
}

function exposedFinding(keyPath: string, mode: number): Finding | undefined {
  const advice = `chmod 600 ${keyPath}, then holdfast cache rekey: who has read the key reads what was kept with it`;
  if ((mode & 0o007) !== 0) return failed(`everybody may use the storage key ${keyPath} (mode ${octal(mode)})`, advice);
  if ((mode & 0o070) === 0) return undefined;
  return warning(`its group may use the storage key ${keyPath} (mode ${octal(mode)})`, advice);
}

/** Where no hub has it open, nothing is made beside the file: it might then be another user's than the hub. */
async function openUntouched({ disk, openStore }: Platform, path: string): Promise<Store> {
  const alone = await disk.stat(`${path}-wal`) === undefined;
  return await openStore({ path, durability: "normal", readOnly: true, alone });
}

async function unfitFinding(place: StoragePlace, { keyPath, stores }: Kept): Promise<Finding | undefined> {
  const { platform } = place;
  const opened: Store[] = [];
  try {
    await refuseInterruptedRekey(place);
    const key = await readStorageKey(platform.files, keyPath);
    if (key === undefined) return undefined; // it was there a moment ago
    const cipher = platform.createCipher(key);
    for (const path of stores) {
      opened.push(createSealedStore(await openUntouched(platform, path), cipher));
    }
    await refuseOtherKey(place, { keyPath, stores: opened });
    return undefined;
  } catch (error) {
    if (error instanceof StoreError) {
      return failed(
        `what is kept cannot be read: ${error.message}`,
        "see the disk. A damaged store is kept aside when the hub starts, which then begins with an empty one",
      );
    }
    return failed(
      reasonOf(error),
      "bring the right key back, or move the store away to begin with an empty one: docs/cache.md",
    );
  } finally {
    await Promise.all(opened.map((store) => store.close()));
  }
}
