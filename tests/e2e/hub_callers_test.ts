import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { serveCallers } from "../testing/callers_scene.ts";
import { cloudPod, holdPods, podsPath, seedPod } from "../testing/outbox_scene.ts";
import type { HubAnswer } from "../testing/running_hub.ts";

function assertUnauthorized({ status, body }: HubAnswer): void {
  assert.deepEqual([status, body.reason, body.message], [401, "Unauthorized", "Unauthorized"]);
}

test("a service account's request goes to the cloud with its own token, without the node's identity", () =>
  serveCallers(async (scene) => {
    const { issuer, ask } = scene;
    const token = await issuer.token();
    const { status, headers } = await ask(token, podsPath);
    assert.deepEqual([status, headers.get("x-holdfast-source")], [200, "cloud"]);
    const seen = scene.seen.filter(({ path }) => path === podsPath);
    assert.deepEqual(seen.map((one) => [one.withoutNode, one.headers.get("authorization")]), [[
      true,
      `Bearer ${token}`,
    ]]);
  }));

test("a token as subprotocol that Connection takes off does not leave the node's identity: requests and upgrades go on as the caller", () =>
  serveCallers(async (scene) => {
    const token = await scene.issuer.token();
    const subprotocol = `base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString("base64url")}`;
    for (const names of ["close, Sec-WebSocket-Protocol", "Upgrade, Sec-WebSocket-Protocol, Authorization"]) {
      const head = [
        `GET ${podsPath}/web/exec?command=sh HTTP/1.1`,
        "Host: 127.0.0.1",
        `Sec-WebSocket-Protocol: v5.channel.k8s.io, ${subprotocol}`,
        `Connection: ${names}`,
        ...(names.startsWith("Upgrade") ? ["Upgrade: websocket"] : []),
      ];
      const before = scene.seen.length;
      await firstLine(scene.secureOrigin, head);
      const asked = scene.seen.slice(before).filter(({ path }) => path.startsWith(podsPath));
      assert.deepEqual(asked.map((one) => [one.withoutNode, one.headers.get("authorization")]), [[
        true,
        `Bearer ${token}`,
      ]]);
    }
  }, { authorization: () => "the-node" }));

test("discovery that the node holds is answered to no service account in the cloud's place", () =>
  serveCallers(async (scene) => {
    const token = await scene.issuer.token();
    for (const path of ["/apis", "/version"]) assert.equal((await scene.request("GET", path)).status, 200);
    assert.equal((await scene.ask(token, "/apis")).status, 200);
    await scene.cut();
    for (const path of ["/apis", "/version"]) {
      assert.equal((await scene.request("GET", path)).status, 200);
      assert.equal((await scene.ask(token, path)).status, 503);
    }
  }));

test("who brings no token, or one that is not the cluster's, gets 401 online and offline, after a restart too", () =>
  serveCallers(async (scene) => {
    const { issuer, ask } = scene;
    const { clock } = scene;
    const good = await issuer.token();
    assert.equal((await ask(good, podsPath)).status, 200);
    const bad = [
      undefined,
      "x",
      await issuer.forged(),
      await issuer.token({ audience: "vault" }),
      await issuer.token({ issuer: "https://elsewhere" }),
      await issuer.token({ expiresAt: clock.now() - 120_000 }),
      await issuer.token({ notBefore: clock.now() + 120_000 }),
      await issuer.token({ node: "node-2", pod: { name: "web", uid: "1" } }),
      `${btoa('{"alg":"none","kid":"key-1"}').replace(/=+$/, "")}.${good.split(".")[1]}.`,
    ];
    const refuseAll = async () => {
      for (const token of bad) assertUnauthorized(await ask(token, podsPath));
      for (const token of bad) assertUnauthorized(await ask(token, "/version"));
    };
    const before = scene.seen.filter(({ path }) => path === podsPath).length;
    await refuseAll();
    await scene.cut();
    await refuseAll();
    assert.equal((await ask(good, podsPath)).status, 200);
    await scene.restart();
    await scene.until(async () => (await scene.status()).link.state === "offline", 250);
    await refuseAll();
    assert.equal((await ask(good, podsPath)).status, 200); // its key was kept
    assert.equal(scene.seen.filter(({ path }) => path === podsPath).length, before);
    const log = scene.log.map(({ message, fields }) => `${message} ${JSON.stringify(fields)}`).join("\n");
    for (const token of [good, ...bad]) assert.ok(token === undefined || token === "x" || !log.includes(token));
  }));

test("without the cluster's keys nobody is let in, and the keys are asked for once the cloud answers", () =>
  serveCallers(async (scene) => {
    const { issuer, ask } = scene;
    await scene.cut();
    const token = await issuer.token();
    assertUnauthorized(await ask(token, podsPath));
    await scene.heal();
    await scene.until(async () => (await ask(token, podsPath)).status === 200, 250);
  }));

test("a token ends with the pod that it is bound to, online and offline", () =>
  serveCallers(async (scene) => {
    const { issuer, ask } = scene;
    seedPod(scene, "web");
    await holdPods(scene);
    const uid = String(cloudPod(scene, "web")?.metadata.uid);
    const bound = (podUid: string) => issuer.token({ pod: { name: "web", uid: podUid }, node: "node-1" });
    const [own, other] = [await bound(uid), await bound("another-uid")];
    assert.equal((await ask(own, podsPath)).status, 200);
    assertUnauthorized(await ask(other, podsPath));
    await scene.cut();
    assert.equal((await ask(own, podsPath)).status, 200);
    assertUnauthorized(await ask(other, podsPath));
    await scene.heal();
    scene.server.objects.remove({ resource: "pods", namespace: "default", name: "web" });
    await scene.until(async () => (await ask(own, podsPath)).status === 401, 250);
    await scene.cut();
    assertUnauthorized(await ask(own, podsPath));
  }));

test("offline a service account's writes are refused, and nothing is in the outbox", () =>
  serveCallers(async (scene) => {
    const { issuer, ask } = scene;
    seedPod(scene, "web");
    const token = await issuer.token();
    assert.equal((await ask(token, podsPath)).status, 200);
    assert.equal((await scene.request("GET", `${podsPath}/web`)).status, 200);
    await scene.cut();
    const headers = { "Content-Type": "application/merge-patch+json" };
    const status = { method: "PATCH", headers, body: { status: { phase: "Failed" } } };
    const refused = await ask(token, `${podsPath}/web/status`, status);
    assert.deepEqual([refused.status, refused.body.reason, refused.headers.get("retry-after")], [
      503,
      "ServiceUnavailable",
      null,
    ]);
    assert.deepEqual((await scene.outbox()).waiting, []);
  }));

test("refused callers are all counted, and told in the log about once a second", () =>
  serveCallers(async (scene) => {
    const { ask, clock } = scene;
    const lines = () => scene.log.filter(({ message }) => message.startsWith("A caller is refused"));
    for (let i = 0; i < 10; i++) assertUnauthorized(await ask(`made-up-${i}`, podsPath));
    assert.equal(lines().length, 1);
    await clock.advance(1_000);
    assertUnauthorized(await ask("made-up", podsPath));
    assert.deepEqual(lines().map(({ fields }) => fields?.leftOut), [undefined, 9]);
    const metrics = await (await fetch(`${scene.statusOrigin}/metrics`)).text();
    assert.match(metrics, /^holdfast_callers_refused_total 11$/m);
  }));

/** Sends the head of a request as it is. @returns the first line of the answer */
function firstLine(origin: string, head: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: Number(new URL(origin).port) });
    socket.on("error", reject);
    socket.once("data", (data) => {
      resolve(data.toString().split("\r\n")[0] ?? "");
      socket.destroy();
    });
    socket.write(`${head.join("\r\n")}\r\n\r\n`);
  });
}
