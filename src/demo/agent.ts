import type { Clock } from "../platform/clock.ts";
import { UpstreamError } from "../platform/upstream.ts";
import { type ApiClient, WatchRefusedError } from "./api_client.ts";

export interface SimulatedAgentOptions {
  readonly clock: Clock;
  /** Of the hub. The agent does not close it. */
  readonly client: ApiClient;
  /** What it watches: `/api/v1/pods`. */
  readonly paths: readonly string[];
}

/** Pause after a watch has ended. */
const retryMs = 200;

/**
 * Watches collections as an agent on a node does (kube-proxy, a log shipper), and begins again whenever a watch ends.
 * What it watches the hub keeps.
 */
export class SimulatedAgent {
  readonly #options: SimulatedAgentOptions;
  readonly #stop = new AbortController();
  readonly #synced = new Set<string>();
  readonly #running: Promise<unknown>;

  constructor(options: SimulatedAgentOptions) {
    this.#options = options;
    this.#running = Promise.all(options.paths.map((path) => this.#follow(path)));
  }

  /** Whether it has seen the whole state of all that it watches. */
  get synced(): boolean {
    return this.#synced.size === this.#options.paths.length;
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error("The agent stops"));
    await this.#running;
  }

  async #follow(path: string): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#watch(path, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof UpstreamError) && !(error instanceof WatchRefusedError)) throw error;
      }
      // Stopped while it waits: the loop ends.
      await this.#options.clock.sleep(retryMs, signal).catch(() => undefined);
    }
  }

  async #watch(path: string, signal: AbortSignal): Promise<void> {
    const state = "watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    for await (const { type } of this.#options.client.watch(`${path}?${state}`, signal)) {
      // The first bookmark ends the state; the later ones say nothing new.
      if (type === "BOOKMARK") this.#synced.add(path);
    }
  }
}
