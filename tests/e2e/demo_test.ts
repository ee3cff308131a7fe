import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { runDemo } from "../../src/demo/demo.ts";
import type { Platform } from "../../src/platform/platform.ts";
import { runtime, startProgram } from "../testing/child_program.ts";
import { currentPlatform } from "../testing/current_platform.ts";
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
  const page = /status page +(http:\S+)/.exec(program.output())?.[1];
  const pods = await (await fetch(`${proxy}/api/v1/pods`)).text();
  assert.match(pods, /"name":"web-3"/);
  assert.match(await (await fetch(`${page}v1/status`)).text(), /"online"/);
  assert.match(await (await fetch(`${page}`)).text(), /<!doctype html>/i);
  program.kill("SIGTERM");
  const { exitCode, stderr } = await program.ended;
  assert.deepEqual([exitCode, stderr], [0, ""]);
});

test("runDemo cuts and heals the link at c, on free ports where those asked for are taken", () =>
  withTempFolder(async (folder) => {
    const platform = await currentPlatform();
    const taken = await platform.listen({ hostname: "127.0.0.1", port: 0 }, () => new Response("taken"));
    const { port } = taken;
    const scene = createScene(platform, folder);
    const demo = runDemo({
      platform: scene.platform,
      once: false,
      proxyPort: port,
      servePort: port,
      logLevel: "error",
      version: "test",
    });
    await scene.shows("Press c");
    const proxy = /API through the hub +(http:\S+)/.exec(scene.output())?.[1] ?? "";
    assert.notEqual(proxy, `http://127.0.0.1:${port}`);
    scene.press("x");
    scene.press("c");
    await scene.shows("link cut");
    const answer = await fetch(`${proxy}/api/v1/namespaces/default/pods`);
    assert.equal(answer.headers.get("x-holdfast-source"), "replica");
    assert.match(await answer.text(), /"web-3"/);
    scene.press("c");
    await scene.shows("link is back");
    scene.stop();
    assert.equal(await demo, 0);
    await taken.close(0);
  }));

interface Scene {
  readonly platform: Platform;
  output(): string;
  /** Resolves once the terminal shows this text. */
  shows(text: string): Promise<void>;
  press(key: string): void;
  stop(): void;
}

/** The platform with a terminal that the test plays. */
function createScene(platform: Platform, folder: string): Scene {
  const stop = new AbortController();
  const changes = new EventTarget();
  const pressed: string[] = [];
  let output = "";
  const changed = (): Promise<void> =>
    new Promise((resolve) => changes.addEventListener("change", () => resolve(), { once: true }));
  const change = (): boolean => changes.dispatchEvent(new Event("change"));
  const write = (text: string): void => {
    output += text;
    change();
  };
  async function* keys(signal: AbortSignal): AsyncGenerator<string> {
    while (!signal.aborted) {
      const key = pressed.shift();
      if (key === undefined) await changed();
      else yield key;
    }
  }
  const process = {
    environment: { TMPDIR: folder, NO_COLOR: "1" },
    system: platform.process.system,
    uid: platform.process.uid,
    stdout: { write, drained: () => Promise.resolve(), isTerminal: true },
    stderr: { write },
    keys,
    stop: stop.signal,
    onHangup: platform.process.onHangup,
  };
  return {
    platform: { ...platform, process },
    output: () => output,
    shows: async (text) => {
      while (!output.includes(text)) await changed();
    },
    press: (key) => {
      pressed.push(key);
      change();
    },
    stop: () => {
      stop.abort();
      change();
    },
  };
}
