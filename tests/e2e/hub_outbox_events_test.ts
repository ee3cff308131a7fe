import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { serveHub } from "../testing/hub_scene.ts";
import { strategic } from "../testing/outbox_scene.ts";
import { message, protobufBody, protobufType } from "../testing/protobuf_body.ts";
import type { HubAnswer } from "../testing/running_hub.ts";

function assertRefused(answer: HubAnswer): void {
  assert.deepEqual([answer.status, answer.body.reason], [503, "ServiceUnavailable"]);
  assert.equal(answer.headers.get("retry-after"), null);
}

function countOf({ text }: HubAnswer): unknown {
  return (JSON.parse(text) as { count?: unknown }).count; // an assertion looks at it
}

describe("Events", () => {
  const eventsPath = "/api/v1/namespaces/default/events";
  const event = {
    kind: "Event",
    apiVersion: "v1",
    metadata: { name: "web.1", namespace: "default" },
    involvedObject: { kind: "Pod", namespace: "default", name: "web", uid: "web" },
    reason: "BackOff",
    message: "again",
    firstTimestamp: "2026-01-01T00:00:00Z",
    lastTimestamp: "2026-01-01T00:00:00Z",
    eventTime: null,
    count: 1,
    type: "Warning",
  };

  /** A cloud that keeps events. */
  function eventCloud() {
    const kept = new Map<string, Record<string, unknown>>();
    const intercept = (exchange: { method: string; rawPath: string; body: AsyncIterable<Uint8Array> }) => {
      const [path = ""] = exchange.rawPath.split("?");
      if (!path.startsWith(eventsPath)) return undefined;
      const name = path.slice(eventsPath.length + 1);
      if (exchange.method === "GET") {
        const held = kept.get(name);
        return held === undefined
          ? Response.json({ kind: "Status", code: 404, reason: "NotFound" }, { status: 404 })
          : Response.json(held);
      }
      return undefined;
    };
    return { kept, intercept };
  }

  test("a create is 201, a PATCH is folded into it, and a GET gives it", () =>
    serveHub(async (scene) => {
      await scene.cut();
      const made = await scene.request("POST", eventsPath, { body: event });
      assert.deepEqual([made.status, made.headers.get("x-holdfast-source")], [201, "outbox"]);
      assert.equal((await scene.request("POST", eventsPath, { body: event })).body.reason, "AlreadyExists");
      const patch = { count: 2, lastTimestamp: "2026-01-01T00:01:00Z" };
      const patched = await scene.request("PATCH", `${eventsPath}/web.1`, { body: patch, headers: strategic });
      assert.deepEqual([patched.status, patched.headers.get("x-holdfast-source")], [200, "outbox"]);
      assert.deepEqual(countOf(await scene.request("GET", `${eventsPath}/web.1`)), 2);
      assert.deepEqual((await scene.outbox()).waiting.map(({ kind, writes }) => [kind, writes]), [["create", 2]]);
    }));

  test("one in protobuf is answered in JSON", () =>
    serveHub(async (scene) => {
      await scene.cut();
      const raw = message({ 1: message({ 1: "web.2", 3: "default" }), 3: "BackOff", 4: "again" });
      const made = await scene.request("POST", eventsPath, {
        body: protobufBody("v1", "Event", raw),
        headers: { "Content-Type": protobufType, Accept: `${protobufType}, */*` },
      });
      assert.equal(made.status, 201);
      const { metadata, reason } = JSON.parse(made.text) as { metadata: { name: string }; reason: string };
      assert.deepEqual([metadata.name, reason], ["web.2", "BackOff"]);
    }));

  test("an event in another namespace than its path's, or without a name, is 503", () =>
    serveHub(async (scene) => {
      await scene.cut();
      for (const metadata of [{ name: "x", namespace: "other" }, { generateName: "x", namespace: "default" }]) {
        assertRefused(await scene.request("POST", eventsPath, { body: { ...event, metadata } }));
      }
    }));

  test("a PATCH of one that the cloud gave is laid over it", () => {
    const { kept, intercept } = eventCloud();
    kept.set("web.1", { ...event, metadata: { ...event.metadata, uid: "e", resourceVersion: "7" } });
    return serveHub(async (scene) => {
      await scene.request("GET", `${eventsPath}/web.1`);
      await scene.cut();
      const patched = await scene.request("PATCH", `${eventsPath}/web.1`, { body: { count: 9 }, headers: strategic });
      assert.deepEqual([patched.status, patched.body.metadata.resourceVersion], [200, "7"]);
      assert.equal(countOf(await scene.request("GET", `${eventsPath}/web.1`)), 9);
      assert.deepEqual((await scene.outbox()).waiting.map(({ kind }) => kind), ["patch"]);
    }, { intercept });
  });
});
