import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { BuildData } from "../../src/cli/build_data.ts";
import { withTempFolder } from "../testing/temp_folder.ts";
import { buildDefine, readBuildData, stampBuild } from "./build_data.ts";
import { ROOT, runCommand } from "./run_command.ts";

const data: BuildData = { gitCommit: "a".repeat(40), gitTreeState: "dirty", buildDate: "2026-01-02T03:04:05Z" };
const source = join(ROOT, "src", "cli", "build_data.ts");

async function git(folder: string, ...args: readonly string[]): Promise<string> {
  const author = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
  const { exitCode, output } = await runCommand(["git", "-C", folder, ...author, ...args]);
  assert.equal(exitCode, 0, output);
  return output.trim();
}

describe("readBuildData", () => {
  test("tells the commit, whether anything else is there, and the time in UTC", () =>
    withTempFolder(async (folder) => {
      await git(folder, "init", "--quiet");
      await git(folder, "commit", "--quiet", "--allow-empty", "--message", "first");
      const clean = await readBuildData(folder);
      assert.deepEqual([clean.gitCommit, clean.gitTreeState], [await git(folder, "rev-parse", "HEAD"), "clean"]);
      assert.match(clean.buildDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      await writeFile(join(folder, "more"), "");
      assert.equal((await readBuildData(folder)).gitTreeState, "dirty");
    }));

  test("knows neither commit nor state outside of a checkout", () =>
    withTempFolder(async (folder) => {
      const { gitCommit, gitTreeState } = await readBuildData(folder);
      assert.deepEqual([gitCommit, gitTreeState], ["unknown", "unknown"]);
    }));
});

test("stampBuild writes what the build is of into what was compiled, and refuses another shape", () =>
  withTempFolder(async (folder) => {
    await mkdir(join(folder, "src", "cli"), { recursive: true });
    const path = join(folder, "src", "cli", "build_data.js");
    const { outputText } = await transpiled(await readFile(source, "utf8"));
    await writeFile(path, outputText);
    await stampBuild(folder, data);
    // Not checked: an assertion on what is not there fails.
    const stamped = await import(pathToFileURL(path).href) as { readonly buildData: BuildData };
    assert.deepEqual(stamped.buildData, data);
    await writeFile(path, "export {};\n");
    await assert.rejects(stampBuild(folder, data), /has no place/);
  }));

test("buildDefine has Bun's bundler put it into a binary", () =>
  withTempFolder(async (folder) => {
    const program = join(folder, "told.ts");
    await writeFile(
      program,
      `import { buildData } from ${JSON.stringify(source)};\nconsole.log(JSON.stringify(buildData));\n`,
    );
    const bundle = join(folder, "told.js");
    const built = await runCommand(["bun", "build", "--define", buildDefine(data), program, "--outfile", bundle]);
    assert.equal(built.exitCode, 0, built.output);
    assert.deepEqual(JSON.parse((await runCommand(["node", bundle])).output), data);
  }));

async function transpiled(text: string): Promise<{ readonly outputText: string }> {
  const { default: { ModuleKind, ScriptTarget, transpileModule } } = await import("typescript");
  return transpileModule(text, { compilerOptions: { module: ModuleKind.ESNext, target: ScriptTarget.ES2023 } });
}
