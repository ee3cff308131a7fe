import assert from "node:assert/strict";
import { test } from "node:test";
import type { Exchange } from "../../src/platform/exchange.ts";
import { inTime, names, nextEvent, syncMaps } from "../testing/hub_answers.ts";
import { type HubScene, serveHub } from "../testing/hub_scene.ts";
import { mapsPath, seedMap } from "../testing/sample_objects.ts";

const zero = `${mapsPath}?resourceVersion=0`;

/** A cloud that, while the test says so, refuses or does not know ConfigMaps any more. */
function changeable(code: 403 | 404) {
  const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code: 403 };
  const answers = {
    403: () => Response.json({ ...status, message: "configmaps is forbidden", reason: "Forbidden" }, { status: 403 }),
    404: () => new Response("404 page not found\n", { status: 404, headers: { "Content-Type": "text/plain" } }),
  };
  const cloud = {
    refuses: false,
    intercept: ({ rawPath }: Exchange): Response | undefined => {
      if (!cloud.refuses) return undefined;
      if (rawPath === "/api/v1") return Response.json({ kind: "APIResourceList", groupVersion: "v1", resources: [] });
      return rawPath.includes("/configmaps") ? answers[code]() : undefined;
    },
  };
  return cloud;
}

/** Has the cloud refuse until the watch has ended. @returns the last event of that */
async function refuse(scene: HubScene, cloud: { refuses: boolean }): Promise<string> {
  const watch = await scene.watch(`${mapsPath}?watch=1&resourceVersion=${scene.server.objects.version}`);
  cloud.refuses = true;
  await scene.cut();
  await scene.cloud.heal();
  let event = "";
  void nextEvent(watch).then((next) => event = next);
  await scene.until(() => event !== "", 1_000);
  return event;
}

for (const code of [403, 404] as const) {
  test(`R16: what the cloud answers with ${code} for a minute is its own answer for everybody, until it gives it again`, () => {
    const cloud = changeable(code);
    return serveHub(async (scene) => {
      seedMap(scene.server, "a");
      await syncMaps(scene);
      assert.equal(await refuse(scene, cloud), `ERROR  ${code}`);
      for (const path of [zero, mapsPath, `${mapsPath}?watch=1`]) {
        const answer = await inTime(scene, scene.request("GET", path));
        assert.deepEqual([answer.status, answer.headers.get("x-holdfast-source")], [code, "cloud"], path);
      }
      await scene.cut();
      assert.equal((await scene.request("GET", zero)).status, 503); // the grant has ended: no data, and no empty list
      await scene.cloud.heal();
      await scene.until(async () => (await scene.status()).link.state === "online", 250);
      cloud.refuses = false;
      seedMap(scene.server, "b");
      await scene.until(async () => {
        const answer = await inTime(scene, scene.request("GET", zero));
        return answer.headers.get("x-holdfast-source") === "replica" && names(answer).join() === "a,b";
      }, 1_000);
      const watch = await scene.watch(`${mapsPath}?watch=1&resourceVersion=${scene.server.objects.version}`);
      const version = seedMap(scene.server, "c");
      assert.equal(await nextEvent(watch), `ADDED c ${version}`);
    }, cloud);
  });
}
