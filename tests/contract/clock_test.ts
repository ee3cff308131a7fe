import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clock, TIMER_DELAY_MS_MAX } from "../../adapters/shared/clock.ts";
import type { Clock } from "../../src/platform/clock.ts";
import { startProgram } from "../testing/child_program.ts";
import { createFakeClock } from "../testing/fake_clock.ts";
import { keepAlive } from "../testing/keep_alive.ts";

/** `pass` lets this much of the clock's time go by. */
function testClock(
  name: string,
  make: () => { readonly clock: Clock; readonly pass: (ms: number) => Promise<void> },
): void {
  describe(`Clock (${name})`, () => {
    it("monotonic and now go on by the time that passes", async () => {
      const { clock, pass } = make();
      const [nowMs, monotonicMs] = [clock.now(), clock.monotonic()];
      await pass(30);
      assert.ok(clock.monotonic() - monotonicMs >= 29);
      assert.ok(clock.now() - nowMs >= 28);
    });

    it("setTimer calls back once, after the delay, the shorter first", async () => {
      const { clock, pass } = make();
      const calls: string[] = [];
      clock.setTimer(40, () => calls.push("long"));
      clock.setTimer(5, () => calls.push("short"));
      clock.setTimer(-1, () => calls.push("at once"));
      assert.deepEqual(calls, []);
      await pass(80);
      assert.deepEqual(calls, ["at once", "short", "long"]);
    });

    it("setTimer that is cancelled never calls back, and may be cancelled again", async () => {
      const { clock, pass } = make();
      let calls = 0;
      const timer = clock.setTimer(5, () => calls++);
      timer.cancel();
      timer.cancel();
      const ran = clock.setTimer(1, () => calls++);
      await pass(30);
      ran.cancel();
      assert.equal(calls, 1);
    });

    it("setTimer waits through delays above 2^31 ms", async () => {
      const { clock, pass } = make();
      let calls = 0;
      const timers = [TIMER_DELAY_MS_MAX + 1, 2 ** 33, Infinity].map((delayMs) =>
        clock.setTimer(delayMs, () => calls++)
      );
      await pass(30);
      assert.equal(calls, 0);
      for (const timer of timers) timer.cancel();
    });

    it("sleep resolves after the delay and leaves no listener on the signal", async () => {
      const { clock, pass } = make();
      const signal = countListeners(new AbortController().signal);
      const slept = clock.sleep(5, signal);
      await pass(30);
      await slept;
      assert.equal(signal.listeners(), 0);
    });

    it("sleep rejects with the signal's reason, before or during", async () => {
      const { clock } = make();
      const reason = new Error("enough");
      await assert.rejects(clock.sleep(10_000, AbortSignal.abort(reason)), (error) => error === reason);
      const controller = new AbortController();
      const slept = clock.sleep(10_000, controller.signal);
      controller.abort(reason);
      await assert.rejects(slept, (error) => error === reason);
    });
  });
}

function countListeners(signal: AbortSignal): AbortSignal & { listeners(): number } {
  let count = 0;
  const { addEventListener, removeEventListener } = signal;
  return Object.assign(signal, {
    listeners: () => count,
    addEventListener: (...args: Parameters<typeof addEventListener>): void => {
      count++;
      addEventListener.apply(signal, args);
    },
    removeEventListener: (...args: Parameters<typeof removeEventListener>): void => {
      count--;
      removeEventListener.apply(signal, args);
    },
  });
}

testClock("system", () => ({
  clock,
  pass: (ms) => keepAlive(new Promise((resolve) => setTimeout(resolve, ms))),
}));
testClock("fake", () => {
  const clock = createFakeClock();
  return { clock, pass: (ms) => clock.advance(ms) };
});

describe("Clock (system)", () => {
  it("setTimer and sleep do not keep the process alive", async () => {
    const program = startProgram(new URL("../testing/clock_program.ts", import.meta.url), []);
    assert.deepEqual(await program.ended, { exitCode: 0, stderr: "" });
    assert.equal(program.output(), "set\n");
  });
});

describe("createFakeClock", () => {
  it("advance runs each timer at its own time and lets promises settle between", async () => {
    const clock = createFakeClock(1_000);
    const seen: string[] = [];
    const { signal } = new AbortController();
    const loop = async (): Promise<void> => {
      for (let round = 0; round < 3; round++) {
        await clock.sleep(10, signal);
        await Promise.resolve();
        seen.push(`${clock.now()}`);
      }
    };
    const done = loop();
    clock.setTimer(20, () => seen.push("same time, set later"));
    await clock.advance(25);
    assert.deepEqual(seen, ["1010", "same time, set later", "1020"]);
    assert.equal(clock.pending, 1);
    await clock.advance(5);
    await done;
    assert.equal(clock.pending, 0);
    assert.equal(clock.now(), 1_030);
  });
});
