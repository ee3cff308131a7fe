import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { checkDocs } from "./docs.ts";

for (
  const [name, text, exitCode] of [
    [
      "accepts a member that needs no words",
      "/** A size. */\nexport interface Size {\n  readonly bytes: number;\n}\n",
      0,
    ],
    ["refuses an export without a docstring", "export interface Size {\n  readonly bytes: number;\n}\n", 1],
    [
      "refuses a type that is not exported in the public API",
      "interface Size {\n  readonly bytes: number;\n}\n/** Measures. */\nexport function measure(size: Size): number {\n" +
      "  return size.bytes;\n}\n",
      1,
    ],
    ["refuses a file that cannot be read as TypeScript", "export export\n", 1],
  ] as const
) {
  test(`checkDocs ${name}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-docs-"));
    try {
      writeFileSync(join(folder, "mod.ts"), text);
      const outcome = await checkDocs(join(folder, "mod.ts"));
      assert.equal(outcome.exitCode, exitCode, outcome.output);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
