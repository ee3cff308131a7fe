/** One flag as users read of it. */
export interface ToldFlag {
  /** Heading above it. */
  readonly group: string;
  /** With its value: `--serve-port=PORT`. */
  readonly usage: string;
  /** Without the dashes. */
  readonly name: string;
  /** In words; `required` where it has none. */
  readonly default: string;
  readonly meaning: string;
}

/** Reads the tables of `docs/flags.md`: a heading for each group, below it flag, default and meaning. */
export function readFlagTables(page: string): readonly ToldFlag[] {
  let group = "";
  const told: ToldFlag[] = [];
  for (const line of page.split("\n")) {
    if (line.startsWith("## ")) group = line.slice(3);
    const [usage = "", fallback = "", meaning = ""] = line.split("|").slice(1).map(asPlainText);
    if (/^--[a-z]/.test(usage)) told.push({ group, usage, name: nameOf(usage), default: fallback, meaning });
  }
  return told;
}

/** Reads what `holdfast COMMAND --help` prints of flags with a value. */
export function readFlagHelp(help: string): readonly ToldFlag[] {
  const told: ToldFlag[] = [];
  for (const section of help.split("\n\n")) {
    const [heading = "", ...lines] = section.split("\n");
    const flags = lines.join("\n").split(/^ {2}(?=-)/m).filter((text) => text.includes("("));
    for (const flag of flags) told.push(readFlag(heading.replace(/:$/, ""), flag));
  }
  return told;
}

/** @throws Error where it has neither a default nor is required */
function readFlag(group: string, text: string): ToldFlag {
  const [first = "", ...lines] = text.trim().split(/\n\s*/);
  const [, help, kind = "", fallback, notes] =
    /^(.*) \((required|default ([^;]*))(?:; (.*))?\)$/.exec(lines.join(" ")) ??
      [];
  if (help === undefined) throw new Error(`The help of ${first} tells no default`);
  const usage = first.replace(/^-\w, /, "");
  const meaning = notes === undefined ? help : `${help} (${notes})`;
  return { group, usage, name: nameOf(usage), default: fallback ?? kind, meaning };
}

function nameOf(usage: string): string {
  return usage.replace(/^--/, "").replace(/=.*/, "");
}

function asPlainText(cell: string): string {
  return cell.trim().replaceAll("`", "").replaceAll("\\", "");
}
