import assert from "node:assert/strict";
import { test } from "node:test";
import { runtime, startProgram } from "../testing/child_program.ts";

/** On Bun as many as the plan asks for; elsewhere, where a turn of the event loop costs more, enough to see that it runs. */
const seeds = runtime === "bun" ? 1_000 : 60;

test(`npm run simulate -- --seeds ${seeds} finds no violation`, { timeout: 600_000 }, async () => {
  const program = startProgram(new URL("main.ts", import.meta.url), ["--seeds", String(seeds)]);
  const { exitCode, stderr } = await program.ended;
  assert.equal(exitCode, 0, program.output() + stderr);
});
