import { createCipher } from "../../adapters/shared/cipher.ts";
import { type Store, type StoreBatch, StoreError } from "../../src/platform/store.ts";
import { createMemoryStore } from "../../src/store/memory_store.ts";
import { createSealedStore } from "../../src/store/sealed_store.ts";

/** A sealed store in memory that can be made to fail and to wait. */
export interface FaultyStore extends Store {
  /** What lies under the seal. */
  readonly memory: Store;
  /** Batches that were to be committed, those that failed too. */
  readonly batches: StoreBatch[];
  /** Keys that were asked for one by one. */
  readonly reads: string[];
  /** Why commits fail; they do not without. */
  failure: string | undefined;
  /** What commits wait for. */
  held: Promise<void> | undefined;
}

export function createFaultyStore(): FaultyStore {
  const memory = createMemoryStore();
  const sealed = createSealedStore(memory, createCipher(new Uint8Array(32)));
  const faulty: FaultyStore = {
    ...sealed,
    memory,
    batches: [],
    reads: [],
    failure: undefined,
    held: undefined,
    get: (key) => {
      faulty.reads.push(key);
      return sealed.get(key);
    },
    commit: async (batch) => {
      faulty.batches.push(batch);
      await faulty.held;
      if (faulty.failure !== undefined) throw new StoreError("full", faulty.failure);
      await sealed.commit(batch);
    },
  };
  return faulty;
}

/** The keys of a store. */
export async function keysOf(store: Store, prefix: string = ""): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.keys(prefix)) keys.push(key);
  return keys;
}

/** A value that does not open. */
export const damagedValue: Uint8Array = new Uint8Array(60);
