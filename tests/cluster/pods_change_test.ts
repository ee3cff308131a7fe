import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { condition, getJson, type KubeObject } from "./driver/api_client.ts";
import type { Hub } from "./driver/hub.ts";
import { isAlive } from "./driver/leftovers.ts";
import { list, pod, type PodOptions } from "./driver/manifests.ts";
import { metricSum } from "./driver/metrics.ts";
import type { KubeNode } from "./driver/node.ts";
import { PlainWatch } from "./driver/plain_watch.ts";
import { type Scene, startScene } from "./driver/scene.ts";
import { sleep, waitFor } from "./driver/wait.ts";

const NODE = "node-1";
const PODS = `/api/v1/pods?fieldSelector=spec.nodeName%3D${NODE}`;
const CUT_MS = process.env["HOLDFAST_ALL"] === "1" ? 180_000 : 40_000;
const LINK_LIMIT_MS = 20_000;
/** Within it the cloud must show what happened on the node, counted from the relay's first byte. */
const TRUTH_LIMIT_MS = 10_000;
/** kubelet compares the statuses of all its pods with the cloud's every 10 s, whatever it is connected to. */
const KUBELET_SYNC_MS = 15_000;
const podPath = (name: string): string => `/api/v1/namespaces/default/pods/${name}`;
const names = ["probed", "exits", "runner", "deleted", "recreated", "mounts"];

interface OutboxStatus {
  readonly waiting: readonly { readonly resource: string; readonly name: string; readonly error?: string }[];
  readonly settled: readonly { readonly resource: string; readonly name: string; readonly how: string }[];
}

describe(`pods that change during a cut of ${CUT_MS / 1000} s`, () => {
  let scene: Scene;
  let hub: Hub;
  let node: KubeNode;
  let watch: PlainWatch;
  let cutAt = 0;
  /** While it is there the pod `probed` is ready. */
  let readyFile = "";
  const uids = new Map<string, string>();
  const pids = new Map<string, number>();

  before(async () => {
    scene = await startScene({ hub: true, node: true, nodeName: NODE });
    assert.ok(scene.hub && scene.node);
    ({ hub, node } = scene);
    readyFile = scene.cluster.file("ready");
    writeFileSync(readyFile, "");
    await scene.cluster.direct.ok(["create", "-f", "-"], { stdin: list(...names.map((name) => manifest(name))) });
    for (const name of names) {
      await waitFor(`the pod ${name} to be Ready in the cloud`, 40_000, async (seen) => {
        const object = await getJson(scene.cluster.api, podPath(name));
        seen(object.status);
        uids.set(name, object.metadata.uid);
        return condition(object, "Ready") === "True";
      });
      pids.set(name, node.pidOf(name));
    }
    watch = new PlainWatch(hub.proxyPort, `${PODS}&watch=true&allowWatchBookmarks=true`);
    await watch.waitForEvent("the pod", 5_000, (event) => event.includes('"name":"mounts"'));
    await scene.relay.setMode("refuse");
    cutAt = performance.now();
    await hub.waitForLink("offline", LINK_LIMIT_MS);
  });
  after(async () => {
    watch?.close();
    await scene?.stop();
  });

  it("a probe that fails and a container that exits: the hub shows them, the cloud can't", async () => {
    rmSync(readyFile);
    for (const name of ["exits", "runner", "deleted", "recreated"]) process.kill(node.pidOf(name), "SIGKILL");
    await shows("probed", (object) => condition(object, "Ready") === "False" && !isReady(object));
    await shows("exits", (object) => object.status?.phase === "Failed");
    for (const name of ["runner", "deleted", "recreated"]) {
      await shows(name, (object) => restarts(object) === 1 && isReady(object));
    }
    const { waiting } = await outbox();
    for (const name of ["probed", "exits", "runner", "deleted", "recreated"]) {
      assert.ok(waiting.some((one) => one.resource === "pods" && one.name === name), JSON.stringify(waiting));
    }
    assert.equal(condition(await getJson(scene.cluster.api, podPath("exits")), "Ready"), "True");
  });

  it("a kubelet that is killed registers again, its node's status waits within 20 s, its pods' tokens are mounted", async () => {
    const { registrations } = node;
    const folder = volumesOf("mounts");
    const before = tokens("mounts");
    assert.equal(before.length, 2, before.join());
    await node.killKubelet();
    rmSync(folder, { recursive: true }); // as after a reboot: tokens lie in memory
    const began = performance.now();
    await node.start();
    await waitFor("kubelet to register", 20_000, () => node.registrations > registrations);
    await waitFor("the node's status in the outbox", 20_000 - (performance.now() - began), async (seen) => {
      const { waiting } = await outbox();
      seen(waiting);
      return waiting.some(({ resource, name }) => resource === "nodes" && name === NODE);
    });
    console.log(`the node's status waited after ${Math.round(performance.now() - began)} ms`);
    await waitFor("the pod's tokens", 20_000, (seen) => {
      const found = existsSync(folder) ? tokens("mounts") : [];
      seen(found.length);
      return found.length === 2;
    });
    console.log(`the tokens were mounted after ${Math.round(performance.now() - began)} ms`);
    assert.deepEqual(tokens("mounts"), before); // the cloud can give no others
    process.kill(node.pidOf("runner"), "SIGKILL"); // it starts only where its volumes are mounted
    await shows("runner", (object) => restarts(object) === 2 && isReady(object));
  });

  it("in the cloud a pod is deleted meanwhile, and one made anew under its name", async () => {
    const { direct, api } = scene.cluster;
    await direct.ok(["delete", "pod", "deleted", "recreated", "--force", "--grace-period=0"]);
    await direct.ok(["create", "-f", "-"], { stdin: list(manifest("recreated")) });
    uids.set("recreated", (await getJson(api, podPath("recreated"))).metadata.uid);
    await waitFor("the cloud to miss the node", 60_000, async (seen) => {
      const object = await getJson(api, `/api/v1/nodes/${NODE}`);
      seen(object.status?.conditions);
      return condition(object, "Ready") === "Unknown";
    });
    for (let flips = 0; performance.now() < cutAt + CUT_MS; flips++) {
      if (flips % 2 === 0) writeFileSync(readyFile, "");
      else rmSync(readyFile);
      await shows("probed", (object) => isReady(object) === (flips % 2 === 0));
      await sleep(1_000);
    }
    rmSync(readyFile, { force: true });
    await shows("probed", (object) => !isReady(object));
    assert.equal(node.pidOf("mounts"), pids.get("mounts"));
  });

  it("on return the cloud shows the node's truth within 10 s, and the outbox is empty", async () => {
    const { api } = scene.cluster;
    const began = performance.now();
    await scene.relay.setMode("pass");
    await waitFor("the node's truth in the cloud", TRUTH_LIMIT_MS, async (seen) => {
      const { items = [] } = await getJson(api, PODS);
      const self = await getJson(api, `/api/v1/nodes/${NODE}`);
      const { waiting } = await outbox();
      const [probed, exits, runner, recreated] = ["probed", "exits", "runner", "recreated"].map(
        (name) => items.find((item) => item.metadata.name === name),
      );
      const truths = {
        node: condition(self, "Ready") === "True",
        probed: probed !== undefined && condition(probed, "Ready") === "False" && !isReady(probed),
        exits: exits?.status?.phase === "Failed",
        runner: runner !== undefined && restarts(runner) === 2 && condition(runner, "Ready") === "True",
        deleted: !items.some(({ metadata }) => metadata.name === "deleted"),
        recreated: recreated?.metadata.uid === uids.get("recreated") && recreated?.status?.phase === "Running" &&
          condition(recreated, "Ready") === "True",
        outbox: waiting.length === 0,
      };
      seen({ truths, waiting });
      return Object.values(truths).every(Boolean);
    });
    console.log(`the cloud showed the node's truth after ${Math.round(performance.now() - began)} ms`);
    const { settled } = await outbox();
    const how = (name: string) => settled.filter((one) => one.resource === "pods" && one.name === name);
    assert.deepEqual(how("deleted").map((one) => one.how), ["gone"]);
    assert.deepEqual(how("recreated").map((one) => one.how).slice(-1), ["replaced"]);
    for (const name of ["deleted", "recreated"]) {
      assert.ok(!isAlive(pids.get(name) ?? 0), `the first process of ${name} has ended`);
    }
    // Nothing had happened to it, but the cloud says so of all pods of a node that it misses.
    await waitFor("kubelet to set right what the cloud says of another pod", KUBELET_SYNC_MS, async (seen) => {
      const object = await getJson(api, podPath("mounts"));
      seen(object.status?.conditions);
      return condition(object, "Ready") === "True";
    });
    console.log(`kubelet had set right what the cloud says after ${Math.round(performance.now() - began)} ms`);
    assert.equal(node.pidOf("mounts"), pids.get("mounts"));
  });

  it("the tokens that were mounted are the API server's, are kept sealed, and go with their pods", async () => {
    for (const token of tokens("mounts")) {
      const review = {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenReview",
        spec: { token, audiences: audiencesOf(token) },
      };
      const answer = await getJson(scene.cluster.api, "/apis/authentication.k8s.io/v1/tokenreviews", {
        method: "POST",
        body: JSON.stringify(review),
      });
      assert.equal(Reflect.get(answer.status ?? {}, "authenticated"), true, JSON.stringify(answer.status));
    }
    const files = readdirSync(hub.rootDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    assert.ok(files.some(({ name }) => name === "outbox.db"));
    for (const { parentPath, name } of files) {
      const bytes = readFileSync(join(parentPath, name));
      for (const token of tokens("mounts")) assert.ok(!bytes.includes(token), `${name} holds a token in clear`);
    }
    await waitFor("the tokens of pods that are gone to go", 75_000, async (seen) => {
      const kept = await metricSum(hub.status, "holdfast_tokens");
      seen(kept);
      // Of `mounts` two; of the others one each. `deleted` and the first `recreated` are gone.
      return kept === 6;
    });
  });

  it("no old status has come back to a local watcher", () => {
    const seen = watch.events.map((line) => eventOf(line)).filter((event) => event.type !== "BOOKMARK");
    const of = (name: string) =>
      seen.filter(({ type, object }) => type !== "DELETED" && object.metadata.name === name).map(({ object }) =>
        object
      );
    const failedAt = of("exits").findIndex((object) => object.status?.phase === "Failed");
    assert.ok(failedAt >= 0);
    assert.deepEqual([...new Set(of("exits").slice(failedAt).map((object) => object.status?.phase))], ["Failed"]);
    for (const name of ["runner", "deleted"]) {
      const counts = of(name).map(restarts);
      assert.deepEqual(counts, counts.toSorted((a, b) => a - b), name);
    }
    const firstUid = of("recreated")[0]?.metadata.uid;
    const counts = of("recreated").filter(({ metadata }) => metadata.uid === firstUid).map(restarts);
    assert.deepEqual(counts, counts.toSorted((a, b) => a - b));
    assert.equal(watch.ended, undefined);
  });

  async function shows(name: string, is: (object: KubeObject) => boolean): Promise<void> {
    await waitFor(`the hub to show what happened to ${name}`, 40_000, async (seen) => {
      const object = await getJson(hub.api, podPath(name));
      seen(object.status);
      return is(object);
    });
  }

  async function outbox(): Promise<OutboxStatus> {
    const { text } = await hub.status("/v1/outbox");
    return JSON.parse(text) as OutboxStatus; // the hub's own; the assertions look at each field
  }

  function manifest(name: string): unknown {
    const own: Partial<Record<string, Partial<PodOptions>>> = {
      probed: { container: { readinessProbe: { exec: { command: ["test", "-e", readyFile] }, periodSeconds: 1 } } },
      mounts: {
        container: { volumeMounts: [{ name: "token", mountPath: "/var/run/own-token" }] },
        volumes: [{ name: "token", projected: { sources: [{ serviceAccountToken: ownToken }] } }],
      },
    };
    const made = pod({ name, nodeName: NODE, ...own[name] }) as { readonly spec: object }; // as `pod` makes it
    return name === "exits" ? { ...made, spec: { ...made.spec, restartPolicy: "Never" } } : made;
  }

  /** Where kubelet mounts the tokens of a pod. */
  function volumesOf(name: string): string {
    return join(node.dir, "kubelet", "pods", uids.get(name) ?? "", "volumes", "kubernetes.io~projected");
  }

  function tokens(name: string): readonly string[] {
    const folder = volumesOf(name);
    return readdirSync(folder).sort().flatMap((volume) => {
      const file = join(folder, volume, "token");
      return existsSync(file) ? [readFileSync(file, "utf8")] : [];
    });
  }
});

const ownToken = { path: "token", audience: "tests", expirationSeconds: 600 };

function audiencesOf(token: string): unknown {
  const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
  return Reflect.get(Object(claims), "aud");
}

function restarts(object: KubeObject): number {
  return object.status?.containerStatuses?.[0]?.restartCount ?? 0;
}

function isReady(object: KubeObject): boolean {
  return object.status?.containerStatuses?.[0]?.ready === true;
}

function eventOf(line: string): { readonly type: string; readonly object: KubeObject } {
  return JSON.parse(line) as { readonly type: string; readonly object: KubeObject }; // of a hub
}
