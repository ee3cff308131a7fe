import type { FileSystem } from "../platform/files.ts";
import { type RawFlags, readConfigFile } from "./config_file.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { type Flag, variableOf } from "./flag.ts";
import { type FlagSource, type FlagValues, flagValues, type ResolvedFlag } from "./flag_values.ts";
import { FlagValueError, parseFlagValue } from "./flag_value.ts";
import { UsageError } from "./usage_error.ts";

export interface ResolveFlagsOptions {
  readonly flags: readonly Flag[];
  /** Of another command that may share the file of `--config`. */
  readonly otherFlags?: readonly Flag[];
  /** From the command line. */
  readonly given: RawFlags;
  readonly environment: Environment;
  readonly files: FileSystem;
}

interface Origin {
  readonly source: FlagSource;
  readonly raw: RawFlags;
  /** How an error names the flag. */
  readonly nameOf: (flag: Flag) => string;
}

/**
 * Puts the flags of a command together: command line before environment before file (`--config`) before default.
 *
 * @throws UsageError that names the flag, the value (unless that is secret) and where it stands
 */
export async function resolveFlags(options: ResolveFlagsOptions): Promise<FlagValues> {
  const { flags, otherFlags = [], given, environment, files } = options;
  const fromEnvironment = readEnvironment(environment, flags);
  const path = (given["config"] ?? fromEnvironment["config"])?.at(-1) ?? "";
  const fromFile = path === "" ? {} : await readConfigFile({ files, path, flags, otherFlags });
  const origins: readonly Origin[] = [
    { source: "command line", raw: given, nameOf: (flag) => `--${flag.name}` },
    {
      source: "environment",
      raw: fromEnvironment,
      nameOf: (flag) => `--${flag.name} (${variableIn(environment, flag)})`,
    },
    { source: "file", raw: fromFile, nameOf: (flag) => `"${flag.name}" in ${path}` },
  ];
  const resolved = flags.map((flag) => resolve(flag, origins));
  for (const { flag, value } of resolved) if (flag.required && value.toString() === "") throw missing(flag);
  return flagValues(resolved);
}

function resolve(flag: Flag, origins: readonly Origin[]): ResolvedFlag {
  for (const { source, raw, nameOf } of origins) {
    const texts = raw[flag.name];
    if (texts !== undefined) return { flag, value: parse(flag, { texts, name: nameOf(flag) }), source };
  }
  return { flag, value: parseFlagValue(flag, flag.default === "" ? [] : [flag.default]), source: "default" };
}

function missing(flag: Flag): UsageError {
  const variables = [variableOf(flag), ...(flag.variable === undefined ? [] : [flag.variable])].join(" or ");
  return new UsageError(`--${flag.name} is required: give it on the command line, in --config or as ${variables}`);
}

function parse(flag: Flag, given: { readonly texts: readonly string[]; readonly name: string }): ResolvedFlag["value"] {
  try {
    return parseFlagValue(flag, given.texts);
  } catch (error) {
    if (!(error instanceof FlagValueError)) throw error;
    const shown = flag.secret === true ? "" : ` "${given.texts.join(",")}"`;
    throw new UsageError(`Invalid value${shown} of ${given.name}: ${error.message}`);
  }
}

function variableIn(environment: Environment, flag: Flag): string {
  const own = variableOf(flag);
  return environment[own] === undefined || environment[own] === "" ? flag.variable ?? own : own;
}
