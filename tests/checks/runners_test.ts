import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type CommandOutcome, runCommand } from "./run_command.ts";

const PASSES = `import { test } from "node:test";
test("passes", () => {});
`;

const PASSES_AND_FAILS = `import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
test("passes", () => {});
test("fails", () => assert.equal(1, 2));
describe("group", () => {
  it("fails later", async () => {
    await Promise.resolve();
    assert.fail("planted");
  });
});
`;

const THROWS_AT_LOAD = `throw new Error("planted");
`;

const HANGS = `import { test } from "node:test";
test("hangs", () => new Promise(() => {}));
`;

interface Runner {
  readonly name: string;
  readonly command: readonly string[];
  /** What the runner says of 1 test that passed in each of two files, and of 2 that failed. */
  readonly counts: readonly RegExp[];
}

const RUNNERS: readonly Runner[] = [
  {
    name: "bun test",
    command: ["bun", "test", "--isolate", "--timeout=2000", "tests/unit"],
    counts: [/^ 2 pass$/m, /^ 2 fail$/m],
  },
  {
    name: "deno test",
    command: ["deno", "test", "-A", "--no-check", "tests/unit"],
    // A group counts as one test whose cases are steps.
    counts: [/\b2 passed\b/, /\b2 failed\b/],
  },
  {
    name: "node --test",
    command: ["node", "--test", "--test-timeout=2000", "tests/{unit,e2e}/**/*_test.ts"],
    counts: [/^. pass 2$/m, /^. fail 2$/m],
  },
];

for (const { name, command, counts } of RUNNERS) {
  test(`${name} succeeds where every test passes`, async () => {
    const { exitCode, output } = await runIn({ "a_test.ts": PASSES }, command);
    assert.equal(exitCode, 0, output);
  });

  test(`${name} fails and counts where tests fail`, async () => {
    const { exitCode, output } = await runIn({ "a_test.ts": PASSES, "b_test.ts": PASSES_AND_FAILS }, command);
    assert.notEqual(exitCode, 0, output);
    for (const count of counts) assert.match(output, count);
  });

  test(`${name} fails where a file throws while it is loaded`, async () => {
    const { exitCode, output } = await runIn({ "a_test.ts": PASSES, "b_test.ts": THROWS_AT_LOAD }, command);
    assert.notEqual(exitCode, 0, output);
  });

  test(`${name} fails where a test never ends`, async () => {
    const { exitCode, output } = await runIn({ "a_test.ts": HANGS }, command);
    assert.notEqual(exitCode, 0, output);
  });
}

async function runIn(files: Readonly<Record<string, string>>, command: readonly string[]): Promise<CommandOutcome> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-runners-"));
  try {
    mkdirSync(join(folder, "tests", "unit"), { recursive: true });
    writeFileSync(join(folder, "package.json"), `{ "type": "module" }`);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, "tests", "unit", name), text);
    return await runCommand(command, { cwd: folder, timeoutMs: 30_000 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
