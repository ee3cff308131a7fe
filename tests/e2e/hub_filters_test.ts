import assert from "node:assert/strict";
import { test } from "node:test";
import { defineFilter, type Filter, type Lookup } from "../../src/filter/filter.ts";
import type { JsonObject } from "../../src/kube/json_equal.ts";
import type { FiltersOptions } from "../../src/hub/filters_options.ts";
import { type HubScene, type HubSceneOptions, serveHub } from "../testing/hub_scene.ts";
import type { WatchEvent, WatchReader } from "../testing/watch_reader.ts";
import { seedObject } from "../../src/demo/seed_object.ts";

const configMaps = "/api/v1/namespaces/default/configmaps";
const agent = { "User-Agent": "agent/v1 (linux)" };
const other = { "User-Agent": "other/v1" };

/** ConfigMaps that are hidden, as the ConfigMap `settings/hidden` lists them. */
const hiddenLookup: Lookup<string> = {
  name: "hidden",
  sources: [{
    group: "",
    version: "v1",
    resource: "configmaps",
    namespace: "settings",
    select: (object) => (object["data"] as { names?: string } | undefined)?.names,
  }],
};

/** Shows who asks as `seen`, and leaves out what `settings/hidden` names and what names itself hidden. */
const hiding: Filter = defineFilter({
  name: "hiding",
  components: ["agent"],
  resources: [{ group: "", resource: "configmaps" }],
  lookups: [hiddenLookup],
  concerns: ({ namespace }) => namespace === "default",
  apply: (object, lookups) => {
    const { name } = object["metadata"] as { name: string };
    const data = (object["data"] ?? {}) as JsonObject;
    const names = lookups.get(hiddenLookup, "settings/hidden") ?? "";
    if (data["hide"] === "yes" || names.split(",").includes(name)) return undefined;
    return { ...object, data: { ...data, seen: names } };
  },
});

function scene(
  run: (scene: FilterScene) => Promise<void>,
  { filters = {}, ...options }: Omit<HubSceneOptions, "filters"> & { readonly filters?: FiltersOptions } = {},
) {
  return serveHub(async (hub) => {
    for (const namespace of ["settings", "kube-system"]) {
      seedObject(hub.server.objects, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    }
    const cloud = (namespace: string, name: string, data: JsonObject) => writeMap(hub, { namespace, name, data });
    await cloud("settings", "hidden", { names: "b" });
    for (const name of ["a", "b", "c"]) await cloud("default", name, { value: "1" });
    await run({ ...hub, hub, cloud });
  }, { ...options, filters: { own: [hiding], ...filters } });
}

interface FilterScene extends Omit<HubScene, "cloud"> {
  readonly hub: HubScene;
  /** Writes a ConfigMap directly to the cloud. */
  cloud(namespace: string, name: string, data: JsonObject): Promise<void>;
}

async function writeMap(
  { cloud }: HubScene,
  { namespace, name, data }: { readonly namespace: string; readonly name: string; readonly data: JsonObject },
): Promise<void> {
  const body = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data });
  const headers = { "Content-Type": "application/json" };
  const collection = `${cloud.origin}/api/v1/namespaces/${namespace}/configmaps`;
  const put = await fetch(`${collection}/${name}`, { method: "PUT", headers, body });
  await put.text();
  if (put.status !== 404) return assert.equal(put.status, 200);
  const post = await fetch(collection, { method: "POST", headers, body });
  assert.equal(post.status, 201, await post.text());
}

const names = (body: { readonly items: readonly { readonly metadata: { readonly name: string } }[] }) =>
  body.items.map(({ metadata }) => metadata.name).join();

function told({ type, object }: WatchEvent): string {
  const { data } = object as { data?: { seen?: string; value?: string } }; // not checked: an assertion fails
  return [type, object.metadata.name, data?.seen === undefined ? undefined : `seen=${data.seen}`].filter((one) =>
    one !== undefined
  ).join(" ");
}

async function next(watch: WatchReader, count: number): Promise<string[]> {
  const events: string[] = [];
  for (let at = 0; at < count; at++) events.push(told(await watch.next()));
  return events;
}

for (const query of ["", "?resourceVersion=0"]) {
  for (const workingMode of ["edge", "cloud"] as const) {
    test(`a list${query} in ${workingMode} mode is filtered for the filter's component, and for nobody else`, async () => {
      await scene(async ({ hub }) => {
        const filtered = await hub.request("GET", configMaps + query, { headers: agent });
        assert.equal(filtered.status, 200, filtered.text);
        assert.equal(names(filtered.body), "a,c");
        assert.match(filtered.text, /"seen":"b"/);
        const plain = await hub.request("GET", configMaps + query, { headers: other });
        assert.equal(names(plain.body), "a,b,c");
        assert.doesNotMatch(plain.text, /seen/);
      }, { workingMode });
    });
  }
}

for (const query of ["", "?resourceVersion=0"]) {
  test(`a GET${query} is filtered, and what is not shown is not there`, async () => {
    await scene(async ({ hub }) => {
      const get = (name: string) => hub.request("GET", `${configMaps}/${name}${query}`, { headers: agent });
      assert.deepEqual((await get("a")).body.data, { value: "1", seen: "b" });
      const hidden = await get("b");
      assert.deepEqual([hidden.status, hidden.body.message], [404, 'configmaps "b" not found']);
    });
  });
}

const watchList =
  `${configMaps}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`;

for (const workingMode of ["edge", "cloud"] as const) {
  test(`in ${workingMode} mode a lookup that changes is sent at once: DELETED at the collection's version, ADDED, a bookmark`, async () => {
    await scene(async ({ hub, cloud }) => {
      const watch = await hub.watch(watchList, agent);
      assert.deepEqual(await next(watch, 3), ["ADDED a seen=b", "ADDED c seen=b", "BOOKMARK"]);
      await cloud("settings", "hidden", { names: "c" });
      assert.deepEqual(await next(watch, 2), ["MODIFIED a seen=c", "ADDED b seen=c"]);
      const gone = await watch.next();
      const bookmark = await watch.next();
      assert.deepEqual([told(gone), told(bookmark)], ["DELETED c seen=b", "BOOKMARK"]);
      assert.equal(gone.object.metadata.resourceVersion, bookmark.object.metadata.resourceVersion);
      await cloud("default", "b", { value: "2" });
      assert.deepEqual(await next(watch, 1), ["MODIFIED b seen=c"]);
    }, { workingMode });
  });
}

test("an object that a filter starts to drop is DELETED at its event, and ADDED when it comes back", async () => {
  await scene(async ({ hub, cloud }) => {
    const watch = await hub.watch(watchList, agent);
    await next(watch, 3);
    await cloud("default", "a", { hide: "yes" });
    await cloud("default", "b", { value: "2" }); // hidden before and after
    await cloud("default", "a", { value: "3" });
    await cloud("default", "c", { value: "3" });
    assert.deepEqual(await next(watch, 3), ["DELETED a seen=b", "ADDED a seen=b", "MODIFIED c seen=b"]);
  });
});

test("two clients of one query with different filters share one collection", async () => {
  await scene(async ({ hub, seen }) => {
    const filtered = await hub.watch(watchList, agent);
    const plain = await hub.watch(watchList, other);
    assert.deepEqual(await next(filtered, 3), ["ADDED a seen=b", "ADDED c seen=b", "BOOKMARK"]);
    assert.deepEqual(await next(plain, 4), ["ADDED a", "ADDED b", "ADDED c", "BOOKMARK"]);
    const asked = seen.filter(({ path }) => path.startsWith(configMaps) && path.includes("watch="));
    assert.equal(asked.length, 1);
  });
});

test("filters work offline as online, after a restart too", async () => {
  await scene(async ({ hub }) => {
    const watch = await hub.watch(watchList, agent);
    await next(watch, 3);
    await hub.request("GET", configMaps, { headers: agent });
    await hub.cut();
    for (let restarts = 0; restarts < 2; restarts++) {
      for (const query of ["", "?resourceVersion=0"]) {
        const list = await hub.request("GET", configMaps + query, { headers: agent });
        assert.equal(list.status, 200, list.text);
        assert.equal(names(list.body), "a,c");
      }
      assert.equal((await hub.request("GET", `${configMaps}/b`, { headers: agent })).status, 404);
      const again = await hub.watch(watchList, agent);
      assert.deepEqual(await next(again, 3), ["ADDED a seen=b", "ADDED c seen=b", "BOOKMARK"]);
      if (restarts === 0) await hub.restart();
    }
  });
});

test("who resumes from before the filter changed is sent anew what it changes; who was answered by it is not", async () => {
  await scene(async ({ hub, cloud }) => {
    const list = await hub.request("GET", `${configMaps}?resourceVersion=0`, { headers: agent });
    const from = (version: string) => `${configMaps}?watch=1&resourceVersion=${version}&allowWatchBookmarks=true`;
    const resumed = await hub.watch(from(list.body.metadata.resourceVersion), agent);
    await cloud("default", "a", { value: "2" });
    assert.deepEqual(await next(resumed, 1), ["MODIFIED a seen=b"]); // nothing anew before it
    await resumed.close();
    await cloud("settings", "hidden", { names: "c" });
    const stale = await hub.watch(from(list.body.metadata.resourceVersion), agent);
    const events = await next(stale, 5);
    assert.deepEqual(
      events.slice(-3),
      ["MODIFIED b seen=c", "DELETED c seen=", "BOOKMARK"].map((one) =>
        one === "DELETED c seen=" ? events.at(-2) ?? "" : one
      ),
    );
    assert.match(events.at(-2) ?? "", /^DELETED c/);
  });
});

test("who is not filtered any more and resumes is sent what it did not see", async () => {
  await scene(async ({ hub, cloud, until }) => {
    const watch = await hub.watch(watchList, other);
    await next(watch, 4);
    await cloud("kube-system", "yurt-hub-cfg", { hiding: "other" });
    assert.deepEqual(await next(watch, 3), ["MODIFIED a seen=b", "MODIFIED c seen=b", "DELETED b"]);
    const { resourceVersion } = (await watch.next()).object.metadata;
    await watch.close();
    await cloud("kube-system", "yurt-hub-cfg", {});
    await until(async () => names((await hub.request("GET", configMaps, { headers: other })).body) === "a,b,c");
    const path = `${configMaps}?watch=1&resourceVersion=${resourceVersion}`;
    assert.deepEqual(await next(await hub.watch(path, other), 3), ["MODIFIED a", "MODIFIED b", "MODIFIED c"]);
  });
});

test("yurt-hub-cfg edited at run time adds a component: an open watch is sent what it sees otherwise", async () => {
  await scene(async ({ hub, cloud, until }) => {
    const watch = await hub.watch(watchList, other);
    assert.deepEqual(await next(watch, 4), ["ADDED a", "ADDED b", "ADDED c", "BOOKMARK"]);
    await cloud("kube-system", "yurt-hub-cfg", { filter_hiding: "other" });
    assert.deepEqual(await next(watch, 4), ["MODIFIED a seen=b", "MODIFIED c seen=b", "DELETED b", "BOOKMARK"]);
    await until(async () => names((await hub.request("GET", configMaps, { headers: other })).body) === "a,c");
    await cloud("kube-system", "yurt-hub-cfg", {});
    assert.deepEqual(await next(watch, 4), ["MODIFIED a", "ADDED b", "MODIFIED c", "BOOKMARK"]);
  });
});

const throwing = defineFilter({
  name: "throwing",
  components: ["agent"],
  resources: [{ group: "", resource: "configmaps" }],
  apply: (object) => {
    if ((object["metadata"] as { name: string }).name === "c") throw new TypeError("no such field");
    return object;
  },
});

test("a filter that throws is named, and whatever asks for its objects fails closed with a Status", async () => {
  await scene(async ({ hub, log, statusOrigin }) => {
    for (const path of [configMaps, `${configMaps}?resourceVersion=0`, `${configMaps}/c`]) {
      const answer = await hub.request("GET", path, { headers: agent });
      assert.equal(answer.status, 500, answer.text);
      assert.equal(answer.body.message, "Internal error occurred: The filter throwing has failed at default/c");
    }
    const watch = await hub.watch(watchList, agent);
    const events = [await watch.next()];
    while (events.at(-1)?.type !== "ERROR") events.push(await watch.next());
    assert.equal(events.at(-1)?.object.code, 500);
    assert.equal(await watch.ended(), true);
    assert.equal((await hub.request("GET", `${configMaps}/a`, { headers: agent })).status, 200);
    const failed = log.find(({ message }) => message === "A filter has failed");
    assert.deepEqual([failed?.fields["filter"], failed?.fields["object"]], ["throwing", "default/c"]);
    const metrics = await (await fetch(`${statusOrigin}/metrics`)).text();
    assert.match(metrics, /holdfast_filter_failures_total\{filter="throwing"\} [1-9]/);
  }, { filters: { own: [throwing] } });
});

test("a client that takes nothing that can be filtered is refused, forms are made of what is shown", async () => {
  await scene(async ({ hub }) => {
    const ask = (accept: string, path = configMaps) =>
      hub.request("GET", path, { headers: { ...agent, Accept: accept } });
    for (const path of [configMaps, `${configMaps}?watch=1`, `${configMaps}/a`]) {
      const refused = await ask("application/vnd.kubernetes.protobuf", path);
      assert.deepEqual([refused.status, refused.body.reason], [406, "NotAcceptable"]);
    }
    for (const query of ["", "?resourceVersion=0"]) {
      const table = await ask("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", configMaps + query);
      assert.equal(table.body.kind, "Table", table.text);
      assert.match(table.text, /"a"/);
      assert.doesNotMatch(table.text, /"name":"b"/);
      const partial = await ask("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", configMaps + query);
      assert.deepEqual([partial.body.kind, names(partial.body)], ["PartialObjectMetadataList", "a,c"]);
    }
  });
});

test("a watch that must go to the cloud is filtered on the way, and is 410 when another filter counts", async () => {
  await scene(async ({ hub, cloud }) => {
    const headers = { ...agent, Authorization: "Bearer own" };
    const watch = await hub.watch(`${configMaps}?watch=1`, headers);
    assert.deepEqual(await next(watch, 2), ["ADDED a seen=b", "ADDED c seen=b"]);
    await cloud("default", "c", { hide: "yes" });
    await cloud("default", "c", { value: "2" });
    assert.deepEqual(await next(watch, 2), ["DELETED c", "ADDED c seen=b"]);
    await cloud("settings", "hidden", { names: "" });
    const { type, object } = await watch.next();
    assert.deepEqual([type, object.code, object.reason], ["ERROR", 410, "Expired"]);
  });
});

test("pages of a list are pages of what is shown", async () => {
  await scene(async ({ hub }) => {
    await (await hub.watch(watchList, agent)).next();
    await hub.cut();
    const first = await hub.request("GET", `${configMaps}?limit=1`, { headers: agent });
    assert.equal(names(first.body), "a");
    assert.equal(first.body.metadata.remainingItemCount, 1);
    const token = encodeURIComponent(first.body.metadata.continue ?? "");
    const second = await hub.request("GET", `${configMaps}?limit=1&continue=${token}`, { headers: agent });
    assert.deepEqual([names(second.body), second.body.metadata.continue], ["c", undefined]);
  });
});

test("masterservice: kubelet sees default/kubernetes at the hub's address, as long as it has one", async () => {
  let current: { host: string; port: number } | undefined = { host: "169.254.2.1", port: 10268 };
  let changed = () => undefined as void;
  const address = {
    get current() {
      return current;
    },
    why: "the serving certificate is not believed",
    onChange: (callback: () => void) => void (changed = callback),
  };
  await scene(async ({ hub, server, statusOrigin }) => {
    seedObject(server.objects, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "kubernetes", namespace: "default" },
      spec: { clusterIP: "10.96.0.1", ports: [{ name: "https", port: 443 }] },
    });
    const services = "/api/v1/services?resourceVersion=0";
    const kubelet = { "User-Agent": "kubelet/v1.36.0 (linux/amd64) kubernetes/abc" };
    const seen = async (headers: Readonly<Record<string, string>>) => {
      const { body } = await hub.request("GET", services, { headers });
      return (body.items[0] as unknown as { spec: { clusterIP: string } }).spec.clusterIP;
    };
    const watch = await hub.watch("/api/v1/services?watch=1", kubelet);
    const ip = ({ object }: WatchEvent) => (object["spec"] as { clusterIP: string }).clusterIP;
    assert.equal(ip(await watch.next()), "169.254.2.1");
    assert.deepEqual([await seen(kubelet), await seen(other)], ["169.254.2.1", "10.96.0.1"]);
    current = undefined;
    changed();
    assert.equal(ip(await watch.next()), "10.96.0.1");
    assert.equal(await seen(kubelet), "10.96.0.1");
    const ready = await (await fetch(`${statusOrigin}/readyz?verbose`)).text();
    assert.match(ready, /filters off: masterservice, .*: the serving certificate is not believed/);
  }, { filters: { address } });
});

test("cache_agents: who is not among them is passed on, offline refused", async () => {
  await scene(async ({ hub }) => {
    const source = async (headers: Readonly<Record<string, string>>) =>
      (await hub.request("GET", `${configMaps}?resourceVersion=0`, { headers })).headers.get("x-holdfast-source");
    assert.deepEqual([await source(agent), await source(other)], ["replica", "cloud"]);
    await hub.cut();
    assert.deepEqual([await source(agent), await source(other)], ["replica", null]);
  }, { filters: { own: [hiding], cacheAgents: ["agent"] } });
});

test("a kubelet's pods do not wait for pools in a cluster that has none, nor offline for what was never read", async () => {
  const kubelet = { "User-Agent": "kubelet/v1.36.0" };
  await scene(async ({ hub, clock }) => {
    const path = "/api/v1/pods?resourceVersion=0";
    const began = clock.monotonic();
    assert.equal((await hub.request("GET", path, { headers: kubelet })).status, 200);
    await hub.cut();
    await hub.restart();
    assert.equal((await hub.request("GET", path, { headers: kubelet })).status, 200);
    assert.ok(clock.monotonic() - began < 2_000);
  });
});
