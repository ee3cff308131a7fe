import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { addresses, startHub, withCloud } from "../testing/hub_program.ts";

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
