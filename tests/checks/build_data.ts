import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import type { BuildData } from "../../src/cli/build_data.ts";
import { ROOT, runCommand } from "./run_command.ts";

const CONSTANT = "HOLDFAST_BUILD";

/** What a build of this checkout is of. `SOURCE_DATE_EPOCH` (seconds) stands for the time of the build where it is set. */
export async function readBuildData(folder: string = ROOT): Promise<BuildData> {
  const { SOURCE_DATE_EPOCH: epoch } = process.env;
  const builtAt = epoch === undefined || epoch === "" ? new Date() : new Date(Number(epoch) * 1000);
  const commit = await git(folder, "rev-parse", "HEAD");
  const changes = await git(folder, "status", "--porcelain");
  return {
    gitCommit: commit ?? "unknown",
    gitTreeState: changes === undefined ? "unknown" : changes === "" ? "clean" : "dirty",
    buildDate: builtAt.toISOString().replace(/\.\d+/, ""),
  };
}

/** What tells a bundler. */
export function buildDefine(data: BuildData): string {
  return `${CONSTANT}=${JSON.stringify(data)}`;
}

/** Writes it into what was compiled. @throws Error where there is no place for it */
export async function stampBuild(outFolder: string, data: BuildData): Promise<void> {
  const path = join(outFolder, "src", "cli", "build_data.js");
  const text = await readFile(path, "utf8");
  if (!text.includes(CONSTANT)) throw new Error(`${path} has no place for what the build is of`);
  await writeFile(path, `const ${CONSTANT} = ${JSON.stringify(data)};\n${text}`);
}

/** @returns nothing where there is no git, or the folder is no checkout */
async function git(folder: string, ...args: readonly string[]): Promise<string | undefined> {
  try {
    const { exitCode, output } = await runCommand(["git", "-C", folder, ...args]);
    return exitCode === 0 ? output.trim() : undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
