import assert from "node:assert/strict";
import { test } from "node:test";
import { seedObject } from "../../src/demo/seed_object.ts";
import { addresses, holdfastWords, hubWords, type ProgramCloud, withCloud } from "../testing/hub_program.ts";
import { podObject } from "../testing/node_pods.ts";
import { ownPods, phaseOf, podsPath, strategic } from "../testing/outbox_scene.ts";
import type { HubOutbox } from "../testing/running_hub.ts";
import { noSmallDisk, until, withSmallDisk } from "../testing/small_disk.ts";

/** More than is free in the files that are there already. */
const large = "x".repeat(300_000);

interface Addresses {
  readonly proxy: string;
  readonly status: string;
}

test("holdfast hub on a full disk: what was taken is safe, new writes are 503, reads go on, and it heals", {
  skip: noSmallDisk,
}, () =>
  withCloud((cloud) =>
    withSmallDisk(cloud, async ({ start, folder, fill, free }) => {
      seed(cloud, "first", "second");
      const words = hubWords(cloud, [`--root-dir=${folder}/state`]);
      const hub = start(words);
      const at = await addresses(hub);
      assert.deepEqual(await phases(at), { first: "Running", second: "Running" });
      await cloud.listener.close(0);
      await offline(at);
      assert.equal((await patch(at, "first", { phase: "Failed" })).status, 200);
      fill();
      for (let again = 0; again < 3; again++) {
        const refused = await patch(at, "second", { phase: "Failed", message: large });
        assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, null]);
        assert.match(await refused.text(), /cannot be made durable/);
      }
      assert.deepEqual(await phases(at), { first: "Failed", second: "Running" });
      assert.ok(await tells(at, "[!]outbox cannot be written: Cannot commit: database or disk is full", "1"));
      assert.deepEqual(await waiting(at), ["first"]);
      hub.kill("SIGKILL");
      await hub.ended;
      const second = start(words);
      const later = await addresses(second);
      assert.deepEqual(await waiting(later), ["first"]);
      assert.deepEqual(await phases(later), { first: "Failed", second: "Running" });
      assert.equal((await patch(later, "second", { phase: "Failed", message: large })).status, 503);
      free();
      assert.equal((await patch(later, "second", { phase: "Failed", message: large })).status, 200);
      assert.ok(await tells(later, "[!]outbox 2 objects wait for the cloud", "0"));
      await cloud.heal();
      await until(async () => (await waiting(later)).length === 0);
      assert.deepEqual([inCloud(cloud, "first"), inCloud(cloud, "second")], ["Failed", "Failed"]);
      second.kill("SIGTERM");
      assert.equal((await second.ended).exitCode, 0);
      assert.deepEqual(await start(holdfastWords("cache", "verify", `--root-dir=${folder}/state`)).ended, {
        exitCode: 0,
        stderr: "",
      });
    })
  ));

test("holdfast hub whose link returns while its disk is full pushes what waits, and forgets it once there is room", {
  skip: noSmallDisk,
}, () =>
  withCloud((cloud) =>
    withSmallDisk(cloud, async ({ start, folder, fill, free }) => {
      seed(cloud, "first");
      const at = await addresses(start(hubWords(cloud, [`--root-dir=${folder}/state`])));
      assert.deepEqual(await phases(at), { first: "Running" });
      await cloud.listener.close(0);
      await offline(at);
      assert.equal((await patch(at, "first", { phase: "Failed", message: large })).status, 200);
      fill();
      assert.equal((await patch(at, "first", { message: `${large}${large}` })).status, 503);
      await cloud.heal();
      await until(() => inCloud(cloud, "first") === "Failed");
      assert.deepEqual(await phases(at), { first: "Failed" });
      free();
      await until(async () => (await waiting(at)).length === 0);
      assert.ok(await tells(at, "[+]outbox ok", "0"));
      assert.deepEqual(await phases(at), { first: "Failed" });
    })
  ));

function seed({ server }: ProgramCloud, ...names: readonly string[]): void {
  for (const name of names) {
    const { metadata: { namespace }, ...pod } = podObject(name, undefined);
    seedObject(server.objects, { ...pod, metadata: { name, namespace } });
  }
}

function inCloud({ server }: ProgramCloud, name: string): string {
  return phaseOf(server.objects.get({ resource: "pods", namespace: "default", name }));
}

/** The phases of the pods of the tests, as the hub shows them: of each alone and of all. */
async function phases({ proxy }: Addresses): Promise<Record<string, string>> {
  const list: unknown = await (await fetch(`${proxy}${ownPods}&resourceVersion=0`)).json();
  // Not checked: an assertion on what is not there fails.
  const { items } = list as { readonly items: readonly { readonly metadata: { readonly name: string } }[] };
  const shown: Record<string, string> = {};
  for (const item of items.filter(({ metadata: { name } }) => ["first", "second"].includes(name))) {
    const { name } = item.metadata;
    shown[name] = phaseOf(item);
    assert.equal(phaseOf(await (await fetch(`${proxy}${podsPath}/${name}`)).json()), shown[name]);
  }
  return shown;
}

async function patch({ proxy }: Addresses, name: string, status: object): Promise<Response> {
  const body = JSON.stringify({ status });
  return await fetch(`${proxy}${podsPath}/${name}/status`, { method: "PATCH", body, headers: strategic });
}

async function waiting({ status }: Addresses): Promise<readonly string[]> {
  // Not checked: an assertion on what is not there fails.
  const outbox = await (await fetch(`${status}/v1/outbox`)).json() as HubOutbox;
  return outbox.waiting.map(({ name }) => name);
}

async function offline({ status }: Addresses): Promise<void> {
  await until(async () => (await (await fetch(`${status}/readyz?verbose`)).text()).includes("[!]cloud"));
  // What was read before is on disk: from then on it outlives a kill -9 (R14).
  await until(async () => (await (await fetch(`${status}/v1/status`)).text()).includes('"pendingRows":0'));
}

/** Whether readiness has a line that begins so, and the metric that value. */
async function tells({ status }: Addresses, line: string, metric: string): Promise<boolean> {
  const lines = (await (await fetch(`${status}/readyz?verbose`)).text()).split("\n");
  const metrics = await (await fetch(`${status}/metrics`)).text();
  assert.ok(metrics.includes(`holdfast_outbox_failed ${metric}\n`), metrics);
  return lines.some((each) => each.startsWith(line));
}
