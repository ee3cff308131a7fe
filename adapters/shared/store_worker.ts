import type { DatabaseSync, StatementSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import type { OpenStoreOptions, StoreError } from "../../src/platform/store.ts";
import { type PackedBatch, unpackBatch } from "./store_batch.ts";
import { markMalformed, openDatabase, prefixEnd, type StoreDatabase } from "./store_database.ts";
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

function serve(store: StoreDatabase, path: string): void {
  const writer = new BatchWriter(store.database, path);
  parentPort?.on("message", (request: StoreRequest) => {
    if (request.kind === "commit") {
      reply({ kind: "committed", problems: writer.commit(request.batches) });
      return;
    }
    store.close();
    reply({ kind: "closed" });
  });
  reply({ kind: "opened" });
}

function start(options: OpenStoreOptions): void {
  try {
    serve(openDatabase(options), options.path);
  } catch (cause) {
    reply({ kind: "refused", problem: problemOf(storeError(`Cannot open ${options.path}`, cause)) });
  }
}

// store_writer.ts, which alone starts this worker, gives it the options.
start(workerData as OpenStoreOptions);
