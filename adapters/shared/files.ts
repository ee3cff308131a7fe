import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FileError, type FileSystem } from "../../src/platform/files.ts";
import { errorCode } from "./error_code.ts";
import { watchFile } from "./file_watch.ts";

/** The files of the system. */
export const files: FileSystem = { read, writeAtomic, remove, watch: watchFile };

async function read(path: string): Promise<Uint8Array | undefined> {
  try {
    const content = await readFile(path);
    return new Uint8Array(content.buffer, content.byteOffset, content.length);
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return undefined;
    throw fileError(path, cause);
  }
}

async function writeAtomic(path: string, content: Uint8Array, options: { readonly mode: number }): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeDurably(temporary, content, options.mode);
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined); // why it was not written tells more
    throw fileError(path, cause);
  }
}

async function writeDurably(path: string, content: Uint8Array, mode: number): Promise<void> {
  const file = await open(path, "wx", mode);
  try {
    // The mode at creation is cut by the process's umask.
    await file.chmod(mode);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function remove(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (cause) {
    throw fileError(path, cause);
  }
}

function fileError(path: string, cause: unknown): FileError {
  return new FileError(path, errorCode(cause) ?? String(cause), { cause });
}
