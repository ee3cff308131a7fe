import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { condition, getJson, plainClient } from "./driver/api_client.ts";
import type { Hub } from "./driver/hub.ts";
import type { InformerState } from "./driver/informers.ts";
import { approveServing } from "./driver/join.ts";
import { configMap, list } from "./driver/manifests.ts";
import { type KubeNode, startNode } from "./driver/node.ts";
import { freePort } from "./driver/ports.ts";
import { type Scene, startHubOf, startScene } from "./driver/scene.ts";
import { waitFor } from "./driver/wait.ts";

const RBAC = join(import.meta.dirname, "..", "..", "deploy", "rbac", "hub.yaml");
const NODE = "node-1";
const COMMIT_MS = 2_000;
const READY_MS = 40_000;
/** Where the kernel lets nobody have mounts of his own, the pod is told where its files are. */
const mountNamespaces = spawnSync("unshare", ["-rm", "true"]).status === 0;
const how = mountNamespaces ? "unchanged" : "told where its token is, for the kernel forbids mount namespaces";

describe(`a pod with the in-cluster configuration (${how}), behind a hub without a dummy interface`, () => {
  let scene: Scene;
  let hub: Hub;
  let node: KubeNode;
  let port: number;

  before(async () => {
    scene = await startScene({ hub: false });
    const { cluster, relay } = scene;
    const { direct, program, dir: clusterDir } = cluster;
    await direct.ok(["apply", "-f", RBAC]);
    hub = await startHubOf({ cluster, relay, name: NODE, identity: NODE, flags: ["--node-ip=127.0.0.1"] });
    await approveServing(cluster.api, { hub, nodeName: NODE });
    await waitFor("pods to believe the hub", 30_000, async (seen) => {
      const { text } = await hub.status("/readyz?verbose");
      seen(text);
      return text.includes("[+]filters ok");
    });
    node = await startNode({ program, name: NODE, clusterDir, server: hub.url, argv0: "kubelet", mountNamespaces });
    port = await freePort();
    const may = ["--verb=get,list,watch", "--resource=configmaps"];
    await direct.ok(["create", "role", "reader", ...may]);
    await direct.ok(["create", "rolebinding", "reader", "--role=reader", "--serviceaccount=default:default"]);
    const specs = [{
      name: "maps",
      client: "json",
      group: "",
      version: "v1",
      resource: "configmaps",
      namespace: "default",
    }];
    await direct.ok(["create", "-f", "-"], {
      stdin: list(configMap("informers", { specs: JSON.stringify(specs) }), app(program, port)),
    });
    await ready();
  });
  after(async () => {
    await node?.stop();
    await hub?.stop();
    await scene?.stop();
  });

  async function ready(): Promise<void> {
    await waitFor("the pod to be Ready", READY_MS, async (seen) => {
      const object = await getJson(scene.cluster.api, "/api/v1/namespaces/default/pods/app");
      seen(object.status);
      return condition(object, "Ready") === "True";
    });
  }

  const state = async (): Promise<InformerState | undefined> => {
    const answer = await plainClient(port)("/", { timeoutMs: 2_000 }).catch(() => undefined);
    // Written by tests/cluster/kube/informers.go.
    return answer === undefined ? undefined : (JSON.parse(answer.text) as { maps: InformerState }).maps;
  };
  const waitForMap = async (name: string, limitMs: number) =>
    await waitFor(`the pod to know ${name}`, limitMs, async (seen) => {
      const now = await state();
      seen(now ?? node.log().slice(-2_000));
      return now?.synced === true && `default/${name}` in now.objects ? now : undefined;
    });
  const create = (name: string) =>
    scene.cluster.direct.ok(["create", "-f", "-"], { stdin: JSON.stringify(configMap(name, { a: "1" })) });

  it("reads and watches by the hub's TLS port, as its own service account", async () => {
    await waitForMap("informers", 20_000);
    await create("seen");
    assert.equal((await waitForMap("seen", 10_000)).errors, 0);
    const connections = await hub.status("/v1/status");
    assert.match(connections.text, /"configmaps"/);
    const { text } = await scene.cluster.api("/api/v1/namespaces/default/services/kubernetes");
    assert.doesNotMatch(text, /"clusterIP":"127\.0\.0\.1"/);
  });

  it("goes on over a cut and a restart of the hub, and of itself while the link is cut", async () => {
    await waitForMap("seen", 10_000);
    await scene.relay.setMode("refuse");
    await hub.waitForLink("offline", 20_000);
    // R14: what was delivered is on disk 200 ms later, and the write itself.
    await new Promise((wake) => setTimeout(wake, COMMIT_MS));
    await hub.kill();
    await hub.start();
    const pid = node.pidOf("app");
    process.kill(pid, "SIGKILL");
    await waitFor(
      "another process of the pod",
      READY_MS,
      () => node.containers().some(({ pod, alive, pid: now }) => pod === "app" && alive && now !== pid),
    );
    await waitForMap("seen", 20_000);
  });

  it("and sees after the return what came meanwhile", async () => {
    await create("later");
    await scene.relay.setMode("pass");
    await hub.waitForLink("online", 20_000);
    const { problems } = await waitForMap("later", 20_000);
    assert.deepEqual(problems, []);
  });
});

/** A pod of client-go's informers, in the host's network. */
function app(program: string, port: number): unknown {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "app", namespace: "default" },
    spec: {
      nodeName: NODE,
      hostNetwork: true,
      terminationGracePeriodSeconds: 1,
      containers: [{
        name: "main",
        image: "none",
        command: ["sh", "-c"],
        args: [
          'folder=/etc/informers; [ -e "$folder/specs" ] || folder=$MOUNT_etc_informers; ' +
          `exec ${program} informers --in-cluster --informers="$folder/specs" --port=${port}`,
        ],
        volumeMounts: [{ name: "informers", mountPath: "/etc/informers" }],
      }],
      volumes: [{ name: "informers", configMap: { name: "informers" } }],
    },
  };
}
