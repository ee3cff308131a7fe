import type { Flag, FlagType } from "./flag.ts";
import type { FlagValue } from "./flag_value.ts";

/** Where a value comes from, weakest first. */
export type FlagSource = "default" | "file" | "environment" | "command line";

/** The values of a command's flags, each by the name and the type that it was declared with. */
export interface FlagValues {
  string(name: string): string;
  integer(name: string): number;
  boolean(name: string): boolean;
  durationMs(name: string): number;
  bytes(name: string): number;
  list(name: string): readonly string[];
  source(name: string): FlagSource;
}

export interface ResolvedFlag {
  readonly flag: Flag;
  readonly value: FlagValue;
  readonly source: FlagSource;
}

/** Gives typed access; to ask for a flag that is not declared, or by another type, is a TypeError. */
export function flagValues(resolved: readonly ResolvedFlag[]): FlagValues {
  const byName = new Map(resolved.map((entry) => [entry.flag.name, entry]));
  const entryOf = (name: string): ResolvedFlag => {
    const entry = byName.get(name);
    if (entry === undefined) throw new TypeError(`Flag --${name} is not declared`);
    return entry;
  };
  const valueOf = (name: string, type: FlagType): FlagValue => {
    const { flag, value } = entryOf(name);
    if (flag.type !== type) throw new TypeError(`Flag --${name} is a ${flag.type}, not a ${type}`);
    return value;
  };
  return {
    string: (name) => String(valueOf(name, "string")),
    integer: (name) => Number(valueOf(name, "integer")),
    boolean: (name) => valueOf(name, "boolean") === true,
    durationMs: (name) => Number(valueOf(name, "duration")),
    bytes: (name) => Number(valueOf(name, "bytes")),
    list: (name) => {
      const value = valueOf(name, "list");
      return typeof value === "object" ? value : [];
    },
    source: (name) => entryOf(name).source,
  };
}
