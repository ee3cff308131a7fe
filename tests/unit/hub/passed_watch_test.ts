import assert from "node:assert/strict";
import { test } from "node:test";
import { PassedWatch } from "../../../src/hub/passed_watch.ts";
import type { UpstreamResponse } from "../../../src/platform/upstream.ts";
import { ManualSink } from "../../testing/manual_sink.ts";

interface Passed {
  readonly watch: PassedWatch;
  readonly sink: ManualSink;
  readonly draining: AbortController;
  /** Whether the cloud's answer was broken off. */
  left: boolean;
}

const json = "application/json";
const protobuf = "application/vnd.kubernetes.protobuf;stream=watch";

function pass(contentType: string, further: readonly string[] = []): Passed {
  const sink = new ManualSink();
  const draining = new AbortController();
  // All that is looked at.
  const response = { rawHeaders: ["Content-Type", contentType, ...further] } as unknown as UpstreamResponse;
  const leave = () => void (passed.left = true);
  const watch = new PassedWatch(sink, { response, draining: draining.signal, leave });
  const passed: Passed = { watch, sink, draining, left: false };
  return passed;
}

const encode = (text: string) => new TextEncoder().encode(text);

for (
  const [what, type, chunks, tail] of [
    ["JSON", json, [encode('{"type":"ADDED"}\n{"type":"MOD')], encode('IFIED"}\n')],
    [
      "protobuf",
      protobuf,
      [Uint8Array.of(0, 0, 0, 2, 1, 10), Uint8Array.of(0, 0, 0), Uint8Array.of(3, 1)],
      encode("\n\n"),
    ],
  ] as const
) {
  test(`PassedWatch of ${what} that is within an event ends behind it`, () => {
    const passed = pass(type);
    for (const chunk of chunks) void passed.watch.write(chunk);
    passed.draining.abort();
    assert.deepEqual([passed.sink.ended, passed.left], [false, false]);
    void passed.watch.write(tail);
    assert.deepEqual([passed.sink.ended, passed.left, passed.watch.over], [true, true, true]);
  });
}

for (const type of [json, protobuf]) {
  test(`PassedWatch (${type}) that says nothing ends at once, and passes nothing on after its end`, () => {
    const passed = pass(type);
    passed.draining.abort();
    assert.deepEqual([passed.sink.ended, passed.left], [true, true]);
    void passed.watch.write(encode("{}\n"));
    assert.deepEqual(passed.sink.lines(), []);
  });
}

test("PassedWatch of an encoding that cannot be looked into is not ended: its client must see that something is missing", () => {
  const passed = pass(json, ["Content-Encoding", "gzip"]);
  passed.draining.abort();
  void passed.watch.write(encode("\n"));
  assert.deepEqual([passed.sink.ended, passed.left, passed.watch.over], [false, false, false]);
});

test("PassedWatch that begins while watches are to end, ends", () => {
  const sink = new ManualSink();
  const response = { rawHeaders: ["Content-Type", json] } as unknown as UpstreamResponse; // all that is looked at
  const watch = new PassedWatch(sink, { response, draining: AbortSignal.abort(), leave: () => undefined });
  assert.deepEqual([sink.ended, watch.over], [true, true]);
});
