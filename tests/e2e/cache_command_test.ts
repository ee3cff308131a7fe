import assert from "node:assert/strict";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { seedObject } from "../../src/demo/seed_object.ts";
import { samplePod } from "../../src/demo/sample_cluster.ts";
import { flipByte } from "../testing/flip_byte.ts";
import { addresses, holdfast, type ProgramCloud, startHub, withCloud } from "../testing/hub_program.ts";

/** What the hub has on disk after 200 ms. */
const commitMs = 500;

const rootOf = ({ folder }: ProgramCloud) => `--root-dir=${folder}/state`;
const fileOf = ({ folder }: ProgramCloud) => `${folder}/state/cache/holdfast.db`;

/** Runs `holdfast cache`. */
async function cache(cloud: ProgramCloud, ...args: readonly string[]) {
  return await holdfast("cache", ...args, rootOf(cloud));
}

/** A hub that has read pods, secrets, one ConfigMap and a document, and has them on disk. */
async function filledHub(cloud: ProgramCloud) {
  const hub = startHub(cloud);
  const { proxy, status } = await addresses(hub);
  const metadata = { name: "s", namespace: "default" };
  seedObject(cloud.server.objects, { apiVersion: "v1", kind: "Secret", metadata, data: { key: "aHVudGVyMg==" } });
  const paths = [
    "/api/v1/pods?resourceVersion=0",
    "/api/v1/secrets?resourceVersion=0",
    "/api/v1/namespaces/default/configmaps/web-settings",
    "/apis",
  ];
  for (const path of paths) assert.equal((await readAll(proxy + path)).status, 200);
  await until(async () => (await cache(cloud, "ls", "-o", "json")).stdout.includes('"/apis"'));
  return { hub, proxy, status, port: `--serve-port=${new URL(status).port}` };
}

test("holdfast cache reads beside a running hub: ls, get and verify", () =>
  withCloud(async (cloud) => {
    await filledHub(cloud);
    const listed = await cache(cloud, "ls");
    assert.deepEqual([listed.exitCode, listed.stderr], [0, ""]);
    assert.match(listed.stdout, /^pods\.v1\. -A +\d+ +stale +\d+s +3 +\d+ +\d+s$/m);
    assert.match(listed.stdout, /^configmaps\.v1\. +default +web-settings +\d+ /m);
    assert.match(listed.stdout, /^\/apis /m);
    assert.equal((await cache(cloud, "get", "pods", "-n", "kube-system", "-o", "name")).stdout, "pod/dns-1\n");
    assert.match((await cache(cloud, "get", "secrets/s", "-o", "yaml")).stdout, /key: \(redacted, 7 bytes\)/);
    assert.match((await cache(cloud, "get", "secrets/s", "-ojson", "--show-secrets")).stdout, /"key": "aHVudGVyMg=="/);
    const verified = await cache(cloud, "verify");
    assert.deepEqual([verified.exitCode, verified.stderr], [0, ""]);
    assert.match(verified.stdout, /3 collections, 1 record, 1 document, 5 objects \(\d+ bytes\); 0 problems\n/);
  }));

test("holdfast cache rm asks the running hub, which writes its store, and fetches anew what is asked for", () =>
  withCloud(async (cloud) => {
    const { proxy, status, port } = await filledHub(cloud);
    const removed = await cache(cloud, "rm", "pods", port);
    assert.deepEqual([removed.exitCode, removed.stdout], [0, "removed collection pods.v1. -A\n"], removed.stderr);
    assert.match((await cache(cloud, "ls", "pods")).stderr, /Nothing is held of "pods"/);
    assert.equal((await cache(cloud, "verify")).exitCode, 0);
    assert.equal((await readAll(`${proxy}/api/v1/pods?resourceVersion=0`)).status, 200);
    await cloud.listener.close(0);
    await until(async () => (await readAll(`${status}/readyz?verbose`)).text.includes("[!]cloud"));
    const refused = await cache(cloud, "rm", "secrets", port);
    assert.deepEqual([refused.exitCode, refused.stdout], [1, ""]);
    assert.match(
      refused.stderr,
      /^holdfast cache rm: The hub refuses: the link to the cloud is cut: .* \(--force\)\n$/,
    );
    assert.equal((await cache(cloud, "rm", "secrets", "--force", port)).stdout, "removed collection secrets.v1. -A\n");
    assert.equal((await readAll(`${proxy}/api/v1/secrets?resourceVersion=0`)).status, 503);
    const nowhere = await cache(cloud, "rm", "--all", "--serve-port=1");
    assert.equal(nowhere.exitCode, 1);
    assert.match(nowhere.stderr, /status server on 127\.0\.0\.1:1 does not answer: .*--bind-address, --serve-port/);
  }));

test("holdfast cache works on the store of a hub that has ended, or was killed, and the hub goes on from it", () =>
  withCloud(async (cloud) => {
    const { hub, proxy } = await filledHub(cloud);
    await fetch(`${proxy}/api/v1/pods?watch=1&resourceVersion=0`); // stays open: the log holds what it has not sent
    seedObject(cloud.server.objects, samplePod("late", { namespace: "default", app: "web" }));
    await until(async () => (await cache(cloud, "get", "pods", "-o", "name")).stdout.includes("pod/late"));
    hub.kill("SIGKILL");
    await hub.ended;
    const killed = await cache(cloud, "verify");
    assert.equal(killed.exitCode, 0, killed.stdout + killed.stderr);
    const removed = await cache(cloud, "rm", "secrets");
    assert.deepEqual([removed.exitCode, removed.stdout], [0, "removed collection secrets.v1. -A\n"], removed.stderr);
    const verified = await cache(cloud, "verify");
    assert.deepEqual([verified.exitCode, verified.stderr], [0, ""]);
    assert.match(
      verified.stdout,
      /^\d+ rows checked: 2 collections, 1 record, 1 document, 5 objects \(\d+ bytes\); 0 problems\n$/,
    );
    await cloud.listener.close(0);
    const again = startHub(cloud);
    const { proxy: offline } = await addresses(again);
    assert.match((await readAll(`${offline}/api/v1/pods`)).text, /"late"/);
    assert.equal((await readAll(`${offline}/api/v1/secrets`)).status, 503);
  }));

test("holdfast cache rekey: a hub that has ended goes on with a new key, the old one opens nothing", () =>
  withCloud(async (cloud) => {
    const { hub } = await filledHub(cloud);
    const keyFile = `${cloud.folder}/state/storage.key`;
    const oldKey = readFileSync(keyFile);
    const running = await cache(cloud, "rekey");
    assert.equal(running.exitCode, 1);
    assert.match(running.stderr, /another process writes it: end the hub first/);
    hub.kill("SIGTERM");
    await hub.ended;
    const rekeyed = await cache(cloud, "rekey");
    assert.deepEqual([rekeyed.exitCode, rekeyed.stderr], [0, ""]);
    assert.match(rekeyed.stdout, /^\d+ rows sealed with the new key\nThe new key is \S+storage\.key\n$/);
    assert.notDeepEqual(readFileSync(keyFile), oldKey);
    assert.equal(statSync(keyFile).mode & 0o777, 0o600);
    assert.equal((await cache(cloud, "verify")).exitCode, 0);
    writeFileSync(`${cloud.folder}/old.key`, oldKey);
    const refused = await cache(cloud, "ls", `--storage-key-file=${cloud.folder}/old.key`);
    assert.match(refused.stderr, /sealed with another key/);
    await cloud.listener.close(0);
    const again = startHub(cloud);
    assert.match((await readAll(`${(await addresses(again)).proxy}/api/v1/pods`)).text, /"web-1"/);
  }));

test("holdfast cache rekey that was interrupted: the hub and all that reads refuse until it is run again", () =>
  withCloud(async (cloud) => {
    const { hub } = await filledHub(cloud);
    hub.kill("SIGTERM");
    await hub.ended;
    const next = `${cloud.folder}/next.key`;
    const moved = await cache(cloud, "rekey", `--new-storage-key-file=${next}`);
    assert.match(moved.stdout, /Start the hub with --storage-key-file \S+next\.key from now on\n$/);
    // As a run that was killed behind its last commit leaves it.
    const oldKey = `${cloud.folder}/state/storage.key`;
    writeFileSync(`${cloud.folder}/state/storage.rekey`, JSON.stringify({ oldKey, newKey: next }));
    const started = await startHub(cloud).ended;
    for (const { exitCode, stderr } of [started, await cache(cloud, "ls"), await cache(cloud, "rm", "--all")]) {
      assert.equal(exitCode, 1, stderr);
      assert.match(stderr, /storage key was interrupted \(\S+storage\.rekey\): run holdfast cache rekey again first/);
    }
    const other = await cache(cloud, "rekey", `--new-storage-key-file=${cloud.folder}/other.key`);
    assert.deepEqual([other.exitCode, /another one than that of the change/.test(other.stderr)], [2, true]);
    writeFileSync(`${cloud.folder}/stranger.key`, "x".repeat(32));
    const stranger = await cache(cloud, "rekey", `--storage-key-file=${cloud.folder}/stranger.key`);
    assert.deepEqual([stranger.exitCode, /interrupted is from --storage-key-file/.test(stranger.stderr)], [2, true]);
    assert.equal((await cache(cloud, "rekey")).exitCode, 0);
    assert.equal((await cache(cloud, "verify", `--storage-key-file=${next}`)).exitCode, 0);
    const wrong = await cache(cloud, "rekey");
    assert.equal(wrong.exitCode, 1);
    assert.match(wrong.stderr, /sealed with another key than \S+storage\.key/);
    assert.throws(() => statSync(`${cloud.folder}/state/storage.rekey`), /no such file|ENOENT|NotFound/i);
    assert.equal((await cache(cloud, "verify", `--storage-key-file=${next}`)).exitCode, 0);
  }));

test("holdfast cache verify names a row with one flipped byte, and ends with 1; the other rows are shown", () =>
  withCloud(async (cloud) => {
    const { hub } = await filledHub(cloud);
    hub.kill("SIGTERM");
    await hub.ended;
    const row = flipByte(fileOf(cloud), (key) => key.startsWith("o|") && key.includes("|web-1|"));
    const before = readFileSync(fileOf(cloud));
    const verified = await cache(cloud, "verify");
    assert.equal(verified.exitCode, 1);
    assert.ok(verified.stdout.startsWith(`${row}: does not open\n`), verified.stdout);
    const got = await cache(cloud, "get", "pods", "-o", "json");
    assert.equal(got.exitCode, 1);
    assert.match(got.stdout, /"web-2"/);
    assert.doesNotMatch(got.stdout, /"web-1"/);
    assert.deepEqual(readFileSync(fileOf(cloud)), before);
  }));

for (
  const [what, offset, length] of [
    ["whose head is no SQLite", 0, 100],
    ["whose first table is damaged", 8 * 1024, 64 * 1024],
  ] as const
) {
  test(`holdfast hub keeps a file ${what} aside, says so, and begins with an empty store`, () =>
    withCloud(async (cloud) => {
      const { hub } = await filledHub(cloud);
      hub.kill("SIGTERM");
      await hub.ended;
      const file = await open(fileOf(cloud), "r+");
      const garbage = new Uint8Array(Math.min(length, statSync(fileOf(cloud)).size - offset)).fill(0x78);
      await file.write(garbage, 0, undefined, offset);
      await file.close();
      const broken = readFileSync(fileOf(cloud));
      const verified = await cache(cloud, "verify");
      assert.equal(verified.exitCode, 1);
      assert.match(verified.stderr, /^holdfast cache verify: Cannot .*(not a database|malformed)/);
      const again = startHub(cloud);
      const { proxy } = await addresses(again);
      assert.match(again.errors(), /ERROR The store is damaged: it is kept aside, .* keptAs=\S+holdfast\.db\.damaged /);
      assert.deepEqual(readFileSync(`${fileOf(cloud)}.damaged`), broken);
      assert.equal((await readAll(`${proxy}/api/v1/pods?resourceVersion=0`)).status, 200);
      await until(async () => (await cache(cloud, "get", "pods", "-o", "name")).stdout.includes("pod/web-1"));
      assert.equal((await cache(cloud, "verify")).exitCode, 0);
    }));
}

test("holdfast hub and cache refuse a store of a newer format and of another program, and change nothing", () =>
  withCloud(async (cloud) => {
    const { hub } = await filledHub(cloud);
    hub.kill("SIGTERM");
    await hub.ended;
    for (
      const [sql, message] of [
        [
          "PRAGMA user_version = 7",
          /format 7 is newer than \d+, .*use the version that wrote it, or move the file away/,
        ],
        ["PRAGMA application_id = 7", /database of another program; choose another folder, or move the file away/],
      ] as const
    ) {
      const database = new DatabaseSync(fileOf(cloud));
      database.exec(sql);
      database.close();
      const before = readFileSync(fileOf(cloud));
      const started = await startHub(cloud).ended;
      for (const { exitCode, stderr } of [started, await cache(cloud, "ls"), await cache(cloud, "rm", "--all")]) {
        assert.equal(exitCode, 1, stderr);
        assert.match(stderr, message);
      }
      assert.deepEqual(readFileSync(fileOf(cloud)), before);
    }
  }));

test("holdfast cache makes nothing where there is no store, and needs the key", () =>
  withCloud(async (cloud) => {
    const missing = await cache(cloud, "rm", "--all");
    assert.equal(missing.exitCode, 1);
    assert.match(missing.stderr, /state\/storage\.key: there is no such file \(--root-dir, --storage-key-file/);
    assert.throws(() => statSync(`${cloud.folder}/state`), /no such file|ENOENT|NotFound/i);
    const { hub } = await filledHub(cloud);
    hub.kill("SIGTERM");
    await hub.ended;
    rmSync(fileOf(cloud));
    const gone = await cache(cloud, "ls");
    assert.equal(gone.exitCode, 1);
    assert.match(gone.stderr, /Cannot open \S+holdfast\.db: .*--root-dir, --disk-cache-path/);
    assert.throws(() => statSync(fileOf(cloud)), /no such file|ENOENT|NotFound/i);
  }));

for (
  const [args, exitCode, message] of [
    [
      [],
      0,
      /^Usage: holdfast cache COMMAND[^]* cache ls .*\n *cache get .*\n *cache rm .*\n *cache verify .*\n *cache rekey /,
    ],
    [
      ["rm", "--help"],
      0,
      /^Removes a part [^]*Usage: holdfast cache rm \[RESOURCE\[\/NAME\]\] \[FLAGS\][^]*--serve-port=PORT/,
    ],
    [["lst"], 2, /unknown command "cache lst" \(did you mean cache ls\?\)/],
    [["get", "pods", "--outptu=json"], 2, /Unknown flag --outptu \(value "json"\) \(did you mean --output\?\)/],
    [["get", "pods", "-o", "xml"], 2, /Invalid value "xml" of --output: must be one of/],
  ] as const
) {
  test(`holdfast cache ${args.join(" ")} ends with ${exitCode}`, async () => {
    const result = await holdfast("cache", ...args);
    assert.equal(result.exitCode, exitCode, result.stderr);
    assert.match(result.stdout + result.stderr, message);
  });
}

async function readAll(url: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(url);
  return { status: response.status, text: await response.text() };
}

/** Looks for up to about 20 s. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let look = 0; look < 20_000 / commitMs; look++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, commitMs));
  }
  throw new Error(`It did not come about: ${condition.toString()}`);
}
