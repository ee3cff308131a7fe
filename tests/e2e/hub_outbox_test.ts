import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StoreError } from "../../src/platform/store.ts";
import { nextEvent } from "../testing/hub_answers.ts";
import { serveHub } from "../testing/hub_scene.ts";
import {
  cloudPod,
  emptied,
  ends,
  holdPods,
  ownPods,
  patchStatus,
  phaseOf,
  podsPath,
  seedPod,
  strategic,
} from "../testing/outbox_scene.ts";
import type { HubAnswer } from "../testing/running_hub.ts";
import { seed } from "../testing/sample_objects.ts";

function assertRefused(answer: HubAnswer): void {
  assert.deepEqual([answer.status, answer.body.reason], [503, "ServiceUnavailable"]);
  assert.equal(answer.headers.get("retry-after"), null);
}

describe("the status of a pod of this node, patched offline", () => {
  test("is answered with the object as it will be, shown by every read, and in the cloud after the return", () =>
    serveHub(async (scene) => {
      const version = seedPod(scene, "web");
      await holdPods(scene);
      await scene.cut();
      const answer = await patchStatus(scene, "web", { phase: "Failed", message: "exit 1" });
      assert.deepEqual([answer.status, answer.headers.get("x-holdfast-source")], [200, "outbox"]);
      assert.deepEqual([phaseOf(answer.body), answer.body.metadata.resourceVersion], ["Failed", version]);
      assert.equal(phaseOf((await scene.request("GET", `${podsPath}/web`)).body), "Failed");
      const list = await scene.request("GET", `${ownPods}&resourceVersion=0`);
      assert.deepEqual(list.body.items.map(phaseOf), ["Failed"]);
      assert.deepEqual((await scene.outbox()).waiting.map(({ name, kind, writes }) => [name, kind, writes]), [
        ["web", "status", 1],
      ]);
      assert.equal(phaseOf(cloudPod(scene, "web")), "Running");
      await scene.heal();
      await emptied(scene);
      assert.equal(phaseOf(cloudPod(scene, "web")), "Failed");
      assert.deepEqual(await ends(scene), ["pods/web pushed"]);
    }));

  test("reaches open watches as MODIFIED of the same version, then a bookmark; the old state never comes back", () =>
    serveHub(async (scene) => {
      const version = seedPod(scene, "web");
      const watch = await scene.watch(`${ownPods}&watch=1&allowWatchBookmarks=true`);
      assert.equal(await nextEvent(watch), `ADDED web ${version}`);
      assert.equal((await watch.next()).type, "BOOKMARK"); // the end of the initial state
      await scene.cut();
      await patchStatus(scene, "web", { phase: "Failed" });
      const changed = await watch.next();
      assert.deepEqual([changed.type, changed.object.metadata.resourceVersion, phaseOf(changed.object)], [
        "MODIFIED",
        version,
        "Failed",
      ]);
      assert.equal((await watch.next()).type, "BOOKMARK");
      // The cloud changes something else meanwhile.
      scene.server.objects.put({ resource: "pods", namespace: "default", name: "web" }, (resourceVersion) => {
        const held = cloudPod(scene, "web");
        assert.ok(held !== undefined);
        return { ...held, metadata: { ...held.metadata, resourceVersion, labels: { cloud: "yes" } } };
      });
      await scene.heal();
      await emptied(scene);
      const phases: string[] = [];
      let version2 = "";
      while (version2 !== cloudPod(scene, "web")?.metadata.resourceVersion) {
        const { type, object } = await watch.next();
        version2 = object.metadata.resourceVersion ?? "";
        if (type !== "BOOKMARK") phases.push(phaseOf(object));
      }
      assert.ok(phases.length > 0 && phases.every((phase) => phase === "Failed"), phases.join());
      assert.equal(cloudPod(scene, "web")?.metadata.labels?.["cloud"], "yes");
    }));

  test("is folded with what waits, and survives a restart of the hub", () =>
    serveHub(async (scene) => {
      seedPod(scene, "web");
      await holdPods(scene);
      await scene.cut();
      await patchStatus(scene, "web", { conditions: [{ type: "Ready", status: "False" }] });
      await patchStatus(scene, "web", { phase: "Failed" });
      assert.deepEqual((await scene.outbox()).waiting.map(({ writes }) => writes), [2]);
      await scene.restart();
      const got = await scene.request("GET", `${podsPath}/web`);
      assert.equal(phaseOf(got.body), "Failed");
      await scene.heal();
      await emptied(scene);
      const pod = cloudPod(scene, "web");
      assert.deepEqual(Reflect.get(pod ?? {}, "status"), {
        phase: "Failed",
        conditions: [{ type: "Ready", status: "False" }],
        qosClass: "BestEffort",
      });
    }));

  test("that changes nothing is answered from the replica, and waits for nothing", () =>
    serveHub(async (scene) => {
      seedPod(scene, "web");
      await holdPods(scene);
      await scene.cut();
      const answer = await patchStatus(scene, "web", { phase: "Running" });
      assert.deepEqual([answer.status, answer.headers.get("x-holdfast-source")], [200, "replica"]);
      assert.deepEqual((await scene.outbox()).waiting, []);
    }));

  test("as an update (PUT) is taken too, unless it is of another version or changes more", () =>
    serveHub(async (scene) => {
      seedPod(scene, "web");
      await holdPods(scene);
      const held = await scene.request("GET", `${podsPath}/web`);
      await scene.cut();
      const object = JSON.parse(held.text) as { metadata: object; status: object }; // as the server gave it
      const put = (body: unknown) => scene.request("PUT", `${podsPath}/web/status`, { body });
      assertRefused(await put({ ...object, metadata: { ...object.metadata, resourceVersion: "1" } }));
      assertRefused(await put({ ...object, metadata: { ...object.metadata, labels: { a: "b" } } }));
      const answer = await put({ ...object, status: { ...object.status, phase: "Failed" } });
      assert.deepEqual([answer.status, phaseOf(answer.body)], [200, "Failed"]);
    }));
});

for (
  const [what, method, path, headers, body] of [
    ["of a pod of another node", "PATCH", `${podsPath}/other/status`, strategic, { status: { phase: "Failed" } }],
    ["of a pod that is not held", "PATCH", `${podsPath}/none/status`, strategic, { status: { phase: "Failed" } }],
    ["of another node", "PATCH", "/api/v1/nodes/node-2/status", strategic, { status: { phase: "x" } }],
    ["of a Node's labels", "PATCH", "/api/v1/nodes/node-1", strategic, { metadata: { labels: { a: "b" } } }],
    ["of a pod's spec", "PATCH", `${podsPath}/web`, strategic, { spec: { activeDeadlineSeconds: 5 } }],
    ["that is not understood", "PATCH", `${podsPath}/web/status`, strategic, { status: { $patch: "unheard" } }],
    ["of a dry run", "PATCH", `${podsPath}/web/status?dryRun=All`, strategic, { status: { phase: "Failed" } }],
    [
      "as somebody else",
      "PATCH",
      `${podsPath}/web/status`,
      { ...strategic, "Impersonate-User": "jane" },
      { status: { phase: "Failed" } },
    ],
    [
      "with a credential of its own",
      "PATCH",
      `${podsPath}/web/status`,
      { ...strategic, Authorization: "Bearer own" },
      { status: { phase: "Failed" } },
    ],
  ] as const
) {
  test(`a write ${what} is 503 offline, and nothing waits`, () =>
    serveHub(async (scene) => {
      seedPod(scene, "web");
      seedPod(scene, "other", { nodeName: "node-2" });
      for (const name of ["node-1", "node-2"]) {
        seed(scene.server, { apiVersion: "v1", kind: "Node", metadata: { name }, status: { phase: "y" } });
        await scene.request("GET", `/api/v1/nodes/${name}`);
      }
      for (const name of ["web", "other"]) await scene.request("GET", `${podsPath}/${name}`);
      await scene.cut();
      assertRefused(await scene.request(method, path, { body, headers }));
      assert.deepEqual((await scene.outbox()).waiting, []);
    }));
}

test("the node's own status waits in the outbox", () =>
  serveHub(async (scene) => {
    seed(scene.server, {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "node-1" },
      status: { conditions: [{ type: "Ready", status: "True" }] },
    });
    await scene.request("GET", "/api/v1/nodes/node-1");
    await scene.cut();
    const body = { status: { conditions: [{ type: "Ready", status: "False" }] } };
    const answer = await scene.request("PATCH", "/api/v1/nodes/node-1/status", { body, headers: strategic });
    assert.deepEqual([answer.status, answer.headers.get("x-holdfast-source")], [200, "outbox"]);
    await scene.heal();
    await emptied(scene);
    const node = scene.server.objects.get({ resource: "nodes", namespace: "", name: "node-1" });
    assert.deepEqual(Reflect.get(node ?? {}, "status"), { conditions: [{ type: "Ready", status: "False" }] });
  }));

describe("on return", () => {
  test("a pod that has finished in the cloud stays finished, and the node's readers see it", () =>
    serveHub(async (scene) => {
      seedPod(scene, "web");
      await holdPods(scene);
      await scene.cut();
      await patchStatus(scene, "web", { message: "still here" });
      seedPod(scene, "web", { phase: "Failed" });
      await scene.heal();
      await emptied(scene);
      assert.deepEqual(await ends(scene), ["pods/web finished"]);
      assert.equal(phaseOf(cloudPod(scene, "web")), "Failed");
      assert.equal(phaseOf((await scene.request("GET", `${podsPath}/web`)).body), "Failed");
    }));

  test("a pod that is gone, and one that was made anew, are left alone and reported", () =>
    serveHub(async (scene) => {
      seedPod(scene, "gone");
      seedPod(scene, "anew");
      await holdPods(scene);
      await scene.cut();
      for (const name of ["gone", "anew"]) await patchStatus(scene, name, { phase: "Failed" });
      for (const name of ["gone", "anew"]) {
        scene.server.objects.remove({ resource: "pods", namespace: "default", name });
      }
      seedPod(scene, "anew", { uid: "other" });
      await scene.heal();
      await emptied(scene);
      assert.deepEqual([...await ends(scene)].sort(), ["pods/anew replaced", "pods/gone gone"]);
      assert.equal(phaseOf(cloudPod(scene, "anew")), "Running");
      assert.equal(phaseOf((await scene.request("GET", `${podsPath}/anew`)).body), "Running");
    }));

  for (const status of [500, 503, 429, 403]) {
    test(`a push that the cloud answers with ${status} is kept and tried again`, () => {
      let failing = true;
      return serveHub(async (scene) => {
        seedPod(scene, "web");
        await holdPods(scene);
        await scene.cut();
        await patchStatus(scene, "web", { phase: "Failed" });
        await scene.heal();
        await scene.until(async () => ((await scene.outbox()).waiting[0]?.attempts ?? 0) >= 2, 250);
        const list = await scene.request("GET", podsPath);
        assert.deepEqual(list.body.items.map(phaseOf), ["Failed"]); // the cloud's own answer lies under it too
        assert.equal(phaseOf((await scene.request("GET", `${podsPath}/web`)).body), "Failed");
        failing = false;
        await emptied(scene);
        assert.deepEqual(await ends(scene), ["pods/web pushed"]);
      }, {
        intercept: ({ method }) => method === "PATCH" && failing ? new Response("no", { status }) : undefined,
      });
    });
  }

  test("a pod that is gone, of which the Node authorizer says 403, is reported as gone", () => {
    let isGone = false;
    return serveHub(async (scene) => {
      seedPod(scene, "web");
      await holdPods(scene);
      await scene.cut();
      await patchStatus(scene, "web", { phase: "Failed" });
      scene.server.objects.remove({ resource: "pods", namespace: "default", name: "web" });
      isGone = true;
      await scene.heal();
      await emptied(scene);
      assert.deepEqual(await ends(scene), ["pods/web gone"]);
      const asked = scene.seen.map(({ path }) => path).find((path) => path.includes("metadata.name"));
      assert.equal(asked, `${podsPath}?fieldSelector=metadata.name%3Dweb%2Cspec.nodeName%3Dnode-1`);
    }, {
      intercept: ({ method, rawPath }) =>
        isGone && method === "GET" && rawPath === `${podsPath}/web`
          ? Response.json({ kind: "Status", code: 403, reason: "Forbidden" }, { status: 403 })
          : undefined,
    });
  });

  test("a push that the cloud refuses with 422 is reported in its words, and its readers get the cloud's object", () =>
    serveHub(async (scene) => {
      seedPod(scene, "web");
      const watch = await scene.watch(`${ownPods}&watch=1&allowWatchBookmarks=true`);
      for (const type of ["ADDED", "BOOKMARK"]) assert.equal((await watch.next()).type, type);
      await scene.cut();
      await patchStatus(scene, "web", { phase: "Failed" });
      assert.equal(phaseOf((await watch.next()).object), "Failed");
      assert.equal((await watch.next()).type, "BOOKMARK");
      await scene.heal();
      await emptied(scene);
      const [settled] = (await scene.outbox()).settled;
      assert.deepEqual([settled?.how, settled?.message], ["refused", "no such phase"]);
      assert.equal(phaseOf((await watch.next()).object), "Running");
      assert.equal(phaseOf((await scene.request("GET", `${podsPath}/web`)).body), "Running");
    }, {
      intercept: ({ method }) =>
        method === "PATCH"
          ? Response.json({ kind: "Status", code: 422, reason: "Invalid", message: "no such phase" }, { status: 422 })
          : undefined,
    }));

  test("a write to an object for which something waits is put behind it, and a deletion waits for it", () => {
    let failing = true;
    return serveHub(async (scene) => {
      seedPod(scene, "web");
      await holdPods(scene);
      await scene.cut();
      await patchStatus(scene, "web", { phase: "Failed" });
      await scene.heal();
      await scene.until(async () => ((await scene.outbox()).waiting[0]?.attempts ?? 0) >= 1, 100);
      const answer = await patchStatus(scene, "web", { message: "later" });
      assert.deepEqual([answer.status, answer.headers.get("x-holdfast-source")], [200, "outbox"]);
      failing = false;
      let deleted: HubAnswer | undefined;
      const deleting = scene.request("DELETE", `${podsPath}/web`, { body: { gracePeriodSeconds: 0 } });
      void deleting.then((got) => deleted = got);
      await scene.until(() => deleted !== undefined, 100);
      assert.equal(deleted?.status, 200);
      assert.deepEqual(await ends(scene), ["pods/web pushed"]);
      const writes = scene.seen.filter(({ method }) => ["PATCH", "DELETE"].includes(method)).map(({ method }) =>
        method
      );
      assert.deepEqual(writes.slice(-2), ["PATCH", "DELETE"]);
    }, { intercept: ({ method }) => method === "PATCH" && failing ? new Response("no", { status: 500 }) : undefined });
  });

  test("a push that was answered and could not be noted is not applied twice after a restart", () => {
    let full = false;
    return serveHub(async (scene) => {
      seedPod(scene, "web");
      await holdPods(scene);
      await scene.cut();
      await patchStatus(scene, "web", { phase: "Failed" });
      full = true;
      await scene.heal();
      await scene.until(() => phaseOf(cloudPod(scene, "web")) === "Failed", 250);
      const version = cloudPod(scene, "web")?.metadata.resourceVersion;
      assert.equal((await scene.outbox()).waiting.length, 1);
      full = false;
      await scene.restart();
      await emptied(scene);
      assert.deepEqual(await ends(scene), ["pods/web unchanged"]);
      assert.equal(cloudPod(scene, "web")?.metadata.resourceVersion, version);
    }, {
      onOutboxStore: (store) => ({
        ...store,
        commit: (batch) => full ? Promise.reject(new StoreError("full", "no space left")) : store.commit(batch),
      }),
    });
  });

  test("a push whose answer is lost is not applied twice", () => {
    let lost = 0;
    return serveHub(async (scene) => {
      seedPod(scene, "web");
      await holdPods(scene);
      await scene.cut();
      await patchStatus(scene, "web", { phase: "Failed" });
      // What the first push does, and a kill before its answer.
      seedPod(scene, "web", { phase: "Failed" });
      const version = cloudPod(scene, "web")?.metadata.resourceVersion;
      await scene.heal();
      await emptied(scene);
      assert.deepEqual(await ends(scene), ["pods/web unchanged"]);
      assert.equal(cloudPod(scene, "web")?.metadata.resourceVersion, version);
      assert.equal(lost, 0);
    }, {
      intercept: ({ method }) => {
        if (method === "PATCH") lost += 1;
        return undefined;
      },
    });
  });
});

test("a write past --outbox-max-bytes is 503", () =>
  serveHub(async (scene) => {
    seedPod(scene, "web");
    await holdPods(scene);
    await scene.cut();
    const answer = await patchStatus(scene, "web", { phase: "Failed" });
    assertRefused(answer);
    assert.ok(answer.body.message.startsWith("The outbox is full"), answer.body.message);
    assert.equal((await scene.outbox()).refused, 1);
  }, { outboxMaxBytes: 100 }));
