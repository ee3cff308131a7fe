import assert from "node:assert/strict";
import { test } from "node:test";
import { names } from "../testing/hub_answers.ts";
import { serveHub } from "../testing/hub_scene.ts";
import { mapsPath, seedMap } from "../testing/sample_objects.ts";

for (const query of ["resourceVersionMatch=Exact&", "limit=500&"]) {
  test(`R2: a list of the past is not recorded (${query}resourceVersion=X)`, () =>
    serveHub(async (scene) => {
      const past = seedMap(scene.server, "a");
      seedMap(scene.server, "b");
      assert.deepEqual(names(await scene.request("GET", `${mapsPath}?${query}resourceVersion=${past}`)), ["a"]);
      await scene.cut();
      assert.equal((await scene.request("GET", mapsPath)).status, 503);
    }));
}
