import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { condition, getJson, type KubeObject } from "./driver/api_client.ts";
import type { Hub } from "./driver/hub.ts";
import { list, pod } from "./driver/manifests.ts";
import type { KubeNode } from "./driver/node.ts";
import { PlainWatch } from "./driver/plain_watch.ts";
import { type Scene, startScene } from "./driver/scene.ts";
import { waitFor } from "./driver/wait.ts";

const NODE = "node-1";
const PODS = `/api/v1/pods?fieldSelector=spec.nodeName%3D${NODE}`;
const LINK_LIMIT_MS = 20_000;
/** Within it the cloud must show what happened on the node, counted from the relay's first byte. */
const TRUTH_LIMIT_MS = 10_000;
const podPath = (name: string): string => `/api/v1/namespaces/default/pods/${name}`;

interface OutboxStatus {
  readonly waiting: readonly { readonly resource: string; readonly name: string; readonly error?: string }[];
  readonly settled: readonly { readonly resource: string; readonly name: string; readonly how: string }[];
}

describe("what happens on a node while the link is cut", () => {
  let scene: Scene;
  let hub: Hub;
  let node: KubeNode;
  let watch: PlainWatch;
  const oneshotUids = new Map<string, string>();

  before(async () => {
    scene = await startScene({ hub: true, node: true, nodeName: NODE });
    assert.ok(scene.hub && scene.node);
    ({ hub, node } = scene);
    await scene.cluster.direct.ok(["create", "-f", "-"], {
      stdin: list(
        once("oneshot"),
        pod({ name: "runner", nodeName: NODE }),
        pod({ name: "deleted", nodeName: NODE }),
        pod({ name: "quiet", nodeName: NODE }),
      ),
    });
    for (const name of ["oneshot", "runner", "deleted", "quiet"]) {
      await waitFor(`the pod ${name} to be Ready in the cloud`, 40_000, async (seen) => {
        const object = await getJson(scene.cluster.api, podPath(name));
        seen(object.status);
        return condition(object, "Ready") === "True";
      });
    }
    watch = new PlainWatch(hub.proxyPort, `${PODS}&watch=true&allowWatchBookmarks=true`);
    await watch.waitForEvent("the pod", 5_000, (event) => event.includes('"name":"oneshot"'));
    await scene.relay.setMode("refuse");
    await hub.waitForLink("offline", LINK_LIMIT_MS);
  });
  after(async () => {
    watch?.close();
    await scene?.stop();
  });

  it("a container that exits: the hub shows it, to readers and to open watches", async () => {
    process.kill(node.pidOf("oneshot"), "SIGKILL");
    process.kill(node.pidOf("runner"), "SIGKILL");
    await waitFor("the hub to show that the pod has failed", 20_000, async (seen) => {
      const object = await getJson(hub.api, podPath("oneshot"));
      seen(object.status);
      oneshotUids.set("oneshot", object.metadata.uid);
      return object.status?.phase === "Failed";
    });
    await waitFor("the hub to show the restart", 30_000, async (seen) => {
      const object = await getJson(hub.api, podPath("runner"));
      seen(object.status);
      return restarts(object) === 1 && condition(object, "Ready") === "True";
    });
    await watch.waitForEvent("the failed pod", 5_000, (event) => phase(event, "oneshot") === "Failed");
    const { waiting } = await outbox();
    for (const name of ["oneshot", "runner"]) {
      assert.ok(waiting.some((one) => one.resource === "pods" && one.name === name), JSON.stringify(waiting));
    }
    assert.equal((await getJson(scene.cluster.api, podPath("oneshot"))).status?.phase, "Running");
  });

  it("is still there after kill -9 of the hub", async () => {
    const before = await outbox();
    watch.close();
    await hub.kill();
    await hub.start();
    const names = ({ waiting }: OutboxStatus) => waiting.map(({ resource, name }) => `${resource}/${name}`);
    const kept = names(await outbox());
    for (const name of names(before)) assert.ok(kept.includes(name), `${name} of ${names(before).join()}`);
    assert.equal((await getJson(hub.api, podPath("oneshot"))).status?.phase, "Failed");
    watch = new PlainWatch(hub.proxyPort, `${PODS}&watch=true&allowWatchBookmarks=true`);
    await watch.waitForEvent("the failed pod", 5_000, (event) => phase(event, "oneshot") === "Failed");
  });

  it("a kubelet that is killed registers again, and its node's status waits within 20 s", async () => {
    const { registrations } = node;
    await node.killKubelet();
    await node.start();
    await waitFor("kubelet to register", 20_000, () => node.registrations > registrations);
    await waitFor("the node's status in the outbox", 20_000, async (seen) => {
      const { waiting } = await outbox();
      seen(waiting);
      return waiting.some(({ resource, name }) => resource === "nodes" && name === NODE);
    });
    await waitFor("the hub to show that the node is Ready", 20_000, async (seen) => {
      const object = await getJson(hub.api, `/api/v1/nodes/${NODE}`);
      seen(object.status?.conditions);
      return condition(object, "Ready") === "True"; // not at first: a kubelet that starts says so
    });
  });

  it("on return the cloud shows the node's truth within 10 s, the outbox is empty, and nothing old comes back", async () => {
    const { direct, api } = scene.cluster;
    await waitFor("the cloud to miss the node", 60_000, async (seen) => {
      const object = await getJson(api, `/api/v1/nodes/${NODE}`);
      seen(object.status?.conditions);
      return condition(object, "Ready") === "Unknown";
    });
    await direct.ok(["delete", "pod", "deleted", "--force", "--grace-period=0"]);
    const began = performance.now();
    await scene.relay.setMode("pass");
    await waitFor("the node's truth in the cloud", TRUTH_LIMIT_MS, async (seen) => {
      const [oneshot, runner, self, { waiting }] = await Promise.all([
        getJson(api, podPath("oneshot")),
        getJson(api, podPath("runner")),
        getJson(api, `/api/v1/nodes/${NODE}`),
        outbox(),
      ]);
      seen({
        waiting,
        oneshot: oneshot.status?.phase,
        runner: [restarts(runner), condition(runner, "Ready")],
        node: condition(self, "Ready"),
      });
      return oneshot.status?.phase === "Failed" && restarts(runner) === 1 && condition(runner, "Ready") === "True" &&
        condition(self, "Ready") === "True" && waiting.length === 0;
    });
    console.log(`the cloud showed the node's truth after ${Math.round(performance.now() - began)} ms`);
    const { settled } = await outbox();
    console.log(settled.map(({ resource, name, how }) => `${resource}/${name} ${how}`).join("\n"));
    assert.equal((await getJson(api, podPath("oneshot"))).metadata.uid, oneshotUids.get("oneshot"));
    const phases = watch.events.map((event) => phase(event, "oneshot")).filter((one) => one !== undefined);
    assert.deepEqual([...new Set(phases)], ["Failed"]);
    const events = await getJson(api, "/api/v1/namespaces/default/events");
    const ofRunner = events.items?.filter((event) => event.metadata.name.startsWith("runner.")) ?? [];
    assert.ok(ofRunner.length > 0);
  });

  async function outbox(): Promise<OutboxStatus> {
    const { text } = await hub.status("/v1/outbox");
    return JSON.parse(text) as OutboxStatus; // the hub's own; the assertions look at each field
  }
});

function once(name: string): unknown {
  const manifest = pod({ name, nodeName: NODE }) as { readonly spec: object }; // as `pod` makes it
  return { ...manifest, spec: { ...manifest.spec, restartPolicy: "Never" } };
}

function restarts(object: KubeObject): number {
  return object.status?.containerStatuses?.[0]?.restartCount ?? 0;
}

/** The phase of a pod in a line of a watch; nothing where the line is of something else. */
function phase(line: string, name: string): string | undefined {
  const { type, object } = JSON.parse(line) as { readonly type: string; readonly object: KubeObject }; // of a hub
  return type !== "BOOKMARK" && object.metadata.name === name ? object.status?.phase : undefined;
}
