import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { condition, getJson, type KubeObject } from "./driver/api_client.ts";
import type { Hub } from "./driver/hub.ts";
import type { Kubectl } from "./driver/kubectl.ts";
import { isAlive } from "./driver/leftovers.ts";
import { configMap, list, pod, secret } from "./driver/manifests.ts";
import { type KubeNode, startNode } from "./driver/node.ts";
import { PlainWatch } from "./driver/plain_watch.ts";
import { connectionsTo, environmentOf } from "./driver/process_view.ts";
import { type Scene, startHubOf, startScene } from "./driver/scene.ts";
import { removeCollection } from "./driver/store_rows.ts";
import { holdsFor, waitFor } from "./driver/wait.ts";

const NODE = "node-1";
const EMPTY_NODE = "node-2";
const PODS = `/api/v1/pods?fieldSelector=spec.nodeName%3D${NODE}`;
const WATCH_LIST =
  `${PODS}&watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`;
/** The hub looks at the link every 10 s, for at most 2 s, where no request tells it. */
const LINK_LIMIT_MS = 20_000;
const READ_LIMIT_MS = 3_000;
/** How long after a restart nothing may happen to containers: kubelet's housekeeping runs every 2 s. */
const QUIET_MS = 4_000;
/** Nodes, Services, RuntimeClasses, CSIDrivers, Pods, the ConfigMaps `settings` and `kube-root-ca.crt`, the Secret `login`. */
const KUBELET_WATCHES = 8;
const modes = ["refuse", "swallow"] as const;

const keeper = pod({
  name: "keeper",
  nodeName: NODE,
  container: { volumeMounts: [{ name: "settings", mountPath: "/settings" }, { name: "login", mountPath: "/login" }] },
  volumes: [
    { name: "settings", configMap: { name: "settings" } },
    { name: "login", secret: { secretName: "login" } },
  ],
});

describe("a kubelet and a kubectl behind the hub while the link is cut", () => {
  let scene: Scene;
  let hub: Hub;
  let node: KubeNode;
  let emptyHub: Hub;
  let emptyNode: KubeNode;
  let kubectl: Kubectl;
  /** The process of each pod, which must stay the same while the pod is there. */
  let pids: Map<string, number>;

  before(async () => {
    scene = await startScene({ hub: true, node: true, nodeName: NODE });
    const { cluster, relay } = scene;
    assert.ok(scene.hub && scene.node);
    ({ hub, node } = scene);
    emptyHub = await startHubOf({ cluster, relay, name: EMPTY_NODE, identity: EMPTY_NODE });
    emptyNode = await startNode({
      program: cluster.program,
      name: EMPTY_NODE,
      clusterDir: cluster.dir,
      server: emptyHub.url,
    });
    kubectl = cluster.kubectlAt(hub.url);
    await cluster.direct.ok(["create", "-f", "-"], {
      stdin: list(
        configMap("settings", { text: "at first" }),
        secret("login", { password: "s3cret" }),
        keeper,
        pod({ name: "plain", nodeName: NODE }),
        ...modes.map((mode) => pod({ name: `gone-${mode}`, nodeName: NODE })),
      ),
    });
    for (const name of ["keeper", "plain", ...modes.map((mode) => `gone-${mode}`)]) {
      await waitForReady("pod", name, 30_000);
    }
    for (const name of [NODE, EMPTY_NODE]) await waitForReady("node", name, 30_000);
    pids = processes();
    assert.equal(pids.size, 2 + modes.length);
  });
  after(async () => {
    await scene?.relay.setMode("pass");
    await emptyNode?.stop();
    await emptyHub?.stop();
    await scene?.stop();
  });

  for (const mode of modes) {
    describe(`(${mode})`, () => {
      it("a watch outlives a short cut and gets what changed meanwhile", async () => {
        const watch = new PlainWatch(hub.proxyPort, `${PODS}&watch=true&allowWatchBookmarks=true`);
        await watch.waitForEvent("the pod", 5_000, (event) => event.includes('"name":"keeper"'));
        await cut(mode);
        await scene.cluster.direct.ok(["label", "pod", "keeper", `short=${mode}`, "--overwrite"]);
        await scene.relay.setMode("pass");
        await watch.waitForEvent("the label", 15_000, (event) => event.includes(`"short":"${mode}"`));
        assert.equal(watch.ended, undefined);
        watch.close();
      });

      it("what the kubelet watches is read within 3 s, by HTTP and by kubectl", async () => {
        await hub.waitForLink("online", LINK_LIMIT_MS);
        await assertKubectlReads();
        const connections = connectionsTo(node.pid, hub.proxyPort);
        const logged = node.log().length;
        await scene.relay.setMode(mode);
        await Promise.all([
          timed("pods", async () => assert.equal((await getJson(hub.api, PODS)).items?.length, pids.size)),
          timed(
            "the node",
            async () => assert.equal((await getJson(hub.api, `/api/v1/nodes/${NODE}`)).metadata.name, NODE),
          ),
        ]);
        await timed("kubectl get pods", assertKubectlReads);
        await holdsFor(QUIET_MS, assertProcesses);
        const kept = [...connectionsTo(node.pid, hub.proxyPort)].filter((port) => connections.has(port));
        assert.ok(
          kept.length >= KUBELET_WATCHES,
          `${kept.length} of ${connections.size} connections of kubelet are left`,
        );
        const complaints = node.log().slice(logged).split("\n").filter((line) => /reflector.*(fail|ended)/i.test(line));
        assert.deepEqual(complaints, []);
      });

      it("a kubelet that was killed registers again, and its pods keep their processes", async () => {
        await cut(mode);
        await assertRestart(node);
      });

      it("after kill -9 of the hub too: reads are served, kubelet registers, processes stay", async () => {
        await cut(mode);
        await hub.kill();
        assertProcesses();
        await hub.start();
        await timed("kubectl get pods", assertKubectlReads);
        const answer = await hub.api("/api/v1/nodes", {
          method: "POST",
          body: JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name: NODE } }),
        });
        assert.equal(answer.status, 409, answer.text);
        await assertRestart(node);
      });

      it("a node without pods comes up too", async () => {
        await cut(mode);
        await emptyHub.kill();
        await emptyHub.start();
        await assertRestart(emptyNode);
      });

      it("the link comes back: the node is Ready, and what changed meanwhile arrives", async () => {
        await cut(mode);
        const { direct, api } = scene.cluster;
        await waitFor("the cloud to miss the node", 30_000, async (seen) => {
          const object = await getJson(api, `/api/v1/nodes/${NODE}`);
          seen(object.status?.conditions);
          return condition(object, "Ready") === "Unknown";
        });
        const gone = `gone-${mode}`;
        await direct.ok(["label", "pod", "keeper", `changed=${mode}`, "--overwrite"]);
        await direct.ok(["patch", "configmap", "settings", "-p", JSON.stringify({ data: { text: `while ${mode}` } })]);
        await direct.ok(["delete", "pod", gone, "--wait=false"]);
        const process = pids.get(gone);
        pids.delete(gone);
        assert.ok(process !== undefined && isAlive(process));
        await scene.relay.setMode("pass");
        for (const name of [NODE, EMPTY_NODE]) await waitForReady("node", name, 30_000);
        await waitFor("the label at the kubelet", 20_000, async (seen) => {
          const labels = (await kubeletPods(node)).find(({ metadata }) => metadata.name === "keeper")?.metadata.labels;
          seen(labels);
          return labels?.["changed"] === mode;
        });
        const file = join(environmentOf(node.pidOf("keeper"))["MOUNT_settings"] ?? "", "text");
        await waitFor("the ConfigMap in the volume", 30_000, async (seen) => {
          // The volume is written when kubelet next looks at the pod: at a change of it, or once a minute.
          await direct.ok(["annotate", "pod", "keeper", `look=${Date.now()}`, "--overwrite"]);
          const text = readFileSync(file, "utf8");
          seen(text);
          return text === `while ${mode}`;
        });
        await waitFor("the deleted pod to be gone", 20_000, async (seen) => {
          const answer = await api(`/api/v1/namespaces/default/pods/${gone}`);
          seen(answer.text);
          return answer.status === 404;
        });
        assert.ok(!isAlive(process), "the deleted pod's process has ended");
        assertProcesses();
        for (const name of ["keeper", "plain"]) await waitForReady("pod", name, 20_000);
      });
    });
  }

  it("kubelet's pods lost from the store while cut: 503, never an empty list, and every container lives on", async () => {
    await cut("refuse");
    await hub.stop();
    assert.ok(removeCollection(hub.rootDir, (query) => query.includes("/pods/") && query.includes(NODE)) > 1);
    await hub.start();
    for (const path of [PODS, `${PODS}&watch=true`, `${PODS}&resourceVersion=0`, WATCH_LIST]) {
      const answer = await hub.api(path);
      assert.equal(answer.status, 503, `${path}: ${answer.text}`);
      assert.equal(answer.headers["retry-after"], undefined);
    }
    await holdsFor(QUIET_MS, assertProcesses);
    await node.killKubelet();
    await node.start();
    await holdsFor(2 * QUIET_MS, assertProcesses);
    await scene.relay.setMode("pass");
    await waitForReady("node", NODE, 40_000);
    for (const name of ["keeper", "plain"]) await waitForReady("pod", name, 30_000);
    assertProcesses();
  });

  /** Cuts the link, unless it is cut already, and waits until both hubs have noticed. */
  async function cut(mode: "refuse" | "swallow"): Promise<void> {
    await scene.relay.setMode(mode);
    await Promise.all([hub, emptyHub].map((one) => one.waitForLink("offline", LINK_LIMIT_MS)));
  }

  /** Kills kubelet and starts it again. It must register, know its pods and leave their processes alone. */
  async function assertRestart(subject: KubeNode): Promise<void> {
    const expected = subject === node ? [...pids.keys()].sort() : [];
    const registrations = subject.registrations;
    await subject.killKubelet();
    await subject.start();
    await waitFor(`${subject.name} to register`, 20_000, (seen) => {
      seen(subject.log().trimEnd().split("\n").slice(-10));
      return subject.registrations > registrations;
    });
    await waitFor(`kubelet to know the pods ${expected.join()}`, 10_000, async (seen) => {
      const names = (await kubeletPods(subject)).map(({ metadata }) => metadata.name).sort();
      seen(names);
      return names.join() === expected.join();
    });
    await holdsFor(QUIET_MS, assertProcesses);
    assert.ok(subject.running, `${subject.name} still runs`);
  }

  /** Each pod still has the process that it was started with. */
  function assertProcesses(): void {
    assert.deepEqual(processes(), pids);
  }

  function processes(): Map<string, number> {
    const running = node.containers().filter(({ alive }) => alive).map(({ pod, pid }) => [pod, pid] as const);
    return new Map(running.sort(([a], [b]) => a.localeCompare(b)));
  }

  async function assertKubectlReads(): Promise<void> {
    const timeoutMs = 10_000;
    const [names, node] = await Promise.all([
      kubectl.ok(["get", "pods", "-A", "--field-selector", `spec.nodeName=${NODE}`, "-o", "name"], { timeoutMs }),
      kubectl.ok(["get", "node", NODE], { timeoutMs }),
    ]);
    assert.deepEqual(names.trim().split("\n").sort(), [...pids.keys()].map((name) => `pod/${name}`));
    assert.match(node, new RegExp(`^${NODE} `, "m"));
  }

  async function waitForReady(kind: "node" | "pod", name: string, limitMs: number): Promise<void> {
    const path = kind === "node" ? `/api/v1/nodes/${name}` : `/api/v1/namespaces/default/pods/${name}`;
    await waitFor(`the ${kind} ${name} to be Ready in the cloud`, limitMs, async (seen) => {
      const object = await getJson(scene.cluster.api, path);
      seen(object.status);
      return condition(object, "Ready") === "True";
    });
  }
});

async function timed(what: string, read: () => Promise<void>): Promise<void> {
  const began = performance.now();
  await read();
  const tookMs = performance.now() - began;
  assert.ok(tookMs < READ_LIMIT_MS, `${what} took ${Math.round(tookMs)} ms`);
}

/** The pods as kubelet itself knows them. */
async function kubeletPods(node: KubeNode): Promise<readonly KubeObject[]> {
  return (await getJson(node.kubelet, "/pods")).items ?? [];
}
