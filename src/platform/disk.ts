/** What there is to know of files, folders and the room around them. Reads only. */
export interface Disk {
  /** Follows links. @returns nothing where there is no such file. @throws FileError */
  stat(path: string): Promise<FileStat | undefined>;
  /** The names in a folder, sorted. @returns nothing where there is no such folder. @throws FileError */
  list(folder: string): Promise<readonly string[] | undefined>;
  /** Bytes that this user can still write where the folder lies. @throws FileError */
  freeBytes(folder: string): Promise<number>;
}

/** What is known of a file beside its content. */
export interface FileStat {
  readonly kind: "file" | "folder" | "other";
  /** The nine bits of who may read, write and run it: 0o600. */
  readonly mode: number;
  readonly bytes: number;
}
