import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { servingTemplate } from "../../src/identity/certificate_template.ts";
import { auditedCluster, type AuditEvent } from "./driver/audit.ts";
import type { Child } from "./driver/child.ts";
import { type Cluster, startCluster } from "./driver/cluster.ts";
import { startController } from "./driver/controller.ts";
import { type Hub, startHub } from "./driver/hub.ts";
import { askForCertificate, joinFlags } from "./driver/join.ts";
import { metricSum } from "./driver/metrics.ts";
import { PlainWatch } from "./driver/plain_watch.ts";
import { refusedRequests, rightsOf } from "./driver/rights.ts";
import { waitFor } from "./driver/wait.ts";

const CONTROLLERS =
  "--controllers=*,bootstrap-signer-controller,token-cleaner-controller,-certificatesigningrequest-approving-controller";
const CONTROLLER = "system:serviceaccount:kube-system:holdfast-controller";
const NODES = ["plain", "yurt"] as const;
const PROJECT: string = join(import.meta.dirname, "..", "..");

const WIDGETS_PATH = "/apis/example.com/v1/widgets";
const RBAC = "rbac.authorization.k8s.io";
/** A custom resource that the cluster lets its nodes read. */
const WIDGETS = {
  apiVersion: "v1",
  kind: "List",
  items: [
    {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "widgets.example.com" },
      spec: {
        group: "example.com",
        scope: "Cluster",
        names: { plural: "widgets", kind: "Widget" },
        versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
      },
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRole",
      metadata: { name: "widgets" },
      rules: [{ apiGroups: ["example.com"], resources: ["widgets"], verbs: ["list", "watch"] }],
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: "widgets" },
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: "widgets" },
      subjects: [{ apiGroup: RBAC, kind: "Group", name: "system:nodes" }],
    },
  ],
};

describe("hubs and controllers with exactly the rights of deploy/rbac", () => {
  let cluster: Cluster;
  let events: () => readonly AuditEvent[];
  const hubs: Hub[] = [];
  const controllers: Child[] = [];

  before(async () => {
    const audited = auditedCluster();
    events = audited.events;
    cluster = await startCluster({
      dir: audited.dir,
      flags: [...audited.flags, `--controller-manager-flag=${CONTROLLERS}`],
    });
    await cluster.direct.ok(["apply", "-f", join(PROJECT, "deploy", "rbac", "hub.yaml")]);
    await cluster.direct.ok(["create", "-f", "-"], { stdin: JSON.stringify(WIDGETS) });
    await waitFor("widgets to be served", 20_000, async () => (await cluster.api(WIDGETS_PATH)).status === 200);
    controllers.push(await startController(cluster, "controller-a"), await startController(cluster, "controller-b"));
    for (const name of NODES) {
      const form = name === "yurt" ? ["--hub-cert-organizations=openyurt:tenant:a"] : [];
      const hub = await startHub({
        name,
        dir: cluster.dir,
        serverAddr: `127.0.0.1:${cluster.apiPort}`,
        kubeconfig: "",
        nodeName: name,
        flags: [...await joinFlags(cluster), ...form],
      });
      hubs.push(hub);
    }
  });

  after(async () => {
    for (const child of [...hubs, ...controllers]) await child.stop();
    await cluster?.stop();
  });

  it("join, get a serving certificate that pods believe, serve a kubelet, and tell when certificates expire", async () => {
    for (const [index, hub] of hubs.entries()) {
      const name = NODES[index] ?? "";
      const node = { apiVersion: "v1", kind: "Node", metadata: { name } };
      assert.equal((await hub.api("/api/v1/nodes", { method: "POST", body: JSON.stringify(node) })).status, 201);
      const status = { addresses: [{ type: "InternalIP", address: `127.0.0.${index + 2}` }] };
      const patch = {
        method: "PATCH",
        headers: { "content-type": "application/merge-patch+json" },
        body: JSON.stringify({ status }),
      };
      assert.equal((await hub.api(`/api/v1/nodes/${name}/status`, patch)).status, 200);
      await asKubelet(hub, name);
      // Its columns are asked for then.
      assert.equal((await hub.api(WIDGETS_PATH)).status, 200);
      await asFiltered(hub);
    }
    for (const hub of hubs) {
      await waitFor("certificates that serve", 90_000, async (seen) => {
        const { text } = await hub.status("/readyz?verbose");
        seen(text);
        return ["client-certificate", "serving-certificate", "serving-certificate-believed"].every((check) =>
          text.includes(`[+]${check} ok`)
        );
      });
      assert.equal(await metricSum(hub.status, "holdfast_serving_certificate_believed"), 1);
      for (const certificate of ["client", "serving"]) {
        const name = "holdfast_certificate_expiration_timestamp_seconds";
        assert.ok(await metricSum(hub.status, name, { certificate }) * 1_000 > Date.now(), certificate);
      }
    }
  });

  it("say in an Event what is not approved, and go on when the controller that leads is killed", async () => {
    const [leader, other] = controllers.toSorted((a) => (a.log().includes("This process leads") ? -1 : 1));
    assert.ok(leader !== undefined && other !== undefined);
    assert.ok(leader.log().includes("This process leads"));
    assert.ok(!other.log().includes("This process leads"));
    await leader.kill("SIGKILL");
    const killedAt = Date.now();
    await waitFor("the other one to lead", 30_000, () => other.log().includes("This process leads"));
    assert.ok(Date.now() - killedAt > 10_000, "before the Lease had run out");
    const foreign = servingTemplate({ nodeName: "plain", ips: ["192.0.2.9"] });
    await askForCertificate(cluster.api, foreign, { user: "system:node:plain", group: "system:nodes" });
    await waitFor("its event", 20_000, async (seen) => {
      const { text } = await cluster.api("/api/v1/namespaces/default/events");
      seen(text);
      return text.includes("192.0.2.9 is not that of the Node");
    });
  });

  const users: readonly (readonly [string, readonly string[]])[] = [
    ["hub.yaml", NODES.map((name) => `system:node:${name}`)],
    ["controller.yaml", [CONTROLLER]],
  ];
  for (const [file, ofFile] of users) {
    it(`use every right of ${file}`, async () => {
      await waitFor(`every right of ${file} to be used`, 20_000, (seen) => {
        const own = events().filter(({ user }) => ofFile.includes(user.username));
        const unused = rightsOf(file).filter((right) => !own.some((event) => right.isUsedBy(event)));
        seen(unused.map(({ text }) => text));
        return unused.length === 0;
      });
    });
  }

  it("are refused nothing", () => {
    const ours = ["system:bootstrap:holdfa", ...users.flatMap(([, ofFile]) => ofFile)];
    assert.deepEqual(refusedRequests(events().filter(({ user }) => ours.includes(user.username))), []);
    for (const child of controllers) assert.doesNotMatch(child.log(), /403|orbidden/);
    for (const hub of hubs) assert.doesNotMatch(hub.log(), /403|orbidden/);
  });

  /** What a kube-proxy asks for, so that its filters look up what they need; each list is what a hub asks after a cut. */
  async function asFiltered(hub: Hub): Promise<void> {
    const headers = { "user-agent": "kube-proxy/v1.36.0" };
    for (const path of ["/apis/discovery.k8s.io/v1/endpointslices", "/api/v1/endpoints"]) {
      for (const query of ["", "?resourceVersion=0"]) {
        assert.equal((await hub.api(path + query, { headers })).status, 200, path);
      }
    }
    const named = "fieldSelector=metadata.name%3Dyurt-hub-cfg";
    const lookedUp: readonly (readonly [string, number])[] = [
      [`/api/v1/namespaces/kube-system/configmaps?${named}`, 200],
      ["/apis/apps.openyurt.io/v1beta2/nodepools", 404], // a cluster without OpenYurt
      ["/apis/apps.openyurt.io/v1alpha1/nodebuckets", 404],
      ["/api/v1/nodes?labelSelector=apps.openyurt.io%2Fnodepool", 200],
    ];
    for (const [path, status] of lookedUp) assert.equal((await hub.api(path)).status, status, path);
  }

  /** What a kubelet asks for through its hub, by its own identity. */
  async function asKubelet(hub: Hub, name: string): Promise<void> {
    const watch = new PlainWatch(hub.proxyPort, "/api/v1/services?watch=true&resourceVersion=0");
    const paths = [
      `/api/v1/pods?fieldSelector=spec.nodeName%3D${name}&resourceVersion=0`,
      `/api/v1/nodes?fieldSelector=metadata.name%3D${name}&resourceVersion=0`,
      "/apis/storage.k8s.io/v1/csidrivers?resourceVersion=0",
      "/apis/node.k8s.io/v1/runtimeclasses?resourceVersion=0",
      "/version",
    ];
    for (const path of paths) assert.equal((await hub.api(path)).status, 200, path);
    const lease = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name, namespace: "kube-node-lease" },
      spec: {
        holderIdentity: name,
        leaseDurationSeconds: 40,
        renewTime: new Date().toISOString().replace("Z", "000Z"),
      },
    };
    const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    assert.equal((await hub.api(leases, { method: "POST", body: JSON.stringify(lease) })).status, 201);
    await watch.waitForEvent("the Service kubernetes", 10_000, (event) => event.includes("kubernetes"));
    watch.close();
  }
});
