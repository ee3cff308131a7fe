import assert from "node:assert/strict";
import { test } from "node:test";
import { type Caller, serviceAccountCaller } from "../../../src/identity/caller.ts";
import { nodeScope } from "../../../src/identity/scope.ts";
import { type Query, queryKey } from "../../../src/kube/resources.ts";
import type { Access } from "../../../src/replica/access.ts";
import { maxSponsors } from "../../../src/replica/carriers.ts";
import type { Collection } from "../../../src/replica/collection.ts";
import { Eviction } from "../../../src/replica/eviction.ts";
import { createMemoryStore } from "../../../src/store/memory_store.ts";
import { mapBytes, mapsQuery } from "../../testing/json_objects.ts";
import { silentLogger } from "../../testing/lone_replica.ts";
import { createReflected, momentMs, type Reflected, type ReflectedOptions } from "../../testing/reflected.ts";

const minuteMs = 60_000;
const query: Query = { ...mapsQuery, namespace: "default" };
const key = queryKey(query);
const watch: Access = { verb: "watch", query, namespace: "default", name: "" };

interface Scene extends Reflected {
  /** What the cloud answers to each token; 200 to those that are not named. The node's is the empty one. */
  readonly says: Map<string, number>;
  /** Asks as a service account that was granted the query. */
  ask(caller: Caller): Collection | undefined;
  /** In whose name something was asked since the last call, each once, in order. */
  carriers(): string[];
}

/** A cloud that refuses the node. */
async function scene(options: ReflectedOptions = {}): Promise<Scene> {
  const reflected = await createReflected(options);
  const { cloud, replica } = reflected;
  const says = new Map([["", 403]]);
  cloud.put("a");
  cloud.instead = (path, token = "") => {
    const code = says.get(token) ?? 200;
    return path.includes("configmaps") && code !== 200 ? status(code) : undefined;
  };
  return Object.assign(reflected, {
    says,
    ask: (caller: Caller) => {
      replica.carriers.offer(key, caller, watch);
      return replica.reflected(caller.scope, query);
    },
    carriers: () => {
      cloud.asked.splice(0);
      return [...new Set(cloud.askers.splice(0))];
    },
  });
}

function status(code: number) {
  return { status: code, body: JSON.stringify({ kind: "Status", code, message: `no ${code}`, reason: "" }) };
}

function callerOf({ clock }: Reflected, name: string, { lifeMs = 60 * minuteMs, token = name } = {}): Caller {
  return serviceAccountCaller({
    token,
    issuer: "i",
    audiences: ["i"],
    namespace: "red",
    serviceAccount: { name, uid: name },
    notBefore: 0,
    expiresAt: clock.now() + lifeMs,
  });
}

function assertLive(collection: Collection | undefined): asserts collection is Collection {
  assert.deepEqual([collection?.state, collection?.leave.isUncarried], ["live", false]);
}

async function end({ replica, link }: Reflected): Promise<void> {
  link.close();
  await replica.close();
}

test("Sponsors: what the node is granted it carries itself", async () => {
  const one = await scene();
  one.says.delete("");
  const collection = one.ask(callerOf(one, "red"));
  await one.clock.advance(momentMs);
  assertLive(collection);
  assert.deepEqual([one.carriers(), collection.leave.callersOnly], [[""], false]);
  await end(one);
});

test("Sponsors: what the node is refused goes on by the sponsor whose token ends last, and is nothing to the node", async () => {
  const one = await scene();
  one.replica.carriers.offer(key, callerOf(one, "short", { lifeMs: 10 * minuteMs }), watch);
  one.replica.carriers.offer(key, callerOf(one, "long", { lifeMs: 20 * minuteMs }), watch);
  const collection = one.ask(callerOf(one, "middle", { lifeMs: 15 * minuteMs }));
  await one.clock.advance(momentMs);
  assertLive(collection);
  assert.deepEqual([one.carriers(), collection.leave.callersOnly, collection.size], [["", "long"], true, 1]);
  assert.equal(one.replica.reflected(nodeScope, query), undefined);
  assert.equal(one.replica.of(query).find({ ...query, name: "a" }), undefined);
  assert.equal(one.replica.of(query).view(query, () => true), undefined);
  assert.equal(one.replica.of(query).view(query, () => true, "granted")?.collection, collection);
  await end(one);
});

test("Sponsors: one takes over when another's token ends, without a gap for who reads", async () => {
  const one = await scene();
  const collection = one.ask(callerOf(one, "first", { lifeMs: 3 * minuteMs }));
  await one.clock.advance(momentMs);
  assertLive(collection);
  one.replica.carriers.offer(key, callerOf(one, "second", { lifeMs: 2 * minuteMs }), watch);
  const later = callerOf(one, "second", { lifeMs: 30 * minuteMs, token: "fresh" });
  await one.clock.advance(minuteMs);
  one.replica.carriers.offer(key, later, watch);
  one.carriers();
  await one.clock.advance(minuteMs);
  assert.deepEqual(one.carriers(), []); // the first one's watch goes on as long as its token
  await one.clock.advance(minuteMs);
  assertLive(collection);
  assert.deepEqual(one.carriers().at(-1), "fresh");
  one.cloud.put("b");
  await one.clock.advance(100);
  assert.deepEqual([collection.size, collection.relists], [2, 1]);
  await end(one);
});

test("Sponsors: the next watch goes on by a newer token of the same scope", async () => {
  const one = await scene();
  const collection = one.ask(callerOf(one, "red", { lifeMs: 30 * minuteMs, token: "old" }));
  await one.clock.advance(momentMs);
  one.ask(callerOf(one, "red", { lifeMs: 60 * minuteMs, token: "new" }));
  one.carriers();
  await one.clock.advance(11 * minuteMs); // a watch to the cloud lasts at most ten
  assertLive(collection);
  assert.ok(!one.carriers().includes("old"));
  await end(one);
});

for (const code of [401, 403]) {
  test(`Sponsors: at a ${code} the next takes over at once`, async () => {
    const one = await scene();
    one.replica.carriers.offer(key, callerOf(one, "other"), watch);
    const collection = one.ask(callerOf(one, "best", { lifeMs: 90 * minuteMs }));
    await one.clock.advance(momentMs);
    assert.deepEqual(one.carriers(), ["", "best"]);
    one.says.set("best", code);
    one.cloud.reset();
    await one.clock.advance(momentMs);
    assertLive(collection);
    assert.equal(one.carriers().at(-1), "other");
    await end(one);
  });
}

test("R16: Sponsors: with the last one's 401 the collection is stale, and goes on once somebody comes with a fresh token", async () => {
  const one = await scene();
  const collection = one.ask(callerOf(one, "red", { token: "old" }));
  await one.clock.advance(momentMs);
  assertLive(collection);
  one.says.set("old", 401);
  one.cloud.reset();
  await one.clock.advance(momentMs);
  assert.deepEqual([collection.state, collection.leave.isUncarried, collection.size], ["stale", true, 1]);
  one.carriers();
  await one.clock.advance(minuteMs);
  assert.deepEqual(one.carriers(), []); // nobody is left to ask in the name of
  assert.equal(one.ask(callerOf(one, "red", { lifeMs: 90 * minuteMs, token: "new" })), collection);
  assert.equal(collection.leave.isUncarried, false);
  await one.clock.advance(momentMs);
  assertLive(collection);
  await end(one);
});

test("Sponsors: with the last one's token its collection goes stale; nobody but a fresh one is asked in", async () => {
  const one = await scene();
  const collection = one.ask(callerOf(one, "red", { lifeMs: 2 * minuteMs }));
  await one.clock.advance(momentMs);
  assertLive(collection);
  await one.clock.advance(2 * minuteMs);
  assert.deepEqual([collection.state, collection.leave.isUncarried], ["stale", true]);
  await end(one);
});

test("R16: Sponsors: 403 is asked again with backoff as long as the grant holds, and its grant is doubted at once", async () => {
  const one = await scene();
  const doubted: string[] = [];
  one.replica.carriers.doubted = ({ scope }, { verb }) => void doubted.push(`${scope.id} ${verb}`);
  const caller = callerOf(one, "red");
  const collection = one.ask(caller);
  await one.clock.advance(momentMs);
  one.says.set("red", 403);
  one.cloud.reset();
  await one.clock.advance(minuteMs);
  assert.deepEqual([collection?.state, collection?.leave.isUncarried], ["stale", false]);
  assert.deepEqual([...new Set(doubted)], ["sa:red:red:red watch"]);
  assert.ok(doubted.length >= 3 && doubted.length <= 12, String(doubted.length));
  one.says.delete("red"); // the authorizer lagged
  await one.clock.advance(30_000);
  assertLive(collection);
  one.replica.carriers.withdraw(caller.scope.id, watch); // its grant has ended
  await one.clock.advance(momentMs);
  assert.deepEqual([collection.state, collection.leave.isUncarried], ["stale", true]);
  await end(one);
});

test("Sponsors: who takes a grant away takes the watch that goes on by it, and another takes over", async () => {
  const one = await scene();
  const caller = callerOf(one, "red", { lifeMs: 90 * minuteMs });
  const collection = one.ask(caller);
  one.replica.carriers.offer(key, callerOf(one, "blue"), watch);
  await one.clock.advance(momentMs);
  one.carriers();
  one.replica.carriers.withdraw(caller.scope.id, watch);
  await one.clock.advance(100);
  assertLive(collection);
  assert.equal(one.carriers().at(-1), "blue");
  await end(one);
});

test("R1: Sponsors: a query that nobody is given is refused, and asked anew for another scope at once", async () => {
  const one = await scene();
  one.says.set("red", 403);
  const refused = one.ask(callerOf(one, "red"));
  await one.clock.advance(0);
  assert.deepEqual([refused?.state, refused?.refusal?.code, one.carriers()], ["refused", 403, ["", "red"]]);
  assert.equal(one.ask(callerOf(one, "red")), undefined);
  assert.equal(one.replica.reflected(nodeScope, query), undefined);
  const collection = one.ask(callerOf(one, "blue"));
  await one.clock.advance(momentMs);
  assertLive(collection);
  assert.equal(one.carriers().at(-1), "blue");
  await end(one);
});

test("R16: what the node is not granted any more its watches lose with the cloud's 403, and sponsors carry on", async () => {
  const one = await scene();
  one.says.delete("");
  const collection = one.ask(callerOf(one, "red"));
  await one.clock.advance(momentMs);
  assertLive(collection);
  one.says.set("", 403);
  one.cloud.reset();
  await one.clock.advance(59_000);
  assert.deepEqual([collection.state, collection.leave.callersOnly], ["stale", false]);
  await one.clock.advance(3_000);
  assertLive(collection);
  assert.deepEqual([collection.leave.callersOnly, collection.leave.nodeRefusal?.code], [true, 403]);
  assert.equal(one.replica.reflected(nodeScope, query), undefined);
  one.says.delete(""); // granted again: the next watch is the node's own
  await one.clock.advance(11 * minuteMs);
  one.carriers();
  await one.clock.advance(11 * minuteMs);
  assertLive(collection);
  assert.deepEqual([collection.leave.callersOnly, collection.leave.nodeRefusal, one.carriers()], [
    false,
    undefined,
    [""],
  ]);
  await end(one);
});

test("R16: at the node's 401 a sponsor carries what the node was granted, which it keeps", async () => {
  const one = await scene();
  one.says.delete("");
  const collection = one.ask(callerOf(one, "red"));
  await one.clock.advance(momentMs);
  one.says.set("", 401);
  one.cloud.reset();
  await one.clock.advance(momentMs);
  assertLive(collection);
  assert.deepEqual([collection.leave.callersOnly, one.carriers().at(-1)], [false, "red"]);
  one.says.set("red", 401);
  one.cloud.reset();
  await one.clock.advance(momentMs);
  assert.deepEqual([collection.state, collection.leave.isUncarried], ["stale", true]);
  one.ask(callerOf(one, "red", { lifeMs: 90 * minuteMs, token: "fresh" }));
  await one.clock.advance(momentMs);
  assertLive(collection);
  await end(one);
});

test("a cut is nothing special to a sponsor: its watch resumes; over a restart it is still nothing to the node", async () => {
  const store = createMemoryStore();
  const one = await scene({ store });
  const collection = one.ask(callerOf(one, "red"));
  await one.clock.advance(momentMs);
  await one.cut(5 * minuteMs);
  assertLive(collection);
  assert.equal(collection.relists, 1);
  await end(one);
  const { link, replica } = await scene({ store });
  const restored = replica.held(nodeScope, query);
  assert.deepEqual([restored?.leave.callersOnly, restored?.size], [true, 1]);
  assert.equal(replica.of(query).view(query, () => true), undefined);
  link.close();
  await replica.close();
});

test("Carriers keep a hundred sponsors of a query: the one that came first goes first", async () => {
  const one = await scene();
  for (let index = 0; index <= maxSponsors; index++) {
    one.replica.carriers.offer(key, callerOf(one, `s${index}`, { lifeMs: (500 - index) * minuteMs }), watch);
  }
  const collection = one.ask(callerOf(one, "last", { lifeMs: minuteMs }));
  await one.clock.advance(momentMs);
  assertLive(collection);
  assert.equal(one.carriers().at(-1), "s2");
  await end(one);
});

test("Sponsors: of an object that the node was shown it is told what becomes of it, and nothing of its namesake after it", async () => {
  const one = await scene();
  const { replica, clock, cloud } = one;
  const path = { ...query, name: "a" };
  const node = () => replica.of(query).find(path)?.held.meta.resourceVersion;
  const collection = one.ask(callerOf(one, "red"));
  await clock.advance(momentMs);
  assertLive(collection);
  const [held] = collection.objects();
  assert.ok(held);
  replica.records.put(path, { bytes: await replica.rows.read(held), savedAt: 1 });
  assert.equal(node(), held.meta.resourceVersion);
  const applied = (uid: string) => mapBytes("a", Number(collection.resourceVersion) + 1, { uid });
  collection.apply("MODIFIED", applied(held.meta.uid));
  assert.equal(node(), collection.resourceVersion);
  collection.apply("DELETED", applied(held.meta.uid));
  collection.apply("ADDED", applied("namesake"));
  cloud.cut = true;
  await clock.advance(minuteMs);
  assert.equal(node(), undefined);
  assert.equal(replica.of(query).find(path, "granted")?.held.meta.uid, "namesake");
  await end(one);
});

test("Sponsors: a namesake that follows without a deletion's event is nothing to the node", async () => {
  const one = await scene();
  const { replica, clock } = one;
  const path = { ...query, name: "a" };
  const collection = one.ask(callerOf(one, "red"));
  await clock.advance(momentMs);
  assertLive(collection);
  const [held] = collection.objects();
  assert.ok(held);
  replica.records.put(path, { bytes: mapBytes("a", 1, { uid: "before" }), savedAt: 1 });
  const bytes = await replica.rows.read(held);
  replica.of(query).took({ meta: held.meta, bytes }, collection);
  assert.equal(replica.of(query).find(path), undefined);
  assert.equal(replica.records.get(path), undefined);
  await end(one);
});

test("R16: what only service accounts were given goes an hour after the last of them was granted it, while online only", async () => {
  const one = await scene();
  const { replica, link, clock } = one;
  const granted = new Set([key]);
  const limits = { maxBytes: 1e9, idleMs: 600_000 };
  const eviction = new Eviction({
    ...{ replica, link, clock, logger: silentLogger, nodeName: "node-1", ...limits },
    grantedQueries: () => granted,
  });
  const sweepAfter = async (ms: number) => {
    await clock.advance(ms);
    await eviction.sweep();
    return replica.held(nodeScope, query) !== undefined;
  };
  one.ask(callerOf(one, "red", { lifeMs: minuteMs }));
  assert.equal(await sweepAfter(180 * minuteMs), true);
  granted.clear();
  assert.equal(await sweepAfter(minuteMs), true);
  one.cloud.cut = true;
  assert.equal(await sweepAfter(90 * minuteMs), true);
  one.cloud.cut = false;
  granted.add(key);
  assert.equal(await sweepAfter(minuteMs), true);
  granted.clear();
  assert.equal(await sweepAfter(minuteMs), true);
  assert.equal(await sweepAfter(59 * minuteMs), true);
  assert.equal(await sweepAfter(minuteMs), false);
  await end(one);
});
