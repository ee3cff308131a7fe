import assert from "node:assert/strict";
import { test } from "node:test";
import { TakeoverChannel, TakeoverError } from "../../../src/cli/takeover_channel.ts";
import type { Duplex } from "../../../src/platform/bytes.ts";
import { createFakeClock, type FakeClock } from "../../testing/fake_clock.ts";
import { deferred } from "../../testing/deferred.ts";

interface World {
  readonly clock: FakeClock;
  readonly channel: TakeoverChannel;
  /** What was written, and whether it was ended or broken off. */
  readonly written: string[];
  hear(text: string): void;
  /** The other side ends, or breaks off. */
  leave(error?: Error): void;
}

function createWorld(): World {
  const written: string[] = [];
  const chunks: Uint8Array[] = [];
  let wake = deferred();
  let left: { readonly error?: Error } | undefined;
  async function* source(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (left?.error !== undefined) throw left.error;
      else if (left !== undefined) return;
      else await wake.promise;
    }
  }
  const change = (): void => {
    wake.resolve();
    wake = deferred();
  };
  const connection: Duplex = {
    source: source(),
    write: (chunk) => void written.push(new TextDecoder().decode(chunk)),
    end: () => void written.push("end"),
    destroy: () => void written.push("destroy"),
    closed: new Promise(() => undefined),
  };
  const clock = createFakeClock();
  return {
    ...{ clock, written },
    channel: new TakeoverChannel(connection, clock),
    hear: (text) => {
      chunks.push(new TextEncoder().encode(text));
      change();
    },
    leave: (error) => {
      left = error === undefined ? {} : { error };
      change();
    },
  };
}

test("TakeoverChannel hears what is said in whatever chunks, in order, also when nobody waited", async () => {
  const { channel, hear } = createWorld();
  const first = channel.next(1_000);
  hear('{"say":"bou');
  hear('nd"}\n{"say":"ports","ports":[{"hostname":"::1","port":7,"tls":{"cert":"c","key":"k"}}]}\n{"say":"done"}');
  hear("\n");
  assert.deepEqual(await first, { say: "bound" });
  const ports = [{ hostname: "::1", port: 7, tls: { cert: "c", key: "k" } }];
  assert.deepEqual(await channel.next(1_000), { say: "ports", ports });
  assert.deepEqual(await channel.next(1_000), { say: "done" });
});

test("TakeoverChannel.next throws when its time is up, and hears what comes later", async () => {
  const { channel, clock, hear } = createWorld();
  const waited = assert.rejects(channel.next(5_000), /it has said nothing for 5 s/);
  await clock.advance(5_000);
  await waited;
  hear('{"say":"done"}\n');
  assert.deepEqual(await channel.next(1), { say: "done" });
  assert.equal(clock.pending, 0);
});

for (const error of [undefined, new Error("the process was killed")]) {
  test(`TakeoverChannel.next gives nothing once the other side has gone (${error?.message ?? "properly"})`, async () => {
    const { channel, hear, leave } = createWorld();
    assert.equal(channel.isGone, false);
    hear('{"say":"done"}\n');
    leave(error);
    assert.deepEqual(await channel.next(1_000), { say: "done" });
    assert.equal(await channel.next(1_000), undefined);
    assert.equal(channel.isGone, true);
  });
}

for (
  const [what, text, message] of [
    ["no JSON", "hello\n", /does not understand/],
    ["an unknown word", '{"say":"hello"}\n', /does not understand/],
    ["a port that is none", '{"say":"ports","ports":[{"hostname":1}]}\n', /does not understand/],
    ["more than fits", "x".repeat(300_000), /too much at once/],
  ] as const
) {
  test(`TakeoverChannel.next throws where the other side says ${what}`, async () => {
    const { channel, hear } = createWorld();
    hear(text);
    await assert.rejects(channel.next(1_000), (error) => error instanceof TakeoverError && message.test(error.message));
  });
}

test("TakeoverChannel.close waits a second at most for the other side to go", async () => {
  const { channel, clock, written, leave } = createWorld();
  channel.send({ say: "running" });
  const closed = channel.close();
  await clock.advance(999);
  assert.deepEqual(written, ['{"say":"running"}\n', "end"]);
  await clock.advance(1);
  leave();
  await closed;
  assert.equal(written.includes("destroy"), true);
});
