import assert from "node:assert/strict";
import { test } from "node:test";
import type { ByteSource } from "../../../src/platform/bytes.ts";
import { Traffic } from "../../../src/cloud/traffic.ts";
import type { FakeAnswer } from "../../testing/fake_upstream.ts";
import { linkScene } from "./link_scene.ts";

const signal = new AbortController().signal;

test("Cloud counts requests, failures and bytes of bodies by client", async () => {
  const { cloud, upstream } = linkScene();
  const ask = async (agent: string | undefined, body?: Uint8Array | ByteSource) => {
    const rawHeaders = agent === undefined ? [] : ["user-agent", agent];
    const method = body === undefined ? "GET" : "PATCH";
    const response = await cloud.request({ method, rawPath: "/", rawHeaders, signal, ...(body ? { body } : {}) });
    for await (const _ of response.body) { /* read */ }
  };
  upstream(0).answer = { status: 200, body: "12345" };
  await ask("kubelet/v1.36.3 (linux/amd64) kubernetes/abc");
  await ask("Kubelet/v1.35.0", new Uint8Array(7));
  upstream(0).answer = { status: 200, body: "123" };
  await ask(undefined);
  upstream(0).answer = async ({ body }): Promise<FakeAnswer> => {
    for await (const _ of body instanceof Uint8Array ? [] : body ?? []) { /* read */ }
    return "broken";
  };
  await assert.rejects(ask("kubectl/v1", stream(3, 4)));
  assert.deepEqual(cloud.traffic.clients(), [
    { client: "kubelet", requests: 2, failed: 0, sentBytes: 7, receivedBytes: 10 },
    { client: "unknown", requests: 1, failed: 0, sentBytes: 0, receivedBytes: 3 },
    { client: "kubectl", requests: 1, failed: 1, sentBytes: 7, receivedBytes: 0 },
  ]);
});

test("Traffic counts what goes through an upgraded connection, in both directions", async () => {
  const traffic = new Traffic();
  const written: number[] = [];
  let ended = 0;
  const through = traffic.begin(["User-Agent", "kubectl/v1"]).through({
    source: stream(3, 4),
    write: (chunk) => void written.push(chunk.length),
    end: () => void ended++,
    destroy: () => void ended++,
    closed: Promise.resolve(true),
    releases: true,
  });
  let read = 0;
  for await (const chunk of through.source) read += chunk.length;
  void through.write(new Uint8Array(5));
  through.end();
  through.destroy();
  assert.deepEqual([read, written, ended, await through.closed, through.releases], [7, [5], 2, true, true]);
  assert.deepEqual(traffic.clients(), [
    { client: "kubectl", requests: 1, failed: 0, sentBytes: 5, receivedBytes: 7 },
  ]);
});

test("Traffic: names that clients give themselves are bounded in number, length and characters", () => {
  const traffic = new Traffic();
  traffic.begin(["User-Agent", 'a"b\n{}/1']);
  traffic.begin(["User-Agent", "x".repeat(500)]);
  for (let i = 0; i < 500; i++) traffic.begin(["User-Agent", `agent-${i}/1`]);
  const clients = traffic.clients();
  assert.equal(clients.length, 101);
  assert.equal(clients.find(({ client }) => client === "other")?.requests, 402);
  assert.equal(clients.find(({ client }) => client === "unknown")?.requests, 1);
  assert.ok(clients.every(({ client }) => client.length <= 40));
});

async function* stream(...lengths: readonly number[]): ByteSource {
  for (const length of lengths) yield await Promise.resolve(new Uint8Array(length));
}
