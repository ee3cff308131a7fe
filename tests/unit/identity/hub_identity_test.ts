import assert from "node:assert/strict";
import { test } from "node:test";
import { openHubIdentity } from "../../../src/cli/hub_identity.ts";
import { loadKubeconfig } from "../../../src/identity/kubeconfig.ts";
import { Cloud } from "../../../src/cloud/cloud.ts";
import type { Platform } from "../../../src/platform/platform.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
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
    load: () => loadKubeconfig({ files: used.files, path: "/kubeconfig" }),
    origins: ["https://cloud", "https://other:6443"],
    logger: silentLogger,
  });
  assert.deepEqual(identity.backends.map(({ address, host }) => [address, host]), [
    ["https://cloud", "cloud"],
    ["https://other:6443", "other:6443"],
  ]);
  const cloud = new Cloud({ ...identity, clock: createFakeClock() });
  await cloud.request({ method: "GET", rawPath: "/", rawHeaders: [], signal: new AbortController().signal });
  assert.deepEqual(upstream.requests[0]?.rawHeaders, ["Host", "cloud", "Authorization", "Bearer abc"]);
  await identity.close();
});
