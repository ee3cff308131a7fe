import type { Stats } from "node:fs";
import { readdir, stat, statfs } from "node:fs/promises";
import type { Disk, FileStat } from "../../src/platform/disk.ts";
import { FileError } from "../../src/platform/files.ts";
import { errorCode } from "./error_code.ts";

/** What the system says of its files. */
export const disk: Disk = {
  stat: (path) => unlessMissing(path, async () => statOf(await stat(path))),
  list: (folder) => unlessMissing(folder, async () => (await readdir(folder)).toSorted()),
  freeBytes: async (folder) => {
    try {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    } catch (cause) {
      throw fileError(folder, cause);
    }
  },
};

function statOf(found: Stats): FileStat {
  const kind = found.isFile() ? "file" : found.isDirectory() ? "folder" : "other";
  return { kind, mode: found.mode & 0o777, bytes: found.size };
}

async function unlessMissing<T>(path: string, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (cause) {
    // ENOTDIR: a folder on the way is a file.
    if (["ENOENT", "ENOTDIR"].includes(errorCode(cause) ?? "")) return undefined;
    throw fileError(path, cause);
  }
}

function fileError(path: string, cause: unknown): FileError {
  return new FileError(path, errorCode(cause) ?? String(cause), { cause });
}
