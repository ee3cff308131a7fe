import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import {
  type OpenStore,
  type OpenStoreOptions,
  type Store,
  type StoreBatch,
  StoreError,
} from "../../src/platform/store.ts";
import { storeError } from "./store_failure.ts";
import { type ReaderMode, StoreReader } from "./store_reader.ts";
import { StoreWriter } from "./store_writer.ts";

/**
 * Opens a store in an SQLite file (WAL): one writer in a worker, a read-only connection on this thread. Beside the file
 * lie `-wal` and `-shm` while it is open, and `.lock`, by which a second writer is refused; a crash leaves it harmless.
 * Where the disk has no room for them, the file is read alone, and commits fail as `full` until there is.
 *
 * @throws StoreError `locked` where another writer has it, `corrupt` where it is no such file or a damaged one
 */
export const openStore: OpenStore = async (options) => {
  const writer = options.readOnly === true ? undefined : await openWriter(options);
  try {
    return new SqliteStore(options.path, new StoreReader(options.path, readerMode(options, writer)), writer);
  } catch (cause) {
    await writer?.close();
    throw storeError(`Cannot open ${options.path}`, cause);
  }
};

function readerMode({ alone }: OpenStoreOptions, writer: StoreWriter | undefined): ReaderMode {
  if (writer === undefined) return alone === true ? "alone" : "snapshot";
  return writer.deferred ? "alone" : "live";
}

async function openWriter(options: OpenStoreOptions): Promise<StoreWriter> {
  try {
    await mkdir(dirname(options.path), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw storeError(`Cannot open ${options.path}`, cause);
  }
  return await StoreWriter.open(options);
}

class SqliteStore implements Store {
  readonly #path: string;
  #reader: StoreReader;
  readonly #writer: StoreWriter | undefined;
  #closed: Promise<void> | undefined;

  constructor(path: string, reader: StoreReader, writer: StoreWriter | undefined) {
    this.#path = path;
    this.#reader = reader;
    this.#writer = writer;
    writer?.onReopened(() => this.#reopen());
  }

  // deno-lint-ignore require-await
  async get(key: string): Promise<Uint8Array | undefined> {
    this.#checkOpen();
    return this.#reader.get(key);
  }

  async *list(prefix: string): AsyncGenerator<readonly [key: string, value: Uint8Array]> {
    for (const cursor = this.#reader.cursor(prefix); !cursor.done;) {
      this.#checkOpen();
      yield* this.#reader.page(cursor);
      // Reading is synchronous: between two pages everybody else has a turn.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  async *keys(prefix: string): AsyncGenerator<string> {
    for (const cursor = this.#reader.cursor(prefix); !cursor.done;) {
      this.#checkOpen();
      yield* this.#reader.keyPage(cursor);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  async commit(batch: StoreBatch): Promise<void> {
    this.#checkOpen();
    if (this.#writer === undefined) throw new StoreError("failed", "Cannot commit: the store was opened for reading");
    await this.#writer.commit(batch);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #reopen(): void {
    const reader = new StoreReader(this.#path, "live");
    this.#reader.close();
    this.#reader = reader;
  }

  async #close(): Promise<void> {
    await this.#writer?.drain();
    // Before the writer: the last connection to go folds the -wal file into the main one.
    this.#reader.close();
    await this.#writer?.close();
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw new StoreError("closed", "Cannot use the store: it is closed");
  }
}
