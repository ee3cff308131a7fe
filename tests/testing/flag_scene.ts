import assert from "node:assert/strict";
import { clock as systemClock } from "../../adapters/shared/clock.ts";
import { createListen } from "../../adapters/shared/listener.ts";
import { createFakeClock, type FakeClock } from "./fake_clock.ts";
import { type FakeCommands, fakeCommands, type ProgramAnswer } from "./fake_commands.ts";
import { type FlagCloud, startFlagCloud } from "./flag_cloud.ts";
import { type FlagTexts, type HubEnd, type HubInProcess, runHub } from "./hub_in_process.ts";
import { withTempFolder } from "./temp_folder.ts";

/** Other values of flags than their defaults, and what one sees of each. */
export interface FlagEffect {
  /** By name, without the dashes. A value may hold the scene's words in braces: `{folder}/cache`. */
  readonly flags: FlagTexts;
  /** What else the hub is started with, likewise; empty takes a flag away. */
  readonly with?: FlagTexts;
  /** What `ip` and the like say. @default they fail */
  readonly play?: (line: string) => ProgramAnswer;
  /** Time goes on by itself. @default it stands, and the effect moves it */
  readonly realTime?: boolean;
  /** Before the hub is started. */
  readonly prepare?: (scene: FlagScene) => Promise<void> | void;
  /** Looks at the hub that was started with them; asserts for every one of `flags`. */
  readonly see: (hub: HubInProcess, scene: FlagScene) => Promise<void>;
}

/** A hub that is started by its flags, and a cloud. */
export interface FlagScene {
  readonly cloud: FlagCloud;
  readonly folder: string;
  /** A port that nobody listens on. */
  readonly freePort: number;
  readonly clock: FakeClock;
  readonly commands: FakeCommands;
  /** What stands for `{word}` in values. */
  readonly words: FlagTexts;
  /** Starts a hub with these flags beside the usual ones; it is stopped after the test. */
  start(flags: FlagTexts): Promise<HubInProcess>;
  /** Starts one that is to end by itself. */
  refused(flags: FlagTexts): Promise<HubEnd>;
  /** Waits for what comes about by itself, time moving by `stepMs` at each look. */
  until(holds: () => boolean | Promise<boolean>, stepMs?: number): Promise<void>;
}

const looksMax = 2_000;
const lookMs = 5;

/** The flags that all hubs of the tests have. */
const usual: FlagTexts = {
  "server-addr": "127.0.0.1:{port}",
  "node-name": "node-1",
  kubeconfig: "{folder}/kubeconfig",
  "root-dir": "{folder}/state",
  "proxy-port": "0",
  "serve-port": "0",
  "proxy-secure-port": "0",
  "enable-dummy-if": "false",
};

/** Runs one effect; ends hubs and cloud after it. */
export function seeEffect({ flags, see, prepare, ...options }: FlagEffect): Promise<void> {
  return withTempFolder(async (folder) => {
    const cloud = await startFlagCloud();
    const hubs: HubInProcess[] = [];
    const scene = await sceneOf(options, { cloud, folder, hubs });
    try {
      await cloud.writeKubeconfig(`${folder}/kubeconfig`, "system:node:node-1");
      await prepare?.(scene);
      await see(await scene.start({ ...options.with, ...flags }), scene);
    } finally {
      await cloud.close();
      for (const hub of hubs) await stopped(hub, scene);
    }
  });
}

/** It waits for answers under way, by its own clock. */
async function stopped(hub: HubInProcess, { until }: FlagScene): Promise<void> {
  let ended = false;
  void hub.stop().then(() => ended = true);
  await until(() => ended, 500);
}

interface SceneParts {
  readonly cloud: FlagCloud;
  readonly folder: string;
  readonly hubs: HubInProcess[];
}

async function sceneOf(
  { play = () => ({ error: "Operation not permitted" }), realTime = false }: Pick<FlagEffect, "play" | "realTime">,
  { cloud, folder, hubs }: SceneParts,
): Promise<FlagScene> {
  // Certificates are looked at by the system's clock too.
  const clock = createFakeClock(systemClock.now());
  const commands = fakeCommands(play);
  const freePort = await findFreePort();
  const [port, second] = cloud.ports.map(String);
  const words: FlagTexts = {
    folder,
    port: port ?? "",
    second: second ?? "",
    free: String(freePort),
    caHash: cloud.caHash,
  };
  const run = (flags: FlagTexts) =>
    runHub({ flags: filled({ ...usual, ...flags }, words), clock: realTime ? systemClock : clock, commands });
  return {
    ...{ cloud, folder, freePort, clock, commands, words },
    async start(flags) {
      const hub = await run(flags);
      if ("exitCode" in hub) throw new Error(`The hub has ended with ${hub.exitCode}: ${hub.log}`);
      hubs.push(hub);
      return hub;
    },
    async refused(flags) {
      const hub = await run(flags);
      if ("exitCode" in hub) return hub;
      hubs.push(hub);
      throw new Error(`The hub was to end, and listens: ${hub.log()}`);
    },
    async until(holds, stepMs = 0) {
      for (let look = 0; look < looksMax; look++) {
        if (await holds()) return;
        if (stepMs > 0) await clock.advance(stepMs);
        await new Promise((resolve) => setTimeout(resolve, lookMs));
      }
      assert.fail(`It did not come about: ${holds.toString()}`);
    },
  };
}

/** The texts with the words that stand for `{word}`; those that are empty are left out. */
export function filled(flags: FlagTexts, words: FlagTexts): FlagTexts {
  return Object.fromEntries(
    Object.entries(flags).filter(([, text]) => text !== "")
      .map(([name, text]) => [name, text.replace(/\{(\w+)\}/g, (_, word: string) => words[word] ?? "")]),
  );
}

async function findFreePort(): Promise<number> {
  const listener = await createListen({})({ hostname: "127.0.0.1", port: 0 }, () => new Response());
  const { port } = listener;
  await listener.close(0);
  return port;
}
