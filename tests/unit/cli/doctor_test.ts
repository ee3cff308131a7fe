import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import { checks } from "../../../src/cli/doctor/run_doctor.ts";
import { neededRights } from "../../../src/cli/doctor/rights_check.ts";
import { type DoctorReport, readReport } from "../../testing/doctor_report.ts";
import { text } from "./doctor_fault.ts";
import { cloudFaults } from "./doctor_cloud_faults.ts";
import { identityFaults } from "./doctor_identity_faults.ts";
import { hubAt, machineFaults } from "./doctor_machine_faults.ts";
import { doctorWorld, file, kubeletConfig, type World } from "./doctor_scene.ts";

async function diagnose(world: World): Promise<DoctorReport & { readonly exitCode: number }> {
  const outcome = await world.run("json");
  assert.equal(outcome.stderr, "");
  return { exitCode: outcome.exitCode, ...readReport(outcome) };
}

test("holdfast doctor finds nothing wrong where nothing is, and writes nothing", async () => {
  const world = await doctorWorld();
  const before = new Map(world.files);
  const { exitCode, stdout, stderr } = await world.run();
  assert.deepEqual([exitCode, stderr], [0, ""], stdout);
  assert.match(stdout, /\ndoctor: \d+ ok, 0 warning, 0 failed, 0 skipped\n$/);
  assert.deepEqual(world.files, before);
  assert.match(stdout, /\[\+\]link {17}cloud\.example:6443 is ready, TCP in \d+ ms, TLS and answer in \d+ ms\n/);
});

test("holdfast doctor gives the same in JSON, by either flag, and in YAML", async () => {
  const world = await doctorWorld();
  const { stdout } = await world.run("json");
  const report = JSON.parse(stdout) as DoctorReport;
  assert.equal(report.healthy, true);
  assert.equal(report.summary["ok"], report.findings.length);
  world.flags["output"] = ["json"];
  assert.deepEqual(JSON.parse((await world.run()).stdout), report);
  world.flags["output"] = ["yaml"];
  assert.match((await world.run()).stdout, /^healthy: true\n/);
});

for (
  const { what, plant, check, status: want, says, advises } of [...machineFaults, ...identityFaults, ...cloudFaults]
) {
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
  assert.deepEqual(links, [["warning", "a.example"], ["ok", "b.example:6443"]]);
  assert.equal(exitCode, 0);
});

test("holdfast doctor takes ports that the running hub of this node has for its own", async () => {
  const world = await doctorWorld();
  world.taken.set(10267, hubAt("node-1", "[+]secure-port ok"));
  const refusal = `The host "doctor.holdfast.invalid" is not a name of this machine's loopback interface`;
  world.taken.set(10261, () => text(JSON.stringify({ kind: "Status", message: refusal }), 403));
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
  const { findings } = JSON.parse(stdout) as DoctorReport;
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

test("docs/doctor.md shows what the doctor prints, and tells of every check", async () => {
  const world = await doctorWorld();
  world.denied.add("watch nodepools");
  world.files.set("/etc/kubernetes/kubelet.conf", file(kubeletConfig("https://cloud.example:6443")));
  const { exitCode, stdout } = await world.run();
  const page = readFileSync(new URL("../../../docs/doctor.md", import.meta.url), "utf8");
  // How long things take is not the same each time.
  const timeless = (printed: string) => printed.replace(/[\d.]+ (ms|s)\b/g, "$1");
  assert.ok(timeless(page).includes(`\n${timeless(stdout)}`), stdout);
  assert.equal(exitCode, 1);
  for (const { name } of checks) assert.match(page, new RegExp(`^\\| \`${name}\` `, "m"));
});
