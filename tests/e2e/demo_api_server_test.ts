import assert from "node:assert/strict";
import { test } from "node:test";
import { seedObject } from "../../src/demo/seed_object.ts";
import { type Answer, serveDemo as serve } from "../testing/demo_server.ts";
import { createFakeClock } from "../testing/fake_clock.ts";

const podsPath = "/api/v1/namespaces/default/pods";
const mapsPath = "/api/v1/namespaces/default/configmaps";
const watchList = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
const tableAccept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

function configMap(name: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, ...fields };
}

function pod(name: string, nodeName?: string): Record<string, unknown> {
  const containers = [{ name: "main", image: "sample" }];
  return { apiVersion: "v1", kind: "Pod", metadata: { name }, spec: { ...(nodeName ? { nodeName } : {}), containers } };
}

test("createDemoApiServer gives each write the next resourceVersion, and each object a uid and a time", () =>
  serve(async ({ request }) => {
    const first = await request("POST", mapsPath, { body: configMap("a") });
    const second = await request("POST", mapsPath, { body: configMap("b") });
    assert.equal(first.status, 201);
    assert.equal(Number(second.body.metadata.resourceVersion), Number(first.body.metadata.resourceVersion) + 1);
    assert.match(first.body.metadata.uid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.match(first.body.metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.deepEqual((await request("GET", `${mapsPath}/a`)).body, first.body);
  }));

for (
  const [what, method, path, body, status, reason] of [
    ["a missing object", "GET", `${podsPath}/none`, undefined, 404, "NotFound"],
    ["an unknown resource", "GET", "/api/v1/gadgets", undefined, 404, "NotFound"],
    ["an unknown path", "GET", "/nothing", undefined, 404, "NotFound"],
    ["an object that is there", "POST", "/api/v1/namespaces", { metadata: { name: "default" } }, 409, "AlreadyExists"],
    ["a missing namespace", "POST", "/api/v1/namespaces/no/pods", { metadata: { name: "a" } }, 404, "NotFound"],
    ["an object without a name", "POST", mapsPath, { metadata: {} }, 422, "Invalid"],
    ["another kind", "POST", mapsPath, { kind: "Pod", apiVersion: "v1", metadata: { name: "a" } }, 400, "BadRequest"],
    ["a deletecollection", "DELETE", mapsPath, undefined, 405, "MethodNotAllowed"],
    ["an unknown field", "GET", `${podsPath}?fieldSelector=spec.color=red`, undefined, 400, "BadRequest"],
    ["a wrong label selector", "GET", `${podsPath}?labelSelector=a%20b%20c`, undefined, 400, "BadRequest"],
    ["initial events of a list", "GET", `${podsPath}?sendInitialEvents=true`, undefined, 422, "Invalid"],
    ["a version ahead", "GET", `${podsPath}?resourceVersion=999999`, undefined, 504, "Timeout"],
  ] as const
) {
  test(`createDemoApiServer answers ${what} with ${status} ${reason}`, () =>
    serve(async ({ request }) => {
      const answer = await request(method, path, { body });
      assert.deepEqual([answer.status, answer.body.kind, answer.body.reason], [status, "Status", reason]);
    }));
}

test("createDemoApiServer updates only from the newest version, and leaves the version where nothing changes", () =>
  serve(async ({ request }) => {
    const { body: created } = await request("POST", mapsPath, { body: configMap("a", { data: { k: "1" } }) });
    const updated = await request("PUT", `${mapsPath}/a`, { body: { ...created, data: { k: "2" } } });
    assert.deepEqual([updated.status, updated.body.data.k, updated.body.metadata.uid], [
      200,
      "2",
      created.metadata.uid,
    ]);
    const late = await request("PUT", `${mapsPath}/a`, { body: { ...created, data: { k: "3" } } });
    assert.deepEqual([late.status, late.body.reason], [409, "Conflict"]);
    assert.deepEqual((await request("PUT", `${mapsPath}/a`, { body: updated.body })).body, updated.body);
    const foreign = { ...created, metadata: { name: "a", uid: "another" } };
    assert.equal((await request("PUT", `${mapsPath}/a`, { body: foreign })).status, 409);
  }));

test("createDemoApiServer merges patches, and writes a status through its subresource alone", () =>
  serve(async ({ request }) => {
    await request("POST", podsPath, { body: pod("a", "node-1") });
    const headers = { "Content-Type": "application/strategic-merge-patch+json" };
    const body = { metadata: { labels: { tier: "web" } }, status: { phase: "Running" } };
    const main = await request("PATCH", `${podsPath}/a`, { body, headers });
    assert.deepEqual([main.body.metadata.labels, main.body.status.phase], [{ tier: "web" }, "Pending"]);
    const status = await request("PATCH", `${podsPath}/a/status`, { body: { status: { phase: "Running" } }, headers });
    assert.deepEqual([status.body.metadata.labels, status.body.status.phase], [{ tier: "web" }, "Running"]);
    const merge = { "Content-Type": "application/merge-patch+json" };
    const removed = await request("PATCH", `${podsPath}/a`, { body: { metadata: { labels: null } }, headers: merge });
    assert.equal(removed.body.metadata.labels, undefined);
    const jsonPatch = { "Content-Type": "application/json-patch+json" };
    assert.equal((await request("PATCH", `${podsPath}/a`, { body: [], headers: jsonPatch })).status, 415);
  }));

test("createDemoApiServer only marks a bound pod as deleted until its kubelet deletes it with a grace of 0", () =>
  serve(async ({ request }) => {
    const { body: created } = await request("POST", podsPath, { body: pod("a", "node-1") });
    const marked = await request("DELETE", `${podsPath}/a`);
    assert.notEqual(marked.body.metadata.deletionTimestamp, undefined);
    assert.equal((await request("GET", `${podsPath}/a`)).status, 200);
    const wrong = { gracePeriodSeconds: 0, preconditions: { uid: "another" } };
    assert.equal((await request("DELETE", `${podsPath}/a`, { body: wrong })).status, 409);
    const final = { gracePeriodSeconds: 0, preconditions: { uid: created.metadata.uid } };
    assert.equal((await request("DELETE", `${podsPath}/a`, { body: final })).status, 200);
    assert.equal((await request("GET", `${podsPath}/a`)).status, 404);
    await request("POST", podsPath, { body: pod("unbound") });
    await request("DELETE", `${podsPath}/unbound`);
    assert.equal((await request("GET", `${podsPath}/unbound`)).status, 404);
  }));

test("createDemoApiServer writes nothing of a dry run", () =>
  serve(async ({ server, request }) => {
    const before = server.objects.version;
    assert.equal((await request("POST", `${mapsPath}?dryRun=All`, { body: configMap("a") })).status, 201);
    assert.equal(server.objects.version, before);
  }));

for (
  const [query, want] of [
    ["labelSelector=app%3Dweb", ["a", "b"]],
    ["labelSelector=app%21%3Dweb", ["c", "d"]],
    ["labelSelector=app", ["a", "b", "c"]],
    ["labelSelector=%21app", ["d"]],
    ["labelSelector=app+in+%28web%2Cdb%29%2Ctier", ["b"]],
    ["fieldSelector=metadata.name%3Dc", ["c"]],
    ["fieldSelector=spec.nodeName%3Dnode-1", ["a", "d"]],
    ["fieldSelector=spec.nodeName%21%3Dnode-1", ["b", "c"]],
  ] as const
) {
  test(`createDemoApiServer lists what ${decodeURIComponent(query)} selects`, () =>
    serve(async ({ server, request }) => {
      for (
        const [name, nodeName, labels] of [
          ["a", "node-1", { app: "web" }],
          ["b", "node-2", { app: "web", tier: "front" }],
          ["c", "node-2", { app: "db" }],
          ["d", "node-1", {}],
        ] as const
      ) {
        seedObject(server.objects, { ...pod(name, nodeName), metadata: { name, namespace: "default", labels } });
      }
      const { body } = await request("GET", `/api/v1/pods?${query}`);
      assert.deepEqual(body.items.map((item) => item.metadata.name), want);
    }));
}

test("createDemoApiServer leaves kind and apiVersion out of the items of a list", () =>
  serve(async ({ server, request }) => {
    await request("POST", mapsPath, { body: configMap("a") });
    const { body } = await request("GET", "/api/v1/configmaps");
    assert.deepEqual([body.kind, body.apiVersion], ["ConfigMapList", "v1"]);
    assert.equal(body.metadata.resourceVersion, String(server.objects.version));
    assert.deepEqual(Object.keys(body.items[0] ?? {}), ["metadata"]);
  }));

test("createDemoApiServer pages show one state, whatever changes in between", () =>
  serve(async ({ server, request }) => {
    for (const name of ["a", "b", "c"]) await request("POST", mapsPath, { body: configMap(name) });
    const first = await request("GET", `${mapsPath}?limit=2`);
    assert.deepEqual([first.body.items.length, first.body.metadata.remainingItemCount], [2, 1]);
    await request("DELETE", `${mapsPath}/c`);
    await request("POST", mapsPath, { body: configMap("d") });
    const token = encodeURIComponent(first.body.metadata.continue ?? "");
    const second = await request("GET", `${mapsPath}?limit=2&continue=${token}`);
    assert.deepEqual(second.body.items.map((item) => item.metadata.name), ["c"]);
    assert.equal(second.body.metadata.resourceVersion, first.body.metadata.resourceVersion);
    assert.equal(second.body.metadata.continue, undefined);
    server.compact();
    await request("POST", mapsPath, { body: configMap("e") });
    const late = await request("GET", `${mapsPath}?limit=2&continue=${token}`);
    assert.deepEqual([late.status, late.body.reason], [410, "Expired"]);
  }));

test("createDemoApiServer resumes a watch after the version it is given", () =>
  serve(async ({ request, watch }) => {
    const { body: a } = await request("POST", mapsPath, { body: configMap("a") });
    await request("POST", mapsPath, { body: configMap("b") });
    await request("DELETE", `${mapsPath}/a`);
    const events = await watch(`${mapsPath}?watch=true&resourceVersion=${a.metadata.resourceVersion}`);
    const added = await events.next();
    assert.deepEqual([added.type, added.object.kind, added.object.metadata.name], ["ADDED", "ConfigMap", "b"]);
    const deleted = await events.next();
    assert.deepEqual([deleted.type, deleted.object.metadata.name], ["DELETED", "a"]);
    assert.equal(Number(deleted.object.metadata.resourceVersion), Number(added.object.metadata.resourceVersion) + 1);
    await request("PUT", `${mapsPath}/b`, { body: configMap("b", { data: { k: "v" } }) });
    assert.equal((await events.next()).type, "MODIFIED");
  }));

test("createDemoApiServer ends a watch from a compacted version with an ERROR event of 410 Expired", () =>
  serve(async ({ server, request, watch }) => {
    const { body: a } = await request("POST", mapsPath, { body: configMap("a") });
    await request("POST", mapsPath, { body: configMap("b") });
    server.compact();
    const events = await watch(`${mapsPath}?watch=1&resourceVersion=${a.metadata.resourceVersion}`);
    const { type, object } = await events.next();
    assert.deepEqual([type, object.kind, object.code, object.reason], ["ERROR", "Status", 410, "Expired"]);
    assert.equal(await events.ended(), true);
  }));

test("createDemoApiServer forgets the oldest changes where its log is full", () =>
  serve(async ({ request, watch }) => {
    const { body: a } = await request("POST", mapsPath, { body: configMap("a") });
    for (const name of ["b", "c", "d"]) await request("POST", mapsPath, { body: configMap(name) });
    const events = await watch(`${mapsPath}?watch=1&resourceVersion=${a.metadata.resourceVersion}`);
    assert.equal((await events.next()).type, "ERROR");
  }, { eventLogLimit: 2 }));

test("createDemoApiServer answers a WatchList with the state, a bookmark that ends it, and what follows", () =>
  serve(async ({ server, request, watch }) => {
    await request("POST", mapsPath, { body: configMap("a") });
    await request("POST", mapsPath, { body: configMap("b") });
    const events = await watch(`/api/v1/configmaps?${watchList}`);
    assert.equal((await events.next()).object.metadata.name, "a");
    assert.equal((await events.next()).object.metadata.name, "b");
    const { type, object } = await events.next();
    assert.deepEqual([type, object.kind], ["BOOKMARK", "ConfigMap"]);
    assert.equal(object.metadata.resourceVersion, String(server.objects.version));
    assert.deepEqual(object.metadata.annotations, { "k8s.io/initial-events-end": "true" });
    await request("POST", mapsPath, { body: configMap("c") });
    const added = await events.next();
    assert.deepEqual([added.type, added.object.metadata.name], ["ADDED", "c"]);
  }));

test("createDemoApiServer tells a watch with a selector of objects that enter and leave it", () =>
  serve(async ({ server, request, watch }) => {
    const { version } = server.objects;
    const events = await watch(`${mapsPath}?watch=1&resourceVersion=${version}&labelSelector=on`);
    await request("POST", mapsPath, { body: configMap("a") });
    const label = (labels: unknown): Promise<Answer> =>
      request("PATCH", `${mapsPath}/a`, {
        body: { metadata: { labels } },
        headers: { "Content-Type": "application/merge-patch+json" },
      });
    await label({ on: "1" });
    assert.equal((await events.next()).type, "ADDED");
    const left = await label(null);
    const { type, object } = await events.next();
    assert.deepEqual([type, object.metadata.labels], ["DELETED", { on: "1" }]);
    assert.equal(object.metadata.resourceVersion, left.body.metadata.resourceVersion);
  }));

test("createDemoApiServer sends bookmarks in silence, and one before the watch ends at its timeout", async () => {
  const fakeClock = createFakeClock();
  await serve(async ({ server, watch }) => {
    const { version } = server.objects;
    const path = `${mapsPath}?watch=1&resourceVersion=${version}&allowWatchBookmarks=true&timeoutSeconds=90`;
    const events = await watch(path);
    seedObject(server.objects, { apiVersion: "v1", kind: "Secret", metadata: { name: "s", namespace: "default" } });
    await fakeClock.advance(60_000);
    const bookmark = await events.next();
    assert.deepEqual([bookmark.type, bookmark.object.metadata.resourceVersion], ["BOOKMARK", String(version + 1)]);
    await fakeClock.advance(30_000);
    assert.equal((await events.next()).type, "BOOKMARK");
    assert.equal(await events.ended(), true);
    assert.equal(fakeClock.pending, 0);
  }, { clock: fakeClock });
});

test("createDemoApiServer prints pods as a Table, and a watch's columns once", () =>
  serve(async ({ server, request, watch }) => {
    await request("POST", podsPath, { body: pod("a", "node-1") });
    const list = await request("GET", podsPath, { headers: { Accept: tableAccept } });
    assert.deepEqual([list.body.kind, list.body.rows.length], ["Table", 1]);
    assert.deepEqual(list.body.rows[0]?.cells.slice(0, 4), ["a", "0/1", "Pending", 0]);
    assert.equal(list.body.rows[0]?.object.kind, "PartialObjectMetadata");
    const names = list.body.columnDefinitions.map((column) => column.name);
    assert.deepEqual(names, ["Name", "Ready", "Status", "Restarts", "Age", "IP", "Node"]);
    const path = `${podsPath}?watch=1&resourceVersion=${server.objects.version}`;
    const events = await watch(path, tableAccept);
    for (const name of ["b", "c"]) await request("POST", podsPath, { body: pod(name) });
    const first = await events.next();
    assert.equal(Array.isArray(first.object["columnDefinitions"]), true);
    assert.equal((await events.next()).object["columnDefinitions"], null);
  }));

test("createDemoApiServer refuses a client that takes protobuf only", () =>
  serve(async ({ request }) => {
    const accept = (value: string): Promise<Answer> => request("GET", podsPath, { headers: { Accept: value } });
    assert.equal((await accept("application/vnd.kubernetes.protobuf")).status, 406);
    assert.equal((await accept("application/vnd.kubernetes.protobuf, */*")).status, 200);
    const partial = await accept("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
    assert.equal(partial.body.kind, "PartialObjectMetadataList");
  }));

test("createDemoApiServer lists what it serves for discovery", () =>
  serve(async ({ request }) => {
    assert.equal((await request("GET", "/readyz")).text, "ok");
    assert.deepEqual((await request("GET", "/api")).body.versions, ["v1"]);
    const groups = (await request("GET", "/apis")).body.groups.map((group) => group.name);
    assert.deepEqual(groups, ["coordination.k8s.io", "apps"]);
    const { body } = await request("GET", "/api/v1");
    const pods = body.resources.find((resource) => resource.name === "pods");
    assert.deepEqual([pods?.kind, pods?.namespaced, pods?.shortNames], ["Pod", true, ["po"]]);
    assert.match((await request("GET", "/version")).body.gitVersion, /^v1\.36\./);
  }));

test("startDemoCloud refuses and breaks connections while it is cut, and is back on the same port after", () =>
  serve(async ({ server, cloud, request, watch }) => {
    const events = await watch(`${mapsPath}?watch=1&resourceVersion=${server.objects.version}`);
    await cloud.cut();
    assert.equal(cloud.isCut, true);
    await assert.rejects(events.next());
    await assert.rejects(request("GET", mapsPath));
    await cloud.heal();
    assert.equal((await request("GET", mapsPath)).status, 200);
  }));

test("createDemoApiServer holds everything back while it is stalled", () =>
  serve(async ({ server, request, watch }) => {
    const events = await watch(`${mapsPath}?watch=1&resourceVersion=${server.objects.version}`);
    server.stall();
    seedObject(server.objects, { ...configMap("a"), metadata: { name: "a", namespace: "default" } });
    const answers: string[] = [];
    const list = request("GET", mapsPath).then(() => answers.push("list"));
    const event = events.next().then(() => answers.push("event"));
    // A refused connection is a full turn through the network, longer than either answer needs.
    await assert.rejects(fetch("http://127.0.0.1:1/"));
    assert.equal(answers.length, 0);
    server.resume();
    await Promise.all([list, event]);
    assert.equal(answers.length, 2);
  }));
