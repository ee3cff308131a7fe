import assert from "node:assert/strict";
import { test } from "node:test";
import { byteWords } from "../../../src/hub/byte_words.ts";
import type { HistoryChange } from "../../../src/hub/hub_status.ts";
import { timeLine } from "../../../src/hub/time_line.ts";

const change = (second: number, state: HistoryChange["state"]): HistoryChange => ({
  at: new Date(second * 1_000).toISOString(),
  state,
  reason: "",
});

for (
  const [what, changes, want] of [
    ["nothing is known", [], ["unrecorded 100-200"]],
    ["the hub was started within it", [change(150, "online")], ["unrecorded 100-150", "online 150-200"]],
    ["it began in an older state", [change(20, "online"), change(180, "offline")], [
      "online 100-180",
      "offline 180-200",
    ]],
    ["two changes came at once", [change(10, "offline"), change(10, "online")], ["online 100-200"]],
    [
      "the clock was set back",
      [change(10, "online"), change(180, "offline"), change(120, "online")],
      ["online 100-180", "online 180-200"],
    ],
    ["a change lies ahead of now", [change(10, "online"), change(300, "offline")], [
      "online 100-200",
      "offline 200-200",
    ]],
  ] as const
) {
  test(`timeLine has no gaps where ${what}`, () => {
    const segments = timeLine(changes, { fromMs: 100_000, toMs: 200_000 });
    assert.deepEqual(segments.map(({ state, fromMs, toMs }) => `${state} ${fromMs / 1_000}-${toMs / 1_000}`), want);
  });
}

for (
  const [bytes, want] of [
    [0, "0 B"],
    [1_023, "1023 B"],
    [1_024, "1.0 KiB"],
    [1_048_000, "1023 KiB"],
    [1_048_100, "1.0 MiB"],
    [4_718_592, "4.5 MiB"],
    [125_829_120, "120 MiB"],
    [5e15, "4547 TiB"],
  ] as const
) {
  test(`byteWords of ${bytes} are ${want}`, () => assert.equal(byteWords(bytes), want));
}
