import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A runtime that the hub is measured on. */
export type Runtime = "bun" | "node" | "deno";

/** All of them, the one that counts first. */
export const runtimes: readonly Runtime[] = ["bun", "node", "deno"];

/** The folder of the project. */
export const projectFolder: string = fileURLToPath(new URL("../../", import.meta.url));

/** The command and first arguments that run a TypeScript file, or a command of `holdfast`, on a runtime. */
export function commandOf(runtime: Runtime): readonly [command: string, ...args: string[]] {
  const command = join(binFolder(), runtime);
  return runtime === "deno" ? [command, "run", "-A"] : [command];
}

/** As the runtime itself says it: `1.4.5`. */
export function versionOf(runtime: Runtime): string {
  const [command] = commandOf(runtime);
  const said = execFileSync(command, ["--version"], { encoding: "utf8" });
  return /\d+\.\d+\.\d+/.exec(said)?.[0] ?? said.trim();
}

/** Of the project's own runtimes, which are devDependencies: the machine's may be older. */
function binFolder(): string {
  return join(dirname(dirname(createRequire(import.meta.url).resolve("typescript/package.json"))), ".bin");
}
