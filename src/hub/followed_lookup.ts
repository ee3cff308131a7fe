import type { Lookup } from "../filter/filter.ts";
import type { LookupTable } from "../filter/lookup_tables.ts";
import { FollowedSource, type FollowedSourceOptions } from "./followed_source.ts";

export type FollowedLookupOptions = Omit<FollowedSourceOptions, "source"> & { readonly lookup: Lookup<unknown> };

/** A lookup's table: that of the first of its sources that the cluster has, and that has something in it. */
export class FollowedLookup {
  readonly #options: FollowedLookupOptions;
  readonly #sources: FollowedSource[] = [];

  constructor(options: FollowedLookupOptions) {
    this.#options = options;
  }

  /** Begins to follow it. */
  start(): void {
    this.#follow();
  }

  /** `refused` where the node may read none of the sources, or the cluster has none. */
  get state(): "waiting" | "ready" | "refused" {
    const states = this.#sources.map(({ state }) => state);
    if (this.#filled !== undefined) return "ready";
    if (this.#sources.length < this.#options.lookup.sources.length || states.includes("waiting")) return "waiting";
    return states.includes("ready") ? "ready" : "refused";
  }

  /** Whether what is held of it is being read. */
  get isReading(): boolean {
    return this.#sources.some((source) => source.isReading);
  }

  get table(): LookupTable {
    return this.#filled?.table ?? nothing;
  }

  close(): void {
    for (const source of this.#sources) source.close();
  }

  get #filled(): FollowedSource | undefined {
    return this.#sources.find(({ state, table }) => state === "ready" && table.size > 0);
  }

  /** A source is followed only where those before it have nothing. */
  #follow(): void {
    const { lookup, ...options } = this.#options;
    while (this.#sources.every(({ state, table }) => state === "refused" || (state === "ready" && table.size === 0))) {
      const source = lookup.sources[this.#sources.length];
      if (source === undefined) return;
      const followed = new FollowedSource({ ...options, source, changed: () => this.#changed() });
      this.#sources.push(followed);
      followed.start();
    }
  }

  #changed(): void {
    this.#follow();
    this.#options.changed();
  }
}

const nothing: LookupTable = new Map();
