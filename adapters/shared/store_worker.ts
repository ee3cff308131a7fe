import type { DatabaseSync, StatementSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import type { OpenStoreOptions, StoreError } from "../../src/platform/store.ts";
import { type PackedBatch, unpackBatch } from "./store_batch.ts";
import { isReadableAlone, markMalformed, openLocked, prefixEnd, takeLock } from "./store_database.ts";
import { isFailure, storeError } from "./store_failure.ts";
import type { StoreProblem, StoreReply, StoreRequest } from "./store_messages.ts";

/** Applies packed batches. */
class BatchWriter {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  readonly #removePrefix: StatementSync;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
    this.#put = database.prepare(
      "INSERT INTO rows (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    );
    this.#remove = database.prepare("DELETE FROM rows WHERE key = ?");
    this.#removePrefix = database.prepare("DELETE FROM rows WHERE key >= ? AND key < ?");
  }

  /** Commits all batches at once (one sync of the disk); where that fails, each for itself. */
  commit(batches: readonly PackedBatch[]): readonly (StoreProblem | undefined)[] {
    const problem = this.#transact(batches);
    if (problem === undefined) return batches.map(() => undefined);
    if (batches.length === 1) return [problem];
    return batches.map((batch) => this.#transact([batch]));
  }

  #transact(batches: readonly PackedBatch[]): StoreProblem | undefined {
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      for (const batch of batches) this.#apply(batch);
      this.#database.exec("COMMIT");
      return undefined;
    } catch (cause) {
      this.#rollBack();
      const error = storeError("Cannot commit", cause);
      if (isFailure(error, "corrupt")) markMalformed(this.#path);
      return problemOf(error);
    }
  }

  #apply(packed: PackedBatch): void {
    const { removePrefix, remove, put } = unpackBatch(packed);
    for (const prefix of removePrefix) this.#removePrefix.run(prefix, prefixEnd(prefix));
    for (const key of remove) this.#remove.run(key);
    for (let index = 0; index + 1 < put.length; index += 2) {
      this.#put.run(put[index] ?? null, put[index + 1] ?? null);
    }
  }

  #rollBack(): void {
    try {
      this.#database.exec("ROLLBACK");
    } catch {
      // There is none: it did not begin, or SQLite has already ended it (disk full, I/O error).
    }
  }
}

function problemOf({ failure, message }: StoreError): StoreProblem {
  return { failure, message };
}

function reply(message: StoreReply): void {
  parentPort?.postMessage(message);
}

/** The writing end: opened at once, or once there is room on the disk. */
class StoreServer {
  readonly #options: OpenStoreOptions;
  readonly #lock: DatabaseSync;
  #database: DatabaseSync | undefined;
  #writer: BatchWriter | undefined;

  constructor(options: OpenStoreOptions) {
    this.#options = options;
    this.#lock = takeLock(options.path);
    try {
      this.#open(options);
    } catch (error) {
      if (isFailure(error, "full") && isReadableAlone(options.path)) return;
      this.#lock.close();
      throw error;
    }
  }

  /** Whether there was no room to open the file for writing. */
  get deferred(): boolean {
    return this.#writer === undefined;
  }

  commit(batches: readonly PackedBatch[]): readonly (StoreProblem | undefined)[] {
    return this.#writer?.commit(batches) ?? this.#openAgain(batches);
  }

  close(): void {
    this.#database?.close();
    this.#lock.close();
  }

  #open(options: OpenStoreOptions): void {
    this.#database = openLocked(options);
    this.#writer = new BatchWriter(this.#database, options.path);
  }

  /** Commits nothing yet: before the file changes, its reader must know that it may. */
  #openAgain(batches: readonly PackedBatch[]): readonly StoreProblem[] {
    const { path, durability } = this.#options;
    let problem: StoreProblem = { failure: "full", message: `Cannot commit: ${path} was opened for writing only now` };
    try {
      this.#open({ path, durability });
      reply({ kind: "reopened" });
    } catch (cause) {
      problem = problemOf(storeError("Cannot commit", cause));
    }
    return batches.map(() => problem);
  }
}

function start(options: OpenStoreOptions): void {
  let server: StoreServer;
  try {
    server = new StoreServer(options);
  } catch (cause) {
    reply({ kind: "refused", problem: problemOf(storeError(`Cannot open ${options.path}`, cause)) });
    return;
  }
  parentPort?.on("message", (request: StoreRequest) => {
    if (request.kind === "commit") {
      reply({ kind: "committed", problems: server.commit(request.batches) });
      return;
    }
    server.close();
    reply({ kind: "closed" });
  });
  reply({ kind: "opened", deferred: server.deferred });
}

// store_writer.ts, which alone starts this worker, gives it the options.
start(workerData as OpenStoreOptions);
