/** The few things that are asked of the file system. */
export interface FileSystem {
  /** @returns nothing where there is no such file. @throws FileError */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Replaces the file in one step, durably: temporary file, fsync, rename, fsync of the folder (made, 0700, where missing). */
  writeAtomic(path: string, content: Uint8Array, options: { readonly mode: number }): Promise<void>;
  /** No error where there is none. */
  remove(path: string): Promise<void>;
  /** Calls back after each change of the file, also where it is replaced by a rename or through a symbolic link, until the signal is aborted. */
  watch(path: string, changed: () => void, signal: AbortSignal): void;
}

/** A file could not be used. */
export class FileError extends Error {
  override readonly name = "FileError";
  readonly path: string;
  /** As the operating system names it: EACCES, EISDIR, ENOSPC … */
  readonly code: string;

  constructor(path: string, code: string, options?: { readonly cause?: unknown }) {
    super(`Cannot use ${path}: ${code}`, options);
    this.path = path;
    this.code = code;
  }
}
