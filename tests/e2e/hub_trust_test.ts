import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import type { Exchange } from "../../src/platform/exchange.ts";
import { inTime, names, nextEvent, syncMaps } from "../testing/hub_answers.ts";
import { serveHub } from "../testing/hub_scene.ts";
import { mapsPath, seedMap } from "../testing/sample_objects.ts";

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

/** The status with which an upgrade is refused. */
function upgradeStatus(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: "POST", headers, agent: false }, (incoming) => {
      incoming.resume();
      resolve(incoming.statusCode ?? 0);
    });
    outgoing.on("upgrade", () => resolve(101)).on("error", reject).end();
  });
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

for (const code of [401, 403, 404]) {
  for (const held of [true, false]) {
    test(`R16: a ${code} of a backend that has become unready since the last check is answered by ${held ? "the replica" : "503"}`, () => {
      const unready = changeable(() => new Response("no", { status: code }), "all");
      return serveHub(async (scene) => {
        seedMap(scene.server, "a");
        if (held) await syncMaps(scene);
        await scene.clock.advance(3_000);
        unready.on = true;
        assert.equal((await scene.status()).link.state, "online");
        const answer = await scene.request("GET", mapsPath);
        assert.deepEqual([answer.status, answer.body.reason], held ? [200, undefined] : [503, "ServiceUnavailable"]);
        if (held) assert.deepEqual(names(answer), ["a"]);
        const { state, reason } = (await scene.status()).link;
        assert.deepEqual([state, reason], ["offline", `/readyz answered ${code}`]);
      }, unready);
    });
  }
}

test("R16: a refusal of a backend that is ready passes, after one look for many", () => {
  let looks = 0;
  const refusing = changeable(forbidden, "all but /readyz");
  const intercept = (exchange: Exchange): Response | undefined => {
    if (exchange.rawPath === "/readyz") looks += 1;
    return refusing.intercept(exchange);
  };
  return serveHub(async (scene) => {
    refusing.on = true;
    await scene.clock.advance(3_000);
    const before = looks;
    const paths = [mapsPath, `${mapsPath}/a`, "/api/v1/pods", "/apis/apps/v1/deployments"];
    const answers = await Promise.all(paths.map((path) => scene.request("GET", path)));
    for (const { status, headers } of answers) {
      assert.deepEqual([status, headers.get("x-holdfast-source")], [403, "cloud"]);
    }
    assert.ok(looks - before >= 1 && looks - before < paths.length, String(looks - before));
    // What it said a moment ago will do.
    const then = looks;
    await scene.clock.advance(1_000);
    assert.equal((await scene.request("GET", mapsPath)).status, 403);
    assert.equal(looks, then);
    await scene.clock.advance(1);
    assert.equal((await scene.request("GET", mapsPath)).status, 403);
    assert.equal(looks, then + 1);
  }, { intercept });
});

test("R16: a backend that refuses and does not say within 2 s whether it is ready is out of reach", () => {
  const refusing = changeable(forbidden, "all but /readyz");
  let silent = false;
  const intercept = (exchange: Exchange): Response | undefined =>
    silent && exchange.rawPath === "/readyz" ? new Response(new ReadableStream()) : refusing.intercept(exchange);
  return serveHub(async (scene) => {
    seedMap(scene.server, "a");
    await syncMaps(scene);
    await scene.clock.advance(3_000);
    refusing.on = silent = true;
    const asked = scene.clock.monotonic();
    const answer = await inTime(scene, scene.request("POST", mapsPath, { body: { kind: "ConfigMap" } }));
    assert.equal(answer.status, 503);
    assert.ok(scene.clock.monotonic() - asked >= 2_000);
    assert.equal((await scene.status()).link.state, "offline");
  }, { intercept });
});

test("R16: an exec that a backend refuses while it is unready is 503", () => {
  const unready = changeable(forbidden, "all");
  return serveHub(async (scene) => {
    await scene.clock.advance(3_000);
    unready.on = true;
    const headers = { Connection: "Upgrade", Upgrade: "SPDY/3.1" };
    assert.equal(await upgradeStatus(`${scene.origin}/api/v1/namespaces/default/pods/p/exec`, headers), 503);
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
    const answer = await inTime(scene, scene.request("GET", `${mapsPath}?resourceVersion=0`));
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

test("R11: an absence is told only once the cloud is out of reach, not where it is slow", () =>
  serveHub(async (scene) => {
    await scene.request("GET", mapsPath);
    scene.server.stall();
    const asked = scene.seen.length;
    const answering = scene.request("GET", `${mapsPath}/none`);
    await scene.until(() => scene.seen.length > asked);
    await scene.clock.advance(2_000);
    assert.equal(await Promise.race([answering, Promise.resolve("waits")]), "waits");
    assert.equal((await inTime(scene, answering)).status, 404);
    assert.equal(
      (await fetch(`${scene.statusOrigin}/v1/status`).then((answer) => answer.text())).includes("offline"),
      true,
    );
  }));

test("R16: a portal's page in place of the answer to a status is no word of the cloud's", () => {
  const portal = changeable(
    () => new Response("<!doctype html>Please log in", { headers: { "Content-Type": "text/html" } }),
    "all but /readyz",
  );
  return serveHub(async (scene) => {
    portal.on = true;
    const headers = { "Content-Type": "application/strategic-merge-patch+json" };
    const body = { status: { phase: "Running" } };
    const answer = await scene.request("PATCH", "/api/v1/namespaces/default/pods/a/status", { body, headers });
    assert.equal(answer.status, 503);
  }, portal);
});
