import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createFakeRandom } from "../testing/fake_random.ts";
import { tokenOf } from "./differential/answer_shape.ts";
import { type Beside, startBeside } from "./differential/beside.ts";
import { compareAnswers } from "./differential/compare_answers.ts";
import { History } from "./differential/history.ts";
import { collectionPath, CONFIG_MAPS, Dice, KINDS, NODES, PODS, WIDGETS } from "./differential/kinds.ts";
import { randomQuestion } from "./differential/questions.ts";
import { RandomWriter } from "./differential/random_writer.ts";
import { ReadLog } from "./differential/read_log.ts";
import { SEED } from "./differential/seed.ts";
import { WatchPairs } from "./differential/watch_pairs.ts";
import { sleep } from "./driver/wait.ts";

const QUESTIONS = 1_500;
/** Questions at once: most watches last a second. */
const LANES = 24;
/** Of the questions whose watch begins at a version, so many at least are answered from the hub's log. */
const REPLAYED_MIN = 5;
const WRITING_MS = 15_000;
const WRITE_PAUSE_MS = 5;
const READERS = 6;
const WATCH_EVERY_MS = 250;

describe(`the hub beside the API server (HOLDFAST_SEED=${SEED})`, () => {
  let beside: Beside;

  before(async () => {
    beside = await startBeside();
  });
  after(async () => {
    await beside?.stop();
  });

  it("answers every question as the API server, while nothing is written", async () => {
    const { direct, through } = beside;
    const dice = new Dice(createFakeRandom(SEED));
    // Of these the hub sees every change, of the others it learns when it is asked.
    for (const kind of [PODS, WIDGETS]) await through.ask({ path: `${collectionPath(kind, "")}?resourceVersion=0` });
    const writer = new RandomWriter({ asker: direct, dice, kinds: KINDS });
    for (let i = 0; i < 150; i++) await writer.step();
    const earlier = writer.acknowledged;
    for (let i = 0; i < 50; i++) await writer.step();
    const versions = { now: writer.acknowledged, earlier };
    const pages = await Promise.all(KINDS.map((kind) => direct.ask({ path: `${collectionPath(kind, "")}?limit=2` })));
    const tokens = pages.map(tokenOf).filter((token) => token !== "");
    const questions = Array.from({ length: QUESTIONS }, () => randomQuestion(dice, versions, tokens));
    const differences: string[] = [];
    let replayed = 0;
    await Promise.all(Array.from({ length: LANES }, async () => {
      for (let question = questions.pop(); question !== undefined; question = questions.pop()) {
        const { difference, expired, source } = await compareAnswers(question, { direct, through });
        if (difference !== undefined) differences.push(difference);
        else if (
          question.isWatch && !expired && source === "replica" && /[?&]resourceVersion=[1-9]/.test(question.path)
        ) {
          replayed++;
        }
      }
    }));
    assert.equal(
      differences.length,
      0,
      `${differences.length} of ${QUESTIONS}:\n${differences.slice(0, 20).join("\n")}`,
    );
    assert.ok(replayed >= REPLAYED_MIN, `${replayed} watches were answered from the log`);
  });

  it("tells readers and watchers the same while it is written, directly and through the hub", async () => {
    const { direct, through } = beside;
    const dice = new Dice(createFakeRandom(SEED + 1));
    const history = await History.follow(direct, KINDS);
    const writers: RandomWriter[] = [];
    const acknowledged = (): bigint =>
      writers.reduce((newest, { acknowledged: own }) => own > newest ? own : newest, 0n);
    const reads = new ReadLog({ hub: through, dice, kinds: KINDS, acknowledged });
    const byDirect = new RandomWriter({ asker: direct, dice, kinds: [PODS, NODES] });
    const byHub = new RandomWriter({
      asker: through,
      dice,
      kinds: [CONFIG_MAPS, WIDGETS],
      listener: {
        shown: (kind, object) => reads.show(kind, object, "a write"),
        gone: (uid) => reads.showGone(uid),
      },
    });
    writers.push(byDirect, byHub);
    for (const writer of writers) await writer.adopt();
    const pairs = new WatchPairs({ direct, through, dice });
    const end = performance.now() + WRITING_MS;
    const isOver = (): boolean => performance.now() > end;
    await Promise.all([
      ...writers.map((writer) => writer.runUntil(isOver, WRITE_PAUSE_MS)),
      ...Array.from({ length: READERS }, () => reads.runUntil(isOver)),
      (async () => {
        for (; !isOver(); await sleep(WATCH_EVERY_MS)) await pairs.start();
      })(),
    ]);
    for (const [writer, kinds] of [[byDirect, [PODS, NODES]], [byHub, [CONFIG_MAPS, WIDGETS]]] as const) {
      for (const kind of kinds) {
        const version = await writer.marker(kind, "marker");
        await history.reach(kind, version);
        await pairs.reach(history, kind, version);
      }
    }
    reads.check(history, { online: true });
    pairs.check(history);
    pairs.close();
    history.close();
    for (const source of ["cloud", "replica"]) {
      assert.ok(reads.count(200, source) > 10, JSON.stringify(reads.summary()));
    }
  });
});
