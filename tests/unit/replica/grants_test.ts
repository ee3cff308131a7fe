import assert from "node:assert/strict";
import { test } from "node:test";
import type { Link, LinkState } from "../../../src/cloud/link.ts";
import { type Caller, serviceAccountCaller } from "../../../src/identity/caller.ts";
import { queryKey } from "../../../src/kube/resources.ts";
import { StatusError } from "../../../src/kube/status.ts";
import type { Store } from "../../../src/platform/store.ts";
import type { Access } from "../../../src/replica/access.ts";
import { CallerTokens } from "../../../src/replica/caller_tokens.ts";
import { type GrantEnd, Grants, type Review } from "../../../src/replica/grants.ts";
import { maxGrants, maxScopeGrants } from "../../../src/replica/kept_grants.ts";
import { createMemoryStore } from "../../../src/store/memory_store.ts";
import { createFaultyStore } from "../../testing/faulty_store.ts";
import { createFakeClock, type FakeClock } from "../../testing/fake_clock.ts";

const query = { group: "", version: "v1", resource: "pods", namespace: "red", labelSelector: "", fieldSelector: "" };
const access: Access = { verb: "watch", query, namespace: "red", name: "" };
const minuteMs = 60_000;

function callerOf(clock: FakeClock, { lifeMs = 60 * minuteMs, uid = "1" } = {}): Caller {
  return serviceAccountCaller({
    token: `token-of-${uid}`,
    issuer: "i",
    audiences: ["i"],
    namespace: "red",
    serviceAccount: { name: "app", uid },
    notBefore: 0,
    expiresAt: clock.now() + lifeMs,
  });
}

interface World {
  readonly clock: FakeClock;
  readonly grants: Grants;
  readonly asked: Access[];
  says: Review;
  /** The cloud keeps a review to itself. */
  silent: boolean;
  enter(state: LinkState): void;
}

async function withGrants(run: (world: World) => Promise<void>, store: Store = createMemoryStore()): Promise<void> {
  const clock = createFakeClock();
  const listeners = new Set<() => void>();
  let state: LinkState = "online";
  const link: Pick<Link, "state" | "onChange"> = {
    get state() {
      return state;
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const asked: Access[] = [];
  const grants = new Grants({
    store,
    clock,
    link,
    logger: { log: () => undefined, enabled: () => false },
    tokens: new CallerTokens(clock),
    reviewTimeoutMs: 2_000,
    review: (_, one) => {
      asked.push(one);
      return world.silent ? new Promise(() => undefined) : Promise.resolve(world.says);
    },
  });
  const enter = (next: LinkState) => {
    state = next;
    for (const listener of listeners) listener();
  };
  const world: World = { clock, grants, asked, says: "allowed", silent: false, enter };
  await grants.restore();
  await run(world);
  await grants.close();
}

test("Grants ask once in five minutes, all who ask at once together, and each scope and access by itself", () =>
  withGrants(async ({ grants, clock, asked }) => {
    const caller = callerOf(clock);
    const answers = await Promise.all([grants.check(caller, access), grants.check(caller, access)]);
    assert.deepEqual([answers, asked.length], [[true, true], 1]);
    await clock.advance(5 * minuteMs - 1);
    assert.equal(await grants.check(caller, access), true);
    assert.equal(asked.length, 1);
    await clock.advance(1);
    assert.equal(await grants.check(caller, access), true);
    assert.equal(asked.length, 2);
    await grants.check(callerOf(clock, { uid: "2" }), access);
    await grants.check(caller, { ...access, verb: "list" });
    await grants.check(caller, { ...access, name: "a" });
    const selecting = { ...query, labelSelector: "a=b,c in (d,e)" };
    await grants.check(caller, { ...access, query: selecting });
    assert.equal(asked.length, 6);
    assert.deepEqual([...grants.grantedQueries()], [queryKey(query), queryKey(selecting)]);
  }));

test("Grants of before hold where the cloud does not decide or keeps silent, and nothing else is granted then", () =>
  withGrants(async (world) => {
    const { grants, clock } = world;
    const caller = callerOf(clock);
    world.says = "unknown";
    assert.equal(await grants.check(caller, access), false);
    world.says = "allowed";
    assert.equal(await grants.check(caller, access), true);
    world.says = "unknown";
    await clock.advance(5 * minuteMs);
    assert.equal(await grants.check(caller, access), true);
    world.silent = true;
    const late = grants.check(caller, access);
    await clock.advance(2_000);
    assert.equal(await late, true);
  }));

test("Grants of before end for new requests after six minutes in which the cloud is in reach and does not decide", () =>
  withGrants(async (world) => {
    const { grants, clock, enter } = world;
    const caller = callerOf(clock);
    await grants.check(caller, access);
    world.says = "unknown";
    await clock.advance(6 * minuteMs - 1);
    assert.deepEqual([await grants.check(caller, access), grants.holds(caller, access)], [true, true]);
    await clock.advance(1);
    assert.deepEqual([await grants.check(caller, access), grants.holds(caller, access)], [false, false]);
    enter("offline"); // out of reach the last grant holds, and from the return on as long as before
    await clock.advance(60 * minuteMs);
    assert.deepEqual([await grants.check(caller, access), grants.holds(caller, access)], [true, true]);
    enter("online");
    await clock.advance(6 * minuteMs - 1);
    assert.equal(grants.holds(caller, access), true);
    await clock.advance(1);
    assert.equal(grants.holds(caller, access), false);
    world.says = "allowed";
    assert.deepEqual([await grants.check(caller, access), grants.holds(caller, access)], [true, true]);
  }));

test("Grants: a watch goes on for an hour in which the cloud does not decide, then it ends cleanly", () =>
  withGrants(async (world) => {
    const { grants, clock } = world;
    const caller = callerOf(clock, { lifeMs: 600 * minuteMs });
    await grants.check(caller, access);
    const ends: GrantEnd[] = [];
    grants.follow(caller, access, (end) => ends.push(end));
    world.says = "unknown";
    await clock.advance(60 * minuteMs - 10_000);
    assert.deepEqual(ends, []);
    await clock.advance(20_000);
    assert.deepEqual(ends, ["clean"]);
  }));

test("Grants: a clock that is set, or a time without the hub, ends no watch that the cloud has not been asked about", async () => {
  const store = createMemoryStore();
  await withGrants(async ({ grants, clock, asked }) => {
    const caller = callerOf(clock, { lifeMs: 6_000 * minuteMs });
    await grants.check(caller, access);
    const ends: GrantEnd[] = [];
    grants.follow(caller, access, (end) => ends.push(end));
    for (const byMs of [120 * minuteMs, -240 * minuteMs]) {
      clock.step(byMs);
      await clock.advance(minuteMs);
      assert.equal(await grants.check(caller, access), true);
    }
    assert.deepEqual([ends, asked.length], [[], 1]);
  }, store);
  for (const [says, wanted] of [["allowed", []], ["unknown", ["clean"]]] as const) {
    await withGrants(async (world) => {
      const { grants, clock } = world;
      clock.step(60 * minuteMs);
      await grants.restore();
      const caller = callerOf(clock, { lifeMs: 6_000 * minuteMs });
      world.says = says;
      const ends: GrantEnd[] = [];
      grants.follow(caller, access, (end) => ends.push(end));
      assert.equal(await grants.check(caller, access), says === "allowed");
      await clock.advance(20_000);
      assert.deepEqual(ends, wanted);
    }, await kept(store));
  }
});

test("Grants: what the cloud refuses holds for no request that it does not answer in time", () =>
  withGrants(async (world) => {
    const { grants, clock } = world;
    const caller = callerOf(clock);
    await grants.check(caller, access);
    world.says = "denied";
    await clock.advance(5 * minuteMs);
    await grants.check(caller, access);
    assert.deepEqual([grants.isHeld(caller, access), grants.holds(caller, access)], [true, false]);
  }));

test("Grants: a refusal puts in doubt all that was granted of its query, and a watch by it ends after a minute", () =>
  withGrants(async (world) => {
    const { grants, clock } = world;
    const caller = callerOf(clock);
    const list: Access = { ...access, verb: "list" };
    await grants.check(caller, list);
    await grants.check(caller, access);
    const ends: GrantEnd[] = [];
    grants.follow(caller, access, (end) => ends.push(end));
    world.says = "denied";
    grants.doubt(caller, list);
    await clock.advance(59_000);
    assert.equal(ends.length, 0);
    await clock.advance(11_000);
    assert.deepEqual(ends.map((end) => end === "clean" ? end : end.code), [403]);
  }));

test("Grants keep a refusal for a second, then for two, up to thirty", () =>
  withGrants(async (world) => {
    const { grants, clock, asked } = world;
    const caller = callerOf(clock);
    world.says = "denied";
    for (const keptMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      const before = asked.length;
      assert.equal(await grants.check(caller, access), false);
      await clock.advance(keptMs - 1);
      assert.equal(await grants.check(caller, access), false);
      assert.equal(asked.length, before + 1);
      await clock.advance(1);
    }
    world.says = "allowed";
    assert.equal(await grants.check(caller, access), true);
  }));

test("Grants end after a minute of nothing but refusals, and tell those who go on by them; a cut begins the minute anew", () =>
  withGrants(async (world) => {
    const { grants, clock, enter } = world;
    const caller = callerOf(clock);
    await grants.check(caller, access);
    const ends: GrantEnd[] = [];
    grants.follow(caller, access, (end) => ends.push(end));
    world.says = "denied";
    await clock.advance(5 * minuteMs + 50_000);
    assert.equal(await grants.check(caller, access), false); // a new request is the cloud's to refuse
    assert.deepEqual([ends.length, grants.isHeld(caller, access)], [0, true]);
    enter("offline");
    assert.equal(await grants.check(caller, access), true);
    await clock.advance(10 * minuteMs);
    enter("online");
    await clock.advance(60_000);
    assert.equal(ends.length, 0);
    await clock.advance(20_000);
    assert.equal(ends.length, 1);
    const end = ends[0];
    assert.ok(end instanceof StatusError);
    assert.equal(end.code, 403);
    assert.equal(
      end.message,
      'pods is forbidden: User "system:serviceaccount:red:app" cannot watch resource "pods" in API group "" in the namespace "red"',
    );
    assert.equal(grants.isHeld(caller, access), false);
  }));

test("Grants are renewed for those who go on by them; with a token that has ended they come back with another", () =>
  withGrants(async ({ grants, clock, asked }) => {
    const caller = callerOf(clock, { lifeMs: 12 * minuteMs });
    await grants.check(caller, access);
    const ends: GrantEnd[] = [];
    grants.follow(caller, access, (end) => ends.push(end));
    await clock.advance(11 * minuteMs);
    assert.deepEqual([asked.length, ends], [3, []]);
    await clock.advance(6 * minuteMs);
    assert.deepEqual([ends[0], grants.isHeld(caller, access)], ["clean", true]);
  }));

test("Grants: who asks for ever more loses its own that were reviewed first, and nobody else any, over a restart too", async () => {
  const store = createMemoryStore();
  const named = (index: number): Access => ({ ...access, verb: "get", name: `p${index}` });
  await withGrants(async ({ grants, clock }) => {
    const proxy = callerOf(clock, { uid: "proxy" });
    const pod = callerOf(clock, { uid: "pod" });
    const ends: GrantEnd[] = [];
    grants.granted(proxy, access);
    grants.follow(proxy, access, (end) => ends.push(end));
    for (let index = 0; index <= maxScopeGrants; index++) {
      grants.granted(pod, named(index));
      await clock.advance(1);
    }
    assert.deepEqual([grants.size, grants.dropped], [maxScopeGrants + 1, 1]);
    assert.deepEqual([0, 1, maxScopeGrants].map((index) => grants.isHeld(pod, named(index))), [false, true, true]);
    for (let uid = 0; uid < maxGrants / maxScopeGrants; uid++) {
      for (let index = 0; index < maxScopeGrants; index++) {
        grants.granted(callerOf(clock, { uid: `${uid}` }), named(index));
      }
    }
    await clock.advance(20_000);
    assert.deepEqual([grants.size, grants.isHeld(proxy, access), ends], [maxGrants, true, []]);
  }, store);
  await withGrants(({ grants, clock }) => {
    assert.equal(grants.isHeld(callerOf(clock, { uid: "proxy" }), access), true);
    assert.equal(grants.size, maxGrants);
    return Promise.resolve();
  }, store);
});

test("Grants are taken back from the store, and those that ended are not", async () => {
  const store = createMemoryStore();
  const list: Access = { ...access, verb: "list" };
  await withGrants(async (world) => {
    const { grants, clock, enter } = world;
    const caller = callerOf(clock);
    grants.granted(caller, access);
    await grants.check(caller, list);
    world.says = "denied";
    await clock.advance(5 * minuteMs);
    await grants.check(caller, list);
    await clock.advance(minuteMs);
    await grants.check(caller, list);
    enter("offline");
    assert.deepEqual([grants.isHeld(caller, access), grants.isHeld(caller, list)], [true, false]);
  }, store);
  await withGrants(({ grants, clock, enter }) => {
    enter("offline");
    const caller = callerOf(clock);
    assert.deepEqual([grants.isHeld(caller, access), grants.isHeld(caller, list)], [true, false]);
    assert.equal(grants.isHeld(callerOf(clock, { uid: "2" }), access), false);
    return Promise.resolve();
  }, store);
});

/** Loses power: what is durable now is all that the next hub finds. */
async function kept(store: Store): Promise<Store> {
  const copy = createMemoryStore();
  const put: [string, Uint8Array][] = [];
  for await (const [row, value] of store.list("")) put.push([row, value]);
  await copy.commit({ put });
  return copy;
}

async function isHeldIn(store: Store, verb: Access["verb"] = "watch"): Promise<boolean> {
  let held = false;
  await withGrants(({ grants, clock }) => {
    held = grants.isHeld(callerOf(clock), { ...access, verb });
    return Promise.resolve();
  }, await kept(store));
  return held;
}

test("R14: Grants: what is granted is durable before it is answered by, and its end before its watches are told", async () => {
  const store = createMemoryStore();
  await withGrants(async (world) => {
    const { grants, clock } = world;
    const caller = callerOf(clock);
    assert.equal(await grants.check(caller, access), true);
    assert.equal(await isHeldIn(store), true);
    const list: Access = { ...access, verb: "list" };
    grants.granted(caller, list);
    assert.equal(await isHeldIn(store, "list"), false);
    assert.equal(await grants.check(caller, list), true);
    assert.equal(await isHeldIn(store, "list"), true);
    grants.granted(caller, { ...access, verb: "get" });
    await grants.saved(caller, { ...access, verb: "get" });
    assert.equal(await isHeldIn(store, "get"), true);
    const ends: Promise<boolean>[] = [];
    grants.follow(caller, access, () => ends.push(isHeldIn(store)));
    world.says = "denied";
    await clock.advance(7 * minuteMs);
    assert.deepEqual(await Promise.all(ends), [false]);
  }, store);
});

test("R14: Grants: a store that is full, or hangs, holds nobody up: who reads is told, and the end is kept once it can be", async () => {
  for (const how of ["full", "hangs"] as const) {
    const store = createFaultyStore();
    let mend = () => undefined as void;
    await withGrants(async (world) => {
      const { grants, clock } = world;
      const caller = callerOf(clock);
      assert.equal(await grants.check(caller, access), true);
      if (how === "full") store.failure = "disk full";
      else store.held = new Promise((resolve) => mend = resolve);
      let answer: boolean | undefined;
      void grants.check(caller, { ...access, verb: "get" }).then((granted) => answer = granted);
      await clock.advance(2_000);
      assert.equal(answer, true, how);
      const ends: GrantEnd[] = [];
      grants.follow(caller, access, (end) => ends.push(end));
      world.says = "denied";
      await clock.advance(7 * minuteMs);
      assert.equal(ends.length, 1, how);
      assert.deepEqual([grants.isHeld(caller, access), await isHeldIn(store)], [false, true]);
      store.failure = undefined;
      mend();
      await clock.advance(5_000);
      assert.deepEqual([await isHeldIn(store), grants.failure], [false, undefined]);
    }, store);
  }
});
