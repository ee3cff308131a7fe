import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { runtime, startProgram } from "../testing/child_program.ts";
import { withTempFolder } from "../testing/temp_folder.ts";

const main = new URL(`../../adapters/${runtime}/main.ts`, import.meta.url);

test("holdfast demo --once plays its story, every step true, and leaves nothing behind", () =>
  withTempFolder(playOnce));

async function playOnce(folder: string): Promise<void> {
  const program = startProgram(main, ["demo", "--once", "--proxy-port=0", "--serve-port=0"], { TMPDIR: folder });
  const { exitCode, stderr } = await program.ended;
  const output = program.output();
  assert.equal(exitCode, 0, output + stderr);
  assert.equal(stderr, "");
  assert.doesNotMatch(output, /✗/);
  assert.equal(output.match(/✓/g)?.length, 18);
  assert.match(output, /Every step was true\.\n$/);
  // oxlint-disable-next-line no-control-regex -- no colours where no terminal is
  assert.doesNotMatch(output, /\u001b/);
  assert.deepEqual(readdirSync(folder), []);
}

test("holdfast demo stays up after its story, answers on the ports that it prints, and ends at SIGTERM", async () => {
  const program = startProgram(main, ["demo", "--proxy-port=0", "--serve-port=0"]);
  await program.waitFor("to cut and heal the link");
  const proxy = /API through the hub +(http:\S+)/.exec(program.output())?.[1];
  const status = /status +(http:\S+)/.exec(program.output())?.[1];
  const pods = await (await fetch(`${proxy}/api/v1/pods`)).text();
  assert.match(pods, /"name":"web-3"/);
  assert.match(await (await fetch(status ?? "")).text(), /"online"/);
  program.kill("SIGTERM");
  const { exitCode, stderr } = await program.ended;
  assert.deepEqual([exitCode, stderr], [0, ""]);
});
