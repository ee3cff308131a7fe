import { jsonEqual } from "../kube/json_equal.ts";
import type { Lookup, Lookups } from "./filter.ts";

/** What a lookup has of each object, by its key. */
export type LookupTable = ReadonlyMap<string, unknown>;

/** The tables of one moment. They never change: after a change there are others. */
export class LookupTables implements Lookups {
  readonly #tables: ReadonlyMap<Lookup<unknown>, LookupTable>;

  constructor(tables: ReadonlyMap<Lookup<unknown>, LookupTable> = new Map()) {
    this.#tables = tables;
  }

  tableOf(lookup: Lookup<unknown>): LookupTable | undefined {
    return this.#tables.get(lookup);
  }

  get<Value>(lookup: Lookup<Value>, key: string): Value | undefined {
    // What stands in the table of a lookup is what its own `select` has made.
    return this.#tables.get(lookup)?.get(key) as Value | undefined;
  }

  *values<Value>(lookup: Lookup<Value>): Iterable<Value> {
    for (const value of this.#tables.get(lookup)?.values() ?? []) yield value as Value; // as above
  }

  /** The tables with another one in the place of a lookup's; the same tables where that says the same. */
  with(lookup: Lookup<unknown>, table: LookupTable): LookupTables {
    const before = this.#tables.get(lookup);
    if (before !== undefined && saysTheSame(before, table)) return this;
    return new LookupTables(new Map([...this.#tables, [lookup, table]]));
  }
}

function saysTheSame(one: LookupTable, other: LookupTable): boolean {
  if (one === other) return true;
  if (one.size !== other.size) return false;
  for (const [key, value] of one) if (!other.has(key) || !jsonEqual(value, other.get(key))) return false;
  return true;
}
