import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { Exchange } from "../../src/platform/exchange.ts";
import { names, nextEvent, syncMaps } from "../testing/hub_answers.ts";
import { serveHub } from "../testing/hub_scene.ts";
import { mapsPath, removeMap, seedMap } from "../testing/sample_objects.ts";
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
  serveHub(async ({ server, request, cut, heal, until }) => {
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
    await until(async () => (await request("GET", `${mapsPath}?resourceVersion=0`)).status === 200, 250);
  }));

test("R11: a collection that synced while it was empty is answered empty", () =>
  serveHub(async (scene) => {
    await syncMaps(scene);
    await scene.cut();
    const answer = await scene.request("GET", `${mapsPath}?resourceVersion=0`);
    assert.deepEqual([answer.status, names(answer)], [200, []]);
    assert.match(answer.text, /"kind":"ConfigMapList"/);
  }));

test("R11: a narrower, a wider and another selection than the one that synced are 503", () =>
  serveHub(async (scene) => {
    seedMap(scene.server, "a");
    await syncMaps(scene);
    await scene.cut();
    for (
      const path of [`${mapsPath}?labelSelector=a%3Db`, "/api/v1/configmaps", mapsPath.replace("default", "other")]
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

test("R7: where the cloud has compacted meanwhile the difference comes by version, deletions last at the list's", () =>
  serveHub(async (scene) => {
    const { server } = scene;
    for (const name of ["a", "b", "c"]) seedMap(server, name);
    const from = String(server.objects.version);
    await syncMaps(scene);
    const watch = await scene.watch(`${mapsPath}?watch=1&resourceVersion=${from}`);
    await scene.cut();
    removeMap(server, "a");
    const c = seedMap(server, "c", "2");
    const b = seedMap(server, "b", "2");
    const d = seedMap(server, "d");
    server.compact();
    await scene.heal();
    const events = [await nextEvent(watch), await nextEvent(watch), await nextEvent(watch), await nextEvent(watch)];
    assert.deepEqual(events, [`MODIFIED c ${c}`, `MODIFIED b ${b}`, `ADDED d ${d}`, `DELETED a ${d}`]);
    const e = seedMap(server, "e");
    assert.equal(await nextEvent(watch), `ADDED e ${e}`);
  }));

test("R7: a watch that the cloud refuses with 410 in place of an event is a list again, too", () => {
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
    const whole = scene.seen.filter(({ path }) => path.startsWith(mapsPath) && path.includes("limit=500"));
    assert.equal(whole.length, 2);
  }, { intercept });
});

test("R9: a cloud that comes back with lower versions begins a new epoch: watches end with 410", () => {
  let restored = false;
  const intercept = ({ rawPath }: Exchange): Response | undefined => {
    if (!restored || !rawPath.startsWith(mapsPath)) return undefined;
    const headers = { "Content-Type": "application/json" };
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

test("R19: fifty watchers of one query cost the cloud one list and one watch, also after a restart of the hub", () =>
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
    assert.deepEqual([ofMaps().length, watchesOf().length], [2, 1]);
    await scene.restart();
    await herd();
    // The second list is the one of a single object that tells whether the cloud is behind what is held.
    assert.deepEqual([ofMaps().length, watchesOf().length], [4, 2]);
    assert.match(ofMaps()[2]?.path ?? "", /limit=1$/);
  }));

/** A cloud that answers in another way while the test says so: `/readyz` too, or everything else only. */
function changeable(answer: () => Response, of: "all" | "all but /readyz") {
  const change = {
    on: false,
    intercept: ({ rawPath }: Exchange): Response | undefined =>
      change.on && (of === "all" || rawPath !== "/readyz") ? answer() : undefined,
  };
  return change;
}

function forbidden(): Response {
  const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", reason: "Forbidden", code: 403 };
  return Response.json({ ...status, message: "configmaps is forbidden" }, { status: 403 });
}

test("R16: what a backend that is not ready refuses is no word of the cloud's", () => {
  const unready = changeable(() => new Response("no", { status: 403 }), "all");
  return serveHub(async (scene) => {
    seedMap(scene.server, "a");
    await syncMaps(scene);
    const watch = await scene.watch(`${mapsPath}?watch=1&resourceVersion=${scene.server.objects.version}`);
    await scene.cut();
    unready.on = true;
    await scene.cloud.heal();
    await scene.until(async () => (await scene.status()).link.reason === "/readyz answered 403", 250);
    const answer = await scene.request("GET", mapsPath);
    assert.deepEqual([answer.status, names(answer)], [200, ["a"]]);
    unready.on = false;
    await scene.heal();
    const version = seedMap(scene.server, "b");
    assert.equal(await nextEvent(watch), `ADDED b ${version}`);
  }, unready);
});

for (const held of [true, false]) {
  test(`R16: a portal's page is answered by ${held ? "the replica" : "503"}`, () => {
    const html = { headers: { "Content-Type": "text/html" } };
    const portal = changeable(() => new Response("<html>log in</html>", html), "all but /readyz");
    return serveHub(async ({ server, request }) => {
      seedMap(server, "a");
      if (held) await request("GET", mapsPath);
      portal.on = true;
      const answer = await request("GET", mapsPath);
      assert.equal(answer.status, held ? 200 : 503);
      if (held) assert.deepEqual(names(answer), ["a"]);
    }, portal);
  });
}

test("R16: a reflector that is refused for less than a minute goes on with what it holds", () => {
  const refusing = changeable(forbidden, "all but /readyz");
  return serveHub(async (scene) => {
    seedMap(scene.server, "a");
    await syncMaps(scene);
    const watch = await scene.watch(`${mapsPath}?watch=1&resourceVersion=${scene.server.objects.version}`);
    refusing.on = true;
    await scene.cut();
    await scene.cloud.heal();
    const asked = scene.seen.length;
    await scene.until(() => scene.seen.length > asked + 2, 250);
    const answer = await scene.request("GET", `${mapsPath}?resourceVersion=0`);
    assert.deepEqual([answer.status, names(answer)], [200, ["a"]]);
    refusing.on = false;
    await scene.heal();
    const version = seedMap(scene.server, "b");
    assert.equal(await nextEvent(watch), `ADDED b ${version}`);
  }, refusing);
});

test("R16: a reflector that is refused for a minute and nothing else ends its watches with the cloud's 403", () => {
  const refusing = changeable(forbidden, "all but /readyz");
  return serveHub(async (scene) => {
    seedMap(scene.server, "a");
    await syncMaps(scene);
    const watch = await scene.watch(`${mapsPath}?watch=1&resourceVersion=${scene.server.objects.version}`);
    refusing.on = true;
    await scene.cut();
    await scene.cloud.heal();
    let event = "";
    void nextEvent(watch).then((next) => event = next);
    const since = scene.clock.monotonic();
    await scene.until(() => event !== "", 1_000);
    assert.equal(event, "ERROR  403");
    assert.ok(scene.clock.monotonic() - since > 60_000);
  }, refusing);
});

test("a refused collection that a later list of a client shows is kept up to date again", () => {
  const refusing = changeable(forbidden, "all but /readyz");
  return serveHub(async (scene) => {
    refusing.on = true;
    assert.equal((await scene.request("GET", `${mapsPath}?resourceVersion=0`)).status, 403);
    refusing.on = false;
    seedMap(scene.server, "a");
    const { metadata } = (await scene.request("GET", mapsPath)).body;
    const watch = await scene.watch(`${mapsPath}?watch=1&resourceVersion=${metadata.resourceVersion}`);
    const version = seedMap(scene.server, "b");
    await scene.until(() => scene.seen.some(({ path }) => path.includes("watch=")));
    assert.equal(await nextEvent(watch), `ADDED b ${version}`);
  }, refusing);
});

for (
  const [what, path, status] of [
    ["a list", mapsPath, 200],
    ["an object", `${mapsPath}/a`, 200],
    ["an absent object", `${mapsPath}/none`, 404],
    ["a discovery document", "/api/v1", 200],
  ] as const
) {
  test(`a cloud that neither answers nor refuses holds ${what} for no longer than --cloud-read-timeout`, () =>
    serveHub(async (scene) => {
      seedMap(scene.server, "a");
      await scene.request("GET", mapsPath);
      await scene.request("GET", "/api/v1");
      scene.server.stall();
      const asked = scene.seen.length;
      const answering = scene.request("GET", path);
      await scene.until(() => scene.seen.length > asked);
      await scene.clock.advance(1_999);
      assert.equal(await Promise.race([answering, Promise.resolve("waits")]), "waits");
      await scene.clock.advance(1);
      assert.equal((await answering).status, status);
    }));
}
