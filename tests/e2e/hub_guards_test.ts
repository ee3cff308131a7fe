import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { test } from "node:test";
import { syncMaps } from "../testing/hub_answers.ts";
import { type HubScene, serveHub } from "../testing/hub_scene.ts";
import { mapsPath, seedMap } from "../testing/sample_objects.ts";

interface RawAnswer {
  readonly status: number | undefined;
  readonly text: string;
}

/** With `Host` and other headers that fetch does not let through. */
function send(url: string, headers: Readonly<Record<string, string>>): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => text += chunk);
      response.on("end", () => resolve({ status: response.statusCode, text }));
    }).on("error", reject).end();
  });
}

const ports: readonly (readonly [string, (scene: HubScene) => string])[] = [
  ["plain", ({ origin }) => `${origin}${mapsPath}`],
  ["status", ({ statusOrigin }) => `${statusOrigin}/v1/status`],
];

for (const [port, urlOf] of ports) {
  for (
    const [what, headers] of [
      ["a rebound Host", { Host: "rebound.example:10261" }],
      ["a Host that begins like a loopback address", { Host: "127.0.0.1.example" }],
      ["another site's Origin", { Origin: "http://evil.example" }],
      ["the Origin of another port of this machine", { Origin: "http://127.0.0.1:1" }],
      ["a cross-site Sec-Fetch-Site", { "Sec-Fetch-Site": "cross-site" }],
    ] as const
  ) {
    test(`the ${port} port answers ${what} with 403`, () =>
      serveHub(async (scene) => {
        const answer = await send(urlOf(scene), headers);
        assert.equal(answer.status, 403);
        assert.match(answer.text, /"reason":"Forbidden"/);
        assert.equal(scene.seen.length, 0);
      }));
  }

  test(`the ${port} port answers localhost, and a page of its own`, () =>
    serveHub(async (scene) => {
      const url = urlOf(scene);
      const { port: number, host } = new URL(url);
      assert.equal((await send(url, { Host: `localhost:${number}` })).status, 200);
      assert.equal((await send(url, { Origin: `http://${host}`, "Sec-Fetch-Site": "same-origin" })).status, 200);
    }));
}

test("the plain port refuses users who are not in --plain-allow-uid, where the platform can tell", {
  skip: process.platform === "linux" ? false : "only Linux tells the user at the other end",
}, () =>
  serveHub(async ({ request, statusOrigin, seen }) => {
    const answer = await request("GET", mapsPath);
    assert.deepEqual([answer.status, answer.body.reason], [403, "Forbidden"]);
    assert.match(answer.body.message, /--plain-allow-uid/);
    assert.equal(seen.length, 0);
    assert.equal((await send(`${statusOrigin}/v1/status`, {})).status, 200);
  }, { plainAllowUids: [4_000_000] }));

const put = (origin: string, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${origin}/debug/flags/v`, { method: "PUT", body: "6", headers });

test("how much the log says is changed by root and the hub's own user, and by no web page", async () => {
  const told: number[] = [];
  const debug = { setVerbosity: (verbosity: number) => void told.push(verbosity) };
  await serveHub(async ({ statusOrigin }) => {
    assert.equal((await put(statusOrigin, { Origin: "http://evil.example" })).status, 403);
    assert.equal((await put(statusOrigin, { "Sec-Fetch-Site": "cross-site" })).status, 403);
    assert.deepEqual(told, []);
    const answer = await put(statusOrigin);
    assert.deepEqual([answer.status, await answer.text()], [
      200,
      "successfully set klog.logging.verbosity to 6\n",
    ]);
    assert.deepEqual(told, [6]);
  }, { debug });
  if (process.platform !== "linux") return;
  await serveHub(async ({ statusOrigin }) => {
    assert.equal((await put(statusOrigin)).status, 403);
  }, { debug, plainAllowUids: [4_000_000] });
  assert.deepEqual(told, [6]);
});

for (const path of ["/healthz", "/livez", "/readyz"]) {
  test(`the status server's ${path} is ok, without the cloud too`, () =>
    serveHub(async (scene) => {
      assert.deepEqual(await send(scene.statusOrigin + path, {}), { status: 200, text: "ok" });
      await scene.cut();
      assert.deepEqual(await send(scene.statusOrigin + path, {}), { status: 200, text: "ok" });
    }));
}

test("the status server tells checks, collections and counters", () =>
  serveHub(async (scene) => {
    seedMap(scene.server, "a");
    await syncMaps(scene);
    await scene.cut();
    const checks = await send(`${scene.statusOrigin}/readyz?verbose`, {});
    assert.match(checks.text, /^\[\+\]ping ok$/m);
    assert.match(checks.text, /^\[!\]cloud out of reach: .*, the replica answers$/m);
    assert.match(checks.text, /readyz check passed/);
    const { link, collections: [maps] } = await scene.status();
    assert.equal(link.state, "offline");
    assert.deepEqual([maps?.resource, maps?.state, maps?.objects], ["configmaps", "stale", 1]);
    const metrics = await send(`${scene.statusOrigin}/metrics`, {});
    assert.match(metrics.text, /^holdfast_link_online 0$/m);
    assert.match(metrics.text, /^holdfast_collections\{state="stale"\} 1$/m);
    assert.match(
      metrics.text,
      /holdfast_requests_total\{verb="list",resource="configmaps",code="200",source="replica"\} 1/,
    );
    assert.equal((await send(`${scene.statusOrigin}/nothing`, {})).status, 404);
  }));

test("a discovery document is answered offline from its last copy, and 304 where the client has that one", () =>
  serveHub(async ({ request, cut, restart, clock }) => {
    const online = await request("GET", "/apis");
    assert.equal(online.headers.get("etag"), '"v1"');
    await clock.advance(3_000);
    await cut();
    await restart();
    const offline = await request("GET", "/apis");
    assert.deepEqual([offline.status, offline.text, offline.headers.get("etag")], [200, online.text, '"v1"']);
    assert.deepEqual([offline.headers.get("x-holdfast-source"), offline.headers.get("age")], ["replica", "3"]);
    const unchanged = await request("GET", "/apis", { headers: { "If-None-Match": '"v1"' } });
    assert.deepEqual([unchanged.status, unchanged.text, unchanged.headers.get("etag")], [304, "", '"v1"']);
    assert.equal((await request("GET", "/apis", { headers: { "If-None-Match": '"v0"' } })).status, 200);
    assert.equal((await request("GET", "/apis?timeout=32s")).status, 200);
    assert.equal((await request("GET", "/apis?other=1")).status, 503);
    assert.equal((await request("GET", "/apis", { headers: { Accept: "application/yaml" } })).status, 503);
  }, {
    intercept: ({ rawPath }) =>
      rawPath.startsWith("/apis") ? Response.json({ kind: "APIGroupList" }, { headers: { ETag: '"v1"' } }) : undefined,
  }));

test("logs hold neither tokens nor bodies of objects", () =>
  serveHub(async (scene) => {
    seedMap(scene.server, "a", "confidential-value");
    await scene.request("GET", mapsPath, { headers: { Authorization: "Bearer confidential-token" } });
    await syncMaps(scene);
    await scene.cut();
    await scene.request("PATCH", `${mapsPath}/a`, {
      body: { data: { k: "confidential-patch" } },
      headers: { "Content-Type": "application/merge-patch+json" },
    });
    assert.ok(scene.log.some(({ message }) => message === "Request"));
    assert.ok(!JSON.stringify(scene.log).includes("confidential"));
  }));
