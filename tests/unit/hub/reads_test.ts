import assert from "node:assert/strict";
import { test } from "node:test";
import type { HubContext } from "../../../src/hub/context.ts";
import { readCall } from "../../../src/hub/read_call.ts";
import { readCollection } from "../../../src/hub/reads.ts";
import { nodeCaller } from "../../../src/identity/caller.ts";
import { WebExchange } from "../../../src/platform/web_exchange.ts";
import { PagedLists } from "../../../src/replica/paged_lists.ts";
import { createFakeRandom } from "../../testing/fake_random.ts";
import { silentLogger } from "../../testing/lone_replica.ts";
import { createReflected, momentMs, type Reflected } from "../../testing/reflected.ts";

interface NamedList {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
}

function contextOf({ replica, link, clock }: Reflected): HubContext {
  // What a read of a collection by the node needs of it.
  return {
    platform: { clock, random: createFakeRandom() },
    minRequestTimeoutMs: 1_800_000,
    ...{ replica, link, logger: silentLogger, cloudReadTimeoutMs: 2_000, workingMode: "edge" },
    pagedLists: new PagedLists({ clock, rows: replica.rows, random: createFakeRandom() }),
    closed: new AbortController().signal,
    draining: new AbortController().signal,
  } as unknown as HubContext;
}

test("R5: a list waits anew where the collection falls behind between the end of its wait and its answer", async () => {
  const one = await createReflected();
  const { replica, cloud, clock } = one;
  const collection = one.reflect();
  await clock.advance(momentMs);
  const exchange = new WebExchange(new Request("http://hub/api/v1/configmaps"));
  replica.freshness.require(collection, String(cloud.put("a")));
  const answer = readCollection(contextOf(one), readCall(exchange, nodeCaller));
  // A write's answer that comes when the wait has ended, and the list has not gone on yet.
  let second = "";
  const stop = collection.subscribe(() => {
    stop();
    queueMicrotask(() => {
      second = String(cloud.put("b"));
      replica.freshness.require(collection, second);
    });
  });
  await clock.advance(momentMs);
  assert.equal(await answer, "answered");
  const response = await exchange.response;
  // A list of ConfigMaps; what is no such fails below.
  const list = await response.json() as NamedList;
  assert.equal(response.headers.get("age"), null);
  assert.equal(list.metadata.resourceVersion, second);
  assert.deepEqual(list.items.map(({ metadata }) => metadata.name), ["a", "b"]);
  one.link.close();
  await replica.close();
});

test("R19: a WatchList waits longer than --cloud-read-timeout for its collection to be live again, and costs no watch of its own", async () => {
  const one = await createReflected();
  const { replica, cloud, clock } = one;
  one.reflect();
  cloud.put("a");
  await clock.advance(momentMs);
  cloud.instead = (path) => path.includes("/configmaps") ? { status: 503 } : undefined;
  cloud.reset();
  await clock.advance(1);
  const path = "/api/v1/configmaps?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
  const leaving = new AbortController();
  const exchange = new WebExchange(new Request(`http://hub${path}`, { signal: leaving.signal }));
  let outcome: string | undefined;
  void readCollection(contextOf(one), readCall(exchange, nodeCaller)).then((came) => outcome = came);
  await clock.advance(4_000);
  assert.equal(outcome, undefined);
  cloud.instead = () => undefined;
  await clock.advance(10_000);
  const response = await exchange.response;
  assert.deepEqual([response.status, response.headers.get("x-holdfast-source")], [200, "replica"]);
  leaving.abort();
  await clock.advance(momentMs);
  assert.equal(outcome, "answered");
  one.link.close();
  await replica.close();
});
