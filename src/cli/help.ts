import type { Argument } from "./command.ts";
import { type Flag, variableOf } from "./flag.ts";
import { unitName } from "./flag_value.ts";

/** What the help of a command is made of. */
export interface CommandHelp {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly Flag[];
  readonly argument?: Argument;
  readonly exitCodes?: readonly (readonly [code: number, meaning: string])[];
}

const indent = 6;
const lineWidth = 100;

/** `holdfast --help`. */
export function programHelp(commands: readonly CommandHelp[]): string {
  const listed = [...commands, { name: "help", summary: "Prints the flags of a command" }];
  const width = Math.max(...listed.map((command) => command.name.length));
  return [
    "Keeps Kubernetes nodes working when the cloud is out of reach.",
    "",
    "Usage: holdfast COMMAND [FLAGS]",
    "",
    "Commands:",
    ...listed.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`),
    "",
    "holdfast help COMMAND, or holdfast COMMAND --help, prints the flags of a command.",
    "Exit codes: 0 done, 1 failed, 2 wrong flags, environment or configuration file.",
    "",
  ].join("\n");
}

/** `holdfast COMMAND --help`: all flags by their groups, each with its default. */
export function commandHelp({ name, summary, flags, argument, exitCodes = [] }: CommandHelp): string {
  const groups = [...new Set(flags.map((flag) => flag.group))];
  const example = flags.find((flag) => flag.name !== "config" && !isCommandLineOnly(flag));
  return [
    `${summary}.`,
    "",
    `Usage: holdfast ${name}${argumentHelp(argument)}${flags.length > 0 ? " [FLAGS]" : ""}`,
    ...(argument === undefined ? [] : ["", "Argument:", `  ${argument.placeholder}`, ...wrap(argument.help)]),
    ...groups.flatMap((group) => ["", `${group}:`, ...flags.filter((flag) => flag.group === group).flatMap(flagHelp)]),
    ...(exitCodes.length === 0
      ? []
      : ["", "Exit codes:", ...exitCodes.map(([code, meaning]) => `  ${code}  ${meaning}`)]),
    "",
    "Help:",
    "  --help, -h",
    "  --version",
    ...(example
      ? [
        "",
        `${
          flags.some(isCommandLineOnly) ? "Every other" : "Each"
        } flag may also stand in the file of --config, or in the environment: --${example.name} as ${
          variableOf(example)
        }.`,
        "The command line goes before the environment, the environment before the file.",
      ]
      : []),
    "",
  ].join("\n");
}

/** `holdfast cache --help`: the commands of one kind. */
export function groupHelp(group: string, commands: readonly CommandHelp[]): string {
  const listed = commands.filter(({ name }) => name.startsWith(`${group} `));
  const width = Math.max(...listed.map(({ name }) => name.length));
  return [
    `Usage: holdfast ${group} COMMAND [FLAGS]`,
    "",
    "Commands:",
    ...listed.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    `holdfast ${group} COMMAND --help prints the flags of a command.`,
    "",
  ].join("\n");
}

function argumentHelp(argument: Argument | undefined): string {
  if (argument === undefined) return "";
  return argument.required ? ` ${argument.placeholder}` : ` [${argument.placeholder}]`;
}

function flagHelp(flag: Flag): readonly string[] {
  const value = flag.type === "boolean" ? "" : `=${flag.placeholder ?? flag.type.toUpperCase()}`;
  const repeated = flag.type === "list" ? ",…" : "";
  const notes = [
    flag.required ? "required" : `default ${flag.defaultHelp ?? (flag.default === "" ? "none" : flag.default)}`,
    ...(flag.unit ? [`a bare number means ${unitName(flag.unit)}`] : []),
    ...(flag.variable ? [`also $${flag.variable}`] : []),
    ...(isCommandLineOnly(flag) ? ["on the command line only"] : []),
  ];
  const short = flag.short === undefined ? "" : `-${flag.short}, `;
  return [`  ${short}--${flag.name}${value}${repeated}`, ...wrap(`${flag.help} (${notes.join("; ")})`)];
}

function isCommandLineOnly(flag: Flag): boolean {
  return flag.commandLineOnly === true;
}

function wrap(text: string): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent + line.length + 1 + word.length > lineWidth) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].map((part) => " ".repeat(indent) + part);
}
