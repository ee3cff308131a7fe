import type { ApiClient } from "./api_client.ts";
import { sleep } from "./wait.ts";

/** One read and what came of it. */
export interface LoadedRead {
  readonly path: string;
  /** After the load began. */
  readonly atMs: number;
  readonly tookMs: number;
  /** Missing where no answer came. */
  readonly status?: number;
  readonly source?: string;
  readonly error?: string;
}

const LIMIT_MS = 15_000;

export interface ReadLoadOptions {
  readonly api: ApiClient;
  /** Read in turn. */
  readonly paths: readonly string[];
  readonly everyMs: number;
}

/** Reads one path after the other at a steady pace, whether or not those before have been answered, until it is stopped. */
export class ReadLoad {
  readonly #options: ReadLoadOptions;
  readonly #began = performance.now();
  readonly #reads: LoadedRead[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #loop: Promise<void>;
  #stopped = false;

  constructor(options: ReadLoadOptions) {
    this.#options = options;
    this.#loop = this.#run();
  }

  /** Waits for what is under way. @returns all reads, in the order of their ends */
  async stop(): Promise<readonly LoadedRead[]> {
    this.#stopped = true;
    await this.#loop;
    await Promise.all(this.#running);
    return this.#reads;
  }

  /** Milliseconds since it began: the clock of its reads. */
  get nowMs(): number {
    return performance.now() - this.#began;
  }

  async #run(): Promise<void> {
    const { paths, everyMs } = this.#options;
    for (let count = 0; !this.#stopped; count++) {
      const read = this.#read(paths[count % paths.length] ?? "/");
      this.#running.add(read);
      void read.then(() => this.#running.delete(read));
      await sleep(everyMs);
    }
  }

  async #read(path: string): Promise<void> {
    const began = performance.now();
    const about = (): Pick<LoadedRead, "path" | "atMs" | "tookMs"> => ({
      path,
      atMs: Math.round(began - this.#began),
      tookMs: Math.round(performance.now() - began),
    });
    try {
      const { status, headers } = await this.#options.api(path, { timeoutMs: LIMIT_MS });
      this.#reads.push({ ...about(), status, source: String(headers["x-holdfast-source"]) });
    } catch (error) {
      this.#reads.push({ ...about(), error: String(error) });
    }
  }
}
