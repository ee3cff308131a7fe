import assert from "node:assert/strict";
import { test } from "node:test";
import { GarbageCollector } from "../../../src/hub/garbage_collector.ts";
import { nodeScope } from "../../../src/identity/scope.ts";
import type { Query } from "../../../src/kube/resources.ts";
import type { ObjectPath } from "../../../src/replica/object_path.ts";
import { createFakeRandom } from "../../testing/fake_random.ts";
import { mapList } from "../../testing/json_objects.ts";
import { silentLogger } from "../../testing/lone_replica.ts";
import { createReflected, type Reflected } from "../../testing/reflected.ts";

const minuteMs = 60_000;
const ownPods: Query = {
  ...{ group: "", version: "v1", resource: "pods", namespace: "" },
  ...{ labelSelector: "", fieldSelector: "spec.nodeName=node-1" },
};

function collectorOf({ replica, link, clock }: Reflected): GarbageCollector {
  const random = createFakeRandom();
  return new GarbageCollector({
    ...{ replica, link, clock, random, logger: silentLogger, nodeName: "node-1", frequencyMs: 2 * minuteMs },
  });
}

function eventPath(group: string, name: string): ObjectPath {
  return { group, version: "v1", resource: "events", namespace: "default", name };
}

function keepEvent({ replica, clock }: Reflected, group: string, name: string): ObjectPath {
  const path = eventPath(group, name);
  const metadata = { name, namespace: "default", uid: name, resourceVersion: "5" };
  const apiVersion = group === "" ? "v1" : `${group}/v1`;
  const bytes = new TextEncoder().encode(JSON.stringify({ kind: "Event", apiVersion, metadata }));
  replica.records.put(path, { bytes, savedAt: clock.now() });
  return path;
}

async function end({ replica, link }: Reflected, garbage: GarbageCollector): Promise<void> {
  await garbage.close();
  link.close();
  await replica.close();
}

test("GarbageCollector lets go of Events that nobody renews for --gc-frequency, and of nothing else", async () => {
  const one = await createReflected();
  const garbage = collectorOf(one);
  garbage.start();
  const old = [keepEvent(one, "", "a"), keepEvent(one, "events.k8s.io", "b")];
  const map = { ...eventPath("", "c"), resource: "configmaps" };
  one.replica.records.put(map, {
    bytes: new TextEncoder().encode(
      JSON.stringify({ kind: "ConfigMap", apiVersion: "v1", metadata: { name: "c", uid: "c", resourceVersion: "5" } }),
    ),
    savedAt: one.clock.now(),
  });
  await one.clock.advance(1.9 * minuteMs);
  assert.ok(old.every((path) => one.replica.records.get(path) !== undefined));
  await one.clock.advance(4.2 * minuteMs);
  const young = keepEvent(one, "", "d");
  await one.clock.advance(1.9 * minuteMs);
  assert.deepEqual(old.map((path) => one.replica.records.get(path)), [undefined, undefined]);
  assert.ok(one.replica.records.get(map) !== undefined && one.replica.records.get(young) !== undefined);
  await end(one, garbage);
});

test("GarbageCollector lets go of nothing while the link is cut", async () => {
  const one = await createReflected();
  const garbage = collectorOf(one);
  garbage.start();
  const path = keepEvent(one, "", "a");
  one.cloud.cut = true;
  await one.clock.advance(20 * minuteMs);
  assert.notEqual(one.replica.records.get(path), undefined);
  one.cloud.cut = false;
  await one.clock.advance(minuteMs);
  assert.equal(one.replica.records.get(path), undefined);
  await end(one, garbage);
});

test("GarbageCollector brings the node's pods up to date once the cloud answers, though nobody reads them", async () => {
  const one = await createReflected();
  const others = { ...ownPods, fieldSelector: "spec.nodeName=node-2" };
  for (const query of [ownPods, others]) one.replica.listed(nodeScope, query, mapList(10));
  one.cloud.asked.splice(0);
  const garbage = collectorOf(one);
  garbage.start();
  await one.clock.advance(5_000);
  const asked = one.cloud.asked.filter((path) => path.includes("/pods"));
  assert.ok(asked.length > 0, "nobody asked");
  assert.ok(asked.every((path) => decodeURIComponent(path).includes("spec.nodeName=node-1")), asked.join());
  await end(one, garbage);
});
