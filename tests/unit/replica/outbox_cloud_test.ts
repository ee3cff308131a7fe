import assert from "node:assert/strict";
import { test } from "node:test";
import { OutboxCloud } from "../../../src/replica/outbox_cloud.ts";
import { Recorder } from "../../../src/replica/recorder.ts";
import { loneReplica } from "../../testing/lone_replica.ts";
import { podPath } from "../../testing/node_pods.ts";
import { linkScene } from "../cloud/link_scene.ts";

test("OutboxCloud lets clients' requests go first", async () => {
  const { cloud, link, clock, upstream } = linkScene();
  const recorder = new Recorder(loneReplica({ clock }).replica, clock.now);
  const ways = new OutboxCloud({ cloud, link, clock, recorder, nodeName: "node-1" });
  const { signal } = new AbortController();
  upstream(0).answer = { status: 200, body: "text" };
  const client = await cloud.request({ method: "GET", rawPath: "/client", rawHeaders: [], signal });
  upstream(0).answer = 500;
  const pushing = ways.get(podPath("a"), signal);
  await clock.advance(100);
  assert.equal(upstream(0).requests.length, 1);
  for await (const _ of client.body) { /* to its end */ }
  assert.ok("failure" in await pushing);
  assert.deepEqual([upstream(0).requests.length, clock.pending], [2, 0]);
});
