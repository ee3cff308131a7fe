import assert from "node:assert/strict";
import { test } from "node:test";
import { maxScopeCollections } from "../../src/replica/replica.ts";
import type { CallersScene } from "../testing/callers_scene.ts";
import { assertAnswer, fromReplica, maps, readAll, watchesOf, watchOf, withGrants } from "../testing/grants_scene.ts";
import { seed } from "../testing/sample_objects.ts";

/** Less than a check of the link waits for its answer, which comes in real time. */
const stepMs = 500;

/** A new watch is asked for, and left. */
async function statusOfWatch({ secureOrigin }: CallersScene, token: string): Promise<number> {
  const headers = { Authorization: `Bearer ${token}` };
  const { status, body } = await fetch(secureOrigin + watchOf(maps("red")), { headers });
  await body?.cancel();
  return status;
}

test("two service accounts and the node, all allowed, cost the cloud one watch; who is not allowed gets the cloud's own 403", () =>
  withGrants(async (scene, rbac) => {
    const { ask, watchAs, issuer, seen } = scene;
    for (const user of ["red:app", "blue:app"]) rbac.rules.set(user, [readAll("red")]);
    const [red, blue, other] = await Promise.all([
      issuer.token({ namespace: "red" }),
      issuer.token({ namespace: "blue" }),
      issuer.token({ namespace: "other" }),
    ]);
    for (const token of [red, blue]) {
      assertAnswer(await ask(token, `${maps("red")}?resourceVersion=0`), fromReplica);
      assertAnswer(await ask(token, `${maps("red")}/a?resourceVersion=0`), [200, "replica", 0]);
      const watch = await watchAs(token, watchOf(maps("red")));
      assert.deepEqual([(await watch.next()).object.metadata.name, (await watch.next()).object.metadata.name], [
        "a",
        "b",
      ]);
    }
    assertAnswer(await scene.request("GET", `${maps("red")}?resourceVersion=0`), fromReplica);
    assert.equal(watchesOf(scene).length, 1);
    for (
      const path of [
        `${maps("red")}?resourceVersion=0`,
        `${maps("red")}/a?resourceVersion=0`,
        watchOf(maps("red")),
        maps("red"),
      ]
    ) {
      const refused = await ask(other, path);
      assert.deepEqual([refused.status, refused.headers.get("x-holdfast-source")], [403, "cloud"]);
      assert.match(refused.body.message, /User "other:app" .* says the cloud/);
    }
    assert.equal((await ask(red, `${maps("blue")}?resourceVersion=0`)).status, 403);
    assert.equal((await ask(red, "/api/v1/configmaps?resourceVersion=0")).status, 403);
    const own = new Set([red, blue, other].map((token) => `Bearer ${token}`));
    assert.ok(seen.every(({ headers, withoutNode }) => own.has(headers.get("authorization") ?? "") === withoutNode));
  }));

test("offline a service account reads what it was granted, after a restart too, and nothing else", () =>
  withGrants(async (scene, rbac) => {
    const { ask, issuer } = scene;
    rbac.rules.set("red:app", [readAll("red")]);
    rbac.rules.set("red:lister", [{ ...readAll("red"), verbs: ["list"] }]);
    const red = await issuer.token({ namespace: "red" });
    const lister = await issuer.token({ namespace: "red", name: "lister" });
    const reborn = await issuer.token({ namespace: "red", uid: "another-life" });
    for (const namespace of ["red", "blue"]) await scene.request("GET", `${maps(namespace)}?resourceVersion=0`);
    assertAnswer(await ask(red, `${maps("red")}?resourceVersion=0`), fromReplica);
    assertAnswer(await ask(red, `${maps("red")}/a?resourceVersion=0`), [200, "replica", 0]);
    assertAnswer(await ask(lister, maps("red")), [200, "cloud", 2]); // the cloud's answer is the grant
    await (await scene.watchAs(red, watchOf(maps("red")))).next();
    const check = async () => {
      assertAnswer(await ask(red, `${maps("red")}?resourceVersion=0`), fromReplica);
      assertAnswer(await ask(red, maps("red")), fromReplica);
      assertAnswer(await ask(red, `${maps("red")}/a`), [200, "replica", 0]);
      assertAnswer(await ask(lister, maps("red")), fromReplica);
      const watch = await scene.watchAs(red, watchOf(maps("red")));
      assert.equal((await watch.next()).object.metadata.name, "a");
      const refused = await Promise.all([
        ask(red, `${maps("red")}/b`), // of that name it never asked
        ask(red, `${maps("red")}/missing`),
        ask(red, maps("blue")),
        ask(red, "/api/v1/configmaps"),
        ask(red, `${maps("red")}?labelSelector=x%3Dy`),
        ask(lister, `${maps("red")}/a`),
        ask(lister, watchOf(maps("red"))),
        ask(reborn, maps("red")),
        ask(red, `${maps("red")}/a`, { headers: { "Impersonate-User": "admin" } }),
      ]);
      for (const { status, body } of refused) assert.deepEqual([status, body.reason], [503, "ServiceUnavailable"]);
    };
    await scene.cut();
    await check();
    await scene.restart();
    await scene.until(async () => (await scene.status()).link.state === "offline", 250);
    await check();
  }));

test("what the cloud takes back ends a running watch with 403 after a minute, and new requests at once", () =>
  withGrants(async (scene, rbac) => {
    const { ask, issuer, clock } = scene;
    rbac.rules.set("red:app", [readAll("red")]);
    rbac.rules.set("red:other", [readAll("red")]);
    const red = await issuer.token({ namespace: "red" });
    const other = await issuer.token({ namespace: "red", name: "other" });
    const [watch, stays] = [
      await scene.watchAs(red, watchOf(maps("red"))),
      await scene.watchAs(other, watchOf(maps("red"))),
    ];
    for (const one of [watch, stays]) for (let i = 0; i < 2; i++) await one.next();
    rbac.rules.set("red:app", []);
    assert.equal((await ask(red, `${maps("red")}?resourceVersion=0`)).status, 403);
    const events: string[] = [];
    const ended = (async () => {
      for (;;) {
        const { type, object } = await watch.next();
        if (type !== "BOOKMARK") events.push(`${type} ${object.code} ${object.reason}`);
        if (type === "ERROR") return;
      }
    })();
    let isOver = false;
    void ended.then(() => isOver = true);
    const revokedAt = clock.monotonic();
    await scene.until(() => rbac.reviews.some(({ attributes }) => attributes.verb === "watch"), stepMs);
    await scene.until(async () => await statusOfWatch(scene, red) === 403, stepMs);
    await scene.until(() => isOver, stepMs);
    assert.ok(clock.monotonic() - revokedAt <= 6 * 60_000 + 30_000);
    assert.deepEqual(events, ["ERROR 403 Forbidden"]);
    assert.equal(await watch.ended(), true);
    seed(scene.server, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c", namespace: "red", uid: "c" } });
    for (;;) {
      const { type, object } = await stays.next();
      if (type === "ADDED") {
        assert.equal(object.metadata.name, "c");
        break;
      }
    }
    await scene.cut();
    assert.equal((await ask(red, maps("red"))).status, 503);
  }));

test("a review names what is asked, with name and selectors, and is asked once", () =>
  withGrants(async (scene, rbac) => {
    const { ask, issuer } = scene;
    rbac.rules.set("red:app", [readAll("red")]);
    const red = await issuer.token({ namespace: "red" });
    const selected = `${maps("red")}?resourceVersion=0&fieldSelector=metadata.name%3Da&labelSelector=x%3Dy`;
    for (let i = 0; i < 3; i++) assert.equal((await ask(red, selected)).status, 200);
    assert.deepEqual(rbac.reviews.map(({ attributes }) => attributes), [{
      verb: "list",
      group: "",
      version: "v1",
      resource: "configmaps",
      namespace: "red",
      name: "a",
      labelSelector: { rawSelector: "x=y" },
      fieldSelector: { rawSelector: "metadata.name=a" },
    }]);
  }));

test("what is no decision of the cloud's grants nothing", () =>
  withGrants(async (scene, rbac) => {
    const { ask, issuer } = scene;
    rbac.rules.set("red:app", [readAll("red")]);
    const red = await issuer.token({ namespace: "red" });
    const path = `${maps("red")}?resourceVersion=0`;
    const body = {
      kind: "SelfSubjectAccessReview",
      spec: {},
      status: { allowed: false, evaluationError: "no webhook" },
    };
    const undecided = [
      () => Response.json(body, { status: 201 }),
      () => new Response("overloaded", { status: 429 }),
      () => new Response("broken", { status: 500 }),
      () => Response.json({ kind: "Status", code: 403 }, { status: 403 }),
      () => new Response("<html>portal</html>", { status: 200 }),
    ];
    for (const [index, instead] of undecided.entries()) {
      rbac.instead = instead;
      assertAnswer(await ask(red, `${path}&labelSelector=of%3D${index}`), [200, "cloud", 0]);
    }
    rbac.instead = undefined;
    assertAnswer(await ask(red, path), fromReplica);
  }));

test("a further page of a list is its own caller's", () =>
  withGrants(async (scene, rbac) => {
    const { ask, issuer } = scene;
    for (const user of ["red:app", "red:other"]) rbac.rules.set(user, [readAll("red")]);
    const red = await issuer.token({ namespace: "red" });
    const other = await issuer.token({ namespace: "red", name: "other" });
    await scene.request("GET", `${maps("red")}?resourceVersion=0`);
    for (const token of [red, other]) assert.equal((await ask(token, maps("red"))).status, 200);
    await scene.cut();
    const first = await ask(red, `${maps("red")}?limit=1`);
    assert.deepEqual([first.status, first.body.items.length], [200, 1]);
    const next = `${maps("red")}?limit=1&continue=${encodeURIComponent(first.body.metadata.continue ?? "")}`;
    assert.equal((await ask(other, next)).status, 410);
    assert.equal((await scene.request("GET", next)).status, 410);
    assert.equal((await ask(red, next)).body.items[0]?.metadata.name, "b");
  }));

test("offline a service account reads what it has read and written itself; nobody who was not granted it does", () =>
  withGrants(async (scene, rbac) => {
    const { ask, issuer } = scene;
    rbac.rules.set("red:app", [{ ...readAll("red"), verbs: ["get", "list", "patch", "create"] }]);
    rbac.nodeRefused.add("configmaps");
    const red = await issuer.token({ namespace: "red" });
    const other = await issuer.token({ namespace: "other" });
    assert.equal((await ask(red, `${maps("red")}/a`)).body.data["of"], "red");
    assertAnswer(await ask(red, maps("red")), [200, "cloud", 2]);
    const body = { kind: "ConfigMap", apiVersion: "v1", metadata: { name: "c", namespace: "red" } };
    assert.equal((await ask(red, maps("red"), { method: "POST", body })).status, 201);
    const patch = {
      method: "PATCH",
      body: { data: { of: "app" } },
      headers: { "Content-Type": "application/merge-patch+json" },
    };
    assert.equal((await ask(red, `${maps("red")}/a`, patch)).status, 200);
    const check = async () => {
      assertAnswer(await ask(red, maps("red")), [200, "replica", 3]);
      const { status, body } = await ask(red, `${maps("red")}/a`);
      assert.deepEqual([status, body.data["of"]], [200, "app"]);
      for (
        const path of [maps("red"), `${maps("red")}/a`, `${maps("red")}/missing`, `${maps("red")}?resourceVersion=0`]
      ) {
        assert.equal((await ask(other, path)).status, 503);
        assert.equal((await scene.request("GET", path)).status, 503, `the node was never granted ${path}`);
      }
      const made = await scene.request("POST", maps("red"), { body: { ...body, metadata: { name: "a" } } });
      assert.equal(made.status, 503);
    };
    await scene.cut();
    await check();
    await scene.restart();
    await scene.until(async () => (await scene.status()).link.state === "offline", 250);
    await check();
  }));

test("a service account reads its own writes from the replica at once", () =>
  withGrants(async (scene, rbac) => {
    const { ask, issuer } = scene;
    rbac.rules.set("red:app", [{ ...readAll("red"), verbs: ["get", "list", "watch", "patch"] }]);
    const red = await issuer.token({ namespace: "red" });
    assertAnswer(await ask(red, `${maps("red")}?resourceVersion=0`), fromReplica);
    for (let i = 0; i < 10; i++) {
      const headers = { "Content-Type": "application/merge-patch+json" };
      const patched = await ask(red, `${maps("red")}/a`, {
        method: "PATCH",
        body: { data: { of: String(i) } },
        headers,
      });
      const read = await ask(red, `${maps("red")}/a?resourceVersion=0`);
      assert.equal(read.body.metadata.resourceVersion, patched.body.metadata.resourceVersion);
    }
  }));

test("past a hundred collections what one service account asks goes to the cloud, and costs others nothing", () =>
  withGrants(async (scene, rbac) => {
    const { ask, watchAs, issuer } = scene;
    for (const user of ["red:app", "red:other"]) rbac.rules.set(user, [readAll("red")]);
    const red = await issuer.token({ namespace: "red" });
    const other = await issuer.token({ namespace: "red", name: "other" });
    const selecting = (index: number) => `${maps("red")}?resourceVersion=0&labelSelector=a!%3D${index}`;
    for (let index = 0; index < maxScopeCollections; index++) {
      assertAnswer(await ask(red, selecting(index)), fromReplica);
    }
    assertAnswer(await ask(red, selecting(100)), [200, "cloud", 2]);
    assert.equal((await (await watchAs(red, `${selecting(100)}&watch=true`)).next()).object.metadata.name, "a");
    assertAnswer(await ask(red, selecting(0)), fromReplica);
    assertAnswer(await ask(other, selecting(101)), fromReplica);
    assertAnswer(await scene.request("GET", selecting(102)), fromReplica);
    await scene.cut();
    assert.equal((await ask(red, selecting(100))).status, 503);
    assertAnswer(await ask(other, selecting(101)), fromReplica);
  }));
