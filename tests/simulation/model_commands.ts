import fc from "fast-check";
import { healthy } from "./link_conditions.ts";
import { allQueries, type SimWorld } from "./sim_world.ts";
import { allNames } from "./cloud_writer.ts";

/** One step of a model run, written so that a failing case reads well. */
export interface ModelCommand {
  readonly kind: string;
  /** Picks a name, a query or a reader. */
  readonly choice: number;
  /** How long time runs on after it. */
  readonly thenMs: number;
}

type Effect = (world: SimWorld, choice: number) => void | Promise<void>;

/** What each command does. What it leads to is the oracle's to judge: it knows every state that the cloud ever had. */
const effects: Readonly<Record<string, Effect>> = {
  "cloud writes": (world, choice) => world.cloudWriter.write(allNames[choice % allNames.length]),
  "cloud writes much": (world, choice) => {
    for (let index = 0; index < 15; index++) world.cloudWriter.write(allNames[(choice + index * 7) % allNames.length]);
  },
  "client writes": (world, choice) => {
    const named = allNames[choice % allNames.length];
    const method = ["POST", "PUT", "PATCH", "DELETE"][choice % 4] ?? "PUT";
    if (named !== undefined) void world.writer.write(named, method);
  },
  "list": (world, choice) => void world.reader.list(queryAt(choice), choice % 2 === 0 ? "" : "0"),
  "list in pages": (world, choice) => void world.reader.listInPages(queryAt(choice)),
  "get": (world, choice) => {
    const named = allNames[choice % allNames.length];
    if (named !== undefined) void world.reader.get(named, choice % 2 === 0 ? "" : "0");
  },
  "list and watch": (world, choice) => void world.addInformer(queryAt(choice), { watchList: false, leaves: 0 }),
  "watch list": (world, choice) => void world.addInformer(queryAt(choice), { watchList: true, leaves: 0 }),
  "readers leave and resume": (world) => world.informers.forEach((informer) => informer.leave()),
  "a reader is slow": (world, choice) => {
    const { informers } = world;
    informers[choice % Math.max(1, informers.length)]?.pause(20_000);
  },
  "cut": (world) => world.network.set({ link: "cut" }),
  "half-open": (world) => world.network.set({ link: "half-open" }),
  "connections break": (world) => world.network.reset(),
  "heal": (world) => world.network.set(healthy),
  "compaction": (world) => world.server.compact(),
  "the API server restarts": (world) => {
    world.network.reset();
    world.server.restart();
  },
  "restart": async (world) => {
    await world.host.stop();
    void world.host.start();
  },
  "kill": async (world) => {
    await world.host.kill();
    void world.host.start();
  },
};

/** Sequences of commands. */
export const commandSequences: fc.Arbitrary<ModelCommand[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...Object.keys(effects)),
    choice: fc.nat({ max: 999 }),
    thenMs: fc.constantFrom(0, 50, 1_000, 5_000, 30_000),
  }),
  { minLength: 5, maxLength: 40 },
);

/** Runs the commands one after the other, then heals everything and checks that all have converged. */
export async function runCommands(world: SimWorld, commands: readonly ModelCommand[]): Promise<void> {
  void world.host.start();
  await world.advance(100);
  for (const { kind, choice, thenMs } of commands) {
    if (world.failed) break;
    world.trace(() => `COMMAND ${kind} ${choice}`);
    void effects[kind]?.(world, choice); // what waits for the clock goes on while time runs
    await world.advance(thenMs);
  }
  await world.finish();
}

/**
 * Runs the commands up to a backup, takes one, runs the others, and restores it: the readers of the hub have to follow the
 * cloud back.
 */
export async function runWithBackup(
  world: SimWorld,
  { before, after }: { readonly before: readonly ModelCommand[]; readonly after: readonly ModelCommand[] },
): Promise<void> {
  void world.host.start();
  await world.advance(100);
  for (const query of allQueries.slice(0, 4)) world.addInformer(query, { watchList: false, leaves: 0 });
  const backup = await runPart(world, before);
  world.network.set(healthy);
  await world.advance(60_000);
  await runPart(world, after);
  if (world.etcd.revision === backup) world.cloudWriter.write();
  world.network.set({ ...healthy, link: "cut" });
  await world.advance(5_000);
  world.restore(Math.max(backup, world.etcd.compacted));
  world.network.set(healthy);
  await world.finish();
}

/** @returns the revision at its end */
async function runPart(world: SimWorld, commands: readonly ModelCommand[]): Promise<number> {
  for (const { kind, choice, thenMs } of commands) {
    // What makes a hub forget what it knew, or clients wait with a position that a restore undoes, is not together with a backup.
    if (["kill", "restart", "readers leave and resume", "half-open", "cut", "a reader is slow"].includes(kind)) {
      continue;
    }
    void effects[kind]?.(world, choice);
    await world.advance(thenMs);
  }
  return world.etcd.revision;
}

function queryAt(choice: number): (typeof allQueries)[number] {
  const query = allQueries[choice % allQueries.length];
  if (query === undefined) throw new RangeError("There are no queries");
  return query;
}
