import type { Filter, Lookup } from "../filter/filter.ts";
import { LookupTables } from "../filter/lookup_tables.ts";
import { FollowedLookup, type FollowedLookupOptions } from "./followed_lookup.ts";

/** The lookups that filters need, each followed from the first time that it is needed. */
export class FilterLookups {
  readonly #options: Omit<FollowedLookupOptions, "lookup">;
  readonly #followed = new Map<Lookup<unknown>, FollowedLookup>();
  #tables = new LookupTables();

  /** @param options whose `changed` is called where something has changed that a filter could see */
  constructor(options: Omit<FollowedLookupOptions, "lookup">) {
    this.#options = options;
  }

  /** As of now. The same as long as they say the same. */
  get tables(): LookupTables {
    return this.#tables;
  }

  follow(lookup: Lookup<unknown>): FollowedLookup {
    const known = this.#followed.get(lookup);
    if (known !== undefined) return known;
    const followed = new FollowedLookup({ ...this.#options, lookup, changed: () => this.#changed(lookup) });
    this.#followed.set(lookup, followed);
    followed.start();
    return followed;
  }

  /** Whether it can filter: `waiting` where it is not known yet, `refused` where it never can. */
  stateOf({ lookups }: Filter): "waiting" | "ready" | "refused" {
    const states = lookups.filter(({ optional }) => optional !== true).map((lookup) => this.follow(lookup).state);
    if (states.includes("refused")) return "refused";
    return states.includes("waiting") ? "waiting" : "ready";
  }

  /** Whether what is held of some lookup is being read. */
  get isReading(): boolean {
    return [...this.#followed.values()].some((followed) => followed.isReading);
  }

  /** Whether nothing of what it looks up is still to come. */
  isComplete({ lookups }: Filter): boolean {
    return lookups.every((lookup) => this.follow(lookup).state !== "waiting");
  }

  /** Whether it was found that a filter never can; what nobody has needed yet was not tried. */
  isRefused({ lookups }: Filter): boolean {
    return lookups.some((lookup) => lookup.optional !== true && this.isRefusedLookup(lookup));
  }

  isRefusedLookup(lookup: Lookup<unknown>): boolean {
    return this.#followed.get(lookup)?.state === "refused";
  }

  close(): void {
    for (const followed of this.#followed.values()) followed.close();
  }

  #changed(lookup: Lookup<unknown>): void {
    const followed = this.#followed.get(lookup);
    if (followed !== undefined) this.#tables = this.#tables.with(lookup, followed.table);
    this.#options.changed();
  }
}
