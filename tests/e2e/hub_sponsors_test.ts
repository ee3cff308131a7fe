import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAnswer, fromReplica, maps, readAll, watchesOf, watchOf, withGrants } from "../testing/grants_scene.ts";
import { seed } from "../testing/sample_objects.ts";
import type { WatchReader } from "../testing/watch_reader.ts";

const names = async (watch: WatchReader, count: number) => {
  const read: (string | undefined)[] = [];
  for (let index = 0; index < count; index++) read.push((await watch.next()).object.metadata.name);
  return read;
};

test("what the node is not granted two service accounts share by one watch of one of them; the node gets the cloud's 403", () =>
  withGrants(async (scene, rbac) => {
    const { ask, watchAs, issuer } = scene;
    rbac.nodeRefused.add("configmaps");
    for (const user of ["red:app", "blue:app"]) rbac.rules.set(user, [readAll("red")]);
    const tokens = await Promise.all([issuer.token({ namespace: "red" }), issuer.token({ namespace: "blue" })]);
    for (const token of tokens) {
      assertAnswer(await ask(token, `${maps("red")}?resourceVersion=0`), fromReplica);
      assert.deepEqual(await names(await watchAs(token, watchOf(maps("red"))), 2), ["a", "b"]);
    }
    const carried = watchesOf(scene).filter(({ withoutNode }) => withoutNode);
    assert.deepEqual(carried.map(({ headers }) => headers.get("authorization")), [`Bearer ${tokens[0]}`]);
    assert.equal(carried[0]?.headers.get("user-agent"), "holdfast");
    for (
      const path of [`${maps("red")}?resourceVersion=0`, watchOf(maps("red")), `${maps("red")}/a?resourceVersion=0`]
    ) {
      assert.equal((await scene.request("GET", path)).status, 403);
    }
    await scene.cut();
    for (const token of tokens) assertAnswer(await ask(token, `${maps("red")}?resourceVersion=0`), fromReplica);
    for (const path of [`${maps("red")}?resourceVersion=0`, maps("red"), watchOf(maps("red"))]) {
      assert.equal((await scene.request("GET", path)).status, 503);
    }
  }));

test("a sponsor that is taken its rights gives way to another, whose watch goes on without a gap", () =>
  withGrants(async (scene, rbac) => {
    const { watchAs, issuer, clock } = scene;
    rbac.nodeRefused.add("configmaps");
    for (const user of ["red:app", "blue:app"]) rbac.rules.set(user, [readAll("red")]);
    const red = await issuer.token({ namespace: "red", expiresAt: clock.now() + 7_200_000 });
    const blue = await issuer.token({ namespace: "blue" });
    const [ends, stays] = [await watchAs(red, watchOf(maps("red"))), await watchAs(blue, watchOf(maps("red")))];
    for (const watch of [ends, stays]) await names(watch, 2);
    rbac.rules.set("red:app", []);
    let end: number | undefined;
    void (async () => {
      for (;;) {
        const { type, object } = await ends.next();
        if (type === "ERROR") return end = object.code;
      }
    })();
    await scene.until(() => end !== undefined, 500);
    assert.equal(end, 403);
    await scene.until(
      () =>
        watchesOf(scene).filter(({ withoutNode }) => withoutNode).at(-1)?.headers.get("authorization") ===
          `Bearer ${blue}`,
      500,
    );
    seed(scene.server, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c", namespace: "red", uid: "c" } });
    for (;;) {
      const { type, object } = await stays.next();
      if (type === "BOOKMARK") continue;
      assert.deepEqual([type, object.metadata.name], ["ADDED", "c"]);
      break;
    }
  }));

test("with the last sponsor's token its watches end cleanly, and come back with a fresh one", () =>
  withGrants(async (scene, rbac) => {
    const { watchAs, issuer, clock } = scene;
    rbac.nodeRefused.add("configmaps");
    rbac.rules.set("red:app", [readAll("red")]);
    const token = () => issuer.token({ namespace: "red", expiresAt: clock.now() + 120_000 });
    const watch = await watchAs(await token(), watchOf(maps("red")));
    await names(watch, 2);
    let isOver = false;
    void watch.ended().then(() => isOver = true);
    await scene.until(() => isOver, 500);
    assert.deepEqual(await names(await watchAs(await token(), watchOf(maps("red"))), 2), ["a", "b"]);
  }));

test("no header of one caller is on another's request, and none on the node's connections", () =>
  withGrants(async (scene, rbac) => {
    const { issuer, seen, secureOrigin } = scene;
    const users = Array.from({ length: 8 }, (_, index) => `user-${index}`);
    const tokens = await Promise.all(users.map((name) => issuer.token({ namespace: "red", name })));
    for (const name of users) rbac.rules.set(`red:${name}`, [readAll("red")]);
    const reads = tokens.flatMap((token, index) =>
      [maps("red"), `${maps("red")}/a`, `${watchOf(maps("red"))}&timeoutSeconds=1`].map(async (path) => {
        const headers = { Authorization: `Bearer ${token}`, "User-Agent": `agent-${index}`, "X-Own": `own-${index}` };
        await (await fetch(secureOrigin + path, { headers })).body?.cancel();
      })
    );
    const own = Array.from({ length: 8 }, () => scene.request("GET", maps("red")));
    await Promise.all([...reads, ...own]);
    for (const { headers, withoutNode } of seen) {
      const index = tokens.indexOf(headers.get("authorization")?.replace("Bearer ", "") ?? "");
      assert.equal(withoutNode, index >= 0);
      const marks = [headers.get("x-own") ?? `own-${index}`, headers.get("user-agent")?.replace("agent", "own")];
      const isHubs = headers.get("user-agent") === "holdfast";
      if (index >= 0 && !isHubs) assert.deepEqual(marks, [`own-${index}`, `own-${index}`]);
      else assert.equal(headers.get("x-own"), undefined);
    }
  }));
