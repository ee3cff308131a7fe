import assert from "node:assert/strict";
import { test } from "node:test";
import type { Exchange } from "../../src/platform/exchange.ts";
import { type BackendsScene, serveBackends } from "../testing/backends_scene.ts";
import { nextEvent } from "../testing/hub_answers.ts";
import { mapsPath, seedMap } from "../testing/sample_objects.ts";

const namespacePath = "/api/v1/namespaces/default";

test("Hub in mode rr asks its API servers in turn, in mode priority the first", async () => {
  for (const [lbMode, asked] of [["rr", [2, 2, 2]], ["priority", [6, 0, 0]]] as const) {
    await serveBackends(async ({ hub, backend, until }) => {
      await until(async () => (await hub.status()).link.backends.every(({ state }) => state === "healthy"));
      for (let i = 0; i < 6; i++) assert.equal((await hub.request("GET", namespacePath)).status, 200);
      assert.deepEqual([0, 1, 2].map((index) => backend(index).seen.length), asked);
    }, { backends: 3, lbMode });
  }
});

for (const how of ["refuses", "is stopped"] as const) {
  test(`Hub whose first API server ${how}: reads go on without an error, and are the cloud's own`, () =>
    serveBackends(async (scene) => {
      const { hub, backend } = scene;
      await allHealthy(scene);
      if (how === "refuses") await backend(0).cloud.cut();
      else backend(0).stopped = true;
      for (let i = 0; i < 5; i++) {
        const answer = await inTime(scene, hub.request("GET", `${mapsPath}?limit=${i + 1}`));
        assert.deepEqual([answer.status, answer.headers.get("x-holdfast-source")], [200, "cloud"]);
      }
      await scene.until(async () => (await hub.status()).link.backends[0]?.state === "unhealthy", 100);
      assert.equal((await hub.status()).link.state, "online");
    }, { backends: 2 }));

  test(`Hub whose first API server ${how}: its watches move, and local watchers notice nothing`, () =>
    serveBackends(async (scene) => {
      const { hub, backend, server } = scene;
      await allHealthy(scene);
      const first = seedMap(server, "a");
      const watch = await hub.watch(`${mapsPath}?watch=1&resourceVersion=0`);
      assert.equal(await nextEvent(watch), `ADDED a ${first}`);
      assert.equal(watchesOf(backend(1).seen), 0);
      if (how === "refuses") await backend(0).cloud.cut();
      else backend(0).stopped = true;
      const second = seedMap(server, "b");
      // Who stopped still has its connection: the event may have been sent before.
      await inTime(scene, hub.request("GET", namespacePath));
      await scene.until(() => watchesOf(backend(1).seen) === 1, 100);
      assert.equal(await inTime(scene, nextEvent(watch)), `ADDED b ${second}`);
      await watch.close();
    }, { backends: 2 }));
}

test("Hub whose first API server drains: what it has begun ends there, what is new goes to the other", () => {
  let drains = false;
  const intercept = ({ rawPath }: Exchange, index: number): Response | undefined => {
    if (index !== 0 || !drains) return undefined;
    return rawPath === "/readyz" ? new Response("[-]shutdown failed", { status: 500 }) : undefined;
  };
  return serveBackends(async (scene) => {
    const { hub, backend, server } = scene;
    await allHealthy(scene);
    seedMap(server, "a");
    const watch = await hub.watch(`${mapsPath}?watch=1&resourceVersion=0`);
    await watch.next();
    backend(0).stopped = true;
    const begun = hub.request("GET", namespacePath);
    await scene.until(() => true);
    drains = true;
    backend(0).stopped = false;
    assert.equal((await inTime(scene, begun)).status, 200);
    await scene.until(async () => (await hub.status()).link.backends[0]?.state === "unhealthy", 1_000);
    await scene.until(() => watchesOf(backend(1).seen) === 1, 100);
    const before = backend(0).seen.length;
    for (let i = 0; i < 3; i++) assert.equal((await hub.request("GET", namespacePath)).status, 200);
    assert.equal(backend(0).seen.length, before);
    await watch.close();
  }, { backends: 2, intercept });
});

test("Hub is offline only when none of its API servers answers, and online with the first that does", () =>
  serveBackends(async (scene) => {
    const { hub, backend, server } = scene;
    await allHealthy(scene);
    seedMap(server, "a");
    await hub.request("GET", mapsPath);
    await backend(0).cloud.cut();
    await backend(1).cloud.cut();
    const answer = await inTime(scene, hub.request("GET", mapsPath));
    assert.deepEqual([answer.status, answer.headers.get("x-holdfast-source")], [200, "replica"]);
    await scene.until(async () => (await hub.status()).link.state === "offline", 100);
    await backend(1).cloud.heal();
    await scene.until(async () => (await hub.status()).link.state === "online", 100);
    assert.equal((await hub.request("GET", mapsPath)).headers.get("x-holdfast-source"), "cloud");
  }, { backends: 2 }));

test("Hub refuses an API server whose tokens another issuer issues, names it, and goes on with the others", () => {
  const intercept = ({ rawPath }: Exchange, index: number): Response | undefined =>
    rawPath === "/.well-known/openid-configuration"
      ? Response.json({ issuer: index === 1 ? "https://other" : "https://ours" })
      : undefined;
  return serveBackends(async (scene) => {
    const { hub, backend, log } = scene;
    await scene.until(async () => (await hub.status()).link.backends[1]?.state === "untrusted", 100);
    const refused = (await hub.status()).link.backends[1];
    assert.match(refused?.reason ?? "", /issued by https:\/\/other, the known cluster's by https:\/\/ours/);
    for (let i = 0; i < 4; i++) assert.equal((await hub.request("GET", namespacePath)).status, 200);
    assert.deepEqual(backend(1).seen, []);
    const errors = log.filter(({ level }) => level === "error");
    assert.deepEqual(errors.map(({ fields }) => fields["backend"]), [backend(1).cloud.host]);
  }, { backends: 2, lbMode: "rr", intercept });
});

test("Hub in cloud mode passes everything on, keeps nothing, and checks nothing", () => {
  let checks = 0;
  const intercept = ({ rawPath }: Exchange): Response | undefined => {
    if (rawPath === "/readyz" || rawPath.startsWith("/.well-known")) checks += 1;
    return undefined;
  };
  return serveBackends(async (scene) => {
    const { hub, backend, server, clock } = scene;
    seedMap(server, "a");
    for (const path of [mapsPath, `${mapsPath}?resourceVersion=0`, `${mapsPath}/a`, "/api"]) {
      const answer = await hub.request("GET", path);
      assert.deepEqual([answer.status, answer.headers.get("x-holdfast-source")], [200, "cloud"], path);
    }
    const watch = await hub.watch(`${mapsPath}?watch=1`);
    assert.match(await nextEvent(watch), /^ADDED a/);
    await watch.close();
    await clock.advance(60_000);
    const { collections, records, link, lease } = await hub.status();
    assert.deepEqual([collections.length, records.count, link.state, lease, checks], [0, 0, "online", undefined, 0]);
    await backend(0).cloud.cut();
    assert.equal((await hub.request("GET", mapsPath)).status, 200); // by the other one
    await backend(1).cloud.cut();
    assert.equal((await hub.request("GET", mapsPath)).status, 503);
  }, { backends: 2, workingMode: "cloud", intercept });
});

test("Hub tells what each client has cost the link, in its status and in metrics", () =>
  serveBackends(async ({ hub, server }) => {
    seedMap(server, "a");
    const headers = { "User-Agent": "kubectl/v1.36.0 (linux/amd64) kubernetes/abc" };
    const { text } = await hub.request("GET", mapsPath, { headers });
    const { traffic = [] } = await hub.status();
    const kubectl = { client: "kubectl", requests: 1, failed: 0, sentBytes: 0, receivedBytes: text.length };
    assert.deepEqual(traffic.find(({ client }) => client === "kubectl"), kubectl);
    assert.ok(traffic.some(({ client, requests }) => client === "holdfast-link" && requests > 0));
    const metrics = await (await fetch(`${hub.statusOrigin}/metrics`)).text();
    assert.match(metrics, /^holdfast_cloud_requests_total\{client="kubectl"\} 1$/m);
    assert.match(
      metrics,
      new RegExp(`^holdfast_cloud_received_bytes_total\\{client="kubectl"\\} ${text.length}$`, "m"),
    );
    assert.match(metrics, /^holdfast_backend_state\{backend="127\.0\.0\.1:\d+",state="healthy"\} 1$/m);
  }, { backends: 1 }));

function watchesOf(seen: readonly string[]): number {
  return seen.filter((path) => path.includes("watch=")).length;
}

async function allHealthy({ hub, until }: BackendsScene): Promise<void> {
  await until(async () => (await hub.status()).link.backends.every(({ state }) => state === "healthy"));
}

/** What comes of it while the hub's clock runs. */
async function inTime<T>({ until }: BackendsScene, promise: Promise<T>): Promise<T> {
  let done = false;
  void promise.finally(() => done = true).catch(() => undefined);
  await until(() => done, 100);
  return await promise;
}
