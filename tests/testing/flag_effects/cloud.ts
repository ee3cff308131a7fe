import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { leaseOf, renewLease } from "./kubelet_lease.ts";
import type { FlagEffect } from "../flag_scene.ts";
import { ask, cutOff, holdPods, podsPath, silentFor, statusOf, timesAsked } from "./asking.ts";

const check = "GET /readyz";
const unready = () => new Response("no", { status: 500 });

/** Flags of the link to the API servers. */
export const cloudEffects: readonly FlagEffect[] = [
  {
    flags: { "server-addr": "127.0.0.1:{port},127.0.0.1:{free}" },
    see: async (hub, { words }) => {
      const { link: { backends } } = await statusOf(hub);
      assert.deepEqual(backends.map(({ address, state }) => [new URL(address).port, state]), [
        [words["port"], "healthy"],
        [words["free"], "unhealthy"],
      ]);
    },
  },
  {
    flags: { "cloud-read-timeout": "300ms" },
    see: async (hub, scene) => {
      await holdPods(hub, scene);
      silentFor(scene, podsPath);
      const before = timesAsked(scene, `GET ${podsPath}`);
      const answering = ask(hub, podsPath);
      await scene.until(() => timesAsked(scene, `GET ${podsPath}`) > before);
      await scene.clock.advance(310);
      assert.equal((await answering).source, "replica");
      assert.ok(scene.clock.monotonic() < 2_000, "the default would have done the same");
    },
  },
  {
    flags: { "lb-mode": "priority" },
    with: { "server-addr": "127.0.0.1:{port},127.0.0.1:{second}" },
    see: async (hub, { cloud }) => {
      for (let i = 0; i < 4; i++) await ask(hub, `${podsPath}?limit=${i + 1}`);
      const servers = cloud.asked.filter(({ what }) => what.includes("?limit=")).map(({ server }) => server);
      assert.deepEqual(servers, [0, 0, 0, 0]);
    },
  },
  {
    flags: { "working-mode": "cloud" },
    see: async (hub, scene) => {
      for (let i = 0; i < 2; i++) {
        assert.equal((await ask(hub, `${podsPath}?resourceVersion=0`)).source, "cloud");
      }
      assert.equal(existsSync(`${scene.folder}/state/cache`), false);
    },
  },
  {
    flags: { "heartbeat-interval-seconds": "3" },
    see: async (_hub, scene) => {
      const before = timesAsked(scene, check);
      await scene.until(() => timesAsked(scene, check) >= before + 6, 100);
      assert.ok(scene.clock.monotonic() < 45_000, "the default would have done the same");
    },
  },
  {
    flags: { "heartbeat-timeout-seconds": "0.5" },
    see: async (hub, scene) => {
      silentFor(scene, "/readyz");
      await scene.until(async () => {
        const { link } = await statusOf(hub);
        return link.backends[0]?.reason === "no answer within 500 ms";
      }, 1_000);
    },
  },
  {
    flags: { "heartbeat-failed-retry": "1" },
    see: async (hub, scene) => {
      let failures = 0;
      scene.cloud.intercept = ({ rawPath }) => rawPath === "/readyz" && failures++ === 0 ? unready() : undefined;
      // By default the second try would have been believed.
      await scene.until(async () => {
        const { history } = await statusOf(hub);
        return history?.changes.some(({ state }) => state === "offline") === true;
      }, 1_000);
    },
  },
  {
    flags: { "heartbeat-healthy-threshold": "5" },
    prepare: ({ cloud }) => {
      cloud.intercept = ({ rawPath }) => rawPath === "/readyz" ? unready() : undefined;
    },
    see: async (hub, scene) => {
      scene.cloud.intercept = () => undefined;
      const before = timesAsked(scene, check);
      await scene.until(async () => (await statusOf(hub)).link.state === "online", 50);
      assert.ok(timesAsked(scene, check) - before >= 5);
    },
  },
  {
    flags: { "kubelet-health-grace-period": "5s" },
    see: async (hub, scene) => {
      await renewLease(hub, scene);
      assert.equal((await leaseOf(hub))?.alive, true);
      await scene.clock.advance(5_001);
      assert.equal((await leaseOf(hub))?.alive, false);
    },
  },
  {
    flags: { "node-name": "node-2" },
    see: async (hub, scene) => {
      // Only of its own node is the lease kept while the cloud is out of reach.
      await renewLease(hub, scene, "node-2");
      await cutOff(hub, scene);
      assert.equal(await renewLease(hub, scene, "node-2"), 200);
      assert.equal(await renewLease(hub, scene, "node-1"), 503);
    },
  },
];
