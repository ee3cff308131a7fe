import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeScope } from "../../../src/identity/scope.ts";
import { type Recordable, Recorder } from "../../../src/replica/recorder.ts";
import { loneReplica } from "../../testing/lone_replica.ts";

const resource = { group: "", version: "v1", resource: "pods", subresource: "", namespace: "default" };
const query = { group: "", version: "v1", resource: "pods", namespace: "", labelSelector: "", fieldSelector: "" };
const path = { group: "", version: "v1", resource: "pods", namespace: "default", name: "p" };

function make() {
  const { replica } = loneReplica();
  const recorder = new Recorder(replica, () => 17);
  const take = (asked: Partial<Recordable> & { readonly verb: string }, body: unknown): void =>
    recorder.take(nodeScope, { ...resource, ...asked }, new TextEncoder().encode(JSON.stringify(body)));
  const collection = () => replica.held(nodeScope, query);
  return { replica, take, collection, names: () => [...collection()?.objects() ?? []].map(({ meta }) => meta.name) };
}

function pod(fields: Record<string, unknown> = {}): Record<string, unknown> {
  const metadata = { name: "p", namespace: "default", uid: "u", resourceVersion: "10", ...fields };
  return { kind: "Pod", apiVersion: "v1", metadata };
}

function page(version: number, names: readonly string[], token = "") {
  const items = names.map((name) => ({ metadata: { name, namespace: "default", uid: name, resourceVersion: "5" } }));
  return { kind: "PodList", apiVersion: "v1", metadata: { resourceVersion: String(version), continue: token }, items };
}

for (
  const [verb, subresource, wanted] of [
    ["get", "", true],
    ["list", "", true],
    ["create", "", true],
    ["update", "status", true],
    ["patch", "status", true],
    ["delete", "", true],
    ["watch", "", false],
    ["deletecollection", "", false],
    ["create", "binding", false],
    ["create", "token", false],
    ["get", "log", false],
    ["update", "scale", false],
    ["proxy", "", false],
  ] as const
) {
  test(`Recorder.wants ${wanted ? "" : "not "}the answer to ${verb} ${subresource}`, () => {
    assert.equal(Recorder.wants({ ...resource, verb, subresource }), wanted);
  });
}

test("R2: Recorder.take keeps an object with the time, in no collection", () => {
  const { replica, take, collection } = make();
  take({ verb: "get" }, pod());
  assert.deepEqual([replica.records.get(path)?.savedAt, collection()], [17, undefined]);
});

for (
  const [what, body] of [
    ["a Status", { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" }],
    ["a review", { kind: "TokenReview", apiVersion: "v1", metadata: {}, status: {} }],
    ["an object without a version", pod({ resourceVersion: "" })],
  ] as const
) {
  test(`R2: Recorder.take keeps nothing of ${what}`, () => {
    const { replica, take } = make();
    take({ verb: "create" }, body);
    assert.equal(replica.records.size, 0);
  });
}

for (
  const [what, fields, kept] of [
    ["without a time of deletion", {}, false],
    ["with a grace period to come", { deletionTimestamp: "t", deletionGracePeriodSeconds: 30 }, true],
    ["with a grace period of 0", { deletionTimestamp: "t", deletionGracePeriodSeconds: 0 }, false],
    ["with finalizers", { deletionTimestamp: "t", deletionGracePeriodSeconds: 0, finalizers: ["f"] }, true],
    ["with no finalizers left", { deletionTimestamp: "t", deletionGracePeriodSeconds: 0, finalizers: [] }, false],
  ] as const
) {
  test(`R2: a delete's answer ${what} ${kept ? "is kept" : "ends the record"}`, () => {
    const { replica, take } = make();
    take({ verb: "get" }, pod());
    take({ verb: "delete" }, pod({ resourceVersion: "11", ...fields }));
    assert.equal(replica.records.get(path)?.meta.resourceVersion, kept ? "11" : undefined);
  });
}

for (const [uid, ends] of [["u", true], ["other", false]] as const) {
  test(`R9: a delete's Status of ${ends ? "its" : "another"} uid ${ends ? "ends" : "leaves"} the record`, () => {
    const { replica, take } = make();
    take({ verb: "get" }, pod());
    const details = { name: "p", kind: "pods", uid };
    take({ verb: "delete" }, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details });
    assert.equal(replica.records.size, ends ? 0 : 1);
  });
}

test("R2: a complete list makes a stale collection of typed objects", async () => {
  const { replica, take, collection, names } = make();
  take({ verb: "list", query }, page(20, ["a", "b"]));
  const { state, head } = collection() ?? {};
  assert.deepEqual([names(), state], [["a", "b"], "stale"]);
  assert.deepEqual(head, { apiVersion: "v1", kind: "Pod", listKind: "PodList", resourceVersion: "20" });
  const held = collection()?.get("default", "a");
  assert.ok(held);
  assert.match(new TextDecoder().decode(await replica.rows.read(held)), /^\{"kind":"Pod","apiVersion":"v1",/);
  assert.equal(replica.records.size, 0);
});

test("R8: pages are put together, at the first one's version", () => {
  const { take, collection, names } = make();
  take({ verb: "list", query, continue: "" }, page(20, ["a"], "t1"));
  assert.equal(collection(), undefined);
  take({ verb: "list", query, continue: "t1" }, page(20, ["b"], "t2"));
  assert.equal(collection(), undefined);
  take({ verb: "list", query, continue: "t2" }, page(20, ["c"]));
  assert.deepEqual([names(), collection()?.resourceVersion], [["a", "b", "c"], "20"]);
});

test("R8: a page whose list did not begin here is no list", () => {
  const { take, collection } = make();
  take({ verb: "list", query, continue: "elsewhere" }, page(20, ["c"]));
  assert.equal(collection(), undefined);
});

test("R8: pages of two lists whose tokens are the same are not put together", () => {
  const { take, replica, names } = make();
  const other = { ...query, labelSelector: "app=a" };
  take({ verb: "list", query: other, continue: "" }, page(7, ["x"], "same"));
  take({ verb: "list", query, continue: "" }, page(7, ["a"], "same"));
  take({ verb: "list", query, continue: "same" }, page(7, ["b"]));
  assert.deepEqual(names(), ["a", "b"]);
  take({ verb: "list", query: { ...query, namespace: "n" }, continue: "same" }, page(7, ["b"]));
  assert.equal(replica.count, 1);
});

test("Recorder forgets the oldest of the lists that are not complete, past 32 MiB of all of them", () => {
  const { take, collection } = make();
  const padding = "x".repeat(4 * 1024 * 1024);
  for (let list = 0; list < 8; list++) {
    const { items, ...head } = page(20, ["a"], `t${list}`);
    take({ verb: "list", query, continue: "" }, { ...head, items: items.map((item) => ({ ...item, padding })) });
  }
  take({ verb: "list", query, continue: "t0" }, page(20, ["b"]));
  assert.equal(collection(), undefined);
  take({ verb: "list", query, continue: "t1" }, page(20, ["b"]));
  assert.equal(collection()?.size, 2);
});

test("R2: an older list that comes late changes nothing", () => {
  const { take, collection, names } = make();
  take({ verb: "list", query }, page(20, ["new"]));
  take({ verb: "list", query }, page(19, ["old"]));
  assert.deepEqual([names(), collection()?.resourceVersion, collection()?.epoch], [["new"], "20", 0]);
});

test("Recorder.take changes nothing where the body is malformed", () => {
  const { replica, take, collection } = make();
  assert.throws(() => take({ verb: "list", query }, { kind: "PodList", items: "none" }));
  assert.throws(() => take({ verb: "get" }, "text"));
  assert.deepEqual([collection(), replica.records.size], [undefined, 0]);
});

test("Recorder: what a service account was shown is nothing to the node, until an answer shows it the name too", () => {
  const { replica } = loneReplica();
  const recorder = new Recorder(replica, () => 17);
  const scope = { id: "sa:red:app:1" };
  const get = { ...resource, verb: "get" };
  const body = (version: string) => new TextEncoder().encode(JSON.stringify(pod({ resourceVersion: version })));
  const seen = () => [replica.of(path).find(path), replica.of(path).find(path, "granted")].map((one) => one?.held.meta);
  recorder.take(scope, get, body("10"));
  assert.deepEqual(seen().map((meta) => meta?.resourceVersion), [undefined, "10"]);
  recorder.take(nodeScope, get, body("9"));
  assert.deepEqual(seen().map((meta) => meta?.resourceVersion), ["10", "10"]);
  recorder.take(scope, get, body("11"));
  assert.deepEqual(seen().map((meta) => meta?.resourceVersion), ["11", "11"]);
});

test("Recorder: a list that a service account was given covers nothing for the node, until the node is given one", () => {
  const { replica } = loneReplica();
  const recorder = new Recorder(replica, () => 17);
  const list = { ...resource, namespace: "", verb: "list", query };
  const take = (scope: typeof nodeScope, version: number) =>
    recorder.take(scope, list, new TextEncoder().encode(JSON.stringify(page(version, ["p"]))));
  const synced = () => true;
  const views = () => [replica.of(path).view(query, synced), replica.of(path).view(query, synced, "granted")];
  const covering = () => replica.of(path).covering({ ...path, name: "missing" }, synced);
  take({ id: "sa:red:app:1" }, 20);
  assert.deepEqual(views().map((view) => view?.collection.resourceVersion), [undefined, "20"]);
  assert.equal(covering(), undefined);
  assert.equal(replica.of(path).find(path), undefined);
  take(nodeScope, 21);
  assert.deepEqual(views().map((view) => view?.collection.resourceVersion), ["21", "21"]);
  assert.notEqual(covering(), undefined);
});
