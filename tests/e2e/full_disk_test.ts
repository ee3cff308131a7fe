import assert from "node:assert/strict";
import { test } from "node:test";
import { samplePod } from "../../src/demo/sample_cluster.ts";
import { seedObject } from "../../src/demo/seed_object.ts";
import { addresses, holdfastWords, hubWords, withCloud } from "../testing/hub_program.ts";
import { noSmallDisk, until, withSmallDisk } from "../testing/small_disk.ts";

test("holdfast hub goes on from memory on a disk that is full, and keeps it all once there is room", {
  skip: noSmallDisk,
}, () =>
  withCloud((cloud) =>
    withSmallDisk(cloud, async ({ start, folder, fill, free }) => {
      const root = `--root-dir=${folder}/state`;
      const hub = start(hubWords(cloud, [root]));
      const { proxy, status } = await addresses(hub);
      const names = async () => namesOf(await (await fetch(`${proxy}/api/v1/pods?resourceVersion=0`)).text());
      assert.deepEqual(await names(), ["web-1", "web-2", "dns-1"]);
      await until(() => tells(status, "[+]store ok", "0"));
      fill();
      seedObject(cloud.server.objects, largePod("late"));
      await until(() => tells(status, "[!]store going on from memory: Cannot commit: database or disk is full", "1"));
      await hub.waitForError("Cannot write to the store, going on from memory");
      assert.deepEqual(await names(), ["late", "web-1", "web-2", "dns-1"]);
      free();
      await until(() => tells(status, "[+]store ok", "0"));
      await hub.waitForError("The store can be written again");
      hub.kill("SIGKILL");
      await hub.ended;
      const kept = start(holdfastWords("cache", "get", "pods", "-o", "name", root));
      assert.deepEqual(await kept.ended, { exitCode: 0, stderr: "" });
      assert.deepEqual(kept.output().split("\n").slice(0, -1).sort(), [
        "pod/dns-1",
        "pod/late",
        "pod/web-1",
        "pod/web-2",
      ]);
      assert.deepEqual(await start(holdfastWords("cache", "verify", root)).ended, { exitCode: 0, stderr: "" });
    })
  ));

test("holdfast hub starts on a disk that is full, answers from it, and writes once there is room", {
  skip: noSmallDisk,
}, () =>
  withCloud((cloud) =>
    withSmallDisk(cloud, async ({ start, folder, fill, free }) => {
      const words = hubWords(cloud, [`--root-dir=${folder}/state`]);
      const first = start(words);
      const online = await addresses(first);
      const before = namesOf(await (await fetch(`${online.proxy}/api/v1/pods?resourceVersion=0`)).text());
      first.kill("SIGTERM");
      assert.equal((await first.ended).exitCode, 0);
      fill();
      await cloud.listener.close(0);
      const second = start(words);
      const { proxy, status } = await addresses(second);
      assert.deepEqual(namesOf(await (await fetch(`${proxy}/api/v1/pods?resourceVersion=0`)).text()), before);
      await until(() => tells(status, "[!]store going on from memory", "1"));
      free();
      await until(() => tells(status, "[+]store ok", "0"));
      assert.deepEqual(namesOf(await (await fetch(`${proxy}/api/v1/pods?resourceVersion=0`)).text()), before);
      second.kill("SIGTERM");
      assert.equal((await second.ended).exitCode, 0);
      const verified = start(holdfastWords("cache", "verify", `--root-dir=${folder}/state`));
      assert.deepEqual(await verified.ended, { exitCode: 0, stderr: "" });
    })
  ));

/** Whether readiness has a line that begins so, and the metric that value. */
async function tells(status: string, line: string, metric: string): Promise<boolean> {
  const lines = (await (await fetch(`${status}/readyz?verbose`)).text()).split("\n");
  const metrics = await (await fetch(`${status}/metrics`)).text();
  return lines.some((each) => each.startsWith(line)) && metrics.includes(`holdfast_store_failed ${metric}\n`);
}

function largePod(name: string) {
  const pod = samplePod(name, { namespace: "default", app: "web" });
  return { ...pod, metadata: { ...pod.metadata, annotations: { filler: "x".repeat(200_000) } } };
}

function namesOf(list: string): readonly string[] {
  // Not checked: an assertion on what is not there fails.
  const { items } = JSON.parse(list) as { readonly items: readonly { readonly metadata: { readonly name: string } }[] };
  return items.map(({ metadata }) => metadata.name);
}
