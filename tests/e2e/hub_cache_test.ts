import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { names, syncMaps } from "../testing/hub_answers.ts";
import { type HubScene, serveHub } from "../testing/hub_scene.ts";
import { mapsPath, seedMap } from "../testing/sample_objects.ts";

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function remove(
  { statusOrigin }: HubScene,
  query: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${statusOrigin}/v1/cache${query}`, { method: "DELETE", headers });
  // Not checked: an assertion on what is not there fails.
  return { status: response.status, body: await response.json() as Readonly<Record<string, unknown>> };
}

test("DELETE /v1/cache removes a collection, whose watchers list again, and a read fetches it anew", () =>
  serveHub(async (scene) => {
    seedMap(scene.server, "a");
    await syncMaps(scene);
    const watch = await scene.watch(`${mapsPath}?watch=1&resourceVersion=0`);
    assert.equal((await watch.next()).object.metadata.name, "a");
    const { status, body } = await remove(scene, "?resource=configmaps&namespace=default");
    assert.deepEqual([status, body], [200, {
      collections: ["configmaps.v1. -n default"],
      records: 0,
      documents: 0,
      remaining: [],
    }]);
    const ended = await watch.next();
    assert.deepEqual([ended.type, ended.object.code], ["ERROR", 410]);
    assert.deepEqual((await scene.status()).collections, []);
    assert.deepEqual(names(await scene.request("GET", `${mapsPath}?resourceVersion=0`)), ["a"]);
    assert.deepEqual((await remove(scene, "?all=true")).body["collections"], ["configmaps.v1. -n default"]);
    assert.ok(scene.log.some(({ level, message }) => level === "warn" && /removed by request/.test(message)));
  }));

test("DELETE /v1/cache is refused while the link is cut, unless it is forced", () =>
  serveHub(async (scene) => {
    seedMap(scene.server, "a");
    await syncMaps(scene);
    await scene.cut();
    const refused = await remove(scene, "?resource=configmaps");
    assert.deepEqual([refused.status, refused.body["reason"]], [409, "Conflict"]);
    assert.equal((await scene.request("GET", mapsPath)).status, 200);
    assert.equal((await remove(scene, "?resource=configmaps&force=true")).status, 200);
    assert.equal((await scene.request("GET", mapsPath)).status, 503);
  }));

for (
  const query of ["", "?resource=", "?all=true&documents=true", "?all=true&namespace=x", "?resourc=pods", "?name=a"]
) {
  test(`DELETE /v1/cache${query} is 400 and removes nothing`, () =>
    serveHub(async (scene) => {
      seedMap(scene.server, "a");
      await syncMaps(scene);
      const { status, body } = await remove(scene, query);
      assert.deepEqual([status, body["reason"]], [400, "BadRequest"]);
      assert.equal((await scene.status()).collections.length, 1);
    }));
}

test("DELETE /v1/cache answers no other site", () =>
  serveHub(async (scene) => {
    assert.equal((await remove(scene, "?all=true", { Origin: "https://example.com" })).status, 403);
  }));

test("DELETE /v1/cache answers no user who is not in --plain-allow-uid, where the platform can tell", {
  skip: process.platform === "linux" ? false : "only Linux tells the user at the other end",
}, () =>
  serveHub(async (scene) => {
    const { status, body } = await remove(scene, "?all=true");
    assert.deepEqual([status, body["reason"]], [403, "Forbidden"]);
    assert.equal((await fetch(`${scene.statusOrigin}/readyz`)).status, 200);
  }, { plainAllowUids: [4_000_000] }));
