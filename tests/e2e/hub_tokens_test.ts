import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonToProtobuf, protobufToJson } from "../../src/kube/protobuf_messages.ts";
import type { Exchange } from "../../src/platform/exchange.ts";
import { inTime } from "../testing/hub_answers.ts";
import { type HubScene, type HubSceneOptions, serveHub } from "../testing/hub_scene.ts";
import { cloudPod, holdPods, seedPod } from "../testing/outbox_scene.ts";
import { protobufType } from "../testing/protobuf_body.ts";
import type { HubAnswer } from "../testing/running_hub.ts";
import { boundPod, sampleToken, tokenAnswer, tokenRequest } from "../testing/sample_tokens.ts";

const tokenPath = "/api/v1/namespaces/default/serviceaccounts/default/token";
const startMs = Date.UTC(2026, 0, 1);
const lifeMs = 600_000;

/** A cloud that gives tokens of ten minutes, each another one. */
function tokens() {
  const given: string[] = [];
  const issuing: HubSceneOptions & { answer: (exchange: Exchange) => Response | undefined } = {
    answer: ({ rawHeaders }) => {
      const expiresAt = startMs + lifeMs;
      const token = sampleToken(expiresAt, String(given.length));
      given.push(token);
      const accept = rawHeaders[rawHeaders.findIndex((name) => name.toLowerCase() === "accept") + 1] ?? "";
      const json = new TextEncoder().encode(JSON.stringify(tokenAnswer(token, expiresAt)));
      return accept.startsWith(protobufType)
        ? new Response(protobufOf(json), { status: 201, headers: { "Content-Type": protobufType } })
        : new Response(json, { status: 201, headers: { "Content-Type": "application/json" } });
    },
    intercept: (exchange) => exchange.rawPath === tokenPath ? issuing.answer(exchange) : undefined,
  };
  return { given, issuing };
}

function protobufOf(json: Uint8Array): Uint8Array<ArrayBuffer> {
  const body = jsonToProtobuf(json);
  assert.ok(body !== undefined);
  return new Uint8Array(body);
}

function ask(
  { request }: HubScene,
  { body = tokenRequest(), headers = {} }: { body?: unknown; headers?: object } = {},
) {
  return request("POST", tokenPath, { body, headers: { ...headers } });
}

function tokenIn({ text }: HubAnswer): string {
  const { status } = JSON.parse(text) as { readonly status: { readonly token?: string } }; // the assertions look at it
  return status.token ?? "";
}

function assertRefused({ status, body, headers }: HubAnswer): void {
  assert.deepEqual([status, body.reason, headers.get("retry-after")], [503, "ServiceUnavailable", null]);
}

test("R14: a TokenRequest is answered by the cloud, and offline, after a restart too, by the same real token", () => {
  const { given, issuing } = tokens();
  return serveHub(async (scene) => {
    const online = await ask(scene);
    assert.deepEqual([online.status, online.headers.get("x-holdfast-source")], [201, "cloud"]);
    await ask(scene); // the newer one counts
    await scene.cut();
    await scene.restart();
    await scene.until(async () => (await scene.status()).link.state === "offline", 250);
    await scene.clock.advance(90_000);
    const offline = await ask(scene);
    assert.deepEqual([offline.status, offline.headers.get("x-holdfast-source")], [201, "replica"]);
    assert.ok(Number(offline.headers.get("age")) >= 90);
    assert.equal(tokenIn(offline), given[1]);
    assert.equal(given.length, 2);
    assert.deepEqual((await scene.outbox()).waiting, []);
    await scene.heal();
    assert.equal((await ask(scene)).headers.get("x-holdfast-source"), "cloud");
  }, issuing);
});

test("a TokenRequest in protobuf is the same question, and is answered in what the client takes", () => {
  const { given, issuing } = tokens();
  return serveHub(async (scene) => {
    const body = protobufOf(new TextEncoder().encode(JSON.stringify(tokenRequest())));
    const headers = { "Content-Type": protobufType, Accept: `${protobufType},application/json` };
    const online = await ask(scene, { body, headers });
    assert.deepEqual([online.status, online.headers.get("content-type")], [201, "application/json"]);
    await scene.cut();
    assert.equal(tokenIn(await ask(scene, { body, headers })), given[0]);
    assert.equal(tokenIn(await ask(scene)), given[0]);
    const only = await fetch(scene.origin + tokenPath, {
      method: "POST",
      body,
      headers: { "Content-Type": protobufType, Accept: protobufType },
    });
    assert.deepEqual([only.status, only.headers.get("content-type")], [201, protobufType]);
    const json = protobufToJson(new Uint8Array(await only.arrayBuffer()));
    assert.ok(new TextDecoder().decode(json).includes(given[0] ?? "none"));
    assertRefused(await ask(scene, { headers: { Accept: "application/yaml" } }));
  }, issuing);
});

test("what a client that takes nothing but protobuf was given is kept too", () => {
  const { given, issuing } = tokens();
  return serveHub(async (scene) => {
    await ask(scene, { headers: { Accept: protobufType } });
    await scene.cut();
    assert.equal(tokenIn(await ask(scene)), given[0]);
  }, issuing);
});

for (
  const [what, asked] of [
    ["for another audience", { body: tokenRequest({ boundObjectRef: boundPod, audiences: ["a"] }) }],
    ["for another time", { body: tokenRequest({ boundObjectRef: boundPod, expirationSeconds: 600 }) }],
    ["for another pod of the name", { body: tokenRequest({ boundObjectRef: { ...boundPod, uid: "2" } }) }],
    ["that is not understood", { body: { ...tokenRequest(), newer: true } }],
    ["with a credential of its own", { headers: { Authorization: "Bearer a.b.c" } }],
    ["as somebody else", { headers: { "Impersonate-User": "somebody" } }],
  ] as const
) {
  test(`offline a TokenRequest ${what} is 503`, () =>
    serveHub(async (scene) => {
      await ask(scene);
      await ask(scene, asked.headers === undefined ? {} : asked);
      await scene.cut();
      assert.equal((await ask(scene)).status, 201);
      assertRefused(await ask(scene, asked));
    }, tokens().issuing));
}

test("offline a token is given until its own end and through --offline-token-grace, then it is 503", async () => {
  for (const offlineTokenGraceMs of [0, lifeMs]) {
    const { given, issuing } = tokens();
    await serveHub(async (scene) => {
      await ask(scene);
      await scene.cut();
      await scene.clock.advance(lifeMs + offlineTokenGraceMs - 60_000 - (scene.clock.now() - startMs));
      assert.equal(tokenIn(await ask(scene)), given[0]);
      await scene.clock.advance(60_000);
      assertRefused(await ask(scene));
    }, { ...issuing, offlineTokenGraceMs });
  }
});

test("R16: where an API server that is not ready, or something else, answers a TokenRequest, what is kept does", () => {
  const { given, issuing } = tokens();
  const refused = () => new Response("no", { status: 403 });
  let ready = true;
  return serveHub(async (scene) => {
    await ask(scene);
    issuing.answer = refused;
    ready = false;
    await scene.clock.advance(1_001); // the last check is too old
    const answer = await inTime(scene, ask(scene));
    assert.deepEqual([answer.headers.get("x-holdfast-source"), tokenIn(answer)], ["replica", given[0]]);
    issuing.answer = () => new Response("<html>", { headers: { "Content-Type": "text/html" } });
    assert.equal(tokenIn(await inTime(scene, ask(scene))), given[0]);
  }, {
    ...issuing,
    intercept: (exchange) => exchange.rawPath === "/readyz" && !ready ? refused() : issuing.intercept?.(exchange),
  });
});

test("what a cloud that is ready refuses is its word, though a token is kept", () => {
  const { issuing } = tokens();
  return serveHub(async (scene) => {
    await ask(scene);
    issuing.answer = () => new Response("no", { status: 403 });
    const answer = await inTime(scene, ask(scene));
    assert.deepEqual([answer.status, answer.headers.get("x-holdfast-source")], [403, "cloud"]);
  }, issuing);
});

test("an answer without a token passes as it came, and is not kept", () => {
  const { issuing } = tokens();
  return serveHub(async (scene) => {
    for (const body of ["{}", JSON.stringify(tokenAnswer("no JWT", startMs))]) {
      issuing.answer = () => new Response(body, { status: 201, headers: { "Content-Type": "application/json" } });
      const answer = await ask(scene);
      assert.deepEqual([answer.status, answer.text], [201, body]);
    }
    await scene.cut();
    assertRefused(await ask(scene));
  }, issuing);
});

test("a token goes when the pod that it is bound to is gone, within a minute, and not while nothing shows that", () =>
  serveHub(async (scene) => {
    seedPod(scene, "web");
    const uid = cloudPod(scene, "web")?.metadata.uid ?? "";
    await ask(scene, { body: tokenRequest({ boundObjectRef: { ...boundPod, uid } }) });
    await scene.clock.advance(61_000);
    assert.equal(await kept(scene), 1); // no list of the node's pods is held
    await scene.heal(); // a minute went by faster than checks of the link were answered
    await holdPods(scene);
    await scene.clock.advance(61_000);
    assert.equal(await kept(scene), 1);
    scene.server.objects.remove({ resource: "pods", namespace: "default", name: "web" });
    seedPod(scene, "web");
    await scene.until(async () => await kept(scene) === 0, 10_000);
  }, tokens().issuing));

test("holdfast's log and status pages hold no token", () => {
  const { given, issuing } = tokens();
  return serveHub(async (scene) => {
    await ask(scene);
    await scene.cut();
    await ask(scene);
    const [token = ""] = given;
    const signature = token.split(".")[1] ?? "";
    assert.ok(signature.length > 10 && !JSON.stringify(scene.log).includes(signature));
    for (const page of ["/v1/status", "/v1/outbox", "/metrics", "/readyz?verbose"]) {
      assert.ok(!(await (await fetch(scene.statusOrigin + page)).text()).includes(signature), page);
    }
  }, issuing);
});

async function kept({ statusOrigin }: HubScene): Promise<number> {
  const text = await (await fetch(`${statusOrigin}/metrics`)).text();
  return Number(/^holdfast_tokens (\d+)$/m.exec(text)?.[1]);
}
