import assert from "node:assert/strict";
import { test } from "node:test";
import type { CloudResponse } from "../../../src/cloud/cloud.ts";
import { Precedence } from "../../../src/cloud/precedence.ts";
import type { ByteSource } from "../../../src/platform/bytes.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
import { linkScene } from "./link_scene.ts";

const signal = new AbortController().signal;
const get = { method: "GET", rawPath: "/", rawHeaders: [], signal };

test("Cloud: a background request begins when no client's request is under way, or after half a second", async () => {
  const { cloud, clock, upstream } = linkScene();
  upstream(0).answer = { status: 200, body: "text" };
  const client = await cloud.request(get);
  const first = cloud.request({ ...get, rawPath: "/first", background: "reads" });
  await clock.advance(499);
  assert.equal(upstream(0).requests.length, 1);
  await clock.advance(1);
  assert.equal(upstream(0).requests.length, 2);
  const reading = read(await first);
  await clock.advance(250);
  await reading;
  const second = cloud.request({ ...get, rawPath: "/second", background: "reads" });
  await clock.advance(0);
  assert.equal(upstream(0).requests.length, 2);
  await read(client);
  await second;
  assert.equal(upstream(0).requests.length, 3);
});

test("Cloud: a client's watch is no reason to wait", async () => {
  const { cloud, upstream } = linkScene();
  await cloud.request({ ...get, longRunning: true });
  await cloud.request({ ...get, background: "reads" });
  assert.equal(upstream(0).requests.length, 2);
});

test("Cloud: no more than eight background requests are under way; of a watch until its answer begins", async () => {
  const { cloud, clock, upstream } = linkScene();
  upstream(0).answer = { status: 200, body: "text" };
  for (let i = 0; i < 3; i++) await cloud.request({ ...get, background: "reads", longRunning: true });
  const answers = await Promise.all(Array.from({ length: 8 }, () => cloud.request({ ...get, background: "reads" })));
  const waiting = Array.from({ length: 3 }, () => cloud.request({ ...get, background: "reads" }));
  await clock.advance(60_000);
  assert.equal(upstream(0).requests.length, 11);
  const [one, two] = answers;
  assert.ok(one !== undefined && two !== undefined);
  await read(one);
  await waiting[0];
  assert.equal(upstream(0).requests.length, 12);
  for await (const _ of two.body) break; // left early
  await waiting[1];
  assert.equal(upstream(0).requests.length, 13);
});

test("Cloud: what the outbox pushes waits for clients, but not for what the replica reads", async () => {
  const { cloud, clock, upstream } = linkScene();
  upstream(0).answer = { status: 200, body: "text" };
  for (let i = 0; i < 9; i++) void cloud.request({ ...get, background: "reads" });
  await clock.advance(0);
  assert.equal(upstream(0).requests.length, 8);
  await cloud.request({ ...get, background: "pushes" });
  assert.equal(upstream(0).requests.length, 9);
  await cloud.request(get);
  void cloud.request({ ...get, background: "pushes" });
  await clock.advance(499);
  assert.equal(upstream(0).requests.length, 10);
  await clock.advance(1);
  assert.equal(upstream(0).requests.length, 11);
});

test("Cloud: a request that fails, and one whose asker goes, give their place free", async () => {
  const { cloud, clock, upstream } = linkScene();
  upstream(0).answer = "refused";
  for (let i = 0; i < 20; i++) {
    await assert.rejects(cloud.request({ ...get, background: i % 2 === 0 ? "reads" : "pushes" }));
  }
  upstream(0).answer = 200;
  const gone = new AbortController();
  await cloud.request({ ...get, signal: gone.signal });
  const waiting = cloud.request({ ...get, background: "reads" });
  gone.abort();
  await waiting;
  const waits = new AbortController();
  await cloud.request(get);
  const given = cloud.request({ ...get, background: "reads", signal: waits.signal });
  waits.abort();
  await assert.rejects(given, { name: "UpstreamError", failure: "aborted" });
  assert.equal(clock.pending, 0);
});

test("Precedence.yielding reads slowly while clients have requests under way, and at full speed when they have not", async () => {
  const clock = createFakeClock();
  const precedence = new Precedence(clock);
  let taken = 0;
  const reading = (async () => {
    for await (const _ of precedence.yielding(pieces(10), signal)) taken += 1;
  })();
  const end = precedence.client();
  await clock.advance(0);
  assert.equal(taken, 1);
  await clock.advance(500);
  assert.equal(taken, 3);
  end();
  await reading;
  assert.deepEqual([taken, clock.pending], [10, 0]);
});

async function read({ body }: CloudResponse): Promise<void> {
  for await (const _ of body) { /* to its end */ }
}

async function* pieces(count: number): ByteSource {
  for (let i = 0; i < count; i++) yield await Promise.resolve(new Uint8Array(1));
}
