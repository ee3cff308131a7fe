import type { Flag } from "./flag.ts";

/** `--v`: from here on every request is a line of the log. */
const debugVerbosity = 4;

/** Flags that every command with settings has. */
export const commonFlags: readonly Flag[] = [
  {
    name: "config",
    type: "string",
    default: "",
    placeholder: "FILE",
    help: "YAML file with the same names as these flags",
    group: "General",
  },
  {
    name: "v",
    type: "integer",
    default: "2",
    placeholder: "NUMBER",
    help:
      `log level: below ${debugVerbosity} what changes, from ${debugVerbosity} on every request (debug) and the stack of errors`,
    group: "General",
  },
];

/** Flags of programs that write a log for others to read. */
export const logFlags: readonly Flag[] = [
  {
    name: "log-format",
    type: "string",
    default: "text",
    placeholder: "FORMAT",
    help: "lines of the log: text; or json, one object each",
    group: "General",
    check: (text) => ["text", "json"].includes(text) ? undefined : "must be text or json",
  },
];

/** The level of the log that `--v` stands for. */
export function logLevelOf(verbosity: number): "info" | "debug" {
  return verbosity >= debugVerbosity ? "debug" : "info";
}
