import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { readBuildData, stampBuild } from "./build_data.ts";
import { ROOT, runCommand } from "./run_command.ts";

/** Empties `outFolder` and compiles what the npm package ships into it: JavaScript and declarations, and what the build is of. */
export async function build(outFolder: string): Promise<{ readonly exitCode: number; readonly output: string }> {
  rmSync(outFolder, { recursive: true, force: true });
  const compiled = await runCommand(["tsc", "-p", "tsconfig.build.json", "--outDir", outFolder]);
  if (compiled.exitCode === 0) await stampBuild(outFolder, await readBuildData());
  return compiled;
}

if (import.meta.main) {
  const { exitCode, output } = await build(resolve(process.argv[2] ?? join(ROOT, "dist")));
  process.stdout.write(output);
  process.exitCode = exitCode;
}
