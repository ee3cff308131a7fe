import process from "node:process";
import { Command as CommanderCommand, CommanderError, Option } from "commander";
import {
  type CliCommand,
  commandHelp,
  commands,
  errorText,
  type Flag,
  groupHelp,
  programHelp,
  runCommand,
  unknownCommandText,
  usageExitCode,
  versionText,
} from "../../mod.ts";
import type { Platform } from "../../src/platform/platform.ts";

/** Time that the runtime gets to end by itself after the command has: what still runs then is cut off. */
const LINGER_MS = 2000;
const ALIVE_MS = 60_000;

/** Runs `holdfast` with the arguments of this process, and ends the process with the command's exit code. */
export async function main(platform: Platform): Promise<void> {
  exitOnUnhandledErrors(platform);
  // A command that waits, for the cloud say, has nothing open that would keep the process: its timers do not.
  const alive = setInterval(() => undefined, ALIVE_MS);
  process.exitCode = await runCli(platform, process.argv.slice(2));
  clearInterval(alive);
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

/**
 * Reads the command line and runs its command.
 *
 * @returns the exit code: 0, 1 where the command failed, 2 where the command line, the environment or the file is wrong
 */
async function runCli(platform: Platform, args: readonly string[]): Promise<number> {
  const runtimeVersion = process.versions[platform.runtime] ?? process.version;
  let exitCode = 0;
  const ended = (code: number): void => void (exitCode = code);
  const program = new CommanderCommand("holdfast");
  program.helpInformation = () => programHelp(commands);
  program.helpCommand("help [command]").allowExcessArguments().argument("[command]").action((name?: string) => {
    if (name === undefined) platform.process.stdout.write(programHelp(commands));
    else platform.process.stderr.write(unknownCommandText(name));
    exitCode = name === undefined ? 0 : usageExitCode;
  });
  for (const command of commands) {
    const given: Record<string, string[]> = {};
    const subcommand = createSubcommand(command, given).action(async () => {
      exitCode = await runCommand({ platform, command, given, rest: subcommand.args, runtimeVersion });
    });
    const [group, second] = command.name.split(" ");
    const parent = group === undefined || second === undefined ? program : groupOf(program, { group, platform, ended });
    parent.addCommand(subcommand);
  }
  for (const each of [program, ...program.commands, ...program.commands.flatMap((group) => group.commands)]) {
    each.version(versionText(platform.runtime, runtimeVersion), "--version").exitOverride().configureOutput({
      writeOut: (text) => platform.process.stdout.write(text.replace(/\n+$/, "\n")),
      writeErr: (text) => platform.process.stderr.write(text.replace(/^error:/, "holdfast:")),
    });
  }
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageExitCode;
    throw error;
  }
  return exitCode;
}

interface GroupOptions {
  readonly group: string;
  readonly platform: Platform;
  readonly ended: (exitCode: number) => void;
}

/** The commands of one kind, made where missing: `cache` of `cache ls`. */
function groupOf(program: CommanderCommand, { group, platform, ended }: GroupOptions): CommanderCommand {
  const found = program.commands.find((command) => command.name() === group);
  if (found !== undefined) return found;
  const made = new CommanderCommand(group).allowUnknownOption().allowExcessArguments().helpCommand(false);
  made.helpInformation = () => groupHelp(group, commands);
  made.action(() => {
    const [name] = made.args;
    if (name === undefined) platform.process.stdout.write(groupHelp(group, commands));
    else platform.process.stderr.write(unknownCommandText(`${group} ${name}`));
    ended(name === undefined ? 0 : usageExitCode);
  });
  program.addCommand(made);
  return made;
}

/** A command whose flags are collected as texts into `given`: what they mean is decided behind it. */
function createSubcommand(command: CliCommand, given: Record<string, string[]>): CommanderCommand {
  // Flags that do not exist are left in the arguments, so that the error can name the nearest one that does.
  const subcommand = new CommanderCommand(command.name.split(" ").at(-1)).allowUnknownOption().allowExcessArguments();
  subcommand.helpInformation = () => commandHelp(command);
  for (const flag of command.flags) {
    const collect = (text: string): string => {
      (given[flag.name] ??= []).push(text);
      return text;
    };
    for (const option of optionsOf(flag)) subcommand.addOption(option.argParser(collect));
  }
  return subcommand;
}

function optionsOf(flag: Flag): readonly Option[] {
  const letter = flag.name.length === 1 ? flag.name : flag.short;
  const short = letter === undefined ? "" : `-${letter}, `;
  if (flag.type !== "boolean") return [new Option(`${short}--${flag.name} <value>`)];
  return [new Option(`--${flag.name} [value]`).preset("true"), new Option(`--no-${flag.name}`).preset("false")];
}

/** An error that nobody has caught ends the process with one line; its stack is printed where `--v` asks for it. */
function exitOnUnhandledErrors(platform: Platform): void {
  const verbose = process.argv.some((argument, index, all) =>
    /^--?v=([4-9]|\d\d+)$/.test(argument) ||
    (/^--?v$/.test(argument) && /^([4-9]|\d\d+)$/.test(all[index + 1] ?? ""))
  );
  const end = (error: unknown): void => {
    platform.process.stderr.write(`holdfast: ${errorText(error, verbose)}\n`);
    process.exit(1);
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}
