import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeScope } from "../../../src/identity/scope.ts";
import { type Query, queryKey } from "../../../src/kube/resources.ts";
import { Eviction } from "../../../src/replica/eviction.ts";
import { maxScopeCollections } from "../../../src/replica/replica.ts";
import { createMemoryStore } from "../../../src/store/memory_store.ts";
import { mapBytes, mapList, mapsQuery } from "../../testing/json_objects.ts";
import { silentLogger } from "../../testing/lone_replica.ts";
import { createReflected, momentMs, type Reflected } from "../../testing/reflected.ts";

const minuteMs = 60_000;
const idleMs = 10 * minuteMs;
const pod = { id: "sa:red:app:1" };
const other = { id: "sa:blue:app:2" };
const selecting = (index: number): Query => ({ ...mapsQuery, labelSelector: `a!=${index}` });

function evictionOf({ replica, link, clock }: Reflected, { maxBytes = 1e9 } = {}): Eviction {
  const grantedQueries = () => new Set([...replica.collections()].map(({ query }) => queryKey(query)));
  return new Eviction({
    ...{ replica, link, clock, logger: silentLogger, nodeName: "n", maxBytes, idleMs },
    grantedQueries,
  });
}

async function end({ replica, link }: Reflected): Promise<void> {
  link.close();
  await replica.close();
}

function list({ replica }: Reflected, query: Query, scope = pod): boolean {
  replica.listed(scope, query, mapList(10, mapBytes("a", 5)));
  return replica.held(scope, query) !== undefined;
}

test("R15: Eviction: past the bytes what service accounts watched goes, and what the node watched stays", async () => {
  const one = await createReflected();
  for (const index of [1, 2]) assert.equal(list(one, selecting(index), index === 1 ? pod : nodeScope), true);
  one.replica.held(pod, selecting(1))?.openWatch({ pins: false })();
  one.replica.held(nodeScope, selecting(2))?.openWatch()();
  await one.clock.advance(minuteMs);
  one.replica.held(pod, selecting(1))?.touch();
  const eviction = evictionOf(one, { maxBytes: 1 });
  await eviction.sweep();
  assert.deepEqual([...one.replica.collections()].map(({ query }) => query.labelSelector), ["a!=2"]);
  assert.equal(eviction.dropped, 1);
  await end(one);
});

test("R15: one service account makes a hundred collections and no more; others, and the node, make theirs", async () => {
  const store = createMemoryStore();
  const one = await createReflected({ store });
  const { replica, clock } = one;
  for (let index = 0; index < maxScopeCollections - 1; index++) assert.equal(list(one, selecting(index)), true);
  assert.ok(replica.reflected(pod, selecting(99)));
  assert.equal(replica.reflected(pod, selecting(100)), undefined);
  assert.equal(list(one, selecting(100)), false);
  assert.deepEqual([replica.count, replica.hasRoom(pod, selecting(0))], [100, true]);
  assert.ok(replica.reflected(pod, selecting(0)));
  assert.ok(replica.reflected(other, selecting(100)));
  assert.ok(replica.reflected(nodeScope, selecting(101)));
  assert.ok(replica.reflected(pod, selecting(100)), "another's is everybody's");
  await clock.advance(momentMs);
  await end(one);
  const again = await createReflected({ store, cloud: one.cloud });
  assert.equal(again.replica.reflected(pod, selecting(200)), undefined);
  assert.ok(again.replica.reflected(other, selecting(200)));
  await end(again);
});

test("R15: Eviction: a service account with all it may have gets room in place of what was read least recently", async () => {
  const one = await createReflected();
  const { replica, clock } = one;
  list(one, selecting(0), nodeScope);
  for (let index = 1; index <= maxScopeCollections; index++) {
    list(one, selecting(index));
    await clock.advance(1);
  }
  const eviction = evictionOf(one);
  await clock.advance(idleMs - minuteMs);
  replica.held(pod, selecting(1))?.touch();
  await eviction.sweep();
  assert.equal(replica.hasRoom(pod, selecting(200)), false);
  await clock.advance(minuteMs);
  await eviction.sweep();
  assert.deepEqual([replica.count, replica.held(pod, selecting(2))], [100, undefined]);
  assert.ok(replica.reflected(pod, selecting(200)));
  assert.equal(replica.reflected(pod, selecting(201)), undefined);
  await end(one);
});

test("R5: an answer that there is no room to keep was shown all the same", async () => {
  const one = await createReflected();
  one.cloud.put("a");
  const all = one.reflect();
  await one.clock.advance(momentMs);
  for (let index = 0; index < maxScopeCollections; index++) list(one, selecting(index));
  assert.equal(one.replica.freshness.isBehind(all), false);
  one.replica.listed(pod, selecting(200), mapList(9_000, mapBytes("a", 8_000)));
  assert.equal(one.replica.freshness.isBehind(all), true);
  await end(one);
});
