import type { Filter, Lookup } from "../../src/filter/filter.ts";
import { FilterChain, type FilterFailure } from "../../src/filter/filter_chain.ts";
import { LookupTables } from "../../src/filter/lookup_tables.ts";
import type { JsonObject } from "../../src/kube/json_equal.ts";
import { readObjectMeta } from "../../src/kube/object_meta.ts";

/** Objects of a lookup, by key, as the cluster has them. */
export type LookedUp = readonly (readonly [lookup: Lookup<unknown>, objects: readonly JsonObject[], source?: number])[];

/** Tables made of objects by the lookups' own sources. */
export function tablesOf(...looked: LookedUp): LookupTables {
  let tables = new LookupTables();
  for (const [lookup, objects, source = 0] of looked) {
    const table = new Map<string, unknown>();
    for (const object of objects) {
      const { namespace, name } = readObjectMeta(new TextEncoder().encode(JSON.stringify(object)));
      const value = lookup.sources[source]?.select(object);
      if (value !== undefined) table.set(namespace === "" ? name : `${namespace}/${name}`, value);
    }
    tables = tables.with(lookup, table);
  }
  return tables;
}

/** The text that a chain makes of an object's text; nothing where it drops it. */
export function shown(
  object: JsonObject | string,
  { filters, lookups = new LookupTables(), failures = [] }: {
    readonly filters: readonly Filter[];
    readonly lookups?: LookupTables;
    readonly failures?: FilterFailure[];
  },
): string | undefined {
  const bytes = new TextEncoder().encode(typeof object === "string" ? object : JSON.stringify(object));
  const chain = new FilterChain({ filters, lookups, failed: (failure) => failures.push(failure) });
  const result = chain.show(readObjectMeta(bytes), bytes);
  return result === undefined ? undefined : new TextDecoder().decode(result);
}

/** The same, parsed. Not checked: an assertion on what is not there fails. */
export function shownObject(...args: Parameters<typeof shown>): JsonObject | undefined {
  const text = shown(...args);
  return text === undefined ? undefined : JSON.parse(text) as JsonObject;
}
