import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeCloudContinue, encodeHubContinue, readContinue } from "../../src/kube/continue_token.ts";
import type { Exchange } from "../../src/platform/exchange.ts";
import { pagedListMs } from "../../src/replica/paged_lists.ts";
import { inTime, names, nextEvent, syncMaps } from "../testing/hub_answers.ts";
import { type HubScene, serveHub } from "../testing/hub_scene.ts";
import type { HubAnswer } from "../testing/running_hub.ts";
import { mapsPath, removeMap, seed, seedMap } from "../testing/sample_objects.ts";

const expired = "The provided continue parameter is too old to display a consistent list result. " +
  "You can start a new list without the continue parameter.";

/** Five ConfigMaps, of which the hub holds a complete list while the link is cut. */
async function held(scene: HubScene): Promise<void> {
  for (const name of ["a", "b", "c", "d", "e"]) seedMap(scene.server, name);
  await syncMaps(scene);
  await scene.cut();
}

function tokenOf({ body }: HubAnswer): string {
  return body.metadata.continue ?? "";
}

/** What a page says of itself: its names, its version, how many remain, and whether there is a further one. */
function pageOf(answer: HubAnswer) {
  const { resourceVersion, remainingItemCount, continue: token } = answer.body.metadata;
  return { names: names(answer), resourceVersion, remainingItemCount, more: token !== undefined };
}

test("R8: offline a list comes in pages, all of one version and in the order of keys", () =>
  serveHub(async (scene) => {
    await held(scene);
    const { resourceVersion } = (await scene.request("GET", mapsPath)).body.metadata;
    const first = await scene.request("GET", `${mapsPath}?limit=2`);
    assert.deepEqual(pageOf(first), { names: ["a", "b"], resourceVersion, remainingItemCount: 3, more: true });
    const second = await scene.request("GET", `${mapsPath}?limit=2&continue=${tokenOf(first)}`);
    assert.deepEqual(pageOf(second), { names: ["c", "d"], resourceVersion, remainingItemCount: 1, more: true });
    const third = await scene.request("GET", `${mapsPath}?limit=2&continue=${tokenOf(second)}`);
    assert.deepEqual(pageOf(third), { names: ["e"], resourceVersion, remainingItemCount: undefined, more: false });
    assert.deepEqual([third.headers.get("x-holdfast-source"), third.headers.get("age")], ["replica", "0"]);
  }));

test("R8: a further page is of the first page's state, whatever has come since, online too", () =>
  serveHub(async (scene) => {
    await held(scene);
    const first = await scene.request("GET", `${mapsPath}?limit=2`);
    await scene.clock.advance(7_000);
    removeMap(scene.server, "c");
    seedMap(scene.server, "d", "2");
    seedMap(scene.server, "bb");
    await scene.heal();
    await scene.until(async () =>
      names(await inTime(scene, scene.request("GET", `${mapsPath}?resourceVersion=0`))).includes("bb")
    );
    const asked = scene.seen.length;
    for (const _ of ["asked", "and asked again"]) {
      const rest = await scene.request("GET", `${mapsPath}?limit=500&continue=${tokenOf(first)}`);
      assert.deepEqual(names(rest), ["c", "d", "e"]);
      assert.ok(!rest.text.includes('"value":"2"'));
      assert.equal(rest.body.metadata.resourceVersion, first.body.metadata.resourceVersion);
      assert.ok(Number(rest.headers.get("age")) >= 7);
    }
    assert.deepEqual(scene.seen.slice(asked), []);
  }));

test("R8: pages of all namespaces are in etcd's order of keys", () =>
  serveHub(async (scene) => {
    const places = [["b", "x"], ["a-b", "x"], ["a", "z"], ["a", "a.b"], ["a", "a"], ["a", "a-b"]] as const;
    for (const [namespace, name] of places) {
      seed(scene.server, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
      seed(scene.server, { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace } });
    }
    await scene.request("GET", "/api/v1/configmaps");
    await scene.cut();
    const seen: string[] = [];
    let token = "";
    do {
      const { text, body } = await scene.request("GET", `/api/v1/configmaps?limit=1&continue=${token}`);
      seen.push(/"namespace":"([^"]+)"/.exec(text)?.[1] + "/" + body.items[0]?.metadata.name);
      token = body.metadata.continue ?? "";
    } while (token !== "");
    assert.deepEqual(seen, ["a-b/x", "a/a", "a/a-b", "a/a.b", "a/z", "b/x"]);
  }));

test("R8: what has a selector comes in pages too, without a count of what remains", () =>
  serveHub(async (scene) => {
    await held(scene);
    const selector = "fieldSelector=metadata.name!%3Db";
    const first = await scene.request("GET", `${mapsPath}?limit=2&${selector}`);
    assert.deepEqual([names(first), first.body.metadata.remainingItemCount], [["a", "c"], undefined]);
    const rest = await scene.request("GET", `${mapsPath}?limit=2&${selector}&continue=${tokenOf(first)}`);
    assert.deepEqual([names(rest), tokenOf(rest)], [["d", "e"], ""]);
  }));

test("R1: a page not older than a version is of the collection, one of version 0 is the whole list", () =>
  serveHub(async (scene) => {
    const version = seedMap(scene.server, "a");
    seedMap(scene.server, "b");
    await syncMaps(scene);
    const query = `resourceVersionMatch=NotOlderThan&limit=1&resourceVersion=`;
    const first = await scene.request("GET", `${mapsPath}?${query}${version}`);
    assert.deepEqual([first.headers.get("x-holdfast-source"), names(first)], ["replica", ["a"]]);
    const rest = await scene.request("GET", `${mapsPath}?limit=1&continue=${tokenOf(first)}`);
    assert.deepEqual([rest.headers.get("x-holdfast-source"), names(rest)], ["replica", ["b"]]);
    assert.deepEqual(names(await scene.request("GET", `${mapsPath}?${query}0`)), ["a", "b"]);
    // As the API server's watch cache has it: no limit counts where the version is 0.
    const whole = await scene.request("GET", `${mapsPath}?limit=1&resourceVersion=0&continue=${tokenOf(first)}`);
    assert.deepEqual([names(whole), tokenOf(whole)], [["b"], ""]);
  }));

for (const kind of ["Table", "PartialObjectMetadataList"]) {
  test(`R8, R12: offline a ${kind} comes in pages`, () =>
    serveHub(async (scene) => {
      await held(scene);
      const headers = { Accept: `application/json;as=${kind};v=v1;g=meta.k8s.io` };
      const first = await scene.request("GET", `${mapsPath}?limit=3`, { headers });
      assert.deepEqual([first.body.kind, first.body.metadata.remainingItemCount], [kind, 2]);
      const rest = await scene.request("GET", `${mapsPath}?limit=3&continue=${tokenOf(first)}`, { headers });
      assert.deepEqual([rest.body.kind, tokenOf(rest)], [kind, ""]);
      const shown = [first, rest].map(({ text }) =>
        [...text.matchAll(/"metadata":\{"name":"(.)"/g)].map(([, name]) => name)
      );
      assert.deepEqual(shown, [["a", "b", "c"], ["d", "e"]]);
    }));
}

for (
  const [what, change] of [
    ["after 5 minutes", ({ clock }) => clock.advance(pagedListMs)],
    ["after a restart of the hub", ({ restart }) => restart()],
  ] as const satisfies readonly (readonly [string, (scene: HubScene) => Promise<void>])[]
) {
  test(`R8: ${what} a further page is 410 in the API server's words, online and offline`, () =>
    serveHub(async (scene) => {
      await held(scene);
      const path = `${mapsPath}?limit=2&continue=${tokenOf(await scene.request("GET", `${mapsPath}?limit=2`))}`;
      await change(scene);
      const offline = await scene.request("GET", path);
      assert.deepEqual([offline.status, offline.body.reason, offline.body.message], [410, "Expired", expired]);
      await scene.heal();
      assert.equal((await scene.request("GET", path)).text, offline.text);
    }));
}

test("R8: what is removed from the cache by request is in no further page", () =>
  serveHub(async (scene) => {
    await held(scene);
    const path = `${mapsPath}?limit=2&continue=${tokenOf(await scene.request("GET", `${mapsPath}?limit=2`))}`;
    const remove = (what: string) => fetch(`${scene.statusOrigin}/v1/cache?force=true&${what}`, { method: "DELETE" });
    assert.equal((await remove("documents=true")).status, 200);
    assert.equal((await scene.request("GET", path)).status, 200);
    assert.equal((await remove("resource=configmaps")).status, 200);
    assert.equal((await scene.request("GET", path)).status, 410);
  }));

test("R8, R9: a new epoch ends the lists that were begun before it", () => {
  let restored = false;
  const intercept = ({ rawPath }: Exchange): Response | undefined => {
    if (!restored || !rawPath.startsWith(mapsPath)) return undefined;
    if (rawPath.includes("watch=")) return new Response("{}", { status: 422 });
    return Response.json({ kind: "ConfigMapList", apiVersion: "v1", metadata: { resourceVersion: "7" }, items: [] });
  };
  return serveHub(async (scene) => {
    await held(scene);
    const first = await scene.request("GET", `${mapsPath}?limit=2`);
    restored = true;
    await scene.heal();
    await scene.request("GET", mapsPath);
    const further = await scene.request("GET", `${mapsPath}?limit=2&continue=${tokenOf(first)}`);
    assert.deepEqual([further.status, further.body.reason], [410, "Expired"]);
  }, { intercept });
});

test("R8, R16: a refusal that ends what was granted ends the lists that were begun before it", () => {
  let refusing = false;
  const refusal = { kind: "Status", status: "Failure", reason: "Forbidden", code: 403, message: "no more" };
  const intercept = ({ rawPath }: Exchange): Response | undefined =>
    refusing && rawPath.startsWith(mapsPath) ? Response.json(refusal, { status: 403 }) : undefined;
  return serveHub(async (scene) => {
    await held(scene);
    await scene.heal();
    const watch = await scene.watch(`${mapsPath}?watch=1&resourceVersion=${scene.server.objects.version}`);
    await scene.cut();
    refusing = true;
    await scene.cloud.heal();
    let event = "";
    void nextEvent(watch).then((next) => event = next);
    let first: HubAnswer | undefined;
    await scene.until(async () => {
      // Not long before the minute is over: what is begun is kept for five.
      if (first === undefined) first = await offlinePage(scene);
      return event !== "";
    }, 1_000);
    assert.ok(first !== undefined);
    const further = await inTime(scene, scene.request("GET", `${mapsPath}?limit=2&continue=${tokenOf(first)}`));
    assert.deepEqual([further.status, further.body.message], [403, "no more"]);
  }, { intercept });
});

/** Of the collection, which is not live. */
async function offlinePage(scene: HubScene): Promise<HubAnswer | undefined> {
  const { resourceVersion } =
    (await inTime(scene, scene.request("GET", `${mapsPath}?resourceVersion=0`))).body.metadata;
  const query = `resourceVersion=${resourceVersion}&resourceVersionMatch=NotOlderThan&limit=2`;
  const answer = await inTime(scene, scene.request("GET", `${mapsPath}?${query}`));
  return tokenOf(answer) === "" ? undefined : answer;
}

test("R8: a token is of one list: with another query, or made up, it is 410", () =>
  serveHub(async (scene) => {
    await held(scene);
    await scene.request("GET", "/api/v1/configmaps");
    const token = tokenOf(await scene.request("GET", `${mapsPath}?limit=2`));
    const read = readContinue(token);
    assert.ok(read.from === "hub");
    for (
      const path of [
        `/api/v1/configmaps?continue=${token}`,
        `${mapsPath}?labelSelector=a&continue=${token}`,
        `/api/v1/namespaces/kube-system/configmaps?continue=${token}`,
        `/api/v1/namespaces/default/secrets?continue=${token}`,
        `${mapsPath}?continue=${encodeHubContinue({ ...read.position, list: "00" })}`,
        `${mapsPath}?continue=${encodeHubContinue({ ...read.position, list: "" })}`,
      ]
    ) {
      const { status, body } = await scene.request("GET", path);
      assert.deepEqual([status, body.reason, body.message], [410, "Expired", expired], path);
    }
    // Of its own list nobody gets more than it holds, wherever the token says to begin.
    for (const [start, first] of [["", "a"], ["\u{10ffff}", undefined], ["default/c", "c"]] as const) {
      const answer = await scene.request(
        "GET",
        `${mapsPath}?continue=${encodeHubContinue({ ...read.position, start })}`,
      );
      assert.deepEqual([answer.status, names(answer)[0]], [200, first]);
    }
  }));

const cloudToken = encodeCloudContinue({ resourceVersion: "1001", start: "a\0" });

for (
  const [what, query, code, message] of [
    ["is the cloud's", `continue=${cloudToken}`, 410, expired],
    [
      "is the cloud's, at a version",
      `continue=${cloudToken}&resourceVersion=5`,
      400,
      "specifying resource version is not allowed when using continue",
    ],
    [
      "is no base64",
      "continue=a.b",
      400,
      "invalid continue token: continue key is not valid: illegal base64 data at input byte 1",
    ],
    [
      "goes with a match",
      `continue=${cloudToken}&resourceVersionMatch=NotOlderThan&resourceVersion=5`,
      422,
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided',
    ],
  ] as const
) {
  test(`R8: offline a token that ${what} is ${code}`, () =>
    serveHub(async (scene) => {
      await held(scene);
      const answer = await scene.request("GET", `${mapsPath}?limit=2&${query}`);
      assert.deepEqual([answer.status, answer.body.message], [code, message]);
    }));
}

test("R8: the hub's own token at a version is 400, online and offline", () =>
  serveHub(async (scene) => {
    await held(scene);
    const token = tokenOf(await scene.request("GET", `${mapsPath}?limit=2`));
    for (const change of [() => Promise.resolve(), scene.heal]) {
      await change();
      for (const version of ["5", "abc"]) {
        const { status, body } = await scene.request("GET", `${mapsPath}?continue=${token}&resourceVersion=${version}`);
        assert.deepEqual(
          [status, body.message],
          [400, "specifying resource version is not allowed when using continue"],
        );
      }
    }
  }));

test("holdfast_paged_lists counts the lists that are kept", () =>
  serveHub(async (scene) => {
    await held(scene);
    await scene.request("GET", `${mapsPath}?limit=2`);
    await scene.request("GET", `${mapsPath}?limit=3`);
    const metrics = await fetch(`${scene.statusOrigin}/metrics`).then((answer) => answer.text());
    assert.match(metrics, /^holdfast_paged_lists 1$/m);
    assert.match(metrics, /^holdfast_paged_lists_dropped_total 0$/m);
  }));
