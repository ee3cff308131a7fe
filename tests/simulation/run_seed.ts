import { inject, planFaults } from "./faults.ts";
import type { Violation } from "./oracle.ts";
import type { Plant } from "./sim_host.ts";
import { SimWorld } from "./sim_world.ts";

export interface RunSeedOptions {
  readonly seed: number;
  /** @default ten simulated minutes */
  readonly lengthMs?: number;
  readonly plant?: Plant;
  /** Rules whose violations are not looked at. */
  readonly ignored?: readonly string[];
  readonly trace?: (line: string) => void;
}

const tenMinutes = 600_000;

/**
 * Plays one seed: informers, readers and writers behind a hub, with faults; then everything is healed.
 *
 * @returns what no reader must ever have seen, in order; the first one is what to look at
 */
export async function runSeed(
  { seed, lengthMs = tenMinutes, ...options }: RunSeedOptions,
): Promise<readonly Violation[]> {
  const world = new SimWorld({ seed, ...options });
  const { dice } = world;
  const clock = world.clock.counting();
  const faults = planFaults(dice.fork(), lengthMs);
  const faultDice = dice.fork();
  for (const fault of faults) clock.setTimer(fault.atMs, () => inject(world, fault, faultDice));
  for (const query of world.queries) {
    const readers = dice.pick([0, 1, 1, 1, 2]);
    for (let index = 0; index < readers; index++) {
      const options = { watchList: dice.chance(0.5), leaves: dice.pick([0, 0, 0.02]) };
      clock.setTimer(dice.chance(0.7) ? dice.int(0, 5_000) : dice.int(0, lengthMs / 2), () => {
        world.addInformer(query, options);
      });
    }
  }
  void world.host.start();
  world.cloudWriter.start();
  void world.reader.run();
  void world.writer.run();
  void world.kubelet.run();
  await world.advance(lengthMs);
  await world.finish();
  return world.oracle.violations;
}
