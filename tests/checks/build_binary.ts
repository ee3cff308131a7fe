import { join, resolve } from "node:path";
import process from "node:process";
import { buildDefine, readBuildData } from "./build_data.ts";
import { runCommand } from "./run_command.ts";

// The root must be the worker's folder: it is looked for beside the program's own, invented path.
const SOURCES = ["--root", "adapters/shared", "adapters/bun/main.ts", "adapters/shared/store_worker.ts"];

if (import.meta.main) {
  const outFile = resolve(process.argv[2] ?? join("dist", "holdfast"));
  const define = buildDefine(await readBuildData());
  const { exitCode, output } = await runCommand(
    ["bun", "build", "--compile", "--define", define, ...SOURCES, "--outfile", outFile],
  );
  process.stdout.write(output);
  process.exitCode = exitCode;
}
