import assert from "node:assert/strict";
import { test } from "node:test";
import type { TokenQuestion } from "../../../src/kube/token_request.ts";
import { KeptTokens, maxKeptTokens } from "../../../src/replica/kept_tokens.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
import { createFaultyStore, damagedValue, keysOf } from "../../testing/faulty_store.ts";
import { silentLogger } from "../../testing/lone_replica.ts";
import { boundPod } from "../../testing/sample_tokens.ts";

const question: TokenQuestion = {
  namespace: "default",
  serviceAccount: "default",
  audiences: [],
  expirationSeconds: 3607,
  boundTo: boundPod,
};
const hourMs = 3_600_000;

function make({ graceMs = 0 } = {}) {
  const store = createFaultyStore();
  const clock = createFakeClock();
  const open = () => new KeptTokens({ store, clock, logger: silentLogger, graceMs });
  const restored = async () => {
    const tokens = open();
    await tokens.restore();
    return tokens;
  };
  const token = (mark: number, lifeMs = hourMs) => ({
    answer: Uint8Array.of(mark, 10, mark),
    savedAt: clock.now(),
    expiresAt: clock.now() + lifeMs,
  });
  return { store, clock, tokens: open(), restored, token };
}

test("KeptTokens.put is durable when it resolves, and in place of an earlier answer", async () => {
  const { store, tokens, restored, token } = make();
  await tokens.put(question, token(1));
  const second = token(2);
  await tokens.put(question, second);
  assert.deepEqual(await keysOf(store.memory), [
    't|["default","default",[],3607,"Pod","v1","web","uid-web"]',
  ]);
  assert.deepEqual(await tokens.get(question), second);
  assert.deepEqual(await (await restored()).get(question), second);
});

for (
  const [what, other] of [
    ["namespace", { namespace: "other" }],
    ["account", { serviceAccount: "other" }],
    ["audience", { audiences: ["a"] }],
    ["time", { expirationSeconds: 600 }],
    ["uid", { boundTo: { ...boundPod, uid: "uid-2" } }],
    ["pod", { boundTo: { ...boundPod, name: "web-2" } }],
  ] as const
) {
  test(`KeptTokens.get has nothing for another ${what}`, async () => {
    const { tokens, token } = make();
    await tokens.put(question, token(1));
    assert.equal(await tokens.get({ ...question, ...other }), undefined);
  });
}

test("KeptTokens.get gives a token until its own end, and through the grace", async () => {
  for (const graceMs of [0, hourMs]) {
    const { clock, tokens, restored, token } = make({ graceMs });
    await tokens.put(question, token(1));
    await clock.advance(hourMs + graceMs - 1);
    assert.ok(await tokens.get(question) !== undefined);
    await clock.advance(1);
    assert.equal(await tokens.get(question), undefined);
    assert.equal((await restored()).size, 0);
  }
});

test("KeptTokens.dropExpired and dropOf remove rows", async () => {
  const { store, clock, tokens, token } = make();
  const free: TokenQuestion = { namespace: "default", serviceAccount: "a", audiences: [], expirationSeconds: 60 };
  const other = { ...question, boundTo: { ...boundPod, uid: "uid-2" } };
  await tokens.put(free, token(1, 60_000));
  await tokens.put(question, token(2));
  await tokens.put(other, token(3));
  tokens.dropOf(({ uid }) => uid === "uid-2");
  assert.deepEqual([tokens.size, await tokens.get(other)], [2, undefined]);
  await clock.advance(60_000);
  tokens.dropExpired();
  assert.deepEqual([tokens.size, await tokens.get(free)], [1, undefined]);
  await tokens.close();
  assert.equal((await keysOf(store.memory)).length, 1);
});

test("KeptTokens keeps a bounded number: the one that was kept first goes, also over a restart", async () => {
  const { clock, tokens, restored, token } = make();
  const nth = (n: number) => ({ ...question, serviceAccount: `sa-${n}` });
  const puts: Promise<void>[] = [];
  for (let n = 0; n < maxKeptTokens; n++) {
    puts.push(tokens.put(nth(n), { ...token(1), savedAt: clock.now() + n }));
  }
  await Promise.all(puts);
  assert.deepEqual([tokens.size, tokens.dropped], [maxKeptTokens, 0]);
  await tokens.put(nth(maxKeptTokens), { ...token(1), savedAt: clock.now() + maxKeptTokens });
  assert.deepEqual([tokens.size, tokens.dropped], [maxKeptTokens, 1]);
  assert.equal(await tokens.get(nth(0)), undefined);
  await tokens.close();
  const again = await restored();
  await again.put(nth(-1), token(1));
  assert.deepEqual([await again.get(nth(1)), (await again.get(nth(2))) !== undefined], [undefined, true]);
});

test("KeptTokens keeps no answer that is too long, or has expired", async () => {
  const { store, tokens, token } = make();
  await tokens.put(question, { ...token(1), answer: new Uint8Array(65 * 1024) });
  await tokens.put({ ...question, audiences: ["a".repeat(5_000)] }, token(1));
  await tokens.put(question, token(1, 0));
  assert.deepEqual([tokens.size, await keysOf(store.memory)], [0, []]);
});

test("KeptTokens.put goes on from memory where the store fails, and writes when it can", async () => {
  const { store, clock, tokens, restored, token } = make();
  store.failure = "full";
  const kept = token(1);
  await tokens.put(question, kept);
  assert.deepEqual([await tokens.get(question), tokens.failure], [kept, "full"]);
  store.failure = undefined;
  await clock.advance(5_000);
  assert.equal(tokens.failure, undefined);
  assert.deepEqual(await (await restored()).get(question), kept);
});

test("KeptTokens drops a row that does not open, or is no token", async () => {
  const { store, tokens, restored, token } = make();
  await tokens.put(question, token(1));
  const [row = ""] = await keysOf(store.memory);
  await store.memory.commit({ put: [[row, damagedValue]] });
  assert.equal(await tokens.get(question), undefined);
  assert.equal(tokens.size, 0);
  await tokens.close();
  await store.commit({ put: [["t|x", new TextEncoder().encode("no token")]] });
  await store.memory.commit({ put: [["t|y", damagedValue]] });
  const again = await restored();
  assert.equal(again.size, 0);
  await again.close();
  assert.deepEqual(await keysOf(store.memory), []);
});
