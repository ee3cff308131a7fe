import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type CommandOutcome, ROOT, runCommand } from "./run_command.ts";

test("launcher ends with one line that names the needed version under an older Node", async () => {
  for (const version of ["23.11.1", "20.20.2", "6.17.1"]) {
    const { exitCode, output } = await launch(version);
    assert.equal(exitCode, 1);
    assert.equal(output, `holdfast needs Node 24 or newer: this is Node ${version}\n`);
  }
});

test("launcher runs the command of the package under Node 24 and later", async () => {
  for (const version of ["24.0.0", "26.10.0", "100.0.0"]) {
    assert.deepEqual(await launch(version), { exitCode: 0, output: "command version\n" });
  }
});

test("launcher is read without new syntax", async () => {
  const { exitCode, output } = await runCommand(["node", "-e", OLD_SYNTAX]);
  assert.equal(exitCode, 0, output);
});

/** Parses the launcher as ECMAScript 5, which the oldest Node reads. */
const OLD_SYNTAX = `
const ts = require("typescript");
const text = require("fs").readFileSync("adapters/node/launcher.cjs", "utf8");
const { outputText } = ts.transpileModule(text, { compilerOptions: { target: "ES5", alwaysStrict: false } });
const words = (code) => code.replace(/\\s+/g, " ").trim();
if (words(outputText) !== words(text)) throw new Error("ECMAScript 5 would be:\\n" + outputText);
`;

/** Runs the launcher in a package whose command prints its arguments, on a Node that says it is `version`. */
async function launch(version: string): Promise<CommandOutcome> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-launcher-"));
  try {
    cpSync(join(ROOT, "adapters", "node"), join(folder, "adapters", "node"), { recursive: true });
    mkdirSync(join(folder, "dist", "adapters", "node"), { recursive: true });
    writeFileSync(join(folder, "package.json"), `{ "type": "module" }`);
    const command = `console.log("command", ...process.argv.slice(2));\n`;
    writeFileSync(join(folder, "dist", "adapters", "node", "main.js"), command);
    const preload = join(folder, "version.cjs");
    writeFileSync(preload, `Object.defineProperty(process.versions, "node", { value: "${version}" });\n`);
    return await runCommand(["node", "--require", preload, "adapters/node/launcher.cjs", "version"], { cwd: folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
