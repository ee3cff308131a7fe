import type { FileSystem } from "../platform/files.ts";

/** Stands beside the stores while their key is being changed, and names the file of the new key. */
export function rekeyMarkPath(rootDir: string): string {
  return `${rootDir.replace(/\/+$/, "")}/storage.rekey`;
}

/** @returns the file of the new key of a change that is not done; nothing where there is none. @throws FileError */
export async function interruptedRekey(files: FileSystem, rootDir: string): Promise<string | undefined> {
  const mark = await files.read(rekeyMarkPath(rootDir));
  return mark === undefined ? undefined : new TextDecoder().decode(mark);
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
