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
    platform: { clock },
    ...{ replica, link, logger: silentLogger, cloudReadTimeoutMs: 2_000, workingMode: "edge" },
    pagedLists: new PagedLists({ clock, rows: replica.rows, random: createFakeRandom() }),
    closed: new AbortController().signal,
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
