import { type Cipher, CipherError } from "../platform/cipher.ts";
import type { Store } from "../platform/store.ts";

export interface RekeyOptions {
  /** With which the rows were sealed. */
  readonly from: Cipher;
  readonly to: Cipher;
}

/** What became of a store's rows. */
export interface Rekeyed {
  /** Rows that open with the new key, those of an earlier run included. */
  readonly sealed: number;
  /** Rows that open with neither key; they stay as they are. */
  readonly unreadable: number;
}

/** Bytes of one commit. */
const maxBatchBytes = 4 * 1024 * 1024;

/**
 * Seals all values of a store with another key, in place and in several commits: one that was interrupted goes on where
 * it is called again with the same keys.
 *
 * @param store what lies under the seal
 * @throws StoreError
 */
export async function rekeyStore(store: Store, { from, to }: RekeyOptions): Promise<Rekeyed> {
  let [sealed, unreadable, bytes] = [0, 0, 0];
  let put: (readonly [key: string, value: Uint8Array])[] = [];
  for await (const [key, value] of store.list("")) {
    if (open(to, { value, key }) !== undefined) {
      sealed += 1;
      continue;
    }
    const plaintext = open(from, { value, key });
    if (plaintext === undefined) {
      unreadable += 1;
      continue;
    }
    put.push([key, to.seal(plaintext, key)]);
    sealed += 1;
    bytes += value.length;
    if (bytes < maxBatchBytes) continue;
    await store.commit({ put });
    [put, bytes] = [[], 0];
  }
  if (put.length > 0) await store.commit({ put });
  return { sealed, unreadable };
}

function open(cipher: Cipher, { value, key }: { readonly value: Uint8Array; readonly key: string }) {
  try {
    return cipher.open(value, key);
  } catch (error) {
    if (error instanceof CipherError) return undefined;
    throw error;
  }
}
