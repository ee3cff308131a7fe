import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeCloudContinue } from "../../src/kube/continue_token.ts";
import { names, nextEvent, syncMaps } from "../testing/hub_answers.ts";
import { type SeenRequest, serveHub } from "../testing/hub_scene.ts";
import { mapsPath, removeMap, seed, seedMap } from "../testing/sample_objects.ts";
import type { WatchReader } from "../testing/watch_reader.ts";

const tableAccept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

const kinds = (seen: readonly SeenRequest[]) =>
  seen.map(({ method, path }) =>
    `${method} ${/[?&]watch=/.test(path) ? "watch" : path.includes("limit=500") ? "list" : path}`
  );

test("R1: a list of version 0 is made from a collection, which one WatchList keeps", () =>
  serveHub(async (scene) => {
    seedMap(scene.server, "a");
    const first = await scene.request("GET", `${mapsPath}?resourceVersion=0`);
    assert.deepEqual([first.status, first.headers.get("x-holdfast-source"), names(first)], [200, "replica", ["a"]]);
    await scene.request("GET", `${mapsPath}?resourceVersion=0`);
    assert.deepEqual(kinds(scene.seen), ["GET watch"]);
    assert.match(scene.seen[0]?.path ?? "", /sendInitialEvents=true/);
  }));

test("R1: a list that is not older than X is answered by a collection that has reached X", () =>
  serveHub(async (scene) => {
    const version = seedMap(scene.server, "a");
    await syncMaps(scene);
    const path = `${mapsPath}?resourceVersion=${version}&resourceVersionMatch=NotOlderThan`;
    const answer = await scene.request("GET", path);
    assert.deepEqual([answer.headers.get("x-holdfast-source"), names(answer)], ["replica", ["a"]]);
  }));

for (
  const [what, query, source] of [
    ["without a version", () => "", "cloud"],
    ["of exactly one version", (version: string) => `?resourceVersion=${version}&resourceVersionMatch=Exact`, "cloud"],
    ["of a page at a version", (version: string) => `?resourceVersion=${version}&limit=1`, "cloud"],
    ["of a page of version 0", () => "?resourceVersion=0&limit=1", "replica"],
  ] as const
) {
  test(`R1: a list ${what} is answered by the ${source}`, () =>
    serveHub(async (scene) => {
      seedMap(scene.server, "a");
      const version = seedMap(scene.server, "b");
      await syncMaps(scene);
      const answer = await scene.request("GET", mapsPath + query(version));
      assert.deepEqual([answer.status, answer.headers.get("x-holdfast-source")], [200, source]);
      if (source === "replica") assert.deepEqual(names(answer), ["a", "b"]);
    }));
}

test("R1: a list of a version ahead of the collection waits a second for it, then the cloud answers", () =>
  serveHub(async (scene) => {
    seedMap(scene.server, "a");
    await syncMaps(scene);
    // Another resource's change: the collection does not get to this version by itself.
    const version = seed(scene.server, { apiVersion: "v1", kind: "Node", metadata: { name: "n" } });
    let source: string | null = null;
    const asked = scene.clock.monotonic();
    const answering = scene.request("GET", `${mapsPath}?resourceVersion=${version}`).then(({ headers }) => {
      source = headers.get("x-holdfast-source");
    });
    await scene.until(() => source !== null, 250);
    await answering;
    assert.equal(source, "cloud");
    assert.ok(scene.clock.monotonic() - asked >= 1_000);
  }));

test("R1: a list of a version that the collection reaches meanwhile is answered by it", () =>
  serveHub(async (scene) => {
    await syncMaps(scene);
    const version = String(scene.server.objects.version + 1);
    const answering = scene.request("GET", `${mapsPath}?resourceVersion=${version}`);
    seedMap(scene.server, "late");
    const answer = await answering;
    assert.deepEqual([answer.headers.get("x-holdfast-source"), names(answer)], ["replica", ["late"]]);
  }));

test("R1: a GET never starts a reflector", () =>
  serveHub(async ({ server, request, seen }) => {
    seedMap(server, "a");
    const path = `${mapsPath}/a?resourceVersion=0`;
    const answer = await request("GET", path);
    assert.deepEqual([answer.status, answer.headers.get("x-holdfast-source")], [200, "cloud"]);
    assert.deepEqual(seen.map((one) => one.path), [path]);
  }));

test("R1: a GET with a version is answered by a live collection that covers the name, its absence too", () =>
  serveHub(async (scene) => {
    seedMap(scene.server, "a");
    await syncMaps(scene);
    const found = await scene.request("GET", `${mapsPath}/a?resourceVersion=0`);
    assert.deepEqual([found.status, found.headers.get("x-holdfast-source")], [200, "replica"]);
    assert.equal(found.body.kind, "ConfigMap");
    const absent = await scene.request("GET", `${mapsPath}/none?resourceVersion=0`);
    assert.deepEqual([absent.status, absent.body.message], [404, 'configmaps "none" not found']);
  }));

test("R1: a collection that the cloud refuses leaves the answer to the cloud", () =>
  serveHub(async ({ request, seen }) => {
    const answer = await request("GET", `${mapsPath}?resourceVersion=0`);
    assert.deepEqual([answer.status, answer.headers.get("x-holdfast-source")], [403, "cloud"]);
    assert.equal(answer.body.message, "node may not list");
    assert.deepEqual(kinds(seen), ["GET watch", `GET ${mapsPath}?resourceVersion=0`]);
  }, {
    intercept: ({ rawPath }) =>
      rawPath.startsWith(mapsPath)
        ? Response.json({ kind: "Status", message: "node may not list", reason: "Forbidden", code: 403 }, {
          status: 403,
        })
        : undefined,
  }));

const cloudToken = encodeCloudContinue({ resourceVersion: "1001", start: "a\0" });

for (
  const [what, query, code, cause] of [
    ["of a version ahead", "resourceVersion=999999", 504, "ResourceVersionTooLarge"],
    ["of exactly one version", "resourceVersion=1001&resourceVersionMatch=Exact", 410, undefined],
    ["of a page at a version", "resourceVersion=1001&limit=1", 410, undefined],
    ["of a further page", `continue=${cloudToken}`, 410, undefined],
  ] as const
) {
  test(`R1, R8: a list ${what} is ${code} while the cloud is out of reach`, () =>
    serveHub(async (scene) => {
      await syncMaps(scene);
      await scene.cut();
      const answer = await scene.request("GET", `${mapsPath}?${query}`);
      assert.equal(answer.status, code);
      assert.equal(answer.body.reason, code === 504 ? "Timeout" : "Expired");
      assert.equal(answer.body.details?.causes?.[0]?.reason, cause);
      assert.equal(answer.headers.get("retry-after"), code === 504 ? "1" : null);
    }));
}

test("R8: a further page is 410, never the whole list, where the cloud is lost before the hub has noticed", () =>
  serveHub(async (scene) => {
    seedMap(scene.server, "a");
    seedMap(scene.server, "b");
    const first = await scene.request("GET", `${mapsPath}?limit=1`);
    await scene.request("GET", mapsPath);
    await scene.cloud.cut();
    const answer = await scene.request("GET", `${mapsPath}?limit=1&continue=${first.body.metadata.continue}`);
    assert.deepEqual([answer.status, answer.body.reason], [410, "Expired"]);
  }));

test("R2: a recorded object is answered offline, with its age", () =>
  serveHub(async ({ server, request, clock, cut }) => {
    seedMap(server, "a");
    const online = await request("GET", `${mapsPath}/a`);
    assert.equal(online.headers.get("x-holdfast-source"), "cloud");
    await clock.advance(7_000);
    await cut();
    const offline = await request("GET", `${mapsPath}/a`);
    assert.equal(offline.text, online.text);
    assert.equal(offline.headers.get("x-holdfast-source"), "replica");
    assert.equal(offline.headers.get("age"), "7");
  }));

test("R2: a complete list makes a stale collection, all its pages together", () =>
  serveHub(async ({ server, request, cut, seen }) => {
    for (const name of ["a", "b", "c"]) seedMap(server, name);
    const first = await request("GET", `${mapsPath}?limit=2`);
    await request("GET", `${mapsPath}?limit=2&continue=${first.body.metadata.continue}`);
    await cut();
    const offline = await request("GET", mapsPath);
    assert.deepEqual(names(offline), ["a", "b", "c"]);
    assert.equal(offline.body.metadata.resourceVersion, first.body.metadata.resourceVersion);
    assert.equal(seen.length, 2);
  }));

test("R8: the first page alone is no list", () =>
  serveHub(async ({ server, request, cut }) => {
    for (const name of ["a", "b", "c"]) seedMap(server, name);
    await request("GET", `${mapsPath}?limit=2`);
    await cut();
    assert.equal((await request("GET", mapsPath)).status, 503);
    assert.equal((await request("GET", `${mapsPath}/a`)).status, 503);
  }));

test("R2: a Table is not recorded, and passes as it is", () =>
  serveHub(async ({ server, request, cut }) => {
    seedMap(server, "a");
    const table = await request("GET", mapsPath, { headers: { Accept: tableAccept } });
    assert.deepEqual([table.status, table.body.kind], [200, "Table"]);
    await cut();
    assert.equal((await request("GET", mapsPath)).status, 503);
  }));

test("R2: what a write's answer shows is recorded, and ends with the deletion's answer", () =>
  serveHub(async ({ server, request, cut, heal }) => {
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "w" }, data: { k: "1" } };
    await request("POST", mapsPath, { body });
    const patched = await request("PATCH", `${mapsPath}/w`, {
      body: { data: { k: "2" } },
      headers: { "Content-Type": "application/merge-patch+json" },
    });
    assert.equal(patched.status, 200);
    await cut();
    assert.equal((await request("GET", `${mapsPath}/w`)).text, patched.text);
    await heal();
    await request("DELETE", `${mapsPath}/w`);
    assert.equal(server.objects.get({ resource: "configmaps", namespace: "default", name: "w" }), undefined);
    await cut();
    assert.equal((await request("GET", `${mapsPath}/w`)).status, 503);
  }));

test("R2: a pod that a deletion's answer shows as gone is not held", () =>
  serveHub(async ({ request, cut }) => {
    const path = "/api/v1/namespaces/default/pods";
    await request("POST", path, { body: { apiVersion: "v1", kind: "Pod", metadata: { name: "p" } } });
    const deleted = await request("DELETE", `${path}/p`);
    assert.deepEqual([deleted.status, deleted.body.kind], [200, "Pod"]);
    await cut();
    assert.equal((await request("GET", `${path}/p`)).status, 503);
  }));

test("R2: a record ends where a list that is newer than it lacks its object", () =>
  serveHub(async ({ server, request, cut }) => {
    seedMap(server, "a");
    await request("GET", `${mapsPath}/a`);
    removeMap(server, "a");
    await request("GET", mapsPath);
    await cut();
    assert.equal((await request("GET", `${mapsPath}/a`)).status, 404);
  }));

test("R2: offline the newest of a record and a collection is answered", () =>
  serveHub(async ({ server, request, cut }) => {
    seedMap(server, "a", "1");
    await request("GET", mapsPath);
    seedMap(server, "a", "2");
    seedMap(server, "b", "1");
    await request("GET", `${mapsPath}/a`);
    await request("GET", `${mapsPath}/b`);
    await cut();
    assert.equal((await request("GET", `${mapsPath}/a`)).body.data["value"], "2");
    assert.deepEqual(names(await request("GET", mapsPath)), ["a", "b"]);
  }));

test("R2: a 404 is never recorded", () =>
  serveHub(async ({ request, cut }) => {
    assert.equal((await request("GET", `${mapsPath}/none`)).status, 404);
    await cut();
    assert.equal((await request("GET", `${mapsPath}/none`)).status, 503);
  }));

test("R3: a watch from X replays what is in the log, then goes on live", () =>
  serveHub(async (scene) => {
    const from = seedMap(scene.server, "a");
    await syncMaps(scene);
    const second = seedMap(scene.server, "a", "2");
    const third = seedMap(scene.server, "b");
    await scene.until(async () => names(await scene.request("GET", `${mapsPath}?resourceVersion=0`)).length === 2);
    const watch = await scene.watch(`${mapsPath}?watch=1&resourceVersion=${from}`);
    assert.equal(await nextEvent(watch), `MODIFIED a ${second}`);
    assert.equal(await nextEvent(watch), `ADDED b ${third}`);
    const fourth = removeMap(scene.server, "a");
    assert.equal(await nextEvent(watch), `DELETED a ${fourth}`);
  }));

test("R3: a watch from a version above the collection's sends nothing at or below it", () =>
  serveHub(async (scene) => {
    await syncMaps(scene);
    const from = scene.server.objects.version + 2;
    const watch = await scene.watch(`${mapsPath}?watch=1&resourceVersion=${from}`);
    seedMap(scene.server, "a");
    seedMap(scene.server, "b");
    const third = seedMap(scene.server, "c");
    assert.equal(await nextEvent(watch), `ADDED c ${third}`);
  }));

test("R3: a watch from a version older than the log gets an ERROR event with Status 410 Expired", () =>
  serveHub(async (scene) => {
    const old = seedMap(scene.server, "a");
    seedMap(scene.server, "b");
    await syncMaps(scene);
    const watch = await scene.watch(`${mapsPath}?watch=1&resourceVersion=${old}`);
    const { type, object } = await watch.next();
    assert.deepEqual([type, object.kind, object.code, object.reason], ["ERROR", "Status", 410, "Expired"]);
    assert.equal(await watch.ended(), true);
  }));

for (const query of ["watch=1", "watch=1&resourceVersion=0"]) {
  test(`R3: ${query} sends the state as ADDED, then goes on live`, () =>
    serveHub(async ({ server, watch }) => {
      const first = seedMap(server, "a");
      const open = await watch(`${mapsPath}?${query}`);
      assert.equal(await nextEvent(open), `ADDED a ${first}`);
      const second = seedMap(server, "a", "2");
      assert.equal(await nextEvent(open), `MODIFIED a ${second}`);
    }));
}

test("R4: WatchList sends the state, then the annotated bookmark, offline too", () =>
  serveHub(async ({ server, watch, cut }) => {
    const version = seedMap(server, "a");
    const path =
      `${mapsPath}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`;
    const check = async (open: WatchReader) => {
      assert.equal(await nextEvent(open), `ADDED a ${version}`);
      const { type, object } = await open.next();
      assert.deepEqual([type, object.kind, object.metadata.resourceVersion], ["BOOKMARK", "ConfigMap", version]);
      assert.deepEqual(object.metadata.annotations, { "k8s.io/initial-events-end": "true" });
    };
    await check(await watch(path));
    await cut();
    await check(await watch(path));
  }));

test("R4: sendInitialEvents=false sends no state", () =>
  serveHub(async (scene) => {
    seedMap(scene.server, "a");
    await syncMaps(scene);
    const path = `${mapsPath}?watch=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=0`;
    const watch = await scene.watch(path);
    const version = seedMap(scene.server, "b");
    assert.equal(await nextEvent(watch), `ADDED b ${version}`);
  }));

test("R4: WatchList of a version ahead is never answered with an older state", () =>
  serveHub(async (scene) => {
    seedMap(scene.server, "a");
    await syncMaps(scene);
    await scene.cut();
    const path = `${mapsPath}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=999999`;
    const watch = await scene.watch(path);
    const { type, object } = await watch.next();
    assert.deepEqual([type, object.code, object.reason], ["ERROR", 504, "Timeout"]);
    assert.match(JSON.stringify(object), /ResourceVersionTooLarge/);
    assert.equal(await watch.ended(), true);
  }));

for (
  const [query, field] of [
    ["watch=1&sendInitialEvents=true", "resourceVersionMatch"],
    ["watch=1&resourceVersionMatch=NotOlderThan&resourceVersion=1", "resourceVersionMatch"],
    ["sendInitialEvents=true&resourceVersion=0", "sendInitialEvents"],
  ] as const
) {
  test(`R4: ${query} is 422, online and offline`, () =>
    serveHub(async (scene) => {
      await syncMaps(scene);
      const online = await scene.request("GET", `${mapsPath}?${query}`);
      assert.deepEqual([online.status, online.body.reason], [422, "Invalid"]);
      assert.match(online.body.message, new RegExp(`${field}: Forbidden`));
      await scene.cut();
      assert.equal((await scene.request("GET", `${mapsPath}?${query}`)).text, online.text);
    }));
}
