import type { Platform } from "../platform/platform.ts";
import type { Command } from "./command.ts";
import { commands } from "./commands.ts";
import { logLevelOf } from "./common_flags.ts";
import type { RawFlags } from "./config_file.ts";
import { unknownVariables } from "./environment.ts";
import type { FlagValues } from "./flag_values.ts";
import { suggestion } from "./nearest.ts";
import { resolveFlags } from "./resolve_flags.ts";
import { shownName, shownWord } from "./shown_word.ts";
import { UsageError } from "./usage_error.ts";

const failureExitCode = 1;
/** Exit code where the command line, the environment or the configuration file is wrong. */
export const usageExitCode = 2;

/** A command, and what the command line gave it. */
export interface RunCommandOptions {
  readonly platform: Platform;
  readonly command: Command;
  /** Flags of the command line by name, as texts. */
  readonly given: RawFlags;
  /** What is left of the command line: the command's argument at most, where it is right. */
  readonly rest: readonly string[];
  readonly runtimeVersion: string;
}

/**
 * Puts a command's flags together and runs it. Errors become one line on standard error.
 *
 * @returns the exit code: 0, 1 where the command failed, 2 where flags, environment or file are wrong
 */
export async function runCommand(options: RunCommandOptions): Promise<number> {
  const { platform, command, runtimeVersion } = options;
  const { stderr, environment } = platform.process;
  let values: FlagValues | undefined;
  try {
    const argument = argumentOf(options);
    for (const warning of unknownVariables(environment, commands.flatMap(({ flags }) => flags))) {
      stderr.write(`holdfast ${command.name}: ${warning}\n`);
    }
    const { flags, fileFlags: otherFlags = [] } = command;
    const resolve = () => resolveFlags({ flags, otherFlags, given: options.given, environment, files: platform.files });
    values = await resolve();
    return await command.run({ platform, values, resolve, argument, runtimeVersion });
  } catch (error) {
    const debug = values !== undefined && command.flags.some((flag) => flag.name === "v") &&
      logLevelOf(values.integer("v")) === "debug";
    stderr.write(`holdfast ${command.name}: ${errorText(error, debug)}\n`);
    return error instanceof UsageError ? usageExitCode : failureExitCode;
  }
}

/** One line, and the stack where it is wanted. */
export function errorText(error: unknown, withStack: boolean): string {
  if (!(error instanceof Error)) return String(error);
  const line = error.message === "" ? error.name : error.message.replaceAll("\n", " ");
  return withStack && error.stack !== undefined ? `${line}\n${error.stack}` : line;
}

/** The error for a command that does not exist. */
export function unknownCommandText(name: string): string {
  return `holdfast: unknown command "${name}"${suggestion(name, { names: commands.map((command) => command.name) })}\n`;
}

/** @throws UsageError */
function argumentOf({ command, rest }: RunCommandOptions): string {
  const unknown = rest.findIndex((word) => word.startsWith("-"));
  if (unknown !== -1) throw unknownFlag(command, rest.slice(unknown));
  const { argument } = command;
  const [first = "", second] = rest;
  const unexpected = argument === undefined ? rest[0] : second;
  if (unexpected !== undefined) {
    const form = argument === undefined ? "" : `: it takes one ${argument.placeholder}`;
    throw new UsageError(`Unexpected argument${shownWord(unexpected, command.flags)}${form}`);
  }
  if (argument?.required === true && first === "") throw new UsageError(`${argument.placeholder} is required`);
  return first;
}

function unknownFlag(command: Command, [first = "", second]: readonly string[]): UsageError {
  const [flag = "", inline] = first.split(/=(.*)/s);
  const value = inline ?? (second?.startsWith("-") ? undefined : second);
  const named = suggestion(flag.replace(/^-+(no-)?/, ""), {
    names: command.flags.map(({ name }) => name),
    prefix: "--",
  });
  const shown = value === undefined ? "" : shownWord(value, command.flags);
  return new UsageError(
    `Unknown flag ${shownName(flag, command.flags)}${shown === "" ? "" : ` (value${shown})`}${named}`,
  );
}
