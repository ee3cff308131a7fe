/** `list`: texts; `duration`: milliseconds once read; `bytes`: a number of bytes once read. */
export type FlagType = "string" | "integer" | "boolean" | "duration" | "bytes" | "list";

/** Unit of a duration that is written as a bare number: the flag's historic one. */
export type DurationUnit = "ms" | "s" | "m";

/** One flag, declared once: `--help`, the YAML file, `HOLDFAST_*` and validation all follow from it. */
export interface Flag {
  /** Without the dashes. */
  readonly name: string;
  readonly type: FlagType;
  /** As it would be written; empty for none. */
  readonly default: string;
  /** What `--help` says in place of the default where that follows from something else. */
  readonly defaultHelp?: string;
  readonly help: string;
  /** Heading in `--help`. */
  readonly group: string;
  /** Name of the value in `--help`. */
  readonly placeholder?: string;
  /** Of a duration. */
  readonly unit?: DurationUnit;
  /** Of an integer. */
  readonly minimum?: number;
  readonly maximum?: number;
  readonly required?: boolean;
  /** One letter: `-n` for `--namespace`. */
  readonly short?: string;
  /** What is asked this once: neither the environment nor a file may set it. */
  readonly commandLineOnly?: boolean;
  /** Its value is shown to nobody: no error repeats it. */
  readonly secret?: boolean;
  /** A variable that counts beside `HOLDFAST_<NAME>`, after it. */
  readonly variable?: string;
  /** What is wrong with a value (each one of a list) of the right type, if anything. */
  readonly check?: (value: string) => string | undefined;
}

/** The environment variable of a flag: `--proxy-port` is `HOLDFAST_PROXY_PORT`. */
export function variableOf(flag: Flag): string {
  return `${variablePrefix}${flag.name.replaceAll("-", "_").toUpperCase()}`;
}

export const variablePrefix = "HOLDFAST_";
