import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import fc from "fast-check";
import { commandSequences, runCommands, runWithBackup } from "./model_commands.ts";
import { plantedFaults } from "./plants.ts";
import { SimWorld } from "./sim_world.ts";

/** A failing case prints its seed and path: `MODEL_SEED=… MODEL_PATH=…` plays it again. */
const parameters = {
  numRuns: Number(process.env["MODEL_RUNS"] ?? "60"),
  seed: Number(process.env["MODEL_SEED"] ?? "1"),
  ...(process.env["MODEL_PATH"] === undefined ? {} : { path: process.env["MODEL_PATH"] }),
  endOnFailure: false,
};

describe("the hub against a model of the API's guarantees", () => {
  it(
    "holds them over any sequence of writes, reads, cuts, restarts and compactions",
    { timeout: 300_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(commandSequences, async (commands) => {
          const world = new SimWorld({ seed: 1 });
          await runCommands(world, commands);
          assert.deepEqual(world.oracle.violations.slice(0, 1), []);
        }),
        parameters,
      );
    },
  );

  it("follows the cloud back to a backup", { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(commandSequences, commandSequences, async (before, after) => {
        const world = new SimWorld({ seed: 2 });
        await runWithBackup(world, { before, after });
        assert.deepEqual(world.oracle.violations.slice(0, 1), []);
      }),
      { ...parameters, numRuns: Math.ceil(parameters.numRuns / 3) },
    );
  });

  it("fails, with a seed and a path to replay, where the hub is broken", { timeout: 300_000 }, async () => {
    const broken = plantedFaults.find(({ name }) => name === "an event is doubled"); // one that no relist mends
    assert.ok(broken);
    const found = await fc.check(
      fc.asyncProperty(commandSequences, async (commands) => {
        const world = new SimWorld({ seed: 1, plant: broken.plant });
        await runCommands(world, commands);
        assert.deepEqual(world.oracle.violations.slice(0, 1), []);
      }),
      { ...parameters, numRuns: 200, endOnFailure: true },
    );
    assert.equal(found.failed, true);
    assert.match(String(found.counterexamplePath), /^\d+/);
  });
});
