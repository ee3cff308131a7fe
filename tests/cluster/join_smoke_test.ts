import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Cluster, startCluster } from "./driver/cluster.ts";
import { type Hub, startHub } from "./driver/hub.ts";
import { joinFlags, judge, signingRequests } from "./driver/join.ts";
import { waitFor } from "./driver/wait.ts";

const PODS = "/api/v1/pods?fieldSelector=spec.nodeName%3D";

describe("a hub that joins a stock cluster with a token", () => {
  let cluster: Cluster;
  let flags: readonly string[];

  before(async () => {
    cluster = await startCluster({ apiServers: 2 });
    flags = await joinFlags(cluster);
  });

  after(() => cluster?.stop());

  it("serves as the node, from an empty folder, and has its certificate's files to itself", async () => {
    const hub = await start("joined");
    try {
      assert.equal((await hub.api(`${PODS}joined`)).status, 200);
      const pki = join(hub.rootDir, "pki");
      for (const file of readdirSync(pki)) assert.equal(statSync(join(pki, file)).mode & 0o777, 0o600, file);
      const certificate = new X509Certificate(readFileSync(join(pki, "hub-client-current.pem")));
      assert.equal(certificate.subject, "O=system:nodes\nCN=system:node:joined");
      // A restart needs neither token nor cloud for it.
      const asked = (await signingRequests(cluster.api, "kube-apiserver-client-kubelet")).length;
      await hub.stop();
      await hub.start();
      assert.equal((await hub.api(`${PODS}joined`)).status, 200);
      assert.equal((await signingRequests(cluster.api, "kube-apiserver-client-kubelet")).length, asked);
    } finally {
      await hub.stop();
    }
  });

  it("says why its HTTPS port has no certificate until somebody approves it, and is ready all the same", async () => {
    const hub = await start("serving", ["--node-ip=127.0.0.9"]);
    try {
      await node("serving", { addresses: [{ type: "InternalIP", address: "127.0.0.9" }] });
      const request = await waitFor("the request for the serving certificate", 20_000, async () => {
        const all = await signingRequests(cluster.api, "kubelet-serving");
        return all.find(({ spec }) => spec.username === "system:node:serving");
      });
      await waitFor("/readyz to say so", 5_000, async (seen) => {
        const { status, text } = await hub.status("/readyz?verbose");
        seen(text);
        return status === 200 && text.includes(`kubectl certificate approve ${request.metadata.name}`);
      });
      assert.equal((await judge(cluster.api, request.metadata.name, "Approved")).status, 200);
      await waitFor("/readyz to be content", 40_000, async (seen) => {
        const { text } = await hub.status("/readyz?verbose");
        seen(text);
        return text.includes("[+]serving-certificate ok");
      });
      const certificate = new X509Certificate(readFileSync(join(hub.rootDir, "pki", "hub-server-current.pem")));
      for (const name of ["kubernetes.default.svc", "localhost", "serving"]) {
        assert.ok(certificate.checkHost(name), name);
      }
      for (const ip of ["127.0.0.1", "127.0.0.9", "10.96.0.1", "169.254.2.1"]) assert.ok(certificate.checkIP(ip), ip);
      // A stock cluster has nothing of deploy/rbac: what that takes is told.
      const { text } = await hub.status("/readyz?verbose");
      assert.match(text, /\[!\]serving-certificate-believed .*kube-root-ca.crt cannot be read: 403/);
    } finally {
      await hub.stop();
    }
  });

  for (
    const [what, change, message] of [
      [
        "a wrong CA hash",
        () => ["--discovery-token-ca-cert-hash=", `--discovery-token-ca-cert-hash=sha256:${"0".repeat(64)}`],
        /its CA is sha256:[0-9a-f]{64}, --discovery-token-ca-cert-hash wants sha256:0{64}/,
      ],
      [
        "a token with a wrong secret",
        () => ["--join-token=holdfa.0000000000000000"],
        /secret of token id "holdfa" is wrong/,
      ],
      [
        "a token that nobody made",
        () => ["--join-token=nobody.0000000000000000"],
        /token id "nobody" is invalid .* kubeadm token create/,
      ],
    ] as const
  ) {
    it(`ends with an error that names it: ${what}`, async () => {
      const kept = flags.filter((flag) => !change().some((one) => one.split("=")[0] === flag.split("=")[0]));
      const failure = await failed("wrong", [...kept, ...change().filter((flag) => !flag.endsWith("="))]);
      assert.match(failure, message);
      assert.match(failure, /"code":1/);
    });
  }

  it("ends with an error that names a node name that another machine has", async () => {
    await node("taken", {
      conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: new Date().toISOString() }],
      nodeInfo: { ...nodeInfo, machineID: "another-machine" },
    });
    assert.match(await failed("taken", flags), /the node name taken is taken: .* another-machine, .*--node-name/);
    assert.deepEqual((await signingRequests(cluster.api)).filter(({ spec }) => spec.request.includes("taken")), []);
  });

  it("ends with an error when its request is denied", async () => {
    await cluster.direct.ok(["delete", "clusterrolebinding", "kubeadm:node-autoapprove-bootstrap"]);
    const ended = failed("denied", flags);
    const known = new Set((await signingRequests(cluster.api)).map(({ metadata }) => metadata.name));
    const request = await waitFor("the request", 20_000, async () => {
      const all = await signingRequests(cluster.api, "kube-apiserver-client-kubelet");
      return all.find(({ metadata, status }) => !known.has(metadata.name) || status?.conditions === undefined);
    });
    await judge(cluster.api, request.metadata.name, "Denied");
    assert.match(await ended, /request holdfast-[0-9a-f]{32} was denied: ByHand the test says so/);
  });

  function start(name: string, further: readonly string[] = []): Promise<Hub> {
    return startHub({
      name,
      dir: cluster.dir,
      serverAddr: cluster.apiPorts.map((port) => `127.0.0.1:${port}`).join(),
      kubeconfig: "",
      nodeName: name,
      flags: [...flags, ...further],
    });
  }

  /** @returns what the hub wrote before it ended */
  async function failed(name: string, all: readonly string[]): Promise<string> {
    const serverAddr = `127.0.0.1:${cluster.apiPort}`;
    try {
      const hub = await startHub({ name, dir: cluster.dir, serverAddr, kubeconfig: "", nodeName: name, flags: all });
      await hub.stop();
    } catch (error) {
      return String(error);
    }
    throw new Error(`The hub ${name} started`);
  }

  async function node(name: string, status: object): Promise<void> {
    const body = JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name } });
    await cluster.api("/api/v1/nodes", { method: "POST", body });
    const headers = { "content-type": "application/merge-patch+json" };
    const patch = { method: "PATCH", headers, body: JSON.stringify({ status }) };
    const answer = await cluster.api(`/api/v1/nodes/${name}/status`, patch);
    assert.equal(answer.status, 200, answer.text);
  }
});

const nodeInfo = {
  architecture: "",
  bootID: "",
  containerRuntimeVersion: "",
  kernelVersion: "",
  kubeProxyVersion: "",
  kubeletVersion: "",
  machineID: "",
  operatingSystem: "",
  osImage: "",
  systemUUID: "",
};
