import type { DurationUnit, Flag } from "./flag.ts";

export type FlagValue = string | number | boolean | readonly string[];

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
};

const unitBytes: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  t: 1e12,
  tb: 1e12,
  ki: 1024,
  kib: 1024,
  mi: 1024 ** 2,
  mib: 1024 ** 2,
  gi: 1024 ** 3,
  gib: 1024 ** 3,
  ti: 1024 ** 4,
  tib: 1024 ** 4,
};

/** The text is no value of the flag's type; the message says what would be one. */
export class FlagValueError extends Error {
  override readonly name = "FlagValueError";
}

/**
 * Reads the texts that were given for one flag: the last one counts, of a list all of them, each split at its commas.
 *
 * @throws FlagValueError
 */
export function parseFlagValue(flag: Flag, texts: readonly string[]): FlagValue {
  if (flag.type === "list") {
    const items = texts.flatMap((text) => text.split(",")).map((item) => item.trim()).filter((item) => item !== "");
    for (const item of items) checked(flag, item);
    return items;
  }
  const text = texts.at(-1) ?? "";
  switch (flag.type) {
    case "string":
      return text === "" ? text : checked(flag, text);
    case "boolean":
      return parseBoolean(text);
    case "integer":
      return parseInteger(checked(flag, text), flag);
    case "duration":
      return parseDuration(checked(flag, text), flag.unit ?? "s");
    case "bytes":
      return parseBytes(text);
  }
}

/** Milliseconds from a Go duration (`1h30m`, `1.5s`, `120min`) or a bare number of `unit`. @throws FlagValueError */
function parseDuration(text: string, unit: DurationUnit): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * (unitMs[unit] ?? 1);
  if (!/^(\d+(\.\d+)?(ns|us|µs|μs|ms|s|min|m|h))+$/.test(text)) {
    throw new FlagValueError(`must be a duration such as 90s, 1h30m or a number (of ${unitName(unit)})`);
  }
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|min|m|h)/g)]
    .reduce((sum, [, amount, name = ""]) => sum + Number(amount) * (unitMs[name] ?? 0), 0);
}

/** The unit of a bare number in words. */
export function unitName(unit: DurationUnit): string {
  return { ms: "milliseconds", s: "seconds", m: "minutes" }[unit];
}

function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text);
  const factor = unitBytes[(match?.[2] ?? "?").toLowerCase()];
  if (match === null || factor === undefined) {
    throw new FlagValueError("must be a size such as 64MiB, 1GiB, 500MB or a number of bytes");
  }
  return Math.round(Number(match[1]) * factor);
}

function parseBoolean(text: string): boolean {
  const value = text.toLowerCase();
  if (value === "true" || value === "1") return true;
  if (value === "false" || value === "0") return false;
  throw new FlagValueError("must be true or false");
}

function parseInteger(text: string, { minimum = 0, maximum = Number.MAX_SAFE_INTEGER }: Flag): number {
  const value = Number(text);
  if (/^-?\d+$/.test(text) && value >= minimum && value <= maximum) return value;
  const range = maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
  throw new FlagValueError(`must be a whole number ${range}`);
}

function checked(flag: Flag, text: string): string {
  const problem = flag.check?.(text);
  if (problem !== undefined) throw new FlagValueError(problem);
  return text;
}
