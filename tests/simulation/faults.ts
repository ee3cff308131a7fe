import type { Dice } from "./dice.ts";
import { healthy, type LinkConditions } from "./link_conditions.ts";
import type { Ambush } from "./sim_network.ts";
import type { SimWorld } from "./sim_world.ts";

/** One thing that goes wrong, at a time and for a time. */
export interface Fault {
  readonly name: FaultName;
  readonly atMs: number;
  readonly forMs: number;
}

const linkFaultNames = [
  "cut",
  "half-open",
  "delay",
  "reorder",
  "drop",
  "truncate",
  "errors",
  "portal",
  "repeat",
] as const;
type LinkFaultName = (typeof linkFaultNames)[number];

const linkFaults: Readonly<Record<LinkFaultName, (dice: Dice) => Partial<LinkConditions>>> = {
  cut: () => ({ link: "cut" }),
  "half-open": () => ({ link: "half-open" }),
  delay: (dice) => ({ delayMs: [50, dice.int(100, 4_000)] }),
  reorder: (dice) => ({ lagMs: dice.int(500, 5_000) }),
  drop: (dice) => ({ drop: dice.between(0.1, 0.6) }),
  truncate: (dice) => ({ truncate: dice.between(0.05, 0.4) }),
  errors: (dice) => ({ errors: dice.between(0.2, 1) }),
  portal: (dice) => ({ portal: dice.pick(["all", "but-readyz"] as const) }),
  repeat: (dice) => ({ repeat: dice.int(1, 8) }),
};

export type FaultName =
  | LinkFaultName
  | "reset"
  | "starting"
  | "compaction"
  | "restore"
  | "restart"
  | "kill"
  | "slow-disk"
  | "full-disk"
  | "damaged-row"
  | "kill-at-commit"
  | "kill-at-push"
  | "slow-reader";

const anywhere: readonly FaultName[] = [
  ...linkFaultNames,
  "cut",
  "reset",
  "starting",
  "compaction",
  "restart",
  "slow-disk",
  "slow-reader",
];
/** What makes the hub forget what it has shown. Not together with a backup, of which it then could not know. */
const forgetful: readonly FaultName[] = ["kill", "kill-at-commit", "kill-at-push", "full-disk", "damaged-row"];

/** Time after a backup was restored in which nothing else happens and little is written, so that it can be noticed. */
const noticeMs = 75_000;

/** Five to thirty faults in a run of that length, more in a longer one. A backup comes in one of four runs. */
export function planFaults(dice: Dice, lengthMs: number): readonly Fault[] {
  const scale = Math.max(1, lengthMs / 600_000);
  const restores = dice.chance(0.25);
  const choices = restores ? anywhere : [...anywhere, ...forgetful];
  const faults: Fault[] = Array.from({ length: Math.round(dice.int(5, 30) * scale) }, () => ({
    name: dice.pick(choices),
    atMs: dice.int(0, lengthMs),
    forMs: dice.chance(0.2) ? dice.int(60_000, 180_000) : dice.int(500, 30_000),
  }));
  if (!restores) return sorted(faults);
  const restore: Fault = {
    name: "restore",
    atMs: dice.int(Math.round(lengthMs * 0.3), Math.round(lengthMs * 0.8)),
    forMs: dice.int(1_000, 40_000),
  };
  const untilMs = restore.atMs + restore.forMs + noticeMs;
  return sorted([...faults.filter(({ atMs }) => atMs < restore.atMs || atMs > untilMs), restore]);
}

function sorted(faults: readonly Fault[]): readonly Fault[] {
  return faults.toSorted((a, b) => a.atMs - b.atMs);
}

/** Lets one fault happen. */
export function inject(world: SimWorld, fault: Fault, dice: Dice): void {
  const clock = world.clock.counting();
  world.trace(() => `FAULT ${fault.name} for ${fault.forMs} ms`);
  switch (fault.name) {
    case "cut":
    case "half-open":
    case "delay":
    case "reorder":
    case "drop":
    case "truncate":
    case "errors":
    case "portal":
    case "repeat":
      return forAWhile(world, fault, linkFaults[fault.name](dice));
    case "reset":
      return world.network.reset();
    case "starting":
      world.network.reset();
      world.server.restart();
      return forAWhile(world, { ...fault, forMs: Math.min(fault.forMs, 40_000) }, {
        starting: dice.pick([401, 403] as const),
      });
    case "compaction":
      return world.server.compact();
    case "restore":
      return restore(world, fault, dice);
    case "restart":
    case "kill": {
      const ended = fault.name === "kill" ? world.host.kill() : world.host.stop();
      void ended.then(() => clock.setTimer(dice.int(10, 5_000), () => void world.host.start()));
      return;
    }
    case "kill-at-commit":
      return world.outboxStore.atNextCommit(killing(world, dice));
    case "kill-at-push":
      return world.network.atNextPush(killing(world, dice));
    case "damaged-row":
      void world.host.stop()
        .then(() => world.store.damage((keys) => dice.pick(keys)))
        .then(() => void world.host.start());
      return;
    case "slow-disk":
    case "full-disk":
      for (const store of [world.store, world.outboxStore]) {
        store.set(fault.name === "full-disk" ? { full: true } : { commitMs: dice.int(50, 10_000) });
        clock.setTimer(fault.forMs, () => store.set({ full: false, commitMs: 0 }));
      }
      return;
    case "slow-reader":
      if (world.informers.length > 0) dice.pick(world.informers).pause(fault.forMs);
  }
}

/** Kills the hub as what is awaited happens, before it is done or before it is answered. */
function killing(world: SimWorld, dice: Dice): Ambush {
  const clock = world.clock.counting();
  const run = () => {
    world.trace(() => "KILL");
    world.host.killNow();
    clock.setTimer(dice.int(10, 5_000), () => void world.host.start());
  };
  return { when: dice.pick(["before", "after"] as const), run };
}

/**
 * The link is cut, etcd goes back to a backup, the API server starts, and for a while it is quiet: what waits in the outbox
 * would lead it past the versions that are held (docs/consistency.md, "Where it ends").
 */
function restore(world: SimWorld, { forMs }: Fault, dice: Dice): void {
  const clock = world.clock.counting();
  const { revision, compacted } = world.etcd;
  const lost = dice.int(10, 50);
  world.network.set({ ...healthy, link: "cut" });
  world.cloudWriter.pause();
  world.writer.pause();
  world.kubelet.pause();
  clock.setTimer(forMs / 2, () => {
    world.restore(Math.max(compacted, 1_030, revision - lost));
    world.network.set({ ...healthy, starting: 403 });
  });
  clock.setTimer(forMs, () => world.network.set({ ...healthy, busy: true }));
  clock.setTimer(forMs + noticeMs, () => {
    world.network.set({ busy: false });
    world.cloudWriter.resume();
    world.writer.resume();
    world.kubelet.resume();
  });
}

function forAWhile(world: SimWorld, { forMs }: Fault, conditions: Partial<LinkConditions>): void {
  world.network.set(conditions);
  const after = Object.fromEntries(Object.entries(healthy).filter(([name]) => name in conditions));
  world.clock.counting().setTimer(forMs, () => world.network.set(after));
}
