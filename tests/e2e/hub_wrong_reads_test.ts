import assert from "node:assert/strict";
import { test } from "node:test";
import { serveHub } from "../testing/hub_scene.ts";
import { mapsPath, seedMap } from "../testing/sample_objects.ts";

const unserved = "/apis/example.com/v1/nothings";
const metadata = (kind: string) => `application/json;as=${kind};g=meta.k8s.io;v=v1`;

for (
  const [what, path, code] of [
    ["a version that is no number", `${mapsPath}?resourceVersion=abc`, 400],
    ["a watch from a version that is no number", `${mapsPath}?watch=1&resourceVersion=abc`, 500],
    ["a GET of a version that is no number", `${mapsPath}/a?resourceVersion=abc`, 500],
    ["options that do not go together", `${mapsPath}?resourceVersionMatch=Exact`, 422],
    ["a limit that is no number", `${mapsPath}?limit=x`, 400],
    ["a selector that cannot be read", `${mapsPath}?labelSelector=a%20b`, 400],
    ["a timeout that is no duration", `${mapsPath}?resourceVersion=0&timeout=x`, 400],
    ["a deprecated watch, checked as a list", `/api/v1/watch/configmaps?sendInitialEvents=true`, 422],
  ] as const
) {
  test(`${what}: the cloud refuses it in its own words, offline the hub does`, () =>
    serveHub(async (scene) => {
      seedMap(scene.server, "a");
      await scene.request("GET", `${mapsPath}?resourceVersion=0`);
      const online = await scene.request("GET", path);
      assert.equal(online.headers.get("x-holdfast-source"), "cloud");
      assert.deepEqual(scene.seen.at(-1)?.path, path);
      await scene.cut();
      const offline = await scene.request("GET", path);
      assert.deepEqual([offline.status, offline.body.kind], [code, "Status"], offline.text);
    }));
}

test("a watch takes no timeout: one that is no duration is not looked at", () =>
  serveHub(async (scene) => {
    await scene.request("GET", `${mapsPath}?resourceVersion=0`);
    const watch = await scene.watch(`${mapsPath}?watch=1&resourceVersion=0&timeout=x`);
    seedMap(scene.server, "a");
    assert.equal((await watch.next())?.type, "ADDED");
  }));

for (
  const [what, path, kind] of [
    ["a list as one object's metadata", `${mapsPath}?resourceVersion=0`, "PartialObjectMetadata"],
    ["an object as a list of metadata", `${mapsPath}/a`, "PartialObjectMetadataList"],
    ["events as lists of metadata", `${mapsPath}?watch=1`, "PartialObjectMetadataList"],
  ] as const
) {
  test(`R12: ${what} is for the cloud to refuse`, () =>
    serveHub(async (scene) => {
      seedMap(scene.server, "a");
      await scene.request("GET", `${mapsPath}?resourceVersion=0`);
      await scene.cut();
      assert.equal((await scene.request("GET", path, { headers: { accept: metadata(kind) } })).status, 503);
    }));
}

for (const query of ["resourceVersion=0", "watch=1"]) {
  test(`R1: what the cloud does not serve at all is its 404 at once (${query})`, () =>
    serveHub(async (scene) => {
      const answer = await scene.request("GET", `${unserved}?${query}`);
      assert.deepEqual([answer.status, answer.text], [404, "404 page not found\n"]);
    }, {
      intercept: ({ rawPath }) =>
        rawPath.startsWith(unserved)
          ? new Response("404 page not found\n", {
            status: 404,
            headers: { "content-type": "text/plain; charset=utf-8" },
          })
          : undefined,
    }));
}
