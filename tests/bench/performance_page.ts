import { readFile, writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { type Figure, isReached, ratioOf, shown } from "./figures.ts";
import type { Runtime } from "./runtimes.ts";

/** What one run of a suite on one runtime has measured. */
export interface Measurement {
  readonly suite: string;
  readonly runtime: Runtime;
  readonly version: string;
  readonly figures: readonly Figure[];
}

/**
 * Puts a measurement into the page, in the place of the one before of the same suite and runtime: between
 * `<!-- bench <suite> <runtime> -->` and `<!-- end -->`.
 *
 * @throws where the page has no such place
 */
export async function writeMeasurement(path: URL, measurement: Measurement): Promise<void> {
  const { suite, runtime } = measurement;
  const page = await readFile(path, "utf8");
  const begin = `<!-- bench ${suite} ${runtime} -->\n`;
  const start = page.indexOf(begin);
  const end = page.indexOf("<!-- end -->", start);
  if (start < 0 || end < 0) throw new Error(`${path.pathname} has no place for ${begin.trim()}`);
  await writeFile(path, `${page.slice(0, start)}${begin}\n${text(measurement)}\n${page.slice(end)}`);
}

function text({ runtime, version, figures }: Measurement): string {
  const day = new Date().toISOString().slice(0, 10);
  const [cpu] = cpus();
  const machine = `${cpus().length} cores of ${cpu?.model.trim() ?? "an unknown kind"}, ${
    Math.round(totalmem() / 1024 ** 3)
  } GiB`;
  const rows = [
    ["", "hub", "control", "ratio", "to reach", ""],
    ["---", "---:", "---:", "---:", "---", "---"],
    ...figures.map(row),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0))) ?? [];
  const line = (cells: readonly string[], index: number): string =>
    `| ${cells.map((cell, column) => padded(cell, { width: widths[column] ?? 0, isRule: index === 1 })).join(" | ")} |`;
  return `${title(runtime)} ${version} on ${machine}; ${day}.\n\n${rows.map(line).join("\n")}\n`;
}

function row(figure: Figure): string[] {
  const { name, unit, hub, control, note } = figure;
  const ratio = ratioOf(figure);
  return [
    note === undefined ? name : `${name} (${note})`,
    shown(hub, unit),
    control === undefined ? "" : shown(control, unit),
    ratio === undefined ? "" : ratio.toFixed(2),
    targetText(figure),
    verdict(figure),
  ];
}

/** In words, for the terminal and the table. */
export function verdict(figure: Figure): string {
  const reached = isReached(figure);
  return reached === undefined ? "" : reached ? "reached" : "missed";
}

function targetText({ target, unit, better, orientation }: Figure): string {
  const around = orientation === undefined ? "" : ` (${shown(orientation, unit)})`;
  if (target === undefined) return "";
  if ("ratio" in target) return `ratio ≥ ${target.ratio}${around}`;
  return `${better === "higher" ? "≥" : "≤"} ${shown(target.value, unit)}`;
}

function padded(cell: string, { width, isRule }: { readonly width: number; readonly isRule: boolean }): string {
  if (!isRule) return cell.padEnd(width);
  return cell.endsWith(":") ? `${"-".repeat(width - 1)}:` : "-".repeat(width);
}

function title(runtime: Runtime): string {
  return { bun: "Bun", node: "Node", deno: "Deno" }[runtime];
}
