import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import process from "node:process";
import { test } from "node:test";
import { addresses, startHub, withCloud } from "../testing/hub_program.ts";

test("holdfast hub reads flags and identity again at SIGHUP, cuts no watch, and an invalid file changes nothing", () =>
  withCloud(async (cloud) => {
    const file = `${cloud.folder}/hub.yaml`;
    await writeFile(file, "v: 2\n");
    const program = startHub(cloud, [`--config=${file}`]);
    const { proxy } = await addresses(program);
    const watch = await fetch(`${proxy}/api/v1/pods?watch=true&resourceVersion=0`);
    const reader = watch.body?.getReader();
    assert.equal((await reader?.read())?.done, false);
    const reload = async (text: string, told: string): Promise<void> => {
      await writeFile(file, text);
      const before = program.errors().length;
      program.kill("SIGHUP");
      while (!program.errors().slice(before).includes(told)) await program.waitForError(told).then(turn);
    };
    await reload("v: 4\ncache-max-bytes: 2GiB\n", "read its flags and its identity again");
    assert.match(program.errors(), /changed=v needsRestart=cache-max-bytes/);
    assert.equal((await fetch(`${proxy}/api/v1/pods`)).status, 200);
    await program.waitForError(" DEBUG ");
    await reload("v: [", "nothing is changed");
    assert.equal((await fetch(`${proxy}/api/v1/pods`)).status, 200);
    const stranger = (process.geteuid?.() ?? 0) + 1;
    await reload(`plain-allow-uid: [${stranger}]\n`, 'changed="plain-allow-uid, v"');
    const refused = await fetch(`${proxy}/api/v1/pods`);
    assert.deepEqual([refused.status, (await refused.text()).includes("--plain-allow-uid")], [403, true]);
    await reload("v: 2\n", "changed=plain-allow-uid");
    assert.equal((await fetch(`${proxy}/api/v1/pods`)).status, 200);
    await writeFile(cloud.kubeconfig, "nonsense: [");
    await reload("v: 2\n", "going on with what was read before");
    assert.equal((await fetch(`${proxy}/api/v1/pods`)).status, 200);
    assert.doesNotMatch(program.errors(), /Hub stops/);
    program.kill("SIGTERM");
    // The watch lived through all of it, and ends properly with the hub.
    while (await reader?.read().then(({ done }) => !done));
    assert.equal((await program.ended).exitCode, 0);
  }));

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
