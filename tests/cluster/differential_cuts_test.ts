import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createFakeRandom } from "../testing/fake_random.ts";
import { type Beside, startBeside } from "./differential/beside.ts";
import { History } from "./differential/history.ts";
import { Informer } from "./differential/informer.ts";
import { CONFIG_MAPS, Dice, EVERYTHING, type Kind, KINDS, LABELS, NAMESPACES, PODS } from "./differential/kinds.ts";
import { RandomWriter } from "./differential/random_writer.ts";
import { IN_FLIGHT, ReadLog } from "./differential/read_log.ts";
import { SEED } from "./differential/seed.ts";
import type { RelayMode } from "./driver/relay.ts";
import type { Scene } from "./driver/scene.ts";
import { sleep } from "./driver/wait.ts";

const WRITE_PAUSE_MS = 20;
const INFORMERS = 24;
const READERS = 4;
/** Where a reader lists, the hub takes what it missed from there; of the others it tells every single event. */
const READ: readonly Kind[] = [PODS, CONFIG_MAPS];
const CONVERGENCE_MS = 20_000;
const HEALED_MS = 3_000;
const SLOWNESS = { bytesPerSecond: 20_000, delayMs: 30 };

/** What the link does, one after the other. A silent one is noticed after 2 s where somebody asks. */
const CUTS: readonly { readonly mode: RelayMode; readonly ms: number }[] = [
  { mode: "refuse", ms: 300 },
  { mode: "reset", ms: 1_500 },
  { mode: "swallow", ms: 1_000 },
  { mode: "refuse", ms: 5_000 },
  { mode: "slow", ms: 3_000 },
  { mode: "swallow", ms: 12_000 },
];

describe(`the hub beside the API server, with cuts (HOLDFAST_SEED=${SEED})`, () => {
  let beside: Beside;

  before(async () => {
    beside = await startBeside();
  });
  after(async () => {
    await beside?.stop();
  });

  it("never shows what the API server never had, and has all that it has once the link is back", async () => {
    const { scene, direct, through } = beside;
    const dice = new Dice(createFakeRandom(SEED));
    const history = await History.follow(direct, KINDS);
    const writer = new RandomWriter({ asker: direct, dice, kinds: KINDS });
    for (let i = 0; i < 100; i++) await writer.step();
    const reads = new ReadLog({ hub: through, dice, kinds: READ, acknowledged: () => writer.acknowledged });
    const informers = Array.from({ length: INFORMERS }, (_, index) => {
      const kind = kindOf(index);
      return new Informer({
        asker: through,
        mode: index % 2 === 0 ? "WatchList" : "list and watch",
        kind,
        namespace: kind.namespaced && dice.chance(0.3) ? dice.pick(NAMESPACES) : "",
        selector: dice.pick([EVERYTHING, ...LABELS, ...kind.fields]),
        now: () => writer.acknowledged + IN_FLIGHT,
      });
    });
    let over = false;
    await Promise.all([
      writer.runUntil(() => over, WRITE_PAUSE_MS),
      ...Array.from({ length: READERS }, () => reads.runUntil(() => over)),
      cutAndHeal(scene).finally(() => over = true),
    ]);
    for (const kind of KINDS) await history.reach(kind, await writer.marker(kind, "marker"));
    await Promise.all(informers.map((informer) => informer.converge(history, writer.acknowledged, CONVERGENCE_MS)));
    await Promise.all(informers.map((informer) => informer.close()));
    reads.check(history, { online: false });
    for (const [index, informer] of informers.entries()) {
      const mayFold = READ.includes(kindOf(index));
      informer.check(history, { mayFold });
      // A watch that stands above its collection when a reader's list overtakes that has to begin anew: seldom, and seen once.
      const most = mayFold ? 1 : 0;
      assert.ok(informer.relists <= most, `${informer.name} had to begin anew ${informer.relists} times`);
    }
    history.close();
    for (const source of ["cloud", "replica"]) {
      assert.ok(reads.count(200, source) > 10, JSON.stringify(reads.summary()));
    }
  });
});

function kindOf(index: number): Kind {
  return KINDS[Math.floor(index / 2) % KINDS.length] ?? PODS;
}

async function cutAndHeal({ relay }: Scene): Promise<void> {
  for (const { mode, ms } of CUTS) {
    await relay.setMode(mode, mode === "slow" ? SLOWNESS : {});
    await sleep(ms);
    await relay.setMode("pass");
    await sleep(HEALED_MS);
  }
}
