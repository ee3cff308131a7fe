import type { Cipher } from "../platform/cipher.ts";
import { type Store, type StoreBatch, StoreError } from "../platform/store.ts";

/** Keys that a `CorruptRowsError` names; a list with more such rows ends there. */
export const CORRUPT_KEYS_MAX = 10_000;

/** Rows that cannot be opened: changed, moved to another key, or sealed with another storage key. */
export class CorruptRowsError extends StoreError {
  readonly keys: readonly string[];
  /** Whether the rows behind the last of `keys` were not read. */
  readonly cut: boolean;

  constructor(keys: readonly string[], options: { readonly cut: boolean; readonly cause?: unknown }) {
    const more = keys.length > 1 ? ` and ${keys.length - 1} more` : "";
    super("corrupt", `Cannot open row ${keys[0]}${more}`, { cause: options.cause });
    this.keys = keys;
    this.cut = options.cut;
  }
}

/**
 * Makes a store whose values are sealed with their key as context, so that a value that is moved to another key does
 * not open. Keys lie in clear and must not carry secrets. Closing it closes the store below.
 *
 * `list` yields every row that opens, then throws one `CorruptRowsError` with the keys of all that do not: the caller
 * drops what those keys belong to and keeps the rest, and who ignores the error never takes a part for the whole.
 */
export function createSealedStore(store: Store, cipher: Cipher): Store {
  return {
    get: (key) => getSealed({ store, cipher }, key),
    list: (prefix) => listSealed({ store, cipher }, prefix),
    keys: (prefix) => store.keys(prefix),
    commit: (batch) => commitSealed({ store, cipher }, batch),
    close: () => store.close(),
  };
}

interface Sealing {
  readonly store: Store;
  readonly cipher: Cipher;
}

async function getSealed({ store, cipher }: Sealing, key: string): Promise<Uint8Array | undefined> {
  const sealed = await store.get(key);
  if (sealed === undefined) return undefined;
  try {
    return cipher.open(sealed, key);
  } catch (cause) {
    throw new CorruptRowsError([key], { cut: false, cause });
  }
}

async function* listSealed(
  { store, cipher }: Sealing,
  prefix: string,
): AsyncGenerator<readonly [key: string, value: Uint8Array]> {
  const corrupt: string[] = [];
  let cause: unknown;
  for await (const [key, sealed] of store.list(prefix)) {
    let value: Uint8Array;
    try {
      value = cipher.open(sealed, key);
    } catch (error) {
      cause ??= error;
      corrupt.push(key);
      if (corrupt.length === CORRUPT_KEYS_MAX) throw new CorruptRowsError(corrupt, { cut: true, cause });
      continue;
    }
    yield [key, value];
  }
  if (corrupt.length > 0) throw new CorruptRowsError(corrupt, { cut: false, cause });
}

// Asynchronous, so that what the cipher throws rejects.
async function commitSealed({ store, cipher }: Sealing, batch: StoreBatch): Promise<void> {
  const put = batch.put?.map(([key, value]) => [key, cipher.seal(value, key)] as const);
  await store.commit(put === undefined ? batch : { ...batch, put });
}
