import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import type { FlagEffect, FlagScene } from "../flag_scene.ts";
import type { HubInProcess } from "../hub_in_process.ts";
import { sampleToken, tokenAnswer, tokenRequest } from "../sample_tokens.ts";
import { ask, cutOff, holdPods, podsPath, type ReadAnswer } from "./asking.ts";

const tokenPath = "/api/v1/namespaces/default/serviceaccounts/default/token";
const eventsPath = "/api/v1/namespaces/default/events";
const minuteMs = 60_000;

const event = {
  kind: "Event",
  apiVersion: "v1",
  metadata: { name: "node-1.1", namespace: "default" },
  involvedObject: { kind: "Node", name: "node-1" },
  reason: "Rebooted",
  firstTimestamp: "2026-01-01T00:00:00Z",
  lastTimestamp: "2026-01-01T00:00:00Z",
  count: 1,
  type: "Warning",
};

function post(hub: HubInProcess, path: string, body: object): Promise<ReadAnswer> {
  return ask(hub, path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** Has the cloud give tokens of ten minutes. */
function giveTokens({ cloud, clock }: FlagScene): void {
  cloud.intercept = ({ rawPath }) => {
    const expiresAt = clock.now() + 10 * minuteMs;
    return rawPath === tokenPath
      ? Response.json(tokenAnswer(sampleToken(expiresAt), expiresAt), { status: 201 })
      : undefined;
  };
}

/** Has the cloud take Events. */
function takeEvents({ cloud }: FlagScene): void {
  const made = { ...event, metadata: { ...event.metadata, uid: "event-1", resourceVersion: "9" } };
  cloud.intercept = ({ method, rawPath }) =>
    method === "POST" && rawPath === eventsPath ? Response.json(made, { status: 201 }) : undefined;
}

/** Flags of what the hub keeps, where, and how long. */
export const storageEffects: readonly FlagEffect[] = [
  {
    flags: { "root-dir": "{folder}/other", "disk-cache-path": "{folder}/replica" },
    see: async (hub, { folder }) => {
      assert.equal(await hub.stop(), 0);
      for (const file of ["other/storage.key", "other/state.json", "other/outbox.db", "replica/holdfast.db"]) {
        assert.ok(existsSync(`${folder}/${file}`), file);
      }
      assert.equal(existsSync(`${folder}/other/cache`), false);
    },
  },
  {
    flags: { "storage-key-file": "{folder}/own.key" },
    prepare: ({ folder }) => writeFile(`${folder}/own.key`, "k".repeat(32)),
    see: async (hub, scene) => {
      await holdPods(hub, scene);
      assert.equal(await hub.stop(), 0);
      assert.equal(existsSync(`${scene.folder}/state/storage.key`), false);
      const { exitCode, log } = await scene.refused({});
      assert.match(`${exitCode} ${log}`, /^1 .*sealed with another key/s);
    },
  },
  {
    flags: { "cache-max-bytes": "1" },
    see: async (hub, scene) => {
      await holdPods(hub, scene);
      await scene.until(() => /A collection is dropped for want of room .*pods/.test(hub.log()), 1_000);
    },
  },
  {
    flags: { "cache-memory-max-bytes": "0" },
    see: async (hub, scene) => {
      await holdPods(hub, scene);
      await scene.until(async () => (await memoryBytes(hub)) === 0, 250);
    },
  },
  {
    flags: { "outbox-max-bytes": "1" },
    see: async (hub, scene) => {
      await cutOff(hub, scene);
      const { status, source } = await post(hub, eventsPath, event);
      assert.notDeepEqual([status, source], [201, "outbox"]);
      assert.match((await ask(hub.status, "/v1/outbox")).text, /"refused":1\b/);
    },
  },
  {
    flags: { "offline-token-grace": "60" },
    prepare: giveTokens,
    see: async (hub, scene) => {
      assert.equal((await post(hub, tokenPath, tokenRequest())).status, 201);
      await cutOff(hub, scene);
      await scene.clock.advance(11 * minuteMs);
      const late = await post(hub, tokenPath, tokenRequest());
      assert.deepEqual([late.status, late.source], [201, "replica"]);
    },
  },
  {
    flags: { "collection-idle": "2m" },
    see: async (hub, scene) => {
      await holdPods(hub, scene);
      const watch = scene.cloud.asked.find(({ what }) =>
        what.startsWith(`GET ${podsPath}?`) && what.includes("watch=")
      );
      assert.ok(watch !== undefined);
      // What nobody reads is looked for every minute while the link is there: in steps that leave the checks their time.
      await scene.until(() => watch.signal.aborted, 1_000);
      assert.ok(scene.clock.monotonic() < 9 * minuteMs, "the default would have done the same");
    },
  },
  {
    flags: { "gc-frequency": "5" },
    prepare: takeEvents,
    see: async (hub, scene) => {
      assert.equal((await post(hub, eventsPath, event)).status, 201);
      // Three times as long at most, so that not all nodes come at once; the default waits for two hours at least.
      await scene.clock.advance(15 * minuteMs);
      await scene.until(() => hub.log().includes("Old Events are let go"), 500);
    },
  },
];

async function memoryBytes(hub: HubInProcess): Promise<number> {
  // Not checked: an assertion on what is not there fails.
  const { objects } = JSON.parse((await ask(hub.status, "/v1/status")).text) as { objects: { memoryBytes: number } };
  return objects.memoryBytes;
}
