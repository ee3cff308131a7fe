import type { FileSystem } from "../platform/files.ts";
import type { Random } from "../platform/random.ts";

const STORAGE_KEY_BYTES = 32;

export interface StorageKeyOptions {
  readonly files: FileSystem;
  readonly random: Random;
  readonly path: string;
}

/**
 * Reads the key that the store is sealed with, and makes it (0600) where there is none. Open the store first: its lock
 * keeps a second process from making another key at the same moment.
 *
 * @throws FileError
 * @throws RangeError where the file has another length than 32 bytes; it is left as it is
 */
export async function loadStorageKey({ files, random, path }: StorageKeyOptions): Promise<Uint8Array> {
  const found = await readStorageKey(files, path);
  if (found !== undefined) return found;
  const key = random.bytes(STORAGE_KEY_BYTES);
  await files.writeAtomic(path, key, { mode: 0o600 });
  return key;
}

/**
 * Reads the key that a store was sealed with.
 *
 * @returns nothing where there is no such file
 * @throws FileError
 * @throws RangeError where the file has another length than 32 bytes
 */
export async function readStorageKey(files: FileSystem, path: string): Promise<Uint8Array | undefined> {
  const found = await files.read(path);
  if (found === undefined || found.length === STORAGE_KEY_BYTES) return found;
  throw new RangeError(
    `Cannot use storage key ${path}: it has ${found.length} bytes instead of ${STORAGE_KEY_BYTES}`,
  );
}
