import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "./build.ts";
import { type CommandOutcome, ROOT, runCommand } from "./run_command.ts";

const SHIPPED = [
  "README.md",
  "LICENSE",
  "CHANGELOG.md",
  "adapters/node/launcher.cjs",
  "adapters/node/launcher_start.cjs",
];

/** Builds the npm package in a temporary folder and has publint and attw look at what would be published. */
export async function checkPackageShape(): Promise<CommandOutcome> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-package-"));
  try {
    return await checkIn(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function checkIn(folder: string): Promise<CommandOutcome> {
  const built = await build(join(folder, "dist"));
  if (built.exitCode !== 0) return built;
  for (const path of SHIPPED) {
    if (!existsSync(join(ROOT, path))) {
      return { exitCode: 1, output: `The package ships ${path}, which does not exist` };
    }
    cpSync(join(ROOT, path), join(folder, path));
  }
  // Without its scripts, for packing would build again.
  const manifest: unknown = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ ...Object(manifest), scripts: {} }));
  for (const command of [["publint", "--strict", "."], ["attw", "--pack", ".", "--profile", "esm-only"]]) {
    const outcome = await runCommand(command, { cwd: folder });
    if (outcome.exitCode !== 0) return outcome;
  }
  return { exitCode: 0, output: "" };
}
