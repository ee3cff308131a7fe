import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { clock } from "../../adapters/shared/clock.ts";
import { createListen } from "../../adapters/shared/listener.ts";
import { random } from "../../adapters/shared/random.ts";
import { createDemoApiServer } from "../../src/demo/api_server.ts";
import { seedSampleCluster } from "../../src/demo/sample_cluster.ts";
import type { Listener } from "../../src/platform/listener.ts";
import { createAuthority } from "../testing/certificates.ts";
import { type ChildProgram, runtime, startProgram } from "../testing/child_program.ts";
import { withTempFolder } from "../testing/temp_folder.ts";

const main = new URL(`../../adapters/${runtime}/main.ts`, import.meta.url);

interface Cloud {
  readonly listener: Listener;
  /** Common names of the client certificates that came with requests for pods; empty where none came. */
  readonly callers: string[];
  readonly kubeconfig: string;
  readonly folder: string;
  /** Hubs that were started; killed after the test. */
  readonly programs: ChildProgram[];
  /** Writes the kubeconfig again, with a certificate for this name. */
  issue(commonName: string): Promise<void>;
}

/** A cloud that speaks TLS and looks at client certificates, and a kubeconfig for it. */
function withCloud(run: (cloud: Cloud) => Promise<void>): Promise<void> {
  return withTempFolder(async (folder) => {
    const authority = await createAuthority();
    const tls = await authority.issue({ commonName: "kube-apiserver", names: ["127.0.0.1", "localhost"] });
    const server = createDemoApiServer({ clock, random });
    seedSampleCluster(server.objects, clock.now());
    const callers: string[] = [];
    const programs: ChildProgram[] = [];
    const listener = await createListen({})(
      { hostname: "127.0.0.1", port: 0, tls: { ...tls, clientCa: authority.caPem } },
      (request, exchange) => {
        if (exchange.rawPath.includes("pods")) callers.push(exchange.peer.certificate?.commonName ?? "");
        return server.handle(request, exchange);
      },
    );
    const kubeconfig = `${folder}/kubeconfig`;
    const issue = async (commonName: string): Promise<void> => {
      const { cert, key } = await authority.issue({ commonName });
      await writeFile(kubeconfig, kubeconfigText({ port: listener.port, ca: authority.caPem, cert, key }));
    };
    await issue("system:node:node-1");
    try {
      await run({ listener, callers, kubeconfig, folder, programs, issue });
    } finally {
      for (const { child } of programs) child.kill("SIGKILL");
      server.close();
      await listener.close(0);
    }
  });
}

interface Credentials {
  readonly port: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

function kubeconfigText({ port, ca, cert, key }: Credentials): string {
  return JSON.stringify({
    "current-context": "node",
    clusters: [{
      name: "cloud",
      cluster: { server: `https://127.0.0.1:${port}`, "certificate-authority-data": btoa(ca) },
    }],
    users: [{ name: "node", user: { "client-certificate-data": btoa(cert), "client-key-data": btoa(key) } }],
    contexts: [{ name: "node", context: { cluster: "cloud", user: "node" } }],
  });
}

function startHub({ listener, kubeconfig, folder, programs }: Cloud, flags: readonly string[] = []): ChildProgram {
  const program = startProgram(main, [
    "hub",
    `--server-addr=127.0.0.1:${listener.port}`,
    `--kubeconfig=${kubeconfig}`,
    `--root-dir=${folder}/state`,
    "--proxy-port=0",
    "--serve-port=0",
    ...flags,
  ], { NODE_NAME: "node-1" });
  programs.push(program);
  return program;
}

/** Waits for the line that tells where the hub listens. */
async function addresses(program: ChildProgram): Promise<{ readonly proxy: string; readonly status: string }> {
  await program.waitForError("Hub listens");
  const [, proxy = "", status = ""] = /proxy=(\S+) status=(\S+)/.exec(program.errors()) ?? [];
  return { proxy, status };
}

test("holdfast hub proxies with the kubeconfig's certificate, reads it again, and ends at SIGTERM with 0", () =>
  withCloud(async (cloud) => {
    const program = startHub(cloud);
    const { proxy, status } = await addresses(program);
    const list = await fetch(`${proxy}/api/v1/pods`);
    assert.deepEqual([list.status, cloud.callers.at(-1)], [200, "system:node:node-1"]);
    assert.match(await list.text(), /"web-1"/);
    const own = await fetch(`${proxy}/api/v1/pods`, { headers: { Authorization: "Bearer mine" } });
    assert.deepEqual([(await own.text()).includes("web-1"), cloud.callers.at(-1)], [true, ""]);
    assert.equal((await fetch(`${status}/readyz`)).status, 200);
    await cloud.issue("system:node:renewed");
    await program.waitForError("Identity was read again");
    await (await fetch(`${proxy}/api/v1/pods`)).text();
    assert.equal(cloud.callers.at(-1), "system:node:renewed");
    program.kill("SIGTERM");
    const { exitCode, stderr } = await program.ended;
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /Hub has stopped/);
  }));

test("holdfast hub answers from disk after a restart without the cloud", () =>
  withCloud(async (cloud) => {
    const first = startHub(cloud);
    const online = await addresses(first);
    const before = await (await fetch(`${online.proxy}/api/v1/pods`)).text();
    first.kill("SIGTERM");
    await first.ended;
    await cloud.listener.close(0);
    const second = startHub(cloud);
    const offline = await addresses(second);
    const response = await fetch(`${offline.proxy}/api/v1/pods`);
    assert.equal(response.headers.get("x-holdfast-source"), "replica");
    assert.deepEqual(JSON.parse(await response.text()), JSON.parse(before));
    second.kill("SIGTERM");
    assert.equal((await second.ended).exitCode, 0);
  }));

for (
  const [what, flags, exitCode, message] of [
    ["a taken proxy port", (port: number) => [`--proxy-port=${port}`], 1, /port \d+ is taken .*--proxy-port/],
    ["a taken status port", (port: number) => [`--serve-port=${port}`], 1, /port \d+ is taken .*--serve-port/],
    ["an address of another machine", () => ["--bind-address=192.0.2.1"], 1, /192\.0\.2\.1.*--bind-address/],
    ["a missing kubeconfig", () => ["--kubeconfig=/none"], 1, /\/none/],
    ["no kubeconfig", () => ["--kubeconfig="], 2, /--kubeconfig is required/],
    [
      "an unknown flag",
      () => ["--prox-port=1"],
      2,
      /Unknown flag --prox-port \(value "1"\) \(did you mean --proxy-port\?\)/,
    ],
    ["a missing value", () => ["--proxy-port"], 2, /--proxy-port/],
    ["an argument", () => ["extra"], 2, /Unexpected argument "extra"/],
  ] as const
) {
  test(`holdfast hub ends with ${exitCode} and one line that names it for ${what}`, () =>
    withCloud(async (cloud) => {
      const ended = await startHub(cloud, flags(cloud.listener.port)).ended;
      assert.equal(ended.exitCode, exitCode, ended.stderr);
      const lines = ended.stderr.trim().split("\n").filter((line) => !/ INFO /.test(line));
      assert.equal(lines.length, 1, ended.stderr);
      assert.match(lines[0] ?? "", /^holdfast/);
      assert.match(lines[0] ?? "", message);
    }));
}
