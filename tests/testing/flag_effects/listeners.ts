import assert from "node:assert/strict";
import type { FlagEffect } from "../flag_scene.ts";
import { readWatch } from "../watch_reader.ts";
import { ask, podsPath, silentFor, timesAsked } from "./asking.ts";
import { keepServing } from "./serving.ts";

const watchPath = `${podsPath}?watch=1`;

/** Flags of what the hub listens on, and for whom. */
export const listenerEffects: readonly FlagEffect[] = [
  {
    flags: { "bind-proxy-address": "127.0.0.2", "proxy-port": "{free}" },
    see: async (_hub, { freePort }) => {
      assert.equal((await ask(`http://127.0.0.2:${freePort}`, podsPath)).status, 200);
    },
  },
  {
    flags: { "bind-address": "127.0.0.2", "serve-port": "{free}" },
    see: async (_hub, { freePort }) => {
      assert.equal((await ask(`http://127.0.0.2:${freePort}`, "/healthz")).text, "ok");
    },
  },
  {
    flags: { "proxy-secure-port": "{free}" },
    prepare: keepServing,
    see: async (hub, { freePort, until }) => {
      await until(() => hub.log().includes(`Hub listens with TLS hostname=127.0.0.1 port=${freePort}\n`));
    },
  },
  {
    flags: { "plain-allow-uid": "4000000" },
    see: async (hub) => {
      // Only Linux tells the user at the other end.
      const { status, text } = await ask(hub, podsPath);
      if (process.platform === "linux") assert.match(`${status} ${text}`, /^403 .*--plain-allow-uid/);
      else assert.equal(status, 200);
    },
  },
  {
    flags: { "min-request-timeout": "1m" },
    see: async (hub, scene) => {
      await ask(hub, `${podsPath}?resourceVersion=0`);
      const watch = readWatch(await fetch(`${hub.proxy}${watchPath}&resourceVersion=0`));
      await watch.next();
      // No more than twice that; the default waits for half an hour.
      await scene.clock.advance(120_001);
      while (!await watch.ended());
    },
  },
  {
    flags: { profiling: "false" },
    see: async ({ status }) => {
      assert.equal((await ask(status, "/debug/flags/v", { method: "PUT", body: "4" })).status, 404);
    },
  },
  {
    flags: { "max-requests-in-flight": "1" },
    see: async (hub, scene) => {
      silentFor(scene, podsPath);
      const leaving = new AbortController();
      const first = fetch(hub.proxy + podsPath, { signal: leaving.signal }).catch((error: unknown) => error);
      await scene.until(() => timesAsked(scene, `GET ${podsPath}`) > 0);
      assert.equal((await ask(hub, podsPath)).status, 429);
      leaving.abort();
      await first;
    },
  },
  {
    flags: { "max-watches": "1" },
    see: async (hub) => {
      const first = await fetch(hub.proxy + watchPath);
      assert.deepEqual([first.status, (await ask(hub, watchPath)).status], [200, 429]);
      await first.body?.cancel();
    },
  },
];
