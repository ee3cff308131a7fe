import assert from "node:assert/strict";
import { test } from "node:test";
import { openHubIdentity } from "../../../src/cli/hub_identity.ts";
import { Cloud } from "../../../src/cloud/cloud.ts";
import type { Platform } from "../../../src/platform/platform.ts";
import { createFakeUpstream } from "../../testing/fake_upstream.ts";
import { silentLogger } from "../../testing/lone_replica.ts";
import { fakeFiles } from "../../testing/readable_files.ts";

test("openHubIdentity gives the token as the cloud's client takes it", async () => {
  const kubeconfig = JSON.stringify({
    "current-context": "c",
    clusters: [{ name: "k", cluster: { server: "https://cloud" } }],
    users: [{ name: "u", user: { token: "abc" } }],
    contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
  });
  const upstream = createFakeUpstream();
  const used = { files: fakeFiles({ "/kubeconfig": kubeconfig }), createUpstream: () => upstream };
  const identity = await openHubIdentity({
    platform: used as unknown as Platform, // all that it uses
    kubeconfig: "/kubeconfig",
    origin: "https://cloud",
    logger: silentLogger,
  });
  const cloud = new Cloud({ ...identity, host: "cloud" });
  await cloud.request({ method: "GET", rawPath: "/", rawHeaders: [], signal: new AbortController().signal });
  assert.deepEqual(upstream.requests[0]?.rawHeaders, ["Host", "cloud", "Authorization", "Bearer abc"]);
  await identity.close();
});
