import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { condition, directClient, getJson } from "./driver/api_client.ts";
import { type Cluster, startCluster } from "./driver/cluster.ts";
import type { PartName } from "./driver/cluster_parts.ts";
import { type Hub, startHub } from "./driver/hub.ts";
import { type KubeNode, startNode } from "./driver/node.ts";
import { PlainWatch } from "./driver/plain_watch.ts";
import { type LoadedRead, ReadLoad } from "./driver/read_load.ts";
import { sleep, waitFor } from "./driver/wait.ts";

const NODE = "node-1";
/** What a node may read without a pod of its own. */
const SERVICES = "/api/v1/namespaces/default/services";
const READS = [`${SERVICES}/steady`, SERVICES, `${SERVICES}?resourceVersion=0`];
const RBAC = join(import.meta.dirname, "..", "..", "deploy", "rbac", "hub.yaml");
/** Silence is noticed half a second after a request was sent, and takes 3.4 s to be sure of. */
const NOTICED_MS = 6_000;
/** A link that answers again is noticed within 2 s; a second more for a machine that has other work. */
const RETURN_MS = 3_000;

const steady = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "steady", namespace: "default" },
  spec: { ports: [{ port: 80 }] },
};

/** Of `/v1/status`. */
interface Status {
  readonly link: {
    readonly state: string;
    readonly cluster?: { readonly issuer?: string };
    readonly backends: readonly { readonly address: string; readonly state: string; readonly reason: string }[];
  };
  readonly lease?: { readonly alive: boolean };
  readonly traffic: readonly { readonly client: string; readonly requests: number; readonly receivedBytes: number }[];
}

describe("a hub in front of three API servers", () => {
  let cluster: Cluster;
  let hub: Hub;
  let node: KubeNode;

  before(async () => {
    // Closes connections of HTTP/2 now and then, as behind a load balancer.
    cluster = await startCluster({ apiServers: 3, flags: ["--apiserver-flag=--goaway-chance=0.02"] });
    await cluster.direct.ok(["apply", "-f", RBAC]);
    await cluster.direct.ok(["create", "-f", "-"], { stdin: JSON.stringify(steady) });
    hub = await startHub({
      name: NODE,
      dir: cluster.dir,
      serverAddr: addresses(cluster).join(),
      kubeconfig: cluster.kubeconfig(NODE),
      nodeName: NODE,
      flags: ["--kubelet-health-grace-period=6s"],
    });
    await allHealthy(hub);
    node = await startNode({ program: cluster.program, name: NODE, clusterDir: cluster.dir, server: hub.url });
    await nodeIs("True", 30_000);
  });

  after(async () => {
    await node?.stop();
    await hub?.stop();
    await cluster?.stop();
  });

  it("knows its cluster by the issuer, which hub.yaml lets a node read", async () => {
    assert.equal((await statusOf(hub)).link.cluster?.issuer, "https://kubernetes.default.svc");
  });

  it("asks them in turn", async () => {
    const before = await Promise.all(cluster.apis.map((_, index) => serviceReads(cluster, index)));
    for (let i = 0; i < 30; i++) assert.equal((await hub.api(`${SERVICES}/steady`)).status, 200);
    const after = await Promise.all(cluster.apis.map((_, index) => serviceReads(cluster, index)));
    const asked = after.map((count, index) => count - (before[index] ?? 0));
    assert.ok(asked.every((count) => count >= 5), `reads of each: ${asked.join()}`);
  });

  for (
    const [what, name, end, back] of [
      ["killed", "apiserver-2", "kill", "start"],
      ["stopped (SIGSTOP)", "apiserver-3", "hold", "release"],
      ["drained (SIGTERM)", "apiserver", "stop", "start"],
    ] as const
  ) {
    it(`one is ${what} under load: no read has an error, watches go on, and its return is noticed within 2 s`, async () => {
      const watch = new PlainWatch(hub.proxyPort, `${SERVICES}?watch=true&resourceVersion=0`);
      const load = new ReadLoad({ api: hub.api, paths: READS, everyMs: 50 });
      try {
        await sleep(2_000);
        await cluster.parts[end](name);
        await becomes(name, "unhealthy", NOTICED_MS + 10_000);
        await patchSteady(indexOf(name === "apiserver" ? "apiserver-2" : "apiserver"), what);
        await watch.waitForEvent("the change after it", 15_000, (event) => event.includes(`"change":"${what}"`));
        assert.equal(watch.ended, undefined);
        await cluster.parts[back](name);
        await waitFor(`${name} to answer`, 40_000, () => isReady(name));
        await becomes(name, "healthy", RETURN_MS);
        await sleep(1_000);
      } finally {
        watch.close();
        assertServed(await load.stop(), what);
      }
      assert.equal((await statusOf(hub)).link.state, "online");
    });
  }

  it("kubelet's renewals stay on the node: the hub's own keep it Ready", async () => {
    await nodeIs("True", 20_000);
    await sleep(12_000);
    const { metadata } = await getJson(
      cluster.api,
      `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${NODE}`,
    );
    // Not among what all tests look at.
    const { managedFields } = metadata as unknown as { readonly managedFields: readonly ManagedFields[] };
    const agesMs = new Map(managedFields.map(({ manager, time }) => [manager, Date.now() - Date.parse(time)]));
    const ages = JSON.stringify([...agesMs]);
    assert.deepEqual(agesMs.size, 2, ages);
    assert.ok((agesMs.get("holdfast-link") ?? Infinity) < 6_000, ages);
    assert.ok([...agesMs].every(([manager, age]) => manager === "holdfast-link" || age > 12_000), ages);
    await nodeIs("True", 1_000);
  });

  it("kubelet stopped for longer than the grace period: its lease lapses, reads go on; it comes back with kubelet", async () => {
    process.kill(node.pid, "SIGSTOP");
    const load = new ReadLoad({ api: hub.api, paths: READS, everyMs: 50 });
    try {
      await waitFor("the hub to give kubelet up", 15_000, async () => (await statusOf(hub)).lease?.alive === false);
      await nodeIs("Unknown", 30_000);
      assert.equal((await statusOf(hub)).link.state, "online");
    } finally {
      process.kill(node.pid, "SIGCONT");
      assertServed(await load.stop(), "while kubelet is stopped");
    }
    await nodeIs("True", 30_000);
  });

  it("in mode priority the first healthy one is asked, and the next while that is down", async () => {
    const other = await startHub({
      name: "priority",
      dir: cluster.dir,
      serverAddr: addresses(cluster).join(),
      kubeconfig: cluster.kubeconfig("node-2"),
      nodeName: "node-2",
      flags: ["--lb-mode=priority"],
    });
    try {
      await allHealthy(other);
      const reads = async (): Promise<readonly number[]> => {
        const before = await Promise.all([1, 2].map((index) => serviceReads(cluster, index)));
        for (let i = 0; i < 10; i++) assert.equal((await other.api(`${SERVICES}/steady`)).status, 200);
        const after = await Promise.all([1, 2].map((index) => serviceReads(cluster, index)));
        return after.map((count, index) => count - (before[index] ?? 0));
      };
      // While an answer takes over half a second others are asked too.
      const calm = await reads();
      assert.ok(calm.every((count) => count <= 1), calm.join());
      await cluster.parts.kill("apiserver");
      const [second = 0, third] = await reads();
      assert.ok(second >= 8, `${second}, ${third}`);
      await cluster.parts.start("apiserver");
      await waitFor("the first to answer", 40_000, () => isReady("apiserver"));
    } finally {
      await other.stop();
    }
  });

  it("counts what each client costs", async () => {
    await cluster.kubectlAt(hub.url).ok(["get", "services"]);
    const { traffic } = await statusOf(hub);
    // kubelet and kubectl are the one program of the tests.
    for (const name of ["kube-", "holdfast", "holdfast-link"]) {
      const client = traffic.find((one) => one.client === name || (name === "kube-" && one.client.startsWith(name)));
      assert.ok(
        client !== undefined && client.requests > 0 && client.receivedBytes > 0,
        `${name}: ${JSON.stringify(traffic)}`,
      );
    }
  });

  async function nodeIs(ready: string, limitMs: number): Promise<void> {
    await waitFor(`the node to be Ready=${ready} in the cloud`, limitMs, async (seen) => {
      const object = await getJson(cluster.api, `/api/v1/nodes/${NODE}`);
      seen(object.status?.conditions);
      return condition(object, "Ready") === ready;
    });
  }

  /** As the node sees it: an API server's authorizers come later than the server itself. */
  async function isReady(name: PartName): Promise<boolean> {
    const port = cluster.apiPorts[indexOf(name)] ?? 0;
    const api = directClient({ dir: cluster.dir, port, identity: NODE });
    return (await api("/readyz", { timeoutMs: 1_000 })).status === 200;
  }

  async function becomes(name: PartName, state: string, limitMs: number): Promise<void> {
    await waitFor(`the hub to find ${name} ${state}`, limitMs, async (seen) => {
      const { link } = await statusOf(hub);
      seen(link);
      return link.backends[indexOf(name)]?.state === state;
    });
  }

  async function patchSteady(index: number, change: string): Promise<void> {
    const answer = await cluster.apis[index]?.(`${SERVICES}/steady`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: JSON.stringify({ metadata: { annotations: { change } } }),
    });
    assert.equal(answer?.status, 200, answer?.text);
  }
});

describe("a hub in front of an API server of its cluster and one that is not", () => {
  let cluster: Cluster;

  before(async () => {
    const other = "--apiserver-flag=2:--service-account-issuer=https://other.example";
    cluster = await startCluster({ apiServers: 2, flags: [other] });
    await cluster.direct.ok(["apply", "-f", RBAC]);
    await cluster.direct.ok(["create", "-f", "-"], { stdin: JSON.stringify(steady) });
  });

  after(() => cluster?.stop());

  it("refuses the one whose tokens another issues, names it, and goes on with its own", async () => {
    const hub = await startHub({
      name: NODE,
      dir: cluster.dir,
      serverAddr: addresses(cluster).join(),
      kubeconfig: cluster.kubeconfig(NODE),
      nodeName: NODE,
    });
    try {
      await waitFor("the refusal", 10_000, async (seen) => {
        const { link } = await statusOf(hub);
        seen(link);
        return link.backends[1]?.state === "untrusted";
      });
      const { link } = await statusOf(hub);
      assert.match(link.backends[1]?.reason ?? "", /https:\/\/other\.example.*https:\/\/kubernetes\.default\.svc/);
      assert.match(hub.log(), new RegExp(`is refused.*${cluster.apiPorts[1]}`));
      const load = new ReadLoad({ api: hub.api, paths: READS, everyMs: 50 });
      await sleep(2_000);
      assertServed(await load.stop(), "beside a refused one", { source: "cloud" });
    } finally {
      await hub.stop();
    }
  });

  it("in cloud mode passes on to both, and leaves nothing on disk but what its certificates need", async () => {
    const hub = await startHub({
      name: "cloud",
      dir: cluster.dir,
      serverAddr: addresses(cluster).join(),
      kubeconfig: cluster.kubeconfig("admin"),
      nodeName: NODE,
      flags: ["--working-mode=cloud"],
    });
    try {
      const kubectl = cluster.kubectlAt(hub.url);
      assert.match(await kubectl.ok(["get", "services"]), /^steady /m);
      await kubectl.ok(["label", "service", "steady", "by=cloud", "--overwrite"]);
      await cluster.parts.kill("apiserver-2");
      const load = new ReadLoad({ api: hub.api, paths: READS, everyMs: 50 });
      await sleep(3_000);
      assertServed(await load.stop(), "in cloud mode with one killed", { source: "cloud" });
    } finally {
      await hub.stop();
    }
    assert.deepEqual(readdirSync(hub.rootDir), ["pki"]);
  });
});

function addresses({ apiPorts }: Cluster): readonly string[] {
  return apiPorts.map((port) => `127.0.0.1:${port}`);
}

/** `apiserver` is the first, `apiserver-2` the second. */
function indexOf(name: PartName): number {
  return Number(/-(\d)$/.exec(name)?.[1] ?? "1") - 1;
}

async function statusOf(hub: Hub): Promise<Status> {
  // The hub's own; an assertion on what is missing fails.
  return JSON.parse((await hub.status("/v1/status")).text) as Status;
}

async function allHealthy(hub: Hub): Promise<void> {
  await waitFor("every API server to be healthy", 10_000, async (seen) => {
    const { link } = await statusOf(hub);
    seen(link);
    return link.backends.every(({ state }) => state === "healthy");
  });
}

interface ManagedFields {
  readonly manager: string;
  /** RFC 3339. */
  readonly time: string;
}

/** How many GETs of a Service an API server has answered. */
async function serviceReads(cluster: Cluster, index: number): Promise<number> {
  return await sumOf(cluster, index, (line) => /resource="services"/.test(line) && /verb="GET"/.test(line));
}

async function sumOf(cluster: Cluster, index: number, matches: (line: string) => boolean): Promise<number> {
  const { text = "" } = await cluster.apis[index]?.("/metrics") ?? {};
  const lines = text.split("\n").filter((line) => line.startsWith("apiserver_request_total{") && matches(line));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

/** Every read was answered 200. Says how long the slowest took. */
function assertServed(
  reads: readonly LoadedRead[],
  when: string,
  { source }: { readonly source?: string } = {},
): void {
  const failed = reads.filter((read) => read.status !== 200);
  assert.deepEqual(failed, [], `${failed.length} of ${reads.length} reads failed`);
  if (source !== undefined) {
    const others = reads.filter((read) => read.source !== source && !read.path.includes("resourceVersion=0"));
    assert.deepEqual(others.slice(0, 5), []);
  }
  const slowest = reads.reduce((one, other) => other.tookMs > one.tookMs ? other : one);
  const stale = reads.filter((read) => read.source === "replica" && !read.path.includes("resourceVersion=0")).length;
  console.log(
    `${when}: ${reads.length} reads, the slowest ${slowest.tookMs} ms, ${stale} from the replica though newest asked`,
  );
  assert.ok(slowest.tookMs < NOTICED_MS, `the slowest read: ${JSON.stringify(slowest)}`);
}
