import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type CertificateTemplate, clientTemplate, servingTemplate } from "../../src/identity/certificate_template.ts";
import { getJson } from "./driver/api_client.ts";
import type { Child } from "./driver/child.ts";
import { type Cluster, startCluster } from "./driver/cluster.ts";
import { startController } from "./driver/controller.ts";
import { startHub } from "./driver/hub.ts";
import { askForCertificate, joinFlags, signingRequests } from "./driver/join.ts";
import { waitFor } from "./driver/wait.ts";

const REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
/** The stock approver is left out. */
const CONTROLLERS =
  "--controllers=*,bootstrap-signer-controller,token-cleaner-controller,-certificatesigningrequest-approving-controller";

describe("the approver of a cluster that has no other", () => {
  let cluster: Cluster;
  let controller: Child;

  before(async () => {
    // Without NodeRestriction nobody else keeps a node from asking for another: the approver must not count on it.
    const admission = "--apiserver-flag=--enable-admission-plugins=NamespaceLifecycle";
    cluster = await startCluster({ flags: [`--controller-manager-flag=${CONTROLLERS}`, admission] });
    controller = await startController(cluster);
    const askers = ["--user=eve", "--user=system:bootstrap:other"];
    await cluster.direct.ok([
      "create",
      "clusterrolebinding",
      "askers",
      "--clusterrole=system:node-bootstrapper",
      ...askers,
    ]);
    await ready("here", "True");
    await ready("away", "Unknown");
  });

  after(async () => {
    await controller?.stop();
    await cluster?.stop();
  });

  for (
    const [form, flags, signer] of [
      ["the default form", [], "kube-apiserver-client-kubelet"],
      ["OpenYurt's form", ["--hub-cert-organizations=openyurt:tenant:a"], "kube-apiserver-client"],
    ] as const
  ) {
    it(`lets a hub join with a token, in ${form}, and get its serving certificate once its Node is there`, async () => {
      const name = signer;
      const hub = await startHub({
        name,
        dir: cluster.dir,
        serverAddr: `127.0.0.1:${cluster.apiPort}`,
        kubeconfig: "",
        nodeName: name,
        flags: [...await joinFlags(cluster), ...flags],
      });
      try {
        assert.equal((await hub.api(`/api/v1/pods?fieldSelector=spec.nodeName%3D${name}`)).status, 200);
        assert.ok((await signingRequests(cluster.api, signer)).length > 0);
        await node(name, { addresses: [{ type: "InternalIP", address: "127.0.0.9" }] });
        await waitFor("the serving certificate", 60_000, async (seen) => {
          const { text } = await hub.status("/readyz?verbose");
          seen(text);
          return text.includes("[+]serving-certificate ok");
        });
      } finally {
        await hub.stop();
      }
    });
  }

  const here = clientTemplate({ nodeName: "here", organizations: [] });
  const servingHere = servingTemplate({ nodeName: "here", ips: [] });
  const eve = ["eve", "system:authenticated"] as const;
  const nodeHere = ["system:node:here", "system:nodes"] as const;
  const nodeAway = ["system:node:away", "system:nodes"] as const;
  const token = ["system:bootstrap:holdfa", "system:bootstrappers:kubeadm:default-node-token"] as const;

  for (
    const [what, template, requester, reason] of [
      ["a stranger's", here, eve, /eve is neither/],
      ["another node's", here, nodeAway, /system:node:away asks/],
      ["a join token's for a node that is Ready", here, token, /which is Ready/],
      ["a token's without the right", here, ["system:bootstrap:other", "system:bootstrappers"], /neither/],
      ["another node's serving certificate", servingHere, nodeAway, /system:node:away asks/],
      ["a foreign name", { ...servingHere, dnsNames: ["example.com"] }, nodeHere, /example\.com/],
      ["a foreign address", { ...servingHere, ips: ["192.0.2.1"] }, nodeHere, /192\.0\.2\.1/],
      ["a client certificate with names", { ...here, dnsNames: ["here"] }, nodeHere, /no DNS names and IP addresses/],
      [
        "a client certificate for servers",
        { ...here, usages: servingHere.usages },
        nodeHere,
        /usages are .*server auth/,
      ],
      [
        "a serving certificate for clients",
        { ...servingHere, usages: here.usages },
        nodeHere,
        /usages are .*client auth/,
      ],
      ["a serving certificate without names", { ...servingHere, dnsNames: [], ips: [] }, nodeHere, /neither DNS names/],
      ["another kind of name", { ...here, commonName: "kube-admin" }, nodeHere, /kube-admin is not that of a node/],
      [
        "an administrator's groups",
        { ...here, organizations: ["system:nodes", "system:masters"] },
        nodeHere,
        /masters/,
      ],
      [
        "an organization beyond",
        { ...clientTemplate({ nodeName: "here", organizations: ["system:admins"] }) },
        nodeHere,
        /include system:admins/,
      ],
    ] as const
  ) {
    it(`leaves ${what} as it is, and says why in an Event and in its log`, async () => {
      await ready("here", "True"); // no kubelet says so: the controller manager makes it Unknown after a while
      const name = await ask(template, requester);
      const message = await waitFor("its event", 20_000, async () => {
        const { items = [] } = await getJson(cluster.api, "/api/v1/namespaces/default/events");
        // The tests' assertions look at the fields.
        const events = items as unknown as readonly { involvedObject: { name: string }; message: string }[];
        return events.find(({ involvedObject }) => involvedObject.name === name)?.message;
      });
      assert.match(message, reason);
      assert.match(controller.log(), reason);
      assert.deepEqual(await conditionsOf(name), []);
    });
  }

  it("approves a join token's for a node that is away, and a node's own renewal", async () => {
    const away = clientTemplate({ nodeName: "away", organizations: [] });
    for (const requester of [token, nodeAway]) {
      const name = await ask(away, requester);
      await waitFor("its approval", 20_000, async () => (await conditionsOf(name)).join() === "Approved");
    }
  });

  it("judges again what its Node spoke against", async () => {
    const later = servingTemplate({ nodeName: "later", ips: ["127.0.0.7"] });
    const name = await ask(later, ["system:node:later", "system:nodes"]);
    await waitFor("its refusal", 20_000, () => controller.log().includes("there is no Node later"));
    await node("later", { addresses: [{ type: "InternalIP", address: "127.0.0.7" }] });
    await waitFor("its approval", 90_000, async () => (await conditionsOf(name)).join() === "Approved");
  });

  it("has all the rights it needs", () => {
    assert.doesNotMatch(controller.log(), /403|forbidden|cannot be/);
  });

  function ask(template: CertificateTemplate, [user, group]: readonly [string, string]): Promise<string> {
    return askForCertificate(cluster.api, template, { user, group });
  }

  async function conditionsOf(name: string): Promise<readonly string[]> {
    const request = await getJson(cluster.api, `${REQUESTS}/${name}`);
    return (request.status?.conditions ?? []).map(({ type }) => type);
  }

  async function ready(name: string, status: string): Promise<void> {
    const lastHeartbeatTime = new Date().toISOString().replace(/\.\d+Z$/, "Z");
    await node(name, { conditions: [{ type: "Ready", status, lastHeartbeatTime }] });
  }

  async function node(name: string, status: object): Promise<void> {
    const body = JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name } });
    await cluster.api("/api/v1/nodes", { method: "POST", body });
    const answer = await cluster.api(`/api/v1/nodes/${name}/status`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: JSON.stringify({ status }),
    });
    assert.equal(answer.status, 200, answer.text);
  }
});
