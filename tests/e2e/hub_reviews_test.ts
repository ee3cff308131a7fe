import assert from "node:assert/strict";
import { test } from "node:test";
import { type CallersScene, serveCallers } from "../testing/callers_scene.ts";
import { message, protobufBody, protobufType } from "../testing/protobuf_body.ts";

const reviews = [
  ["authorization.k8s.io/v1", "SubjectAccessReview"],
  ["authorization.k8s.io/v1", "SelfSubjectAccessReview"],
  ["authorization.k8s.io/v1", "LocalSubjectAccessReview"],
  ["authorization.k8s.io/v1", "SelfSubjectRulesReview"],
  ["authentication.k8s.io/v1", "TokenReview"],
] as const;

function pathOf(apiVersion: string, kind: string): string {
  const namespace = kind.startsWith("Local") ? "/namespaces/default" : "";
  return `/apis/${apiVersion}${namespace}/${kind.toLowerCase()}s`;
}

/** As JSON and as protobuf, under a name that is held: a review is none of the objects that the replica holds. */
function bodiesOf(apiVersion: string, kind: string) {
  const metadata = { name: "node-1" };
  const raw = message({ 1: message({ 1: "node-1" }) });
  return [
    [{ kind, apiVersion, metadata, spec: { token: "secret" } }, "application/json"],
    [protobufBody(apiVersion, kind, raw), protobufType],
  ] as const;
}

async function askAll(
  { ask, request, issuer }: CallersScene,
  check: (answer: Awaited<ReturnType<CallersScene["ask"]>>) => void,
): Promise<void> {
  const token = await issuer.token();
  for (const [apiVersion, kind] of reviews) {
    for (const [body, type] of bodiesOf(apiVersion, kind)) {
      const headers = { "Content-Type": type, Accept: `${type}, */*` };
      check(await ask(token, pathOf(apiVersion, kind), { method: "POST", body, headers }));
      check(await request("POST", pathOf(apiVersion, kind), { body, headers }));
    }
  }
}

test("reviews pass through as they came while the cloud is in reach, each with its own credential", () =>
  serveCallers(async (scene) => {
    await askAll(scene, ({ status, headers, body }) => {
      assert.deepEqual([status, headers.get("x-holdfast-source")], [201, "cloud"]);
      assert.equal(body.kind, "Told");
    });
    const asked = scene.seen.filter(({ path }) => path.includes("review"));
    assert.equal(asked.length, reviews.length * 4);
    for (const { headers, withoutNode } of asked) assert.equal(headers.has("authorization"), withoutNode);
  }, {
    intercept: ({ method, rawPath }) =>
      method === "POST" && rawPath.includes("review") ? Response.json({ kind: "Told" }, { status: 201 }) : undefined,
  }));

test("who may do what, and who is who, is the cloud's to say: offline a review is 503 in either encoding, and kept nowhere", () =>
  serveCallers(async (scene) => {
    await (scene.request("GET", "/api/v1/nodes?resourceVersion=0"));
    await scene.ask(await scene.issuer.token(), "/api/v1/namespaces/default/pods");
    await scene.cut();
    await askAll(scene, ({ status, body, headers }) => {
      assert.deepEqual([status, body.reason, headers.get("retry-after")], [503, "ServiceUnavailable", null]);
      assert.equal(body.details.retryAfterSeconds, 1);
    });
    assert.deepEqual((await scene.outbox()).waiting, []);
  }));
