import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import fc from "fast-check";
import { runScopes, scopeSequences } from "./scope_commands.ts";
import { scopePlants } from "./scope_plants.ts";
import type { Plant } from "./sim_host.ts";

/** A failing case prints its seed and path: `MODEL_SEED=… MODEL_PATH=…` plays it again. */
const parameters = {
  numRuns: Number(process.env["MODEL_RUNS"] ?? "60"),
  seed: Number(process.env["MODEL_SEED"] ?? "1"),
  ...(process.env["MODEL_PATH"] === undefined ? {} : { path: process.env["MODEL_PATH"] }),
};

/** @param looked told how many answers of the replica were looked at */
function property(plant: Plant = {}, looked: (count: number) => void = () => undefined) {
  return fc.asyncProperty(scopeSequences, async (commands) => {
    const { world, reader } = await runScopes({ seed: 1, plant }, commands);
    assert.deepEqual(world.oracle.violations.slice(0, 1), []);
    looked(reader.checked);
  });
}

describe("no scope is ever shown what it was not granted", () => {
  it("in no order of requests, cuts and restarts", { timeout: 300_000 }, async () => {
    let looked = 0;
    await fc.assert(property({}, (count) => looked += count), parameters);
    assert.ok(looked > parameters.numRuns * 10, `only ${looked} answers of the replica were looked at`);
  });

  for (const { name, plant, caughtBy } of scopePlants) {
    it(`and the model finds that ${name}`, { timeout: 300_000 }, async () => {
      const found = await fc.check(property(plant), { ...parameters, numRuns: 100, endOnFailure: true });
      assert.equal(found.failed, true);
      assert.match(String(found.errorInstance), new RegExp(`rule: '(${caughtBy.join("|")})'`));
    });
  }
});
