import { z } from "zod";
import type { FileSystem } from "../platform/files.ts";

/** A change of the storage key that is under way: the files of both keys. */
export interface Rekeying {
  readonly oldKey: string;
  readonly newKey: string;
}

const markSchema = z.object({ oldKey: z.string(), newKey: z.string() });

/** Stands beside the stores while their key is being changed, and says which takes the place of which. */
export function rekeyMarkPath(rootDir: string): string {
  return `${rootDir.replace(/\/+$/, "")}/storage.rekey`;
}

/** @returns nothing where no change is under way. @throws FileError, Error where its mark cannot be read */
export async function interruptedRekey(files: FileSystem, rootDir: string): Promise<Rekeying | undefined> {
  const path = rekeyMarkPath(rootDir);
  const mark = await files.read(path);
  if (mark === undefined) return undefined;
  try {
    return markSchema.parse(JSON.parse(new TextDecoder().decode(mark)));
  } catch (cause) {
    throw new Error(`Cannot read ${path}, which says how the storage key is being changed`, { cause });
  }
}

/** @throws FileError */
export async function markRekey(files: FileSystem, rootDir: string, { oldKey, newKey }: Rekeying): Promise<void> {
  const mark = new TextEncoder().encode(JSON.stringify({ oldKey, newKey }));
  await files.writeAtomic(rekeyMarkPath(rootDir), mark, { mode: 0o600 });
}

/** Rows that are sealed with the new key already would be taken for damaged ones. @throws Error, FileError */
export async function refuseInterruptedRekey(
  { platform, rootDir }: { readonly platform: { readonly files: FileSystem }; readonly rootDir: string },
): Promise<void> {
  if (await interruptedRekey(platform.files, rootDir) === undefined) return;
  throw new Error(
    `A change of the storage key was interrupted (${rekeyMarkPath(rootDir)}): run holdfast cache rekey again first`,
  );
}
