import assert from "node:assert/strict";
import { test } from "node:test";
import { maxStatusListeners, statusIntervalMs } from "../../src/hub/status_events.ts";
import { type EventStream, readEvents } from "../testing/event_stream.ts";
import { syncMaps } from "../testing/hub_answers.ts";
import { type HubScene, serveHub } from "../testing/hub_scene.ts";
import { holdPods, patchStatus, seedPod } from "../testing/outbox_scene.ts";
import { pageWords } from "../testing/page_words.ts";
import type { HubStatus } from "../testing/running_hub.ts";
import { mapsPath, seedMap } from "../testing/sample_objects.ts";

async function pageOf({ statusOrigin }: HubScene): Promise<string> {
  const response = await fetch(`${statusOrigin}/`);
  assert.deepEqual([response.status, response.headers.get("content-type")], [200, "text/html; charset=utf-8"]);
  return await response.text();
}

async function listen({ statusOrigin }: HubScene): Promise<EventStream> {
  const { status, headers, body } = await fetch(`${statusOrigin}/v1/events`);
  assert.deepEqual([status, headers.get("content-type")], [200, "text/event-stream"]);
  assert.ok(body !== null);
  return readEvents(body);
}

/** The next event that is no heartbeat, the hub's clock going on meanwhile where `stepMs` is given. */
async function nextStatus(events: EventStream): Promise<HubStatus> {
  for (;;) {
    const event = await events.next();
    assert.ok(event !== undefined);
    if (event.name === "status") return JSON.parse(event.data) as HubStatus; // not checked: as in `running_hub.ts`
  }
}

test("the status page shows the link, collections, clients and the outbox of the hub, without any script", () =>
  serveHub(async (scene) => {
    seedMap(scene.server, "a");
    seedPod(scene, "web");
    await syncMaps(scene);
    await holdPods(scene);
    await scene.request("GET", `${mapsPath}?resourceVersion=0`, { headers: { "User-Agent": "kubelet/v1.36" } });
    const online = pageWords(await pageOf(scene));
    assert.match(online, /node-1 test on node, up for \S+ /);
    assert.match(online, /Online\. The cloud answers\./);
    assert.match(online, /configmaps -n default live/);
    assert.match(online, /kubelet 1 0 0 0 0 0 0 B 0 B/);
    scene.clock.step(60_000);
    await scene.cut();
    await patchStatus(scene, "web", { phase: "Failed" });
    scene.clock.step(90_000);
    const page = await pageOf(scene);
    const offline = pageWords(page);
    assert.match(offline, /Offline\. The cloud is out of reach\. The replica answers\./);
    assert.match(offline, /the link was cut once, 90s in all\. It is cut now\./);
    assert.match(offline, /configmaps -n default stale/);
    assert.match(offline, /1 object waits for the cloud/);
    assert.match(offline, /pods default\/web status 1 /);
    assert.match(offline, /What is not well outbox 1 objects wait for the cloud/);
    assert.match(page, /<noscript><meta http-equiv="refresh" content="30">/);
    await scene.heal();
    await scene.until(async () => (await scene.outbox()).waiting.length === 0, 250);
    assert.match(pageWords(await pageOf(scene)), /pods default\/web status 1 \S+ ago sent/);
  }));

test("the status page shows names with markup as text: of the node, of a namespace, of a selector", () =>
  serveHub(async (scene) => {
    await scene.request("GET", "/api/v1/namespaces/%3Cb%3Ebold/configmaps?resourceVersion=0");
    await scene.request("GET", `${mapsPath}?resourceVersion=0&fieldSelector=metadata.name%3D%3Ci%3Ename`);
    const page = await pageOf(scene);
    assert.match(page, /<h1>&lt;u&gt;node &amp; co<\/h1>/);
    assert.match(page, /-n &lt;b&gt;bold</);
    assert.match(page, /metadata\.name=&lt;i&gt;name&#39;/);
    assert.doesNotMatch(page, /<[bui]>/);
  }, { nodeName: "<u>node & co" }));

test("the status page is for pages of this machine alone, and reads ask for no user id", () =>
  serveHub(async ({ statusOrigin }) => {
    for (const path of ["/", "/v1/events"]) {
      const response = await fetch(statusOrigin + path, { headers: { Origin: "http://evil.example" } });
      assert.equal(response.status, 403);
      await response.body?.cancel();
    }
    assert.equal((await fetch(`${statusOrigin}/`)).status, 200);
  }, { plainAllowUids: [4_000_000] }));

test("/v1/status tells backends, clients, collections with their bytes, the last hour and the outbox", () =>
  serveHub(async (scene) => {
    seedMap(scene.server, "a");
    await syncMaps(scene);
    await scene.request("GET", mapsPath, { headers: { "User-Agent": "kubectl/v1.36" } });
    const { collections: [maps], clients = [], history, ready } = await scene.status();
    assert.ok((maps?.bytes ?? 0) > 50);
    const kubectl = clients.find(({ client }) => client === "kubectl");
    assert.deepEqual(kubectl?.answered, { cloud: 1, replica: 0, outbox: 0, hub: 0 });
    assert.equal(history?.windowMs, 3_600_000);
    assert.deepEqual(history?.changes.map(({ state }) => state), ["unknown", "unknown", "online", "healthy"]);
    assert.equal(ready, true);
  }));

test("/v1/events tells at once that the link is cut, and that it is back", () =>
  serveHub(async (scene) => {
    const events = await listen(scene);
    assert.equal((await nextStatus(events)).link.state, "online");
    // The clock of the hub stands still: what comes now is told at the change.
    await scene.cut();
    assert.equal((await nextStatus(events)).link.state, "offline");
    await scene.heal();
    let state = "offline";
    while (state === "offline") state = (await nextStatus(events)).link.state;
    assert.equal(state, "online");
    await events.close();
  }));

test("/v1/events beats where nothing has changed, and ends when the hub closes", () =>
  serveHub(async (scene) => {
    const events = await listen(scene);
    await nextStatus(events);
    let name: string | undefined = "status";
    const beat = (async () => {
      while (name === "status") name = (await events.next())?.name; // of the hub's own checks of the link
    })();
    // In steps that leave the cloud the time to answer those.
    await scene.until(() => name !== "status", statusIntervalMs / 100);
    await beat;
    assert.equal(name, "heartbeat");
    await scene.restart();
    let last = await events.next();
    while (last !== undefined) last = await events.next();
  }));

test("/v1/events takes a bounded number of listeners, and another one where one has gone; HEAD takes no place", () =>
  serveHub(async (scene) => {
    const head = await fetch(`${scene.statusOrigin}/v1/events`, { method: "HEAD" });
    assert.deepEqual([head.status, head.headers.get("content-type")], [200, "text/event-stream"]);
    const listeners = await Promise.all(Array.from({ length: maxStatusListeners }, () => listen(scene)));
    const refused = await fetch(`${scene.statusOrigin}/v1/events`);
    assert.equal(refused.status, 503);
    assert.match(await refused.text(), /Too many listen to the events of this hub/);
    const metrics = await (await fetch(`${scene.statusOrigin}/metrics`)).text();
    assert.match(metrics, /^holdfast_status_listeners 16$/m);
    assert.match(metrics, /^holdfast_status_listeners_refused_total 1$/m);
    await listeners[0]?.close();
    await scene.until(async () => {
      const { status, body } = await fetch(`${scene.statusOrigin}/v1/events`);
      await body?.cancel();
      return status === 200;
    });
    for (const listener of listeners.slice(1)) await listener.close();
  }));
