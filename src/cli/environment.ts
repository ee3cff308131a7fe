import type { RawFlags } from "./config_file.ts";
import { type Flag, variableOf, variablePrefix } from "./flag.ts";
import { suggestion } from "./nearest.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Takes the flags' values from `HOLDFAST_*` and from the further variable that a flag names. */
export function readEnvironment(environment: Environment, flags: readonly Flag[]): RawFlags {
  const result: Record<string, readonly string[]> = {};
  for (const flag of flags) {
    if (flag.commandLineOnly === true) continue;
    const text = environment[variableOf(flag)] ??
      (flag.variable === undefined ? undefined : environment[flag.variable]);
    if (text !== undefined && text !== "") result[flag.name] = [text];
  }
  return result;
}

/** One warning for each `HOLDFAST_*` variable that no flag of any command has. */
export function unknownVariables(environment: Environment, flags: readonly Flag[]): readonly string[] {
  const names = flags.filter((flag) => flag.commandLineOnly !== true).map(variableOf);
  return Object.keys(environment)
    .filter((name) => name.startsWith(variablePrefix) && !names.includes(name))
    .map((name) => `Unknown environment variable ${name} is ignored${suggestion(name, { names })}`);
}
