import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createAuthority, loadAuthority } from "../testing/certificates.ts";
import { checksOf, type DoctorReport, linesOf, readReport } from "../testing/doctor_report.ts";
import { kubeconfigText } from "../testing/kubeconfig_text.ts";
import { noSmallDisk, withSmallDisk } from "../testing/small_disk.ts";
import type { Child } from "./driver/child.ts";
import { type Cluster, startCluster } from "./driver/cluster.ts";
import { startController } from "./driver/controller.ts";
import { doctorWords, runDoctor } from "./driver/doctor.ts";
import { type Hub, startHub } from "./driver/hub.ts";
import { IllApiServer } from "./driver/ill_api_server.ts";
import { joinFlags } from "./driver/join.ts";
import { freePort } from "./driver/ports.ts";
import { type Relay, startRelay } from "./driver/relay.ts";
import { waitFor } from "./driver/wait.ts";

const NODE = "node-1";
const RBAC: string = join(import.meta.dirname, "..", "..", "deploy", "rbac", "hub.yaml");

type Changes = Readonly<Record<string, string>>;

describe("doctor finds each of 22 planted faults, on a node of a real cluster whose hub runs", () => {
  let cluster: Cluster;
  let relay: Relay;
  let controller: Child;
  let hub: Hub;
  let flags: Changes;

  before(async () => {
    cluster = await startCluster();
    await cluster.direct.ok(["apply", "-f", RBAC]);
    controller = await startController(cluster);
    relay = await startRelay({ targetPort: cluster.apiPort });
    const serverAddr = `https://127.0.0.1:${relay.port}`;
    const joining = await joinFlags(cluster);
    hub = await startHub({ name: "doc", dir: cluster.dir, serverAddr, kubeconfig: "", nodeName: NODE, flags: joining });
    await registerNode();
    await waitFor("certificates that serve", 90_000, async (seen) => {
      const { text } = await hub.status("/readyz?verbose");
      seen(text);
      return ["client-certificate", "serving-certificate", "serving-certificate-believed", "secure-port"]
        .every((check) => text.includes(`[+]${check} ok`));
    });
    mkdirSync(cluster.file("cni"));
    writeFileSync(cluster.file("cni/10-bridge.conf"), JSON.stringify({ type: "bridge", ipam: { type: "host-local" } }));
    const kubelet = { ...identityOf(NODE), port: 1 };
    writeFileSync(cluster.file("kubelet.conf"), kubeconfigText(kubelet).replace("https://127.0.0.1:1", hub.url));
    flags = {
      "server-addr": serverAddr,
      "node-name": NODE,
      "root-dir": hub.rootDir,
      "proxy-port": String(hub.proxyPort),
      "serve-port": String(hub.servePort),
      "proxy-secure-port": String(hub.securePort),
      "kubelet-kubeconfig": cluster.file("kubelet.conf"),
      "cni-conf-dir": cluster.file("cni"),
    };
  });

  after(async () => {
    await hub?.stop();
    await relay?.close();
    await controller?.stop();
    await cluster?.stop();
  });

  it("finds nothing wrong with a healthy one, beside the hub and before it starts", async () => {
    const report = await doctor();
    assert.deepEqual(ill(report), []);
    assert.equal(report.summary["skipped"], 0, JSON.stringify(report.findings));
    assert.match(linesOf(report, "identity"), /hub-client-current.pem is of system:node:node-1$/);
    assert.match(linesOf(report, "serving-certificate"), /is for all names of the HTTPS port, and pods believe it$/);
    assert.match(linesOf(report, "rights"), /has all \d+ rights/);
    assert.match(linesOf(report, "cluster-version"), /Kubernetes v1\.36/);
    assert.equal(linesOf(report, "ports").split("is held by the hub that runs").length, 4);
    await hub.stop();
    try {
      const without = await doctor();
      assert.deepEqual(ill(without), []);
      assert.equal(linesOf(without, "ports").split(" is free").length, 4);
    } finally {
      await hub.start();
    }
  });

  it("knows before a node joins that its token and its CA's hash fit, or do not", async () => {
    const [token = "", hash = ""] = (await joinFlags(cluster)).map((flag) => flag.split("=")[1] ?? "");
    const root = { "root-dir": cluster.file("fresh") };
    const given = { ...root, "join-token": token, "discovery-token-ca-cert-hash": hash };
    const fit = await doctor(given);
    assert.deepEqual(checksOf(fit, "failed"), []);
    assert.match(
      linesOf(fit, "identity"),
      /ok: the node has not joined yet; what it is given to join with fits the cluster/,
    );
    const unfit = await doctor({ ...given, "discovery-token-ca-cert-hash": `sha256:${"0".repeat(64)}` });
    assert.deepEqual(checksOf(unfit, "failed"), ["identity"]);
    assert.match(
      linesOf(unfit, "identity"),
      /its CA is sha256:[0-9a-f]{64}, --discovery-token-ca-cert-hash wants sha256:0{64}/,
    );
    assert.doesNotMatch(JSON.stringify([fit, unfit]), new RegExp(token.split(".")[1] ?? ""));
    const requests = await cluster.api("/apis/certificates.k8s.io/v1/certificatesigningrequests");
    const { items } = JSON.parse(requests.text) as { items: readonly unknown[] };
    assert.equal(items.length, 2, "the hub's own two requests");
  });

  it("a wrong CA", async () => {
    const { caPem } = await createAuthority("another");
    await fails("link", /is reached, but the node's CA does not vouch for it/, {
      kubeconfig: kubeconfig("wrong-ca", { ...identityOf(NODE), ca: caPem }),
    });
  });

  it("an expired certificate", async () => {
    const authority = await loadAuthority(read("ca.crt"), read("ca.key"));
    const notAfter = new Date(Date.now() - 60_000);
    const pair = await authority.issue({
      commonName: `system:node:${NODE}`,
      organizations: ["system:nodes"],
      notAfter,
    });
    await fails("identity", /expired at 20/, { kubeconfig: kubeconfig("expired", { ...identityOf(NODE), ...pair }) });
  });

  it("a certificate that the cluster does not take", async () => {
    const authority = await createAuthority("another");
    const pair = await authority.issue({ commonName: `system:node:${NODE}`, organizations: ["system:nodes"] });
    await fails("identity", /does not take the node's identity \(401\)/, {
      kubeconfig: kubeconfig("foreign", { ...identityOf(NODE), ...pair }),
    });
  });

  it("another node's identity", () =>
    fails("identity", /is of system:node:node-2, and --node-name is node-1/, {
      kubeconfig: cluster.kubeconfig("node-2"),
    }));

  it("a clock that is wrong", async () => {
    const front = new IllApiServer({ dir: cluster.dir, apiPort: cluster.apiPort, identity: NODE });
    const port = await front.listen();
    try {
      front.aheadMs = 20_000;
      const little = await doctor({ "server-addr": `127.0.0.1:${port}` });
      assert.deepEqual(ill(little), ["clock"]);
      assert.match(linesOf(little, "clock"), /warning: this machine's clock is (19|20|21) s behind/);
      front.aheadMs = -300_000;
      await fails("clock", /clock is (299|300|301) s ahead of/, { "server-addr": `127.0.0.1:${port}` });
    } finally {
      front.close();
    }
  });

  it("a port that another program has, and a YurtHub", async () => {
    const squatter = createServer(({ url }, response) => response.end(url === "/v1/healthz" ? "OK" : "hello"));
    squatter.listen(0, "127.0.0.1");
    await once(squatter, "listening");
    const { port } = squatter.address() as AddressInfo; // a server that listens has such an address
    try {
      await fails("ports", /held by another program$/m, { "proxy-port": String(port), "kubelet-kubeconfig": noFile() });
      await fails("ports", /held by another program; a YurtHub runs here/, {
        "serve-port": String(port),
        "proxy-port": String(await freePort()),
        "proxy-secure-port": String(await freePort()),
        "kubelet-kubeconfig": noFile(),
      });
    } finally {
      squatter.close();
    }
  });

  it(
    "a full and a read-only disk",
    { skip: noSmallDisk },
    () =>
      withSmallDisk({ folder: cluster.dir, programs: [] }, async (disk) => {
        const changed = { ...flags, "root-dir": disk.folder, kubeconfig: cluster.kubeconfig(NODE) };
        const diagnose = async (): Promise<DoctorReport> => {
          const program = disk.start(doctorWords(changed));
          return readReport({ ...await program.ended, stdout: program.output() });
        };
        // That of a tmpfs is everybody's.
        assert.equal((await disk.start(["chmod", "700", disk.folder]).ended).exitCode, 0);
        disk.fill();
        await failsAlone("disk", / is full/, diagnose);
        disk.free();
        assert.equal((await disk.start(["mount", "-o", "remount,ro", disk.folder]).ended).exitCode, 0);
        await failsAlone("disk", / is read-only/, diagnose);
      }),
  );

  it("a name that does not resolve", () =>
    // Longer than a label may be: no name server is asked.
    fails("names", /has no address/, { "server-addr": `${"x".repeat(64)}.invalid:6443` }));

  it("a link that is refused, and one that is silent", async () => {
    try {
      await relay.setMode("refuse");
      await fails("link", /is out of reach/);
      await relay.setMode("swallow");
      await fails("link", /is reached, but does not answer/);
    } finally {
      await relay.setMode("pass");
    }
  });

  it("an API server that is not ready", async () => {
    const front = new IllApiServer({ dir: cluster.dir, apiPort: cluster.apiPort, identity: NODE });
    const port = await front.listen();
    front.answer = { status: 500, contentType: "text/plain", body: "[-]etcd failed" };
    try {
      await fails("link", /is not ready: \/readyz answered 500/, { "server-addr": `127.0.0.1:${port}` });
    } finally {
      front.close();
    }
  });

  it("a missing right", async () => {
    await cluster.direct.ok(["delete", "clusterrolebinding", "holdfast:hub:filters"]);
    try {
      const report = await waitFor("the API server to know", 20_000, async (seen) => {
        const found = await doctor();
        seen(JSON.stringify(found));
        return checksOf(found, "warning").length > 0 ? found : undefined;
      });
      assert.deepEqual(ill(report), ["rights"]);
      assert.match(
        linesOf(report, "rights"),
        /servicetopology is off: the node may not list endpoints, watch endpoints/,
      );
      assert.match(linesOf(report, "rights"), /topology by node pool .* is off: .*watch nodepools.apps.openyurt.io/);
    } finally {
      await cluster.direct.ok(["apply", "-f", RBAC]);
    }
  });

  it("a storage key that everybody may read, or that is another one", async () => {
    const path = join(hub.rootDir, "storage.key");
    chmodSync(path, 0o644);
    try {
      await fails("storage-key", /everybody may use the storage key .* \(mode 0644\)/);
    } finally {
      chmodSync(path, 0o600);
    }
    const other = cluster.file("other.key");
    writeFileSync(other, new Uint8Array(32), { mode: 0o600 });
    await fails("storage-key", /sealed with another key than/, { "storage-key-file": other });
  });

  it("a root-dir that others may write in", async () => {
    chmodSync(hub.rootDir, 0o777);
    try {
      await fails("root-dir", /others may write in .* \(mode 0777\)/);
    } finally {
      chmodSync(hub.rootDir, 0o700);
    }
  });

  it("a serving certificate that pods do not believe", async () => {
    const path = join(hub.rootDir, "pki", "kube-root-ca.crt");
    const kept = readFileSync(path);
    writeFileSync(path, (await createAuthority("another")).caPem);
    try {
      const report = await doctor();
      assert.deepEqual(ill(report), ["serving-certificate"]);
      assert.match(linesOf(report, "serving-certificate"), /warning: pods do not believe/);
    } finally {
      writeFileSync(path, kept);
    }
  });

  it("a network plugin that writes to the API for every pod", async () => {
    const path = cluster.file("cni/05-calico.conflist");
    const calico = { type: "calico", datastore_type: "kubernetes", ipam: { type: "calico-ipam" } };
    writeFileSync(path, JSON.stringify({ plugins: [calico] }));
    try {
      const report = await doctor();
      assert.deepEqual(ill(report), ["cni"]);
      assert.match(linesOf(report, "cni"), /warning: .*05-calico.conflist needs the API for every pod/);
    } finally {
      rmSync(path);
    }
  });

  function doctor(changes: Changes = {}): Promise<DoctorReport> {
    return runDoctor(cluster.dir, { ...flags, ...changes });
  }

  /** Exactly this check fails, and says so. On a busy machine a link may be too slow as well: it is looked at again. */
  async function fails(check: string, says: RegExp, changes: Changes = {}): Promise<void> {
    await failsAlone(check, says, () => doctor(changes));
  }

  async function failsAlone(check: string, says: RegExp, diagnose: () => Promise<DoctorReport>): Promise<void> {
    await waitFor(`the doctor to find that ${check} fails, and nothing else`, 60_000, async (seen) => {
      const report = await diagnose();
      seen(JSON.stringify(report.findings));
      return checksOf(report, "failed").join() === check && says.test(linesOf(report, check));
    });
  }

  function ill(report: DoctorReport): readonly string[] {
    return [...checksOf(report, "failed"), ...checksOf(report, "warning")];
  }

  function read(name: string): string {
    return readFileSync(cluster.file(name), "utf8");
  }

  function identityOf(name: string) {
    return { port: relay.port, ca: read("ca.crt"), cert: read(`${name}.crt`), key: read(`${name}.key`) };
  }

  function kubeconfig(name: string, credentials: Parameters<typeof kubeconfigText>[0]): string {
    const path = cluster.file(`${name}.kubeconfig`);
    writeFileSync(path, kubeconfigText(credentials), { mode: 0o600 });
    return path;
  }

  function noFile(): string {
    return cluster.file("no-such-file");
  }

  async function registerNode(): Promise<void> {
    const node = { apiVersion: "v1", kind: "Node", metadata: { name: NODE } };
    assert.equal((await hub.api("/api/v1/nodes", { method: "POST", body: JSON.stringify(node) })).status, 201);
    const headers = { "content-type": "application/merge-patch+json" };
    const status = { addresses: [{ type: "InternalIP", address: "127.0.0.2" }] };
    const patch = { method: "PATCH", headers, body: JSON.stringify({ status }) };
    assert.equal((await hub.api(`/api/v1/nodes/${NODE}/status`, patch)).status, 200);
  }
});
