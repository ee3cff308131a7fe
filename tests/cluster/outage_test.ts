import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { outages, OutageScene } from "./driver/outage.ts";

const SILENCE_MAX_MS = 2_500;
const BACK_MAX_MS = 2_000;
/** Reconnects are spread over a second. */
const LIVE_MAX_MS = 4_000;

describe("one GET per 100 ms of what the replica holds, while the link is", () => {
  let scene: OutageScene;

  before(async () => {
    scene = await OutageScene.start();
  });

  after(() => scene?.stop());

  for (const outage of outages) {
    it(`${outage.name}: none is lost, no silence over 2.5 s, the cloud answers again within 2 s`, async () => {
      const { lost, silenceMs, slowestMs, backMs, liveMs, picture } = await scene.measure(outage, {
        lastsMs: 4_500,
        afterMs: 2_500,
      });
      const times = `silence ${silenceMs} ms, slowest ${slowestMs} ms, back ${backMs} ms, live ${liveMs} ms`;
      console.log(`${outage.name}: ${picture} ${times}`);
      assert.deepEqual(lost, []);
      assert.ok(silenceMs <= SILENCE_MAX_MS, `${silenceMs} ms of silence: ${picture}`);
      assert.ok(backMs <= BACK_MAX_MS, `back after ${backMs} ms: ${picture}`);
      assert.ok(liveMs <= LIVE_MAX_MS, `live after ${liveMs} ms: ${picture}`);
    });
  }
});
