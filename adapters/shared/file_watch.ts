import { type BigIntStats, type FSWatcher, statSync, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Timer } from "../../src/platform/clock.ts";
import { clock } from "./clock.ts";
import { errorCode } from "./error_code.ts";

/** A change that no event of the folder tells (a link's far end, a network file system) is seen after this. */
export const FILE_POLL_MS = 3_000;
/** One replacement is several events: they are awaited for this long. */
const FILE_SETTLE_MS = 50;

/**
 * Watches one file through its folder, because a rename (also that of `..data`, by which the kubelet swaps a volume's
 * content) leaves a watch of the file itself on the old inode.
 */
export function watchFile(path: string, changed: () => void, signal: AbortSignal): void {
  if (signal.aborted) return;
  const watcher = new FileWatcher(path, changed);
  signal.addEventListener("abort", () => watcher.close(), { once: true });
}

class FileWatcher {
  readonly #path: string;
  readonly #changed: () => void;
  #folder: FSWatcher | undefined;
  #folderIdentity = "";
  #fingerprint: string;
  #checking = false;
  #again = false;
  #settle: Timer | undefined;
  #poll: Timer | undefined;
  #closed = false;

  constructor(path: string, changed: () => void) {
    this.#path = path;
    this.#changed = changed;
    this.#watchFolder();
    // At once, not in a while: the caller reads the file next, and a change after that must be seen.
    this.#fingerprint = fingerprintNow(path);
    void this.#check();
  }

  close(): void {
    this.#closed = true;
    this.#folder?.close();
    this.#settle?.cancel();
    this.#poll?.cancel();
  }

  #watchFolder(): void {
    this.#folder?.close();
    this.#folder = undefined;
    try {
      this.#folder = watch(dirname(this.#path), { persistent: false }, () => this.#soon());
      this.#folder.on("error", () => this.#folder?.close());
    } catch {
      // The folder is not there yet, or the system has no watches left: polling sees the change.
      this.#folder = undefined;
    }
  }

  #soon(): void {
    if (this.#closed || this.#settle !== undefined) return;
    this.#settle = clock.setTimer(FILE_SETTLE_MS, () => {
      this.#settle = undefined;
      void this.#check();
    });
  }

  async #check(): Promise<void> {
    if (this.#checking) {
      this.#again = true;
      return;
    }
    this.#checking = true;
    this.#poll?.cancel();
    do {
      this.#again = false;
      await this.#compare();
    } while (this.#again && !this.#closed);
    this.#checking = false;
    if (!this.#closed) this.#poll = clock.setTimer(FILE_POLL_MS, () => void this.#check());
  }

  async #compare(): Promise<void> {
    const [fingerprint, folder] = await Promise.all([fingerprintOf(this.#path), identityOf(dirname(this.#path))]);
    if (this.#closed) return;
    if (folder !== this.#folderIdentity) {
      if (this.#folderIdentity !== "") this.#watchFolder();
      this.#folderIdentity = folder;
    }
    if (fingerprint === this.#fingerprint) return;
    this.#fingerprint = fingerprint;
    this.#changed();
  }
}

async function fingerprintOf(path: string): Promise<string> {
  try {
    return fingerprint(await stat(path, { bigint: true }));
  } catch (error) {
    return errorCode(error) ?? "unreadable";
  }
}

function fingerprintNow(path: string): string {
  try {
    return fingerprint(statSync(path, { bigint: true }));
  } catch (error) {
    return errorCode(error) ?? "unreadable";
  }
}

function fingerprint({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(":");
}

async function identityOf(folder: string): Promise<string> {
  try {
    const { dev, ino } = await stat(folder, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    return errorCode(error) ?? "unreadable";
  }
}
