import assert from "node:assert/strict";
import { test } from "node:test";
import { Slots } from "../../../src/hub/slots.ts";
import { createFakeRandom } from "../../testing/fake_random.ts";

const kubelet = { name: "kubelet", system: true };

type Release = () => void;

/** Takes until there are no more. @returns how to give them back */
function flood(slots: Slots, name: string, system = true): Release[] {
  const taken: Release[] = [];
  for (;;) {
    const slot = slots.take({ name, system });
    if (typeof slot === "string") return taken;
    taken.push(slot);
  }
}

for (
  const [limit, alone, other] of [
    [1, 1, 1],
    [2, 2, 2],
    [3, 2, 2],
    [4, 3, 2],
    [8, 6, 4],
    [250, 167, 126],
    [2_000, 1_334, 1_000],
  ] as const
) {
  test(`Slots lets one client have ${alone} of ${limit}, one that is none of the system's ${other}`, () => {
    assert.equal(flood(new Slots(limit), "one").length, alone);
    assert.equal(flood(new Slots(limit), "one", false).length, other);
  });
}

test("Slots keeps a quarter from all who are not the system's, however many they are", () => {
  const slots = new Slots(250);
  for (let i = 0; i < 1_000; i++) slots.take({ name: `sa-${i}`, system: false });
  assert.equal(slots.taken, 188);
  assert.deepEqual(slots.refused, { full: 0, reserved: 812, share: 0 });
  assert.equal(typeof slots.take(kubelet), "function");
});

for (const [limit, needed] of [[250, 6], [2_000, 7]] as const) {
  test(`Slots has one of ${limit} left for who has none, until ${needed} others take all they can get`, () => {
    const slots = new Slots(limit);
    for (let client = 1; client < needed; client++) {
      flood(slots, `runaway-${client}`);
      assert.ok(slots.taken < limit, `${client} have taken all`);
    }
  });
}

test("Slots never refuses a client that holds none while fewer than six others flood, whatever ends when", () => {
  const random = createFakeRandom(7);
  const pick = (below: number) => Math.floor(random.float() * below);
  for (let run = 0; run < 20; run++) {
    const slots = new Slots(250);
    const held = Array.from({ length: 5 }, () => [] as Release[]);
    for (let step = 0; step < 300; step++) {
      const client = pick(held.length);
      const own = held[client] ?? [];
      for (let ends = pick(40); ends > 0 && own.length > 0; ends--) own.splice(pick(own.length), 1)[0]?.();
      own.push(...flood(slots, `runaway-${client}`));
      const slot = slots.take(kubelet);
      assert.ok(typeof slot === "function" && slots.taken <= 250, `run ${run}, step ${step}: ${String(slot)}`);
      slot();
    }
  }
});

test("Slots gives what comes free to who holds nothing, not to who holds much", () => {
  const slots = new Slots(4);
  const [first] = flood(slots, "runaway");
  assert.equal(typeof slots.take({ name: "other", system: true }), "function");
  assert.equal(slots.take(kubelet), "full");
  first?.();
  assert.equal(slots.take({ name: "runaway", system: true }), "share");
  assert.equal(typeof slots.take(kubelet), "function");
  assert.deepEqual(slots.refused, { full: 1, reserved: 0, share: 2 });
});

test("Slots takes one back once, however often that is said, and forgets who holds none", () => {
  const slots = new Slots(10);
  const [first, second] = [slots.take(kubelet), slots.take(kubelet)];
  assert.ok(typeof first === "function" && typeof second === "function");
  first();
  first();
  assert.deepEqual([slots.taken, slots.clients], [1, 1]);
  second();
  assert.deepEqual([slots.taken, slots.clients], [0, 0]);
});

for (const limit of [0, -1, 1.5, Number.NaN]) {
  test(`Slots refuses a limit of ${limit}`, () => assert.throws(() => new Slots(limit), RangeError));
}
