import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { spkiHashes } from "../../src/identity/spki_hash.ts";
import { addresses, startHub, withCloud } from "../testing/hub_program.ts";
import { connectWire } from "../testing/wire.ts";
import type { HubStatus } from "../testing/running_hub.ts";

interface JsonLine {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> & { readonly proxy?: string; readonly status?: string };
}

interface StateContent {
  readonly cluster: { readonly caHashes: readonly string[] };
  readonly backends: Readonly<Record<string, { readonly state: string }>>;
  readonly discovery: Readonly<Record<string, { readonly resources: readonly string[] }>>;
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

test("holdfast hub refuses another storage key, and loses nothing", () =>
  withCloud(async (cloud) => {
    const first = startHub(cloud);
    const { proxy } = await addresses(first);
    await (await fetch(`${proxy}/api/v1/pods`)).text();
    first.kill("SIGTERM");
    await first.ended;
    await writeFile(`${cloud.folder}/other.key`, "x".repeat(32));
    const refused = await startHub(cloud, [`--storage-key-file=${cloud.folder}/other.key`]).ended;
    assert.equal(refused.exitCode, 1, refused.stderr);
    assert.match(
      refused.stderr,
      /holdfast\.db and .*outbox\.db opens: .* another key than .*other\.key \(--storage-key-file\)/,
    );
    await cloud.listener.close(0);
    const again = startHub(cloud);
    const offline = await fetch(`${(await addresses(again)).proxy}/api/v1/pods`);
    assert.equal(offline.headers.get("x-holdfast-source"), "replica");
    assert.match(await offline.text(), /"web-1"/);
  }));

test("holdfast hub keeps the cluster's identity and what it knows of its API servers in a file that people can read", () =>
  withCloud(async (cloud) => {
    const program = startHub(cloud, ["--server-addr=127.0.0.1:1"]);
    const { proxy, status } = await addresses(program);
    assert.equal((await fetch(`${proxy}/api/v1/pods`)).status, 200);
    await (await fetch(`${proxy}/api/v1`)).text();
    const { link } = JSON.parse(await (await fetch(`${status}/v1/status`)).text()) as HubStatus;
    const states = link.backends.map(({ state }) => state);
    assert.deepEqual(states, ["healthy", "unhealthy"]);
    program.kill("SIGTERM");
    await program.ended;
    const path = `${cloud.folder}/state/state.json`;
    const state = JSON.parse(await readFile(path, "utf8")) as StateContent;
    assert.deepEqual(state.cluster.caHashes, await spkiHashes(cloud.ca));
    assert.equal(state.backends[`https://127.0.0.1:${cloud.listener.port}`]?.state, "healthy");
    assert.ok(state.discovery["v1"]?.resources.includes("pods"));
    // Another cluster's CA under the same root folder: refused and named, and what is known stays.
    const [hash = ""] = state.cluster.caHashes;
    const other = hash.replace(/.{4}$/, "0000");
    await writeFile(path, JSON.stringify({ ...state, cluster: { caHashes: [other] } }));
    const second = startHub(cloud);
    await second.waitForError("An API server is refused");
    assert.match(second.errors(), new RegExp(`its CA is ${hash}, the known cluster's is ${other}`));
    second.kill("SIGTERM");
    await second.ended;
    const kept = JSON.parse(await readFile(path, "utf8")) as StateContent;
    assert.deepEqual(kept.cluster.caHashes, [other]);
  }));

test("holdfast hub lets as many requests and watches go on at once as its flags say", () =>
  withCloud(async (cloud) => {
    const program = startHub(cloud, ["--max-requests-in-flight=1", "--max-watches=1"]);
    const { proxy, status } = await addresses(program);
    const code = async (path: string): Promise<number> => {
      const answer = await fetch(proxy + path);
      await answer.text();
      return answer.status;
    };
    const untilInFlight = async (count: number): Promise<void> => {
      const series = `holdfast_requests_in_flight{kind="short"} ${count}\n`;
      while (!(await (await fetch(`${status}/metrics`)).text()).includes(series));
    };
    const watch = await fetch(`${proxy}/api/v1/pods?watch=1`);
    assert.deepEqual([watch.status, await code("/api/v1/pods?watch=1")], [200, 429]);
    const wire = await connectWire(Number(new URL(proxy).port));
    // It goes on until its body is complete.
    wire.send("POST /api/v1/pods HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n");
    await untilInFlight(1);
    assert.equal(await code("/api/v1/pods"), 429);
    wire.destroy();
    await untilInFlight(0);
    assert.equal(await code("/api/v1/pods"), 200);
    await watch.body?.cancel();
  }));

test("holdfast hub says more and less while it runs, in lines of JSON, as it is told", () =>
  withCloud(async (cloud) => {
    const program = startHub(cloud, ["--log-format=json"]);
    await program.waitForError("Hub listens");
    const lines = () => program.errors().trim().split("\n").map((line) => JSON.parse(line) as JsonLine);
    const { proxy = "", status } = lines().find(({ message }) => message === "Hub listens")?.fields ?? {};
    const requests = () => lines().filter(({ message }) => message === "Request").length;
    const setVerbosity = async (body: string) => {
      const answer = await fetch(`${status}/debug/flags/v`, { method: "PUT", body });
      return [answer.status, (await answer.text()).trim()];
    };
    const ask = async () => assert.match(await (await fetch(`${proxy}/api/v1/pods`)).text(), /"web-1"/);
    await ask();
    assert.equal(requests(), 0);
    assert.deepEqual(await setVerbosity("4"), [200, "successfully set klog.logging.verbosity to 4"]);
    await ask();
    await program.waitForError('"Request"');
    assert.deepEqual(await setVerbosity("2"), [200, "successfully set klog.logging.verbosity to 2"]);
    await ask();
    program.kill("SIGTERM");
    await program.ended;
    assert.equal(requests(), 1);
    assert.deepEqual(
      lines().filter(({ message }) => message.startsWith("The log")).map(({ fields }) => fields),
      [{ v: 4, level: "debug" }, { v: 2, level: "info" }],
    );
  }));

test("holdfast hub --profiling=false has nothing below /debug", () =>
  withCloud(async (cloud) => {
    const { status } = await addresses(startHub(cloud, ["--profiling=false"]));
    assert.equal((await fetch(`${status}/debug/flags/v`, { method: "PUT", body: "4" })).status, 404);
  }));

test("holdfast hub in cloud mode leaves nothing on disk", () =>
  withCloud(async (cloud) => {
    const program = startHub(cloud, ["--working-mode=cloud", `--disk-cache-path=${cloud.folder}/cache`]);
    const { proxy } = await addresses(program);
    for (const path of ["/api/v1/pods", "/api/v1/pods?resourceVersion=0", "/api"]) {
      const answer = await fetch(proxy + path);
      assert.deepEqual([answer.status, answer.headers.get("x-holdfast-source")], [200, "cloud"]);
      await answer.text();
    }
    program.kill("SIGTERM");
    assert.equal((await program.ended).exitCode, 0);
    assert.deepEqual(await readdir(cloud.folder), ["kubeconfig"]);
  }));

for (
  const [what, flags, exitCode, message] of [
    ["a taken proxy port", (port: number) => [`--proxy-port=${port}`], 1, /port \d+ is taken .*--proxy-port/],
    ["a taken status port", (port: number) => [`--serve-port=${port}`], 1, /port \d+ is taken .*--serve-port/],
    ["an address of another machine", () => ["--bind-address=192.0.2.1"], 1, /192\.0\.2\.1.*--bind-address/],
    ["a missing kubeconfig", () => ["--kubeconfig=/none"], 1, /\/none/],
    [
      "no identity",
      () => ["--kubeconfig="],
      2,
      /no certificate yet: give --join-token or --bootstrap-file .* --kubeconfig/,
    ],
    [
      "an unknown flag",
      () => ["--prox-port=1"],
      2,
      /Unknown flag --prox-port \(did you mean --proxy-port\?\)/,
    ],
    ["a missing value", () => ["--proxy-port"], 2, /--proxy-port/],
    ["another lb-mode", () => ["--lb-mode=random"], 2, /--lb-mode.*must be rr or priority/],
    ["another working mode", () => ["--working-mode=local"], 2, /--working-mode.*must be edge or cloud/],
    ["no time between heartbeats", () => ["--heartbeat-interval-seconds=0"], 2, /must be more than 0/],
    ["another log format", () => ["--log-format=xml"], 2, /--log-format.*must be text or json/],
    [
      "no requests",
      () => ["--max-requests-in-flight=0"],
      2,
      /--max-requests-in-flight.*must be a whole number from 1 /,
    ],
    ["no watches", () => ["--max-watches=0"], 2, /--max-watches.*must be a whole number from 1 /],
    ["a plain API server", () => ["--server-addr=https://a,http://b"], 2, /--server-addr.*must use https/],
    ["an argument", () => ["extra"], 2, /Unexpected argument/],
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
