import { Cloud } from "../cloud/cloud.ts";
import { Link } from "../cloud/link.ts";
import type { Logger } from "../platform/logger.ts";
import { type Removal, type Removed, removeHeld } from "../replica/removal.ts";
import { Replica } from "../replica/replica.ts";
import { createSealedStore } from "../store/sealed_store.ts";
import { type CacheContext, openingKey, placeOf } from "./cache_store.ts";
import { storePath } from "./hub_storage.ts";

/**
 * Removes a part of the store of a hub that does not run, by the hub's own code: a replica that asks no cloud.
 *
 * @throws StoreError `locked` where the hub runs
 */
export async function removeFromStore(context: CacheContext, removal: Removal): Promise<Removed> {
  const { platform } = context;
  const { clock, random } = platform;
  const place = placeOf(context);
  const key = await openingKey(place);
  const below = await platform.openStore({ path: storePath(place), durability: "full" });
  try {
    const store = createSealedStore(below, platform.createCipher(key));
    const cloud = new Cloud({ backends: [], clock });
    const link = new Link({ cloud, clock, random, logger: silent });
    const replica = new Replica({ cloud, link, store, clock, random, logger: silent, memoryMaxBytes: 0 });
    let removed: Removed;
    try {
      await replica.restore();
      removed = removeHeld(replica, removal);
    } finally {
      await replica.close();
    }
    const { failure } = replica.batch;
    if (failure !== undefined) throw new Error(`Cannot remove: ${failure}`);
    return removed;
  } finally {
    await below.close();
  }
}

const silent: Logger = { log: () => undefined, enabled: () => false };
