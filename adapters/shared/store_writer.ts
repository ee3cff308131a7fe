import { Worker } from "node:worker_threads";
import { type OpenStoreOptions, type StoreBatch, StoreError } from "../../src/platform/store.ts";
import { packBatch, type PackedBatch } from "./store_batch.ts";
import { storeError } from "./store_failure.ts";
import type { StoreProblem, StoreReply, StoreRequest } from "./store_messages.ts";

/** Commits that wait for the worker; a further one is refused. */
export const QUEUED_BATCHES_MAX = 10_000;
export const QUEUED_BYTES_MAX: number = 64 * 1024 * 1024;
/** Commits that wait are made durable together, up to this much at once; a message of thousands of buffers holds this thread up. */
const GROUP_BATCHES_MAX = 128;
const GROUP_BYTES_MAX: number = 4 * 1024 * 1024;

/** Keeps Node's heap for the worker small; values lie outside of it. Bun and Deno ignore it. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 };

interface QueuedBatch {
  readonly packed: PackedBatch;
  /** Kept apart, because the buffer is empty once it has moved to the worker. */
  readonly bytes: number;
  settle(error?: StoreError): void;
}

/** The worker's end on this thread: queues batches, sends them in groups, one group at a time. */
export class StoreWriter {
  readonly #worker: Worker;
  readonly #ready: Promise<void>;
  #opened: (error?: StoreError) => void = () => undefined;
  #deferred = false;
  #reopened: () => void = () => undefined;
  #queue: QueuedBatch[] = [];
  #queuedBytes = 0;
  #flying: readonly QueuedBatch[] = [];
  #broken: StoreError | undefined;
  #idle: (() => void)[] = [];
  #closed: () => void = () => undefined;

  private constructor(options: OpenStoreOptions) {
    this.#ready = new Promise((resolve, reject) => {
      this.#opened = (error): void => error === undefined ? resolve() : reject(error);
    });
    this.#worker = startWorker(options);
    this.#worker.on("message", (reply: StoreReply) => this.#take(reply));
    this.#worker.on("error", (cause) => this.#break(storeError("The store's worker failed", cause)));
    this.#worker.on("exit", () => this.#break(new StoreError("failed", "The store's worker has ended")));
  }

  /** @throws StoreError */
  static async open(options: OpenStoreOptions): Promise<StoreWriter> {
    const writer = new StoreWriter(options);
    try {
      await writer.#ready;
      return writer;
    } catch (error) {
      await writer.#worker.terminate();
      throw error;
    }
  }

  /** Whether the disk had no room: the file can be read alone (`isReadableAlone`), and commits fail. */
  get deferred(): boolean {
    return this.#deferred;
  }

  /** Calls back once, when there is room and before anything is committed. */
  onReopened(reopened: () => void): void {
    this.#reopened = reopened;
  }

  /** The batch is copied before this returns. @throws StoreError */
  commit(batch: StoreBatch): Promise<void> {
    const packed = packBatch(batch);
    const bytes = packed.byteLength;
    return new Promise((resolve, reject) => {
      const full = this.#queue.length >= QUEUED_BATCHES_MAX || this.#queuedBytes + bytes > QUEUED_BYTES_MAX;
      if (this.#broken !== undefined) reject(this.#broken);
      else if (full && this.#queue.length > 0) {
        reject(
          new StoreError(
            "failed",
            `Cannot commit: ${this.#queue.length} batches of ${this.#queuedBytes} bytes are waiting`,
          ),
        );
      } else {
        this.#queue.push({ packed, bytes, settle: (error) => error === undefined ? resolve() : reject(error) });
        this.#queuedBytes += bytes;
        this.#send();
      }
    });
  }

  /** Resolves when no commit is under way. */
  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.#send();
    });
  }

  /** Closes the file and ends the worker; after `drain`. */
  async close(): Promise<void> {
    if (this.#broken === undefined) {
      const closed = new Promise<void>((resolve) => this.#closed = resolve);
      this.#post({ kind: "close" }, []);
      await closed;
    }
    await this.#worker.terminate();
  }

  #send(): void {
    if (this.#flying.length > 0) return;
    let count = 0;
    for (let bytes = 0; count < Math.min(this.#queue.length, GROUP_BATCHES_MAX); count++) {
      bytes += this.#queue[count]?.bytes ?? 0;
      if (count > 0 && bytes > GROUP_BYTES_MAX) break;
    }
    if (count === 0) {
      for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    this.#flying = this.#queue.splice(0, count);
    const batches = this.#flying.map(({ packed }) => packed);
    for (const { bytes } of this.#flying) this.#queuedBytes -= bytes;
    this.#post({ kind: "commit", batches }, batches);
  }

  #post(request: StoreRequest, moved: readonly PackedBatch[]): void {
    this.#worker.postMessage(request, moved);
  }

  #take(reply: StoreReply): void {
    if (reply.kind === "opened") {
      this.#deferred = reply.deferred;
      this.#opened();
    } else if (reply.kind === "reopened") this.#reopen();
    else if (reply.kind === "refused") this.#opened(errorOf(reply.problem));
    else if (reply.kind === "closed") this.#closed();
    else {
      const settled = this.#flying;
      this.#flying = [];
      settled.forEach((batch, index) => {
        const problem = reply.problems[index];
        batch.settle(problem === undefined ? undefined : errorOf(problem));
      });
      this.#send();
    }
  }

  /** A reader that has not been told must not be written under. */
  #reopen(): void {
    try {
      this.#reopened();
    } catch (cause) {
      this.#break(storeError("Cannot read the store", cause));
    }
  }

  #break(error: StoreError): void {
    this.#broken ??= error;
    this.#opened(error);
    this.#closed();
    for (const batch of [...this.#flying, ...this.#queue]) batch.settle(error);
    this.#flying = [];
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#send();
  }
}

function startWorker(workerData: OpenStoreOptions): Worker {
  // The specifier inside new URL() is not rewritten by tsc, so that dist needs the other branch.
  const url = import.meta.url.endsWith(".js")
    ? new URL("./store_worker.js", import.meta.url)
    : new URL("./store_worker.ts", import.meta.url);
  return new Worker(url, { name: "holdfast-store", workerData, resourceLimits: RESOURCE_LIMITS });
}

function errorOf({ failure, message }: StoreProblem): StoreError {
  return new StoreError(failure, message);
}
