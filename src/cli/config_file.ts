import { parse, YAMLParseError } from "yaml";
import { z } from "zod";
import type { FileSystem } from "../platform/files.ts";
import type { Flag } from "./flag.ts";
import { suggestion } from "./nearest.ts";
import { shownName } from "./shown_word.ts";
import { UsageError } from "./usage_error.ts";

/** Texts by flag name, as they would stand on the command line. */
export type RawFlags = Readonly<Record<string, readonly string[]>>;

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const document = z.record(z.string(), z.unknown());
const value = z.union([scalar.transform((text) => [text]), z.array(scalar)]);

export interface ConfigFileOptions {
  readonly files: FileSystem;
  readonly path: string;
  readonly flags: readonly Flag[];
  /** Of another command that shares the file. */
  readonly otherFlags: readonly Flag[];
}

/**
 * Reads a YAML file whose keys are the names of flags: a scalar each, of a list flag also a sequence.
 *
 * @throws UsageError that names the file and the key
 * @throws FileError
 */
export async function readConfigFile({ files, path, flags, otherFlags }: ConfigFileOptions): Promise<RawFlags> {
  const content = await files.read(path);
  if (content === undefined) throw new UsageError(`Cannot read --config "${path}": there is no such file`);
  const entries = document.safeParse(parseYaml(path, content) ?? {});
  if (!entries.success) throw new UsageError(`Cannot use ${path}: it must be a map of flags`);
  const known = new Map(flags.filter(standsInFiles).map((flag) => [flag.name, flag]));
  const others = new Set(otherFlags.filter(standsInFiles).map(({ name }) => name));
  const result: Record<string, readonly string[]> = {};
  for (const [key, given] of Object.entries(entries.data)) {
    const flag = known.get(key);
    if (flag === undefined && others.has(key)) continue;
    if (flag === undefined) {
      throw new UsageError(
        `Unknown key "${shownName(key, flags)}" in ${path}${suggestion(key, { names: [...known.keys()] })}`,
      );
    }
    const texts = value.safeParse(given);
    if (!texts.success || (flag.type !== "list" && Array.isArray(given))) {
      throw new UsageError(
        `Invalid value of "${key}" in ${path}: must be ${flag.type === "list" ? "a list" : "one value"}`,
      );
    }
    result[key] = texts.data;
  }
  return result;
}

function standsInFiles({ name, commandLineOnly }: Flag): boolean {
  return name !== "config" && commandLineOnly !== true;
}

function parseYaml(path: string, content: Uint8Array): unknown {
  try {
    return parse(new TextDecoder().decode(content));
  } catch (cause) {
    throw new UsageError(`Cannot read ${path} as YAML: ${faultOf(cause)}`);
  }
}

/** What is wrong and where: what stands there may be a secret, and the library's messages repeat it. */
function faultOf(error: unknown): string {
  if (!(error instanceof YAMLParseError)) return "it is malformed";
  const { line, col } = error.linePos?.[0] ?? {};
  const fault = error.code.toLowerCase().replaceAll("_", " ");
  return line === undefined ? fault : `${fault} at line ${line}, column ${col}`;
}
