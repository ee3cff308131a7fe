import assert from "node:assert/strict";
import { it } from "node:test";
import { runSeed } from "./run_seed.ts";

const seeds = 1_000;
/** As many seeds as fit into it; `npm run simulate` runs all. */
const budgetMs = 20_000;

it("runSeed finds no violation", async (t) => {
  const startedAt = performance.now();
  let seed = 1;
  for (; seed <= seeds && performance.now() - startedAt < budgetMs; seed++) {
    const [first] = await runSeed({ seed });
    assert.equal(first, undefined, `npm run simulate -- --seed ${seed} --trace: ${first?.rule} ${first?.message}`);
  }
  t.diagnostic(`${seed - 1} of ${seeds} seeds in ${Math.round(performance.now() - startedAt)} ms`);
});
