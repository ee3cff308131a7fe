import assert from "node:assert/strict";
import { test } from "node:test";
import { syncMaps } from "../testing/hub_answers.ts";
import { type HubScene, serveHub } from "../testing/hub_scene.ts";
import { message, protobufBody, protobufType } from "../testing/protobuf_body.ts";
import type { HubAnswer } from "../testing/running_hub.ts";
import { mapsPath, seed, seedMap } from "../testing/sample_objects.ts";

const leasePath = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1";

function assertRefused(answer: HubAnswer): void {
  assert.deepEqual([answer.status, answer.body.kind, answer.body.reason], [503, "Status", "ServiceUnavailable"]);
  assert.equal(answer.body.details.retryAfterSeconds, 1);
  assert.equal(answer.headers.get("retry-after"), null);
}

/** The node's own Node is held, as kubelet's informer has it. */
async function holdNode({ server, request }: HubScene): Promise<void> {
  seed(server, {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "node-1", labels: { a: "b" } },
    status: { phase: "x" },
  });
  await request("GET", "/api/v1/nodes/node-1");
}

for (
  const [what, body, type] of [
    ["JSON", JSON.stringify({ kind: "Node", apiVersion: "v1", metadata: { name: "node-1" } }), "application/json"],
    ["protobuf", protobufBody("v1", "Node", message({ 1: message({ 1: "node-1" }) })), protobufType],
  ] as const
) {
  test(`a create of a held object, as ${what}, is 409 AlreadyExists offline`, () =>
    serveHub(async (scene) => {
      await holdNode(scene);
      await scene.cut();
      const answer = await scene.request("POST", "/api/v1/nodes", {
        body: typeof body === "string" ? new TextEncoder().encode(body) : body,
        headers: { "Content-Type": type },
      });
      assert.deepEqual([answer.status, answer.body.reason], [409, "AlreadyExists"]);
      assert.equal(answer.body.message, 'nodes "node-1" already exists');
      assert.equal(answer.body.details.name, "node-1");
    }));
}

for (
  const [what, method, path, body, type] of [
    ["a create of what is not held", "POST", "/api/v1/nodes", { metadata: { name: "node-2" } }, "application/json"],
    ["a create without a name", "POST", "/api/v1/nodes", { metadata: { generateName: "n-" } }, "application/json"],
    ["a create in a subresource", "POST", "/api/v1/namespaces/default/pods/node-1/binding", {
      metadata: { name: "node-1" },
    }, "application/json"],
    ["a review", "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", { spec: {} }, "application/json"],
    [
      "a token request",
      "POST",
      "/api/v1/namespaces/default/serviceaccounts/default/token",
      { spec: {} },
      "application/json",
    ],
    ["an update", "PUT", "/api/v1/nodes/node-1", { metadata: { name: "node-1" } }, "application/json"],
    [
      "a patch that changes something",
      "PATCH",
      "/api/v1/nodes/node-1",
      { metadata: { labels: { a: "c" } } },
      "application/merge-patch+json",
    ],
    ["a patch of what is not held", "PATCH", "/api/v1/nodes/node-2", {}, "application/merge-patch+json"],
    ["a server-side apply", "PATCH", "/api/v1/nodes/node-1", {}, "application/apply-patch+yaml"],
    ["a delete", "DELETE", "/api/v1/nodes/node-1", undefined, "application/json"],
    ["a deletecollection", "DELETE", "/api/v1/nodes", undefined, "application/json"],
    [
      "another node's lease",
      "PUT",
      leasePath.replace("node-1", "node-2"),
      { metadata: { name: "node-2" } },
      "application/json",
    ],
    [
      "a lease elsewhere",
      "PUT",
      leasePath.replace("kube-node-lease", "default"),
      { metadata: { name: "node-1" } },
      "application/json",
    ],
  ] as const
) {
  test(`${what} is 503 offline, without Retry-After`, () =>
    serveHub(async (scene) => {
      await holdNode(scene);
      await scene.cut();
      assertRefused(await scene.request(method, path, { body, headers: { "Content-Type": type } }));
    }));
}

for (
  const [type, path, patch] of [
    ["application/merge-patch+json", "/api/v1/nodes/node-1", { metadata: { labels: { a: "b" } } }],
    ["application/strategic-merge-patch+json", "/api/v1/nodes/node-1/status", { status: { phase: "x" } }],
    ["application/json-patch+json", "/api/v1/nodes/node-1", [{
      op: "replace",
      path: "/metadata/labels/a",
      value: "b",
    }]],
  ] as const
) {
  test(`a patch as ${type} that changes nothing of the held object is 200 with it offline`, () =>
    serveHub(async (scene) => {
      await holdNode(scene);
      const held = await scene.request("GET", "/api/v1/nodes/node-1");
      await scene.cut();
      const answer = await scene.request("PATCH", path, { body: patch, headers: { "Content-Type": type } });
      assert.deepEqual([answer.status, answer.headers.get("x-holdfast-source")], [200, "replica"]);
      assert.equal(answer.text, held.text);
    }));
}

test("a body that is longer than the API server takes is 413 offline", () =>
  serveHub(async (scene) => {
    await holdNode(scene);
    await scene.cut();
    const body = new TextEncoder().encode(`{"metadata":{"name":"${"x".repeat(3 * 1024 * 1024)}"}}`);
    const answer = await scene.request("POST", "/api/v1/nodes", { body });
    assert.deepEqual([answer.status, answer.body.reason], [413, "RequestEntityTooLarge"]);
  }));

for (
  const [what, method, path, headers] of [
    ["a read with Impersonate-User", "GET", `${mapsPath}?resourceVersion=0`, { "Impersonate-User": "jane" }],
    ["a GET with Impersonate-Group", "GET", `${mapsPath}/a`, { "impersonate-group": "g" }],
    ["a watch with Impersonate-Uid", "GET", `${mapsPath}?watch=1`, { "Impersonate-Uid": "1" }],
    ["a read with an own Authorization", "GET", `${mapsPath}/a`, { Authorization: "Bearer own" }],
    ["a list with an own Authorization", "GET", `${mapsPath}?resourceVersion=0`, { Authorization: "Bearer own" }],
    ["discovery with an own Authorization", "GET", "/api/v1", { Authorization: "Bearer own" }],
    ["a dry run of a create", "POST", `${mapsPath}?dryRun=All`, {}],
    ["a dry run of a patch", "PATCH", `${mapsPath}/a?dryRun=All`, { "Content-Type": "application/merge-patch+json" }],
  ] as const
) {
  test(`${what} is never answered locally`, () =>
    serveHub(async (scene) => {
      seedMap(scene.server, "a");
      await syncMaps(scene);
      await scene.request("GET", `${mapsPath}/a`);
      await scene.request("GET", "/api/v1");
      const ask = () =>
        scene.request(method, path, { headers, ...(method === "GET" ? {} : { body: { metadata: { name: "a" } } }) });
      const asked = scene.seen.length;
      if (!path.includes("watch")) {
        const online = await ask();
        assert.equal(scene.seen.length, asked + 1);
        assert.notEqual(online.headers.get("x-holdfast-source"), "replica");
      }
      await scene.cut();
      assertRefused(await ask());
    }));
}

test("what is read with an own Authorization is not recorded, and travels without the node's identity", () =>
  serveHub(async ({ server, request, cut, seen }) => {
    seedMap(server, "a");
    await request("GET", `${mapsPath}/a`, { headers: { Authorization: "Bearer own" } });
    await request("GET", mapsPath, { headers: { Authorization: "Bearer own" } });
    await request("GET", "/api/v1", { headers: { Authorization: "Bearer own" } });
    assert.deepEqual(
      seen.map(({ headers, withoutNode }) => [headers.get("authorization"), withoutNode]),
      [["Bearer own", true], ["Bearer own", true], ["Bearer own", true]],
    );
    await cut();
    for (const path of [`${mapsPath}/a`, mapsPath, "/api/v1"]) assertRefused(await request("GET", path));
  }));

test("the node's token is put into requests without a credential only", () =>
  serveHub(async (scene) => {
    await scene.request("GET", mapsPath);
    await scene.request("GET", mapsPath, { headers: { Authorization: "Bearer own" } });
    await syncMaps(scene);
    assert.deepEqual(
      scene.seen.map(({ headers, withoutNode }) => [headers.get("authorization"), withoutNode]),
      [["Bearer node", false], ["Bearer own", true], ["Bearer node", false], ["Bearer node", false]],
    );
    assert.ok(!JSON.stringify(scene.log).includes("Bearer"));
  }, { authorization: () => "node" }));

for (
  const [what, dry, body, type] of [
    ["as JSON", true, '{"kind":"DeleteOptions","apiVersion":"v1","dryRun":["All"]}', "application/json"],
    ["as YAML", true, "dryRun: [All]", "application/yaml"],
    ["of none", false, '{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0}', "application/json"],
  ] as const
) {
  test(`a DELETE with a dry run in its body, ${what}: ${dry ? "the object is there" : "it is gone"}, offline too`, () =>
    serveHub(async (scene) => {
      seedMap(scene.server, "a");
      await syncMaps(scene);
      const answer = await scene.request("DELETE", `${mapsPath}/a`, {
        body: new TextEncoder().encode(body),
        headers: { "Content-Type": type },
      });
      assert.equal(answer.status, 200);
      await scene.cut();
      assert.equal((await scene.request("GET", `${mapsPath}/a`)).status, dry ? 200 : 404);
    }, { intercept: (exchange) => exchange.header("content-type") === "application/yaml" ? success() : undefined }));
}

/** The demo reads no YAML. */
function success(): Response {
  const details = { name: "a", kind: "configmaps", uid: "uid-a" };
  return Response.json({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details });
}
