import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { outboxPlants } from "./outbox_plants.ts";
import { plantedFaults } from "./plants.ts";
import { runSeed } from "./run_seed.ts";

/** Seeds in which a planted fault has to come to light. */
const seedsMax = 120;

/** Which seeds are green without a fault: only there does a violation say something about it. */
const controls = new Map<number, Promise<boolean>>();

function isGreen(seed: number): Promise<boolean> {
  let control = controls.get(seed);
  if (control === undefined) {
    control = runSeed({ seed, ignored: [] }).then((violations) => violations.length === 0);
    controls.set(seed, control);
  }
  return control;
}

describe("the simulation catches planted faults", () => {
  for (const { name, plant, caughtBy, from = 1 } of [...plantedFaults, ...outboxPlants]) {
    it(`runSeed finds that ${name}`, { timeout: 300_000 }, async () => {
      for (let seed = from; seed < from + seedsMax; seed++) {
        const [first] = await runSeed({ seed, plant, ignored: [] });
        if (first === undefined || !await isGreen(seed)) continue;
        assert.ok(caughtBy.includes(first.rule), `seed ${seed} tells of ${first.rule}: ${first.message}`);
        return;
      }
      assert.fail(`none of ${seedsMax} seeds that is green without the fault finds it`);
    });
  }
});
