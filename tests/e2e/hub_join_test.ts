import assert from "node:assert/strict";
import { createHmac, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "node:tls";
import { clock } from "../../adapters/shared/clock.ts";
import { createListen } from "../../adapters/shared/listener.ts";
import { random } from "../../adapters/shared/random.ts";
import { createDemoApiServer } from "../../src/demo/api_server.ts";
import { seedSampleCluster } from "../../src/demo/sample_cluster.ts";
import { spkiHashes } from "../../src/identity/spki_hash.ts";
import type { JsonAnswer } from "../../src/identity/json_api.ts";
import type { Exchange } from "../../src/platform/exchange.ts";
import type { ExchangeHandler, Listener } from "../../src/platform/listener.ts";
import { type ChildProgram, startCommand } from "../testing/child_program.ts";
import { createFakeSigner, type FakeSigner } from "../testing/fake_signer.ts";
import { addresses, holdfastWords, startHub, withCloud as withProgramCloud } from "../testing/hub_program.ts";
import { withTempFolder } from "../testing/temp_folder.ts";

const token = { id: "abcdef", secret: "0123456789abcdef" };
const requestsPath = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

interface JoinCloud {
  readonly folder: string;
  readonly signer: FakeSigner;
  readonly listener: Listener;
  readonly caHash: string;
  /** Common names of the certificates that came with requests for pods. */
  readonly callers: string[];
  /** Starts a hub with what it needs to join, but for what is changed. */
  start(flags?: readonly string[]): ChildProgram;
}

test("holdfast hub joins with a token from an empty folder, and starts again without token and cloud", () =>
  withCloud(async (cloud) => {
    const program = cloud.start();
    const { proxy, status } = await addresses(program);
    const list = await fetch(`${proxy}/api/v1/pods`);
    assert.deepEqual([list.status, cloud.callers.at(-1)], [200, "system:node:node-1"]);
    await list.text();
    const readiness = await fetch(`${status}/readyz?verbose`);
    const checks = await readiness.text();
    assert.equal(readiness.status, 200);
    assert.match(checks, /\[\+\]client-certificate ok/);
    await stopped(program);
    const pki = `${cloud.folder}/state/pki`;
    assert.deepEqual((await readdir(pki)).filter((file) => file.startsWith("hub-client") || file === "ca.crt"), [
      "ca.crt",
      "hub-client-current.pem",
    ]);
    for (const file of await readdir(pki)) assert.equal((await stat(`${pki}/${file}`)).mode & 0o777, 0o600, file);
    await cloud.listener.close(0);
    const second = cloud.start(["--join-token=", "--discovery-token-ca-cert-hash="]);
    const answer = await fetch(`${(await addresses(second)).proxy}/api/v1/pods`);
    assert.deepEqual([answer.status, answer.headers.get("x-holdfast-source")], [200, "replica"]);
    await answer.text();
    await stopped(second);
  }));

test("holdfast hub renews its certificate, travels with the new one, and cuts no watch", () =>
  withCloud(async (cloud) => {
    cloud.signer.lifeMs = 6_000;
    const program = cloud.start();
    const { proxy } = await addresses(program);
    const watch = await fetch(`${proxy}/api/v1/pods?watch=true&resourceVersion=0`);
    const path = `${cloud.folder}/state/pki/hub-client-current.pem`;
    const first = await readFile(path, "utf8");
    cloud.signer.lifeMs = 600_000;
    await program.waitForError("Identity was read again");
    assert.notEqual(await readFile(path, "utf8"), first);
    const list = await fetch(`${proxy}/api/v1/pods`);
    assert.equal(list.headers.get("x-holdfast-source"), "cloud");
    await list.text();
    assert.ok(watch.body !== null);
    const reader = watch.body.getReader();
    assert.equal((await reader.read()).done, false);
    await reader.cancel();
    await stopped(program);
  }));

test("holdfast hub opens its TLS port with the first serving certificate, and takes the next one on the same port", () =>
  withCloud(async (cloud) => {
    const first = cloud.start(["--node-ip=127.0.0.1"]);
    await addresses(first);
    await first.waitForError("Hub listens with TLS");
    await stopped(first);
    await rm(`${cloud.folder}/state/pki/hub-server-current.pem`);
    cloud.signer.mode = "wait";
    const program = cloud.start(["--node-ip=127.0.0.1"]);
    const { status, proxy } = await addresses(program);
    const readiness = async (): Promise<string> => await (await fetch(`${status}/readyz?verbose`)).text();
    assert.match(await readiness(), /\[!\]secure-port not open: there is no serving certificate yet/);
    const list = await fetch(`${proxy}/api/v1/pods`);
    assert.equal(list.status, 200);
    await list.text();
    cloud.signer.lifeMs = 6_000;
    cloud.signer.mode = "sign";
    await program.waitForError("Hub listens with TLS");
    assert.match(await readiness(), /\[\+\]secure-port ok/);
    const port = Number(/Hub listens with TLS.* port=(\d+)/.exec(program.errors())?.[1]);
    const serial = await servedSerial(port);
    cloud.signer.lifeMs = 600_000;
    await waitUntil(async () => await servedSerial(port) !== serial);
    await stopped(program);
  }));

test("holdfast hub whose certificate has expired comes back with a token that it is given while it runs", () =>
  withCloud(async (cloud) => {
    cloud.signer.lifeMs = 1_500;
    const first = cloud.start();
    await addresses(first);
    await stopped(first);
    cloud.signer.lifeMs = 600_000;
    const path = `${cloud.folder}/state/pki/hub-client-current.pem`;
    await waitUntil(() => new X509Certificate(readFileSync(path)).validToDate.getTime() < Date.now());
    const program = cloud.start(["--join-token=", "--discovery-token-ca-cert-hash="]);
    const { status } = await addresses(program);
    const read = async (page: string): Promise<string> => await (await fetch(`${status}${page}`)).text();
    const post = async (body: string): Promise<readonly [number, string]> => {
      const answer = await fetch(`${status}/v1/token`, { method: "POST", body });
      return [answer.status, await answer.text()];
    };
    await waitUntil(async () =>
      /client-certificate .*expired.*kubeadm token.*\/v1\/token/.test(await read("/readyz?verbose"))
    );
    assert.deepEqual(await post('{"jointoken":""}'), [400, "no join token is set"]);
    for (
      const [body, message] of [["abcdef.0123", /could not decode/], [
        '{"jointoken":"abcdef.0123"}',
        /must be one/,
      ]] as const
    ) {
      const [code, text] = await post(body);
      assert.equal(code, 400);
      assert.match(text, message);
      assert.doesNotMatch(text, /0123/);
    }
    assert.equal((await post("x".repeat(5_000)))[0], 413);
    assert.equal((await post('{"jointoken":"abcdef.ffffffffffffffff"}'))[0], 200);
    await waitUntil(async () =>
      /client-certificate .*does not take the join token/.test(await read("/readyz?verbose"))
    );
    const taken = await post(`{"jointoken":"${token.id}.${token.secret}"}`);
    assert.deepEqual(taken, [200, "update bootstrap token successfully"]);
    await waitUntil(async () => (await read("/readyz?verbose")).includes("[+]client-certificate ok"));
    const [, expiry] = /^holdfast_certificate_expiration_timestamp_seconds\{certificate="client"\} (\S+)$/m
      .exec(await read("/metrics")) ?? [];
    assert.equal(Number(expiry), new X509Certificate(readFileSync(path)).validToDate.getTime() / 1_000);
    await stopped(program);
    assert.doesNotMatch(program.errors(), /ffffffffffffffff|0123456789abcdef/);
  }));

test("holdfast hub with somebody else's certificate tells its expiry, and takes no token", () =>
  withProgramCloud(async (cloud) => {
    const program = startHub(cloud);
    const { status } = await addresses(program);
    const body = `{"jointoken":"${token.id}.${token.secret}"}`;
    const answer = await fetch(`${status}/v1/token`, { method: "PUT", body });
    assert.deepEqual([answer.status, /does not keep its certificate/.test(await answer.text())], [409, true]);
    const metrics = await (await fetch(`${status}/metrics`)).text();
    assert.match(metrics, /^holdfast_certificate_expiration_timestamp_seconds\{certificate="client"\} \d{10}$/m);
    assert.doesNotMatch(metrics, /certificate="serving"/);
    await stopped(program);
  }));

for (
  const [what, flags, exitCode, message] of [
    [
      "a wrong CA hash",
      [`--discovery-token-ca-cert-hash=sha256:${"0".repeat(64)}`],
      1,
      /its CA is sha256:.* wants sha256:0{64}/,
    ],
    [
      "a token with a wrong secret",
      ["--join-token=abcdef.ffffffffffffffff"],
      1,
      /secret of token id "abcdef" is wrong/,
    ],
    [
      "a token that is no token",
      ["--join-token=abc"],
      2,
      /Invalid value of --join-token: must be a token as kubeadm token create makes it: 6 characters, a dot, 16/,
    ],
    ["no CA hash", ["--discovery-token-ca-cert-hash="], 2, /--discovery-token-ca-cert-hash is required to join/],
    ["a hash that is none", ["--discovery-token-ca-cert-hash=abc"], 2, /must be sha256:<64 hexadecimal digits>/],
    ["two ways to join", ["--bootstrap-file=/none"], 2, /--join-token or --bootstrap-file, not both/],
    ["a missing file of kubelet's", ["--cert-mgr-mode=kubelet", "--kubelet-ca-file=/none"], 1, /Cannot read \/none/],
    ["another mode", ["--cert-mgr-mode=token"], 2, /--cert-mgr-mode.*must be hubself or kubelet/],
  ] as const
) {
  test(`holdfast hub ends with ${exitCode} and says why for ${what}`, () =>
    withCloud(async (cloud) => {
      const ended = await cloud.start(flags).ended;
      assert.equal(ended.exitCode, exitCode, ended.stderr);
      assert.match(ended.stderr, message);
      assert.doesNotMatch(ended.stderr, /0123456789abcdef|ffffffffffffffff/);
    }));
}

test("holdfast hub ends with 1 and says why where its request is denied, and asks anew at the next start", () =>
  withCloud(async (cloud) => {
    cloud.signer.mode = "deny";
    const ended = await cloud.start().ended;
    assert.equal(ended.exitCode, 1, ended.stderr);
    assert.match(ended.stderr, /request holdfast-[0-9a-f]{32} was denied: No never/);
    cloud.signer.mode = "sign";
    const program = cloud.start();
    await addresses(program);
    await stopped(program);
  }));

test("holdfast hub does not take the certificate of another node, or of another cluster, for its own", () =>
  withCloud(async (cloud) => {
    const program = cloud.start();
    await addresses(program);
    await stopped(program);
    const other = await cloud.start(["--node-name=node-2"]).ended;
    assert.match(other.stderr, /pki belongs to system:node:node-1, not to node-2: give another --root-dir/);
    const elsewhere = await cloud.start([`--discovery-token-ca-cert-hash=sha256:${"0".repeat(64)}`]).ended;
    assert.match(elsewhere.stderr, /pki belongs to another cluster: .*its CA is sha256:/);
  }));

for (
  const [what, words] of [
    ["a malformed token", (secret: string) => [`--join-token=${secret}`]],
    ["a misspelled flag", (secret: string) => [`--join-tokn=${secret}`]],
    ["a misspelled flag and its value", (secret: string) => ["--join-tokn", secret]],
    ["a token that is no flag's value", (secret: string) => ["--join-token=", secret]],
    ["a token without a sign between", (secret: string) => [`--join-token${secret}`]],
    ["a token as a flag", (secret: string) => [`--${secret}`]],
  ] as const
) {
  test(`holdfast hub repeats no join token in its error: ${what}`, () =>
    withCloud(async (cloud) => {
      const ended = await cloud.start(words("abcdef.0123456789abcde")).ended;
      assert.equal(ended.exitCode, 2, ended.stderr);
      assert.match(ended.stderr, /join-tok|argument|flag/);
      assert.doesNotMatch(ended.stderr, /abcdef|0123/);
    }));
}

/** Of the certificate that a TLS port shows. */
function servedSerial(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    // Which one it is, is asked; whether it is believed, is another test's question.
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

async function waitUntil(holds: () => boolean | Promise<boolean>): Promise<void> {
  const until = Date.now() + 20_000;
  while (!await holds()) {
    assert.ok(Date.now() < until, "not within 20 s");
    await clock.sleep(50, new AbortController().signal);
  }
}

async function stopped(program: ChildProgram): Promise<void> {
  program.kill("SIGTERM");
  const { exitCode, stderr } = await program.ended;
  assert.equal(exitCode, 0, stderr);
}

/** A cluster that signs what holders of its token, and its nodes, ask for. */
function withCloud(run: (cloud: JoinCloud) => Promise<void>): Promise<void> {
  return withTempFolder(async (folder) => {
    const signer = await createFakeSigner(clock);
    const { authority } = signer;
    const server = createDemoApiServer({ clock, random });
    seedSampleCluster(server.objects, clock.now());
    const callers: string[] = [];
    const programs: ChildProgram[] = [];
    const tls = { ...await authority.issue({ commonName: "api", names: ["127.0.0.1"] }), clientCa: authority.caPem };
    const clusterInfo = signedInfo(authority.caPem);
    const handle: ExchangeHandler = async (request, exchange) => {
      const { certificate } = exchange.peer;
      if (exchange.rawPath.includes("/pods")) callers.push(certificate?.commonName ?? "");
      if (exchange.rawPath.endsWith("/cluster-info")) return Response.json(clusterInfo);
      const isToken = exchange.header("authorization") === `Bearer ${token.id}.${token.secret}`;
      if (!isToken && certificate?.authorized !== true) {
        return Response.json({ message: "Unauthorized" }, { status: 401 });
      }
      if (!exchange.rawPath.startsWith(requestsPath)) return await server.handle(request, exchange);
      const { status, object } = await signed(signer, exchange);
      return Response.json(object, { status });
    };
    const listener = await createListen({})({ hostname: "127.0.0.1", port: 0, tls }, handle);
    const serverAddr = `--server-addr=127.0.0.1:${listener.port}`;
    const [caHash = ""] = await spkiHashes(authority.caPem);
    const start = (flags: readonly string[] = []): ChildProgram => {
      const own = [
        serverAddr,
        "--node-name=node-1",
        `--join-token=${token.id}.${token.secret}`,
        `--discovery-token-ca-cert-hash=${caHash}`,
        `--root-dir=${folder}/state`,
        "--proxy-port=0",
        "--serve-port=0",
        "--proxy-secure-port=0",
        "--enable-dummy-if=false",
      ].filter((flag) => !flags.some((one) => one.split("=")[0] === flag.split("=")[0]));
      const program = startCommand(holdfastWords("hub", ...own, ...flags.filter((flag) => !flag.endsWith("="))));
      programs.push(program);
      return program;
    };
    try {
      await run({ folder, signer, listener, caHash, callers, start });
    } finally {
      for (const { child } of programs) child.kill("SIGKILL");
      server.close();
      await listener.close(0);
    }
  });
}

async function signed({ api }: FakeSigner, exchange: Exchange): Promise<JsonAnswer> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of exchange.body) text += decoder.decode(chunk, { stream: true });
  return await api({
    method: exchange.method === "POST" ? "POST" : "GET",
    path: exchange.rawPath,
    ...(text === "" ? {} : { body: JSON.parse(text) }),
    signal: exchange.signal,
  });
}

/** As the controller manager's bootstrapsigner does. */
function signedInfo(ca: string): unknown {
  const cluster = { server: "https://127.0.0.1:6443", "certificate-authority-data": btoa(ca) };
  const kubeconfig = JSON.stringify({ clusters: [{ name: "", cluster }] });
  const encoded = (text: string): string => btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const header = encoded(JSON.stringify({ alg: "HS256", kid: token.id }));
  const mac = createHmac("sha256", token.secret).update(`${header}.${encoded(kubeconfig)}`).digest("base64url");
  return { kind: "ConfigMap", data: { kubeconfig, [`jws-kubeconfig-${token.id}`]: `${header}..${mac}` } };
}
