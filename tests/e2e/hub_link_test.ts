import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { Exchange } from "../../src/platform/exchange.ts";
import { inTime, names, nextEvent, syncMaps } from "../testing/hub_answers.ts";
import { serveHub } from "../testing/hub_scene.ts";
import { mapsPath, removeMap, seed, seedMap } from "../testing/sample_objects.ts";
import { withTempFolder } from "../testing/temp_folder.ts";

const watchList = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
const podsPath = "/api/v1/namespaces/default/pods";

for (
  const [what, method, path] of [
    ["a list", "GET", `${podsPath}?resourceVersion=0`],
    ["a list without a version", "GET", podsPath],
    ["a watch", "GET", `${podsPath}?watch=1`],
    ["a WatchList", "GET", `${podsPath}?${watchList}`],
    ["a GET", "GET", `${podsPath}/p`],
    ["a Table", "GET", podsPath],
    ["a log", "GET", `${podsPath}/p/log`],
    ["a discovery document that was never read", "GET", "/apis/apps/v1"],
    ["a path that is no resource", "GET", "/metrics"],
  ] as const
) {
  test(`R11: ${what} that was never synced is 503 offline, never empty`, () =>
    serveHub(async (scene) => {
      await syncMaps(scene); // of another resource
      await scene.cut();
      const accept = what === "a Table" ? "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" : "*/*";
      const answer = await scene.request(method, path, { headers: { Accept: accept } });
      assert.deepEqual([answer.status, answer.body.reason], [503, "ServiceUnavailable"]);
      assert.equal(answer.body.details.retryAfterSeconds, 1);
      assert.equal(answer.headers.get("retry-after"), null);
      assert.match(answer.body.message, /The cloud is out of reach/);
    }));
}

test("R11: a collection whose first list the cloud never ended is 503 when the link is cut, and live after it", () =>
  serveHub(async (scene) => {
    const { server, request, cut, heal } = scene;
    seedMap(server, "a");
    server.stall();
    const answering = request("GET", `${mapsPath}?resourceVersion=0`);
    await cut();
    assert.equal((await answering).status, 503);
    for (const path of [mapsPath, `${mapsPath}?watch=1`, `${mapsPath}?${watchList}`, `${mapsPath}/a`]) {
      assert.equal((await request("GET", path)).status, 503, path);
    }
    server.resume();
    await heal();
    assert.equal((await inTime(scene, request("GET", `${mapsPath}?resourceVersion=0`))).status, 200);
  }));

test("R11: a collection that synced while it was empty is answered empty", () =>
  serveHub(async (scene) => {
    await syncMaps(scene);
    await scene.cut();
    const answer = await scene.request("GET", `${mapsPath}?resourceVersion=0`);
    assert.deepEqual([answer.status, names(answer)], [200, []]);
    assert.match(answer.text, /"kind":"ConfigMapList"/);
  }));

test("R10: offline a narrower selection than the one that synced is answered from it", () =>
  serveHub(async (scene) => {
    seedMap(scene.server, "a");
    seedMap(scene.server, "b");
    await syncMaps(scene);
    await scene.cut();
    const named = await scene.request("GET", `${mapsPath}?fieldSelector=metadata.name%3Db`);
    assert.deepEqual([named.status, names(named)], [200, ["b"]]);
    const labelled = await scene.request("GET", `${mapsPath}?labelSelector=none`);
    assert.deepEqual([labelled.status, names(labelled)], [200, []]);
  }));

test("R10: a watch of a narrower selection costs no watch of its own, and sees what begins and ends to be selected", () =>
  serveHub(async (scene) => {
    const { server } = scene;
    const labelled = (labels: Readonly<Record<string, string>>) =>
      seed(server, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "default", labels } });
    seedMap(server, "b");
    await syncMaps(scene);
    const asked = scene.seen.length;
    const from = server.objects.version;
    const watch = await scene.watch(`${mapsPath}?watch=1&resourceVersion=${from}&labelSelector=app%3Dweb`);
    const added = labelled({ app: "web" });
    const modified = labelled({ app: "web", tier: "1" });
    const ended = labelled({ app: "db" });
    const again = labelled({ app: "web" });
    const events = [`ADDED a ${added}`, `MODIFIED a ${modified}`, `DELETED a ${ended}`, `ADDED a ${again}`];
    for (const event of events) assert.equal(await nextEvent(watch), event);
    assert.equal(scene.seen.length, asked);
  }));

test("R11: a wider and another selection than the one that synced are 503", () =>
  serveHub(async (scene) => {
    seedMap(scene.server, "a");
    await syncMaps(scene);
    await scene.cut();
    for (
      const path of ["/api/v1/configmaps", mapsPath.replace("default", "other")]
    ) {
      assert.equal((await scene.request("GET", path)).status, 503, path);
    }
  }));

for (
  const [what, query, status] of [
    ["of the whole namespace", "", 404],
    ["of that name", "?fieldSelector=metadata.name%3Dnone", 404],
    ["of another name", "?fieldSelector=metadata.name%3Da", 503],
    ["by a label", "?labelSelector=a%3Db", 503],
  ] as const
) {
  test(`R11: an absent name beside a synced collection ${what} is ${status}`, () =>
    serveHub(async (scene) => {
      await scene.request("GET", mapsPath + query);
      await scene.cut();
      assert.equal((await scene.request("GET", `${mapsPath}/none`)).status, status);
    }));
}

test("R7: open watches stay open through a cut and get the difference after it", () =>
  serveHub(async (scene) => {
    const { server } = scene;
    seedMap(server, "a");
    const first = seedMap(server, "b");
    await syncMaps(scene);
    const watch = await scene.watch(`${mapsPath}?watch=1&resourceVersion=${first}`);
    await scene.cut();
    const second = seedMap(server, "a", "2");
    const third = removeMap(server, "b");
    const late = await scene.watch(`${mapsPath}?watch=1&resourceVersion=${first}`);
    await scene.heal();
    for (const open of [watch, late]) {
      assert.equal(await nextEvent(open), `MODIFIED a ${second}`);
      assert.equal(await nextEvent(open), `DELETED b ${third}`);
    }
  }));

test("R7: where the cloud has compacted meanwhile the difference comes by version, each event at one of its own", () =>
  serveHub(async (scene) => {
    const { server } = scene;
    for (const name of ["a", "b", "c"]) seedMap(server, name);
    const from = String(server.objects.version);
    await syncMaps(scene);
    const watch = await scene.watch(`${mapsPath}?watch=1&resourceVersion=${from}`);
    await scene.cut();
    const a = removeMap(server, "a");
    const c = seedMap(server, "c", "2");
    const b = seedMap(server, "b", "2");
    const d = seedMap(server, "d");
    server.compact();
    await scene.heal();
    const events = [await nextEvent(watch), await nextEvent(watch), await nextEvent(watch), await nextEvent(watch)];
    // The list's version is the last change's: the only one that is free is the one that the deletion had.
    assert.deepEqual(events, [`DELETED a ${a}`, `MODIFIED c ${c}`, `MODIFIED b ${b}`, `ADDED d ${d}`]);
    const e = seedMap(server, "e");
    assert.equal(await nextEvent(watch), `ADDED e ${e}`);
  }));

test("R7: a watch that the cloud refuses with 410 in place of an event makes it begin anew, too", () => {
  let compacted = false;
  const intercept = ({ rawPath }: Exchange): Response | undefined => {
    if (!compacted || !rawPath.includes("watch=")) return undefined;
    compacted = false;
    const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", reason: "Expired", code: 410 };
    return Response.json(status, { status: 410 });
  };
  return serveHub(async (scene) => {
    await syncMaps(scene);
    const watch = await scene.watch(`${mapsPath}?watch=1&resourceVersion=${scene.server.objects.version}`);
    await scene.cut();
    const version = seedMap(scene.server, "a");
    compacted = true;
    await scene.heal();
    assert.equal(await nextEvent(watch), `ADDED a ${version}`);
    const whole = scene.seen.filter(({ path }) => path.startsWith(mapsPath) && path.includes("sendInitialEvents="));
    assert.equal(whole.length, 2);
  }, { intercept });
});

test("R9: a cloud that comes back with lower versions begins a new epoch: watches end with 410", () => {
  let restored = false;
  const intercept = ({ rawPath }: Exchange): Response | undefined => {
    if (!restored || !rawPath.startsWith(mapsPath)) return undefined;
    const headers = { "Content-Type": "application/json" };
    const invalid = { kind: "Status", reason: "Invalid", code: 422 };
    if (rawPath.includes("sendInitialEvents=")) return Response.json(invalid, { status: 422 });
    if (rawPath.includes("watch=")) return new Response(new ReadableStream(), { headers });
    const items = [{ metadata: { name: "old", namespace: "default", uid: "u", resourceVersion: "5" } }];
    return Response.json({ kind: "ConfigMapList", apiVersion: "v1", metadata: { resourceVersion: "7" }, items });
  };
  return serveHub(async (scene) => {
    seedMap(scene.server, "a");
    await syncMaps(scene);
    const watch = await scene.watch(`${mapsPath}?watch=1&resourceVersion=${scene.server.objects.version}`);
    await scene.cut();
    restored = true;
    await scene.heal();
    const { type, object } = await watch.next();
    assert.deepEqual([type, object.code], ["ERROR", 410]);
    const answer = await scene.request("GET", `${mapsPath}?resourceVersion=0`);
    assert.deepEqual([names(answer), answer.body.metadata.resourceVersion], [["old"], "7"]);
  }, { intercept });
});

test("R14: after a restart offline the same is answered", () =>
  withTempFolder((folder) =>
    serveHub(async (scene) => {
      const { server, request, clock } = scene;
      seedMap(server, "a");
      seedMap(server, "b");
      await syncMaps(scene);
      await request("GET", "/api/v1/namespaces/default");
      await request("GET", "/api/v1");
      const from = seedMap(server, "c");
      await scene.until(async () => names(await request("GET", `${mapsPath}?resourceVersion=0`)).length === 3);
      await scene.cut();
      const paths = [mapsPath, `${mapsPath}/a`, "/api/v1/namespaces/default", "/api/v1"];
      const before = await Promise.all(paths.map((path) => request("GET", path)));
      await scene.restart();
      await clock.advance(5_000);
      const after = await Promise.all(paths.map((path) => request("GET", path)));
      assert.deepEqual(after.map(({ text }) => text), before.map(({ text }) => text));
      assert.deepEqual(after.map(({ status }) => status), [200, 200, 200, 200]);
      assert.equal((await request("GET", `${mapsPath}/none`)).status, 404);
      const live = await scene.watch(`${mapsPath}?watch=1&resourceVersion=${from}`);
      const old = await scene.watch(`${mapsPath}?watch=1&resourceVersion=${Number(from) - 1}`);
      assert.equal(await nextEvent(old), "ERROR  410");
      const next = seedMap(server, "d");
      await scene.heal();
      assert.equal(await nextEvent(live), `ADDED d ${next}`);
    }, { storePath: join(folder, "cache", "holdfast.db") })
  ));

test("R19: fifty watchers of one query cost the cloud one watch, also after a restart of the hub", () =>
  serveHub(async (scene) => {
    seedMap(scene.server, "a");
    const herd = async () => {
      const watches = await Promise.all(
        Array.from(
          { length: 50 },
          (_, index) =>
            scene.watch(index % 2 === 0 ? `${mapsPath}?${watchList}` : `${mapsPath}?watch=1&resourceVersion=0`),
        ),
      );
      for (const watch of watches) assert.match(await nextEvent(watch), /^ADDED a/);
      const version = seedMap(scene.server, "a", String(scene.server.objects.version));
      const modified = `MODIFIED a ${version}`;
      for (const watch of watches) while (await nextEvent(watch) !== modified);
    };
    const ofMaps = () => scene.seen.filter(({ path }) => path.startsWith(mapsPath));
    const watchesOf = () => ofMaps().filter(({ path }) => path.includes("watch="));
    await herd();
    assert.deepEqual([ofMaps().length, watchesOf().length], [1, 1]);
    await scene.restart();
    await herd();
    // The list is the one of a single object that tells whether the cloud is behind what is held.
    assert.deepEqual([ofMaps().length, watchesOf().length], [3, 2]);
    assert.match(ofMaps()[1]?.path ?? "", /limit=1$/);
  }));
