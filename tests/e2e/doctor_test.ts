import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { createAuthority } from "../testing/certificates.ts";
import { checksOf, type DoctorReport, linesOf, readReport } from "../testing/doctor_report.ts";
import { addresses, holdfast, holdfastWords, type ProgramCloud, startHub, withCloud } from "../testing/hub_program.ts";
import { kubeconfigText } from "../testing/kubeconfig_text.ts";
import { noSmallDisk, withSmallDisk } from "../testing/small_disk.ts";

/** What a test changes of the flags, by name. */
type Changes = Readonly<Record<string, string>>;

function words({ listener, kubeconfig, folder }: ProgramCloud, changes: Changes = {}): readonly string[] {
  const flags: Changes = {
    "server-addr": `127.0.0.1:${listener.port}`,
    kubeconfig,
    "node-name": "node-1",
    "root-dir": `${folder}/state`,
    "proxy-port": "0",
    "serve-port": "0",
    "proxy-secure-port": "0",
    "kubelet-kubeconfig": `${folder}/kubelet.conf`,
    "cni-conf-dir": `${folder}/cni`,
    ...changes,
  };
  return ["doctor", "--json", ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)];
}

async function doctor(cloud: ProgramCloud, changes: Changes = {}): Promise<DoctorReport> {
  return readReport(await holdfast(...words(cloud, changes)));
}

/** Paths below a folder, with modes; of files also size and time of the last change. */
async function tree(folder: string): Promise<readonly string[]> {
  const paths = await readdir(folder, { recursive: true });
  const lines = await Promise.all(paths.map(async (path) => {
    const found = await stat(join(folder, path));
    // A file that came and went is seen in its folder's time.
    return `${path} ${found.mode} ${found.isDirectory() ? "" : `${found.size} ${found.mtimeMs}`}`;
  }));
  return lines.toSorted();
}

async function prepareNode({ folder }: ProgramCloud): Promise<void> {
  await mkdir(`${folder}/cni`);
  await writeFile(`${folder}/cni/10-bridge.conf`, JSON.stringify({ type: "bridge", ipam: { type: "host-local" } }));
}

/** Runs a hub until it has something to keep. */
async function runAndStop(cloud: ProgramCloud): Promise<void> {
  const hub = startHub(cloud);
  const { proxy } = await addresses(hub);
  await (await fetch(`${proxy}/api/v1/pods`)).text();
  hub.kill("SIGTERM");
  await hub.ended;
}

test("holdfast doctor finds no failure before a hub was ever started, nor beside one that runs, and leaves no trace", () =>
  withCloud(async (cloud) => {
    await prepareNode(cloud);
    assert.deepEqual(checksOf(await doctor(cloud), "failed"), []);
    assert.deepEqual((await readdir(cloud.folder)).toSorted(), ["cni", "kubeconfig"]);
    const hub = startHub(cloud);
    const { proxy, status } = await addresses(hub);
    const kubelet = kubeconfigText({ port: 1, ca: "", cert: "", key: "" }).replace("https://127.0.0.1:1", proxy);
    await writeFile(`${cloud.folder}/kubelet.conf`, kubelet);
    const ports = { "proxy-port": new URL(proxy).port, "serve-port": new URL(status).port };
    const report = await doctor(cloud, ports);
    assert.deepEqual(checksOf(report, "failed"), []);
    assert.match(
      linesOf(report, "ports"),
      /:\d+ is held by the hub that runs\nok: .*:\d+ is held by the hub that runs \(/,
    );
    assert.match(linesOf(report, "kubelet"), /ok: .*kubelet.conf points at the hub/);
    assert.match(linesOf(report, "link"), /ok: 127\.0\.0\.1:\d+ is ready, TCP in \d+ ms/);
    assert.match(linesOf(report, "clock"), /ok: .* agree to [01] s/);
    assert.match(linesOf(report, "storage-key"), /ok: .*storage.key is the hub's alone, and opens what is kept/);
    hub.kill("SIGTERM");
    await hub.ended;
    const before = await tree(cloud.folder);
    await doctor(cloud);
    assert.deepEqual(await tree(cloud.folder), before);
  }));

test("holdfast doctor takes the hub's --config file, prints text, and wants what the hub wants", () =>
  withCloud(async (cloud) => {
    await prepareNode(cloud);
    const config = `${cloud.folder}/hub.yaml`;
    const lines = words(cloud).filter((word) => /^--(server|kubeconfig|node|root|proxy|serve)/.test(word));
    await writeFile(
      config,
      lines.map((line) => line.slice(2).replace("=", ": ")).join("\n") + "\ncache-max-bytes: 64MiB\n",
    );
    const { exitCode, stdout, stderr } = await holdfast(
      "doctor",
      `--config=${config}`,
      ...words(cloud).filter((word) => /^--(kubelet|cni)/.test(word)),
    );
    assert.deepEqual([exitCode, stderr], [0, ""], stdout);
    assert.match(stdout, /^\[\+\]root-dir {13}.*\n\[\+\]disk {17}/);
    assert.match(stdout, /\ndoctor: \d+ ok, \d+ warning, 0 failed, \d+ skipped\n$/);
    const without = await holdfast("doctor", "--node-name=node-1");
    assert.deepEqual([without.exitCode, /--server-addr is required/.test(without.stderr)], [2, true]);
  }));

test("holdfast doctor names what is wrong with a hub's set-up, and nothing else as failed", () =>
  withCloud(async (cloud) => {
    await prepareNode(cloud);
    await runAndStop(cloud);
    const { folder, listener } = cloud;
    const failing = async (check: string, says: RegExp, changes: Changes = {}): Promise<void> => {
      const report = await doctor(cloud, changes);
      assert.deepEqual(checksOf(report, "failed"), [check], JSON.stringify(report.findings));
      assert.match(linesOf(report, check), says);
    };
    const other = await createAuthority("another");
    const wrongCa = `${folder}/wrong-ca`;
    const pair = await cloud.authority.issue({ commonName: "system:node:node-1", organizations: ["system:nodes"] });
    await writeFile(wrongCa, kubeconfigText({ port: listener.port, ca: other.caPem, ...pair }));
    await failing("link", /is reached, but the node's CA does not vouch for it/, { kubeconfig: wrongCa });

    const expired = `${folder}/expired`;
    const old = {
      commonName: "system:node:node-1",
      organizations: ["system:nodes"],
      notAfter: new Date(Date.now() - 60_000),
    };
    await writeFile(
      expired,
      kubeconfigText({ port: listener.port, ca: cloud.ca, ...await cloud.authority.issue(old) }),
    );
    await failing("identity", /certificate in .*expired expired at/, { kubeconfig: expired });
    await failing("identity", /is of system:node:node-1, and --node-name is node-2/, { "node-name": "node-2" });

    const squatter = createServer((socket) => socket.destroy());
    squatter.listen(0, "127.0.0.1");
    await once(squatter, "listening");
    const { port } = squatter.address() as AddressInfo; // a server that listens has such an address
    await failing("ports", /failed: 127\.0\.0\.1:\d+ is held by another program/, { "serve-port": String(port) });
    squatter.close();
    await once(squatter, "close");
    await failing("link", /is out of reach/, { "server-addr": `127.0.0.1:${port}` });
    // Longer than a label may be: no name server is asked.
    await failing("names", /has no address/, { "server-addr": `${"x".repeat(64)}.invalid:6443` });

    await writeFile(`${folder}/kubelet.conf`, await readFile(cloud.kubeconfig));
    await failing("kubelet", /kubelet.conf points at https:\/\/127\.0\.0\.1:\d+, and the hub's port is \d+/, {
      "proxy-port": String(port),
    });
    await writeFile(`${folder}/kubelet.conf`, "a: [");
    await failing("kubelet", /it is no YAML/);
    await rm(`${folder}/kubelet.conf`);

    const keyPath = `${folder}/state/storage.key`;
    const key = await readFile(keyPath);
    await chmod(keyPath, 0o644);
    await failing("storage-key", /everybody may use the storage key .* \(mode 0644\)/);
    await chmod(keyPath, 0o600);
    await writeFile(keyPath, new Uint8Array(32));
    await failing("storage-key", /were sealed with another key than/);
    await writeFile(keyPath, key);
    await chmod(`${folder}/state`, 0o777);
    await failing("root-dir", /others may write in .*state \(mode 0777\)/);
    await chmod(`${folder}/state`, 0o700);

    await writeFile(`${folder}/cni/05-cilium.conf`, JSON.stringify({ type: "cilium-cni" }));
    const report = await doctor(cloud);
    assert.deepEqual(checksOf(report, "failed"), []);
    assert.match(linesOf(report, "cni"), /warning: .*05-cilium.conf needs the API for every pod/);
  }));

test(
  "holdfast doctor names a disk that is full, or read-only",
  { skip: noSmallDisk },
  () =>
    withCloud(async (cloud) => {
      await prepareNode(cloud);
      await withSmallDisk(cloud, async (disk) => {
        const changes = { "root-dir": disk.folder, "cache-max-bytes": "1MiB", "outbox-max-bytes": "1MiB" };
        const diagnose = async (): Promise<DoctorReport> => {
          const program = disk.start(holdfastWords(...words(cloud, changes)));
          const { exitCode, stderr } = await program.ended;
          return readReport({ exitCode, stdout: program.output(), stderr });
        };
        // That of a tmpfs is everybody's.
        assert.equal((await disk.start(["chmod", "700", disk.folder]).ended).exitCode, 0);
        disk.fill();
        const full = await diagnose();
        assert.deepEqual(checksOf(full, "failed"), ["disk"]);
        assert.match(linesOf(full, "disk"), /disk is full/);
        disk.free();
        const remount = disk.start(["mount", "-o", "remount,ro", disk.folder]);
        assert.equal((await remount.ended).exitCode, 0);
        const readOnly = await diagnose();
        assert.deepEqual(checksOf(readOnly, "failed"), ["disk"]);
        assert.match(linesOf(readOnly, "disk"), /disk is read-only/);
      });
    }),
);
