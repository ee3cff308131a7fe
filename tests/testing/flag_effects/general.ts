import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { ignoredFlags } from "../../../src/cli/ignored_flags.ts";
import type { FlagEffect } from "../flag_scene.ts";
import { ask, podsPath } from "./asking.ts";

interface LogLine {
  readonly level: string;
  readonly message: string;
}

/** Flags that every program of ours has, and YurtHub's that mean nothing here. */
export const generalEffects: readonly FlagEffect[] = [
  {
    flags: { config: "{folder}/hub.yaml" },
    prepare: ({ folder }) => writeFile(`${folder}/hub.yaml`, "profiling: false\n"),
    see: async ({ status }) => {
      assert.equal((await ask(status, "/debug/flags/v", { method: "PUT", body: "4" })).status, 404);
    },
  },
  {
    flags: { v: "4", "log-format": "json" },
    see: async (hub, { until }) => {
      const lines = () => hub.log().trim().split("\n").map((line) => JSON.parse(line) as LogLine);
      assert.ok(lines().some(({ message }) => message === "Hub listens"));
      await ask(hub, podsPath);
      await until(() => lines().some(({ level, message }) => level === "debug" && message === "Request"));
    },
  },
  {
    flags: Object.fromEntries(ignoredFlags.map(({ name, type }) => [name, type === "boolean" ? "true" : "other"])),
    see: async (hub) => {
      for (const { name } of ignoredFlags) {
        assert.match(hub.log(), new RegExp(`WARN +A flag has no effect here flag=--${name}\\n`));
      }
      assert.equal((await ask(hub, podsPath)).status, 200);
    },
  },
  {
    flags: { takeover: "true" },
    realTime: true,
    prepare: async ({ start, until }) => {
      const old = await start({});
      await until(async () => (await ask(old, podsPath)).status === 200);
    },
    see: async (hub, { until }) => {
      assert.match(hub.log(), /The old hub has let go of its ports/);
      await until(async () => (await ask(hub, podsPath)).status === 200);
    },
  },
];
