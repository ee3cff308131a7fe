import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import { neededRights } from "../../../src/cli/doctor/rights_check.ts";
import { createAuthority } from "../../testing/certificates.ts";
import { doctorWorld, file, key, kubeletConfig, sealedStore, type World, type WorldAnswer } from "./doctor_scene.ts";

interface Report {
  readonly healthy: boolean;
  readonly summary: Readonly<Record<string, number>>;
  readonly findings: readonly {
    readonly check: string;
    readonly status: string;
    readonly what: string;
    readonly advice?: string;
  }[];
}

async function diagnose(world: World): Promise<Report & { readonly exitCode: number }> {
  const { exitCode, stdout, stderr } = await world.run("json");
  assert.equal(stderr, "");
  return { exitCode, ...JSON.parse(stdout) as Report }; // the assertions look at its fields
}

test("holdfast doctor finds nothing wrong where nothing is, and writes nothing", async () => {
  const world = await doctorWorld();
  const before = new Map(world.files);
  const { exitCode, stdout, stderr } = await world.run();
  assert.deepEqual([exitCode, stderr], [0, ""], stdout);
  assert.match(stdout, /\ndoctor: \d+ ok, 0 warning, 0 failed, 0 skipped\n$/);
  assert.deepEqual(world.files, before);
  assert.match(stdout, /\[\+\]link {17}cloud\.example:6443 is ready, TCP in 0 ms, TLS and answer in \d+ ms\n/);
});

test("holdfast doctor gives the same in JSON, by either flag, and in YAML", async () => {
  const world = await doctorWorld();
  const { stdout } = await world.run("json");
  const report = JSON.parse(stdout) as Report;
  assert.equal(report.healthy, true);
  assert.equal(report.summary["ok"], report.findings.length);
  world.flags["output"] = ["json"];
  assert.deepEqual(JSON.parse((await world.run()).stdout), report);
  world.flags["output"] = ["yaml"];
  assert.match((await world.run()).stdout, /^healthy: true\n/);
});

interface Fault {
  readonly what: string;
  readonly plant: (world: World) => Promise<void> | void;
  readonly check: string;
  readonly status: "failed" | "warning";
  readonly says: RegExp;
  readonly advises: RegExp;
}

const text = (body: string, status = 200): WorldAnswer => ({ status, body });
const status = (nodeName: string) => text(JSON.stringify({ version: "0.1.0", runtime: "bun", nodeName }));
const webServer = (): WorldAnswer => text("<html>", 404);
const hubAt = (nodeName: string, secure: string) => (path: string) =>
  path === "/v1/status" ? status(nodeName) : text(`${secure}\n`);
const hour = 60 * 60_000;

const faults: readonly Fault[] = [
  {
    what: "an expired certificate",
    plant: (world) => world.identify("system:node:node-1", new Date(world.clock.now() - hour)),
    check: "identity",
    status: "failed",
    says: /certificate in \/hub.kubeconfig expired at 20/,
    advises: /whoever renews \/hub.kubeconfig has not/,
  },
  {
    what: "a certificate that nobody renews",
    plant: (world) => world.identify("system:node:node-1", new Date(world.clock.now() + hour / 2)),
    check: "identity",
    status: "warning",
    says: /expires in (29|30)m, and nobody has renewed it/,
    advises: /rotateCertificates/,
  },
  {
    what: "another node's certificate",
    plant: (world) => world.identify("system:node:node-2"),
    check: "identity",
    status: "failed",
    says: /is of system:node:node-2, and --node-name is node-1/,
    advises: /--node-name/,
  },
  {
    what: "a certificate of no node",
    plant: (world) => world.identify("kubernetes-admin"),
    check: "identity",
    status: "warning",
    says: /is of kubernetes-admin \(system:nodes\), not of system:node:node-1/,
    advises: /reads and writes as that user/,
  },
  {
    what: "an identity that the API server does not take",
    plant: (world) => void (world.cloud = (path) => path === "/readyz" ? undefined : text("{}", 401)),
    check: "identity",
    status: "failed",
    says: /does not take the node's identity \(401\)/,
    advises: /join again/,
  },
  {
    what: "no identity at all",
    plant: (world) => void (world.flags["kubeconfig"] = [""]),
    check: "identity",
    status: "failed",
    says: /cannot start: \/var\/lib\/holdfast\/pki has no certificate yet/,
    advises: /kubeadm token create --print-join-command/,
  },
  {
    what: "a kubeconfig that is not there",
    plant: (world) => void world.files.delete("/hub.kubeconfig"),
    check: "identity",
    status: "failed",
    says: /Cannot read \/hub.kubeconfig: there is no such file/,
    advises: /--kubeconfig/,
  },
  {
    what: "a serving certificate without the Service's address",
    plant: (world) =>
      void (world.cloud = (path) =>
        path.endsWith("/services/kubernetes")
          ? text(JSON.stringify({ spec: { clusterIPs: ["10.96.0.1", "10.43.0.1"] } }))
          : undefined),
    check: "serving-certificate",
    status: "failed",
    says: /is not for 10\.43\.0\.1: clients that use these refuse it/,
    advises: /within the hour/,
  },
  {
    what: "a serving certificate without loopback and the dummy interface",
    plant: (world) =>
      world.serve(["kubernetes", "kubernetes.default", "kubernetes.default.svc", "node-1", "10.96.0.1"]),
    check: "serving-certificate",
    status: "failed",
    says: /is not for kubernetes\.default\.svc\.cluster\.local, localhost, 127\.0\.0\.1, ::1, 169\.254\.2\.1:/,
    advises: /approved/,
  },
  {
    what: "a serving certificate that pods do not believe",
    plant: async (world) => {
      const other = await createAuthority("another");
      world.files.set("/var/lib/holdfast/pki/kube-root-ca.crt", { text: other.caPem, mode: 0o600 });
    },
    check: "serving-certificate",
    status: "warning",
    says: /pods do not believe the HTTPS port's certificate/,
    advises: /--root-ca-file/,
  },
  {
    what: "a serving certificate that waits for its approval",
    plant: (world) => {
      world.files.delete("/var/lib/holdfast/pki/hub-server-current.pem");
      const blocks = ["CERTIFICATE REQUEST", "PRIVATE KEY"].map((label) =>
        `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`
      );
      world.files.set("/var/lib/holdfast/pki/hub-server-pending.pem", {
        text: `Name: holdfast-1\nRequested: x\n${blocks.join("")}`,
        mode: 0o600,
      });
    },
    check: "serving-certificate",
    status: "warning",
    says: /the request holdfast-1 waits for its approval/,
    advises: /kubectl certificate approve holdfast-1/,
  },
  {
    what: "a clock that is a little behind",
    plant: (world) => void (world.aheadMs = 20_000),
    check: "clock",
    status: "warning",
    says: /clock is (19|20|21) s behind that of cloud.example:6443/,
    advises: /Over 60 s tokens are refused/,
  },
  {
    what: "a clock that is far ahead",
    plant: (world) => void (world.aheadMs = -300_000),
    check: "clock",
    status: "failed",
    says: /clock is (299|300|301) s ahead of that/,
    advises: /chronyd/,
  },
  {
    what: "a full disk",
    plant: (world) => void (world.writeError = "ENOSPC"),
    check: "disk",
    status: "failed",
    says: /\/var\/lib\/holdfast is full/,
    advises: /make room/,
  },
  {
    what: "a disk that is as good as full",
    plant: (world) => void (world.freeBytes = 3 * 1024 * 1024),
    check: "disk",
    status: "failed",
    says: /is as good as full: 3 MiB are free/,
    advises: /make room/,
  },
  {
    what: "a read-only disk",
    plant: (world) => void (world.writeError = "EROFS"),
    check: "disk",
    status: "failed",
    says: /\/var\/lib\/holdfast is read-only/,
    advises: /dmesg/,
  },
  {
    what: "a disk with less room than the hub may take",
    plant: (world) => void (world.freeBytes = 500 * 1024 * 1024),
    check: "disk",
    status: "warning",
    says: /500 MiB are free, and what the hub keeps may grow by 1088 MiB/,
    advises: /--cache-max-bytes/,
  },
  {
    what: "a slow disk",
    plant: (world) => void (world.writeMs = 450),
    check: "disk",
    status: "warning",
    says: /a durable write takes (4[5-9]|5\d)\d ms/,
    advises: /power loss/,
  },
  {
    what: "a root-dir that others may write in",
    plant: (world) => void world.folders.set("/var/lib/holdfast", 0o777),
    check: "root-dir",
    status: "failed",
    says: /others may write in \/var\/lib\/holdfast \(mode 0777\)/,
    advises: /chmod 700 \/var\/lib\/holdfast/,
  },
  {
    what: "a private key that others may read",
    plant: (world) => {
      const path = "/var/lib/holdfast/pki/hub-server-current.pem";
      world.files.set(path, { text: world.files.get(path)?.text ?? "", mode: 0o644 });
    },
    check: "root-dir",
    status: "failed",
    says: /hub-server-current.pem, which holds a private key \(mode 0644\)/,
    advises: /chmod 600/,
  },
  {
    what: "a storage key that everybody may read",
    plant: (world) => void world.files.set("/var/lib/holdfast/storage.key", { text: key, mode: 0o644 }),
    check: "storage-key",
    status: "failed",
    says: /everybody may use the storage key \/var\/lib\/holdfast\/storage.key \(mode 0644\)/,
    advises: /cache rekey/,
  },
  {
    what: "a storage key that its group may read",
    plant: (world) => void world.files.set("/var/lib/holdfast/storage.key", { text: key, mode: 0o440 }),
    check: "storage-key",
    status: "warning",
    says: /its group may use the storage key/,
    advises: /chmod 600/,
  },
  {
    what: "another storage key than the store's",
    plant: async (world) => {
      world.store = await sealedStore("o".repeat(32));
      world.files.set("/var/lib/holdfast/cache/holdfast.db", { text: "SQLite", mode: 0o600 });
    },
    check: "storage-key",
    status: "failed",
    says: /sealed with another key than \/var\/lib\/holdfast\/storage.key/,
    advises: /bring the right key back/,
  },
  {
    what: "a storage key that is gone",
    plant: (world) => {
      world.files.delete("/var/lib/holdfast/storage.key");
      world.files.set("/var/lib/holdfast/cache/holdfast.db", { text: "SQLite", mode: 0o600 });
    },
    check: "storage-key",
    status: "failed",
    says: /storage.key is missing, and .*holdfast.db was sealed with it/,
    advises: /bring the key back/,
  },
  {
    what: "a storage key of the wrong length",
    plant: (world) => void world.files.set("/var/lib/holdfast/storage.key", { text: "short", mode: 0o600 }),
    check: "storage-key",
    status: "failed",
    says: /it has 5 bytes instead of 32/,
    advises: /docs\/cache.md/,
  },
  {
    what: "a port that another program has",
    plant: (world) => void world.taken.set(10261, webServer),
    check: "ports",
    status: "failed",
    says: /127\.0\.0\.1:10261 is held by another program/,
    advises: /ss -ltnp "sport = :10261".*--proxy-port/,
  },
  {
    what: "a program without HTTP at a port",
    plant: (world) => void world.taken.set(10268, () => undefined),
    check: "ports",
    status: "failed",
    says: /127\.0\.0\.1:10268 is held by another program/,
    advises: /--proxy-secure-port/,
  },
  {
    what: "a YurtHub at the hub's port",
    plant: (world) => void world.taken.set(10267, (path) => path === "/v1/healthz" ? text("OK") : webServer()),
    check: "ports",
    status: "failed",
    says: /127\.0\.0\.1:10267 is held by another program; a YurtHub runs here/,
    advises: /stop YurtHub first/,
  },
  {
    what: "a hub of another node",
    plant: (world) => void world.taken.set(10267, hubAt("node-2", "[!]secure-port")),
    check: "ports",
    status: "failed",
    says: /held by a hub of the node node-2, and --node-name is node-1/,
    advises: /other ports/,
  },
  {
    what: "ports that this user may not have",
    plant: (world) => void (world.listenError = "EADDRNOTAVAIL"),
    check: "ports",
    status: "failed",
    says: /this machine does not have the address of 127\.0\.0\.1:10261/,
    advises: /--bind-proxy-address/,
  },
  {
    what: "a kubelet that asks past the hub",
    plant: (world) =>
      void world.files.set("/etc/kubernetes/kubelet.conf", file(kubeletConfig("https://cloud.example:6443"))),
    check: "kubelet",
    status: "failed",
    says: /kubelet.conf points past the hub at https:\/\/cloud.example:6443/,
    advises: /set server: http:\/\/127\.0\.0\.1:10261/,
  },
  {
    what: "a kubelet that asks at another port",
    plant: (world) =>
      void world.files.set("/etc/kubernetes/kubelet.conf", file(kubeletConfig("http://127.0.0.1:6443"))),
    check: "kubelet",
    status: "failed",
    says: /points at http:\/\/127\.0\.0\.1:6443, and the hub's port is 10261/,
    advises: /restart kubelet/,
  },
  {
    what: "a kubelet that does not run and would ask past the hub",
    plant: (world) => {
      world.files.delete("/proc/7/cmdline");
      world.files.set("/etc/kubernetes/kubelet.conf", file(kubeletConfig("https://cloud.example:6443")));
    },
    check: "kubelet",
    status: "warning",
    says: /kubelet does not run, and \/etc\/kubernetes\/kubelet.conf points past the hub/,
    advises: /--kubelet-kubeconfig/,
  },
  {
    what: "a kubeconfig of kubelet's that is no kubeconfig",
    plant: (world) => void world.files.set("/etc/kubernetes/kubelet.conf", { text: "a: [", mode: 0o600 }),
    check: "kubelet",
    status: "failed",
    says: /Cannot read \/etc\/kubernetes\/kubelet.conf: it is no YAML/,
    advises: /--kubelet-kubeconfig/,
  },
  {
    what: "a network plugin that writes to the API",
    plant: (world) =>
      void world.files.set(
        "/etc/cni/net.d/05-calico.conflist",
        file({ plugins: [{ type: "calico", datastore_type: "kubernetes", ipam: { type: "calico-ipam" } }] }),
      ),
    check: "cni",
    status: "warning",
    says: /05-calico.conflist needs the API for every pod \(calico: .*; calico-ipam: .*\): while the link is cut/,
    advises: /host-local/,
  },
  {
    what: "a network configuration that is none",
    plant: (world) => void world.files.set("/etc/cni/net.d/00-x.conf", { text: "{", mode: 0o644 }),
    check: "cni",
    status: "warning",
    says: /00-x.conf is no configuration of a network plugin/,
    advises: /written/,
  },
  {
    what: "a name that there is not",
    plant: (world) => void (world.resolveFailure = "unknown"),
    check: "names",
    status: "failed",
    says: /cloud.example has no address/,
    advises: /--server-addr/,
  },
  {
    what: "a name server that does not answer",
    plant: (world) => void (world.resolveFailure = "unanswered"),
    check: "names",
    status: "failed",
    says: /no name server tells the address of cloud.example/,
    advises: /resolv.conf/,
  },
  {
    what: "a link that is refused",
    plant: (world) => void (world.dialFailure = "refused"),
    check: "link",
    status: "failed",
    says: /cloud.example:6443 is out of reach/,
    advises: /whether the API server runs/,
  },
  {
    what: "a link that is silent",
    plant: (world) => void (world.dialFailure = "timeout"),
    check: "link",
    status: "failed",
    says: /is out of reach/,
    advises: /route/,
  },
  {
    what: "an API server of another CA",
    plant: (world) => void (world.requestFailure = "untrusted"),
    check: "link",
    status: "failed",
    says: /the node's CA does not vouch for it/,
    advises: /portal/,
  },
  {
    what: "an API server that is not ready",
    plant: (world) => void (world.cloud = (path) => path === "/readyz" ? text("[-]etcd failed", 500) : undefined),
    check: "link",
    status: "failed",
    says: /is not ready: \/readyz answered 500/,
    advises: /readyz\?verbose/,
  },
  {
    what: "a portal",
    plant: (world) => void (world.cloud = (path) => path === "/readyz" ? text("<html>Log in") : undefined),
    check: "link",
    status: "failed",
    says: /answered 200, but not ok: <html>Log in/,
    advises: /portal/,
  },
  {
    what: "a slow link",
    plant: (world) => void (world.answerMs = 2_600),
    check: "link",
    status: "warning",
    says: /slow \(TCP in 0 ms, TLS and answer in \d+ ms\): the hub gives each check 2000 ms/,
    advises: /--heartbeat-timeout-seconds/,
  },
  {
    what: "a missing right",
    plant: (world) => void world.denied.add("watch endpointslices"),
    check: "rights",
    status: "warning",
    says: /servicetopology is off: the node may not watch endpointslices.discovery.k8s.io$/,
    advises: /kubectl apply -f deploy\/rbac\/hub.yaml/,
  },
  {
    what: "a missing right to a path",
    plant: (world) => void world.denied.add("get /openid/v1/jwks"),
    check: "rights",
    status: "warning",
    says: /not told apart: the node may not get \/openid\/v1\/jwks$/,
    advises: /deploy\/rbac\/hub.yaml/,
  },
  {
    what: "an old cluster",
    plant: (world) =>
      void (world.cloud = (path) =>
        path === "/version"
          ? text(JSON.stringify({ major: "1", minor: "18+", gitVersion: "v1.18.9-eks" }))
          : undefined),
    check: "cluster-version",
    status: "warning",
    says: /Kubernetes v1\.18\.9-eks is older than 1\.21/,
    advises: /1\.36 is tested/,
  },
];

for (const { what, plant, check, status: want, says, advises } of faults) {
  test(`holdfast doctor names ${what}: ${check}`, async () => {
    const world = await doctorWorld();
    await plant(world);
    const { exitCode, healthy, findings } = await diagnose(world);
    const ill = findings.filter((finding) => finding.status === "failed" || finding.status === "warning");
    const found = ill.find((finding) => finding.check === check && says.test(finding.what));
    assert.equal(found?.status, want, JSON.stringify(ill));
    assert.match(found?.advice ?? "", advises);
    // Nothing else is said to have failed.
    assert.deepEqual(ill.filter((finding) => finding.status === "failed" && finding.check !== check), []);
    assert.deepEqual([exitCode, healthy], want === "failed" ? [1, false] : [0, true]);
  });
}

test("holdfast doctor takes a server that fails for a warning where another one answers", async () => {
  const world = await doctorWorld();
  world.flags["server-addr"] = ["a.example", "https://b.example:6443"];
  let asked = 0;
  world.cloud = (path) => path === "/readyz" && asked++ === 0 ? text("no", 500) : undefined;
  const { exitCode, findings } = await diagnose(world);
  const links = findings.filter(({ check }) => check === "link").map((
    { status: each, what },
  ) => [each, what.split(" ")[0]]);
  assert.deepEqual(links.toSorted(), [["ok", "b.example:6443"], ["warning", "a.example"]]);
  assert.equal(exitCode, 0);
});

test("holdfast doctor takes ports that the running hub of this node has for its own", async () => {
  const world = await doctorWorld();
  world.taken.set(10267, hubAt("node-1", "[+]secure-port ok"));
  world.taken.set(10261, () => ({ ...text("{}"), headers: { "X-Holdfast-Source": "cloud" } }));
  world.taken.set(10268, () => undefined);
  const { exitCode, findings } = await diagnose(world);
  const ports = findings.filter(({ check }) => check === "ports").map(({ what }) => what);
  assert.equal(ports.filter((what) => / is held by the hub that runs/.test(what)).length, 3, String(ports));
  assert.equal(exitCode, 0);
  // The hub itself says that the port is not its own.
  world.taken.set(10267, hubAt("node-1", "[!]secure-port not open: port 10268 is taken"));
  const second = await diagnose(world);
  assert.deepEqual(second.findings.filter(({ status: each }) => each === "failed").map(({ what }) => what), [
    "127.0.0.1:10268 is held by another program",
  ]);
});

test("holdfast doctor skips what the cloud alone knows while the link is cut", async () => {
  const world = await doctorWorld();
  world.dialFailure = "refused";
  const { findings } = await diagnose(world);
  const skippedChecks = findings.filter(({ status: each }) => each === "skipped").map(({ check }) => check);
  assert.deepEqual(skippedChecks, ["clock", "cluster-version", "rights"]);
});

test("holdfast doctor gives up a check that hangs, and tells all others", async () => {
  const world = await doctorWorld();
  world.dialFailure = "hang";
  const ended = world.run("json");
  for (let second = 0; second < 25; second++) await world.clock.advance(1_000);
  const { stdout, exitCode } = await ended;
  const { findings } = JSON.parse(stdout) as Report;
  const hung = findings.filter(({ what }) => what === "this could not be checked: no answer within 20 s");
  assert.deepEqual(hung.map(({ check }) => check).slice(0, 2), ["identity", "serving-certificate"]);
  assert.equal(findings.find(({ check }) => check === "disk")?.status, "ok");
  assert.equal(exitCode, 1);
});

test("holdfast doctor tells of a check that throws, and goes on", async () => {
  const world = await doctorWorld();
  world.listError = "EACCES";
  const { exitCode, findings } = await diagnose(world);
  const thrown = findings.filter(({ what }) => /^this could not be checked: Cannot use .*: EACCES$/.test(what));
  assert.deepEqual(thrown.map(({ check }) => check), ["root-dir", "kubelet", "cni"]);
  assert.equal(findings.find(({ check }) => check === "link")?.status, "ok");
  assert.equal(exitCode, 1);
});

test("holdfast doctor asks with the node's certificate, and prints no key and no token", async () => {
  const world = await doctorWorld();
  const { stdout } = await world.run();
  assert.ok(world.asked.length > 10 && world.asked.every(({ hasCertificate }) => hasCertificate));
  assert.doesNotMatch(stdout, /PRIVATE KEY|kkkkkkkk/);
  world.flags["kubeconfig"] = [""];
  world.flags["join-token"] = ["abcdef.0123456789abcdef"];
  world.flags["discovery-token-unsafe-skip-ca-verification"] = ["true"];
  const before = new Map(world.files);
  const joining = await world.run();
  assert.match(joining.stdout, /\[-\]identity .*kube-public\/cluster-info answered 404/);
  assert.match(joining.stdout, /\[ \]rights .*the node has not joined yet/);
  assert.doesNotMatch(joining.stdout + joining.stderr, /0123456789abcdef/);
  assert.deepEqual(world.files, before);
  assert.ok(world.asked.every(({ path }) => !path.includes("certificatesigningrequests")));
});

test("holdfast doctor asks for exactly the rights of deploy/rbac/hub.yaml", () => {
  const path = new URL("../../../deploy/rbac/hub.yaml", import.meta.url);
  const manifests = parseAllDocuments(readFileSync(path, "utf8")).map((document) => document.toJS() as Manifest);
  const given = manifests.flatMap(({ kind, metadata, rules = [] }) =>
    rules.flatMap(({ apiGroups, resources, resourceNames = [""], verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) =>
          verbs.flatMap((verb) =>
            resourceNames.map((name) =>
              [verb, group, resource, kind === "Role" ? metadata.namespace : "", name].join(" ")
            )
          )
        )
      )
    )
  );
  const asked = neededRights("kube-system").flatMap(({ rights }) => rights).flatMap((right) =>
    "path" in right
      ? []
      : [[right.verb, right.group ?? "", right.resource, right.namespace ?? "", right.name ?? ""].join(" ")]
  );
  assert.deepEqual(asked.toSorted(), given.toSorted());
  // Kubernetes' own role gives the two paths.
  assert.ok(manifests.some(({ roleRef }) => roleRef?.name === "system:service-account-issuer-discovery"));
});

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly namespace?: string };
  readonly roleRef?: { readonly name: string };
  readonly rules?: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly resourceNames?: readonly string[];
    readonly verbs: readonly string[];
  }[];
}
