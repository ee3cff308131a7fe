import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { condition, getJson } from "./driver/api_client.ts";
import { waitForEqualCollections } from "./driver/collections.ts";
import type { Hub } from "./driver/hub.ts";
import { isAlive } from "./driver/leftovers.ts";
import { configMap, list, pod } from "./driver/manifests.ts";
import type { KubeNode } from "./driver/node.ts";
import type { RelayMode } from "./driver/relay.ts";
import { type Scene, startScene } from "./driver/scene.ts";
import { holdsFor, sleep, waitFor } from "./driver/wait.ts";

const NODE = "node-1";
const READY_LIMIT_MS = 40_000;
const LINK_LIMIT_MS = 20_000;
/** How long nothing may happen to containers: kubelet's housekeeping runs every 2 s. */
const QUIET_MS = 3_000;
const PODS = `/api/v1/pods?fieldSelector=spec.nodeName%3D${NODE}`;

const keeper = pod({
  name: "keeper",
  nodeName: NODE,
  container: { volumeMounts: [{ name: "settings", mountPath: "/settings" }] },
  volumes: [{ name: "settings", configMap: { name: "settings" } }],
});

describe("a kubelet behind the hub, through faults", () => {
  let scene: Scene;
  let hub: Hub;
  let node: KubeNode;
  /** The process of each pod, which must stay the same while the pod is there. */
  const pids = new Map<string, number>();

  before(async () => {
    scene = await startScene({ hub: true, node: true, nodeName: NODE, rights: true });
    assert.ok(scene.hub && scene.node);
    ({ hub, node } = scene);
    await scene.cluster.direct.ok(["create", "-f", "-"], {
      stdin: list(configMap("settings", { text: "at first" }), keeper, ...["plain", "leaving"].map(sleeper)),
    });
    for (const name of ["keeper", "plain", "leaving"]) await started(name);
  });
  after(() => scene?.stop());

  it("that come and go: resets, refusals and silences of a second or less", async () => {
    const cuts: readonly RelayMode[] = ["reset", "swallow", "refuse", "reset", "refuse", "swallow"];
    for (const [index, mode] of cuts.entries()) {
      await scene.relay.setMode(mode);
      await sleep(150 * (index + 1));
      await scene.relay.setMode("pass");
      await sleep(400);
      assertProcesses();
    }
    await settled("cuts");
  });

  it("kill -9 of the hub, again and again", async () => {
    for (let i = 0; i < 3; i++) {
      await hub.kill();
      await scene.cluster.direct.ok(["label", "pod", "keeper", `kill=${i}`, "--overwrite"]);
      await hub.start();
      assertProcesses();
    }
    await settled("kills");
  });

  it("the API server started anew, with etcd below it", async () => {
    await scene.cluster.etcd.copy();
    await settled("restart");
  });

  it("410: what was missed is compacted, and the API server knows nothing of it any more", async () => {
    await scene.relay.setMode("refuse");
    await hub.waitForLink("offline", LINK_LIMIT_MS);
    const leaving = pids.get("leaving");
    await scene.cluster.direct.ok(["create", "-f", "-"], { stdin: list(sleeper("meanwhile")) });
    await scene.cluster.direct.ok(["delete", "pod", "leaving", "--wait=false"]);
    for (let i = 0; i < 5; i++) {
      await scene.cluster.direct.ok(["label", "pod", "keeper", `missed=${i}`, "--overwrite"]);
    }
    await scene.cluster.etcd.compactAndForget();
    assertProcesses();
    pids.delete("leaving");
    await scene.relay.setMode("pass");
    await started("meanwhile");
    await waitFor("the deleted pod to be gone", READY_LIMIT_MS, async () => await podOf("leaving") === undefined);
    assert.ok(leaving !== undefined && !isAlive(leaving), "its process has ended");
    await settled("compaction");
  });

  it("etcd put back to an older state: what it does not know is ended, what it knows again is started", async () => {
    // None was there when the copy was made; `leaving` was.
    const later = ["after-restart", "meanwhile", "after-compaction"];
    const ended = later.map((name) => pids.get(name) ?? 0);
    await scene.cluster.etcd.restore();
    for (const name of later) pids.delete(name);
    await waitFor("the containers of unknown pods to end", READY_LIMIT_MS, (seen) => {
      const alive = ended.filter(isAlive);
      seen(node.containers());
      return alive.length === 0;
    });
    await started("leaving");
    await settled("restore");
    const names = (await getJson(scene.cluster.api, PODS)).items?.map(({ metadata }) => metadata.name).sort();
    assert.deepEqual(names, [...pids.keys()].sort());
  });

  /** Nothing has happened to the pods, a new one starts, and the hub holds what the API server has. */
  async function settled(name: string): Promise<void> {
    await holdsFor(QUIET_MS, assertProcesses);
    await scene.cluster.direct.ok(["create", "-f", "-"], { stdin: list(sleeper(`after-${name}`)) });
    await started(`after-${name}`);
    await waitFor("the node to be Ready in the cloud", READY_LIMIT_MS, async (seen) => {
      const object = await getJson(scene.cluster.api, `/api/v1/nodes/${NODE}`);
      seen(object.status?.conditions);
      return condition(object, "Ready") === "True";
    });
    const collections = await waitForEqualCollections(hub, scene.cluster.api, READY_LIMIT_MS);
    assert.ok(collections.length >= 4, collections.join());
    assertProcesses();
  }

  /** Waits until a pod is Ready in the cloud, and remembers its process. */
  async function started(name: string): Promise<void> {
    await waitFor(`the pod ${name} to be Ready in the cloud`, READY_LIMIT_MS, async (seen) => {
      const object = await podOf(name);
      seen(object?.status);
      return object !== undefined && condition(object, "Ready") === "True" && processes().has(name);
    });
    pids.set(name, node.pidOf(name));
  }

  async function podOf(name: string) {
    const answer = await scene.cluster.api(`/api/v1/namespaces/default/pods/${name}`);
    // The API server's: a pod, or a Status.
    return answer.status === 404
      ? undefined
      : await getJson(scene.cluster.api, `/api/v1/namespaces/default/pods/${name}`);
  }

  /** Each pod still has the process that it was started with. */
  function assertProcesses(): void {
    assert.deepEqual(processes(), new Map(pids)); // in any order
  }

  function processes(): Map<string, number> {
    return new Map(node.containers().filter(({ alive }) => alive).map(({ pod, pid }) => [pod, pid]));
  }
});

function sleeper(name: string): unknown {
  return pod({ name, nodeName: NODE });
}
