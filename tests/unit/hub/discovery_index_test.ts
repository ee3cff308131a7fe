import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { DiscoveryIndex } from "../../../src/hub/discovery_index.ts";
import { openHubState } from "../../../src/hub/hub_state.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
import { silentLogger } from "../../testing/lone_replica.ts";
import { fakeFiles } from "../../testing/readable_files.ts";

async function make() {
  const clock = createFakeClock();
  const openStateFile = () => Promise.resolve({ content: undefined, write: () => Promise.resolve() });
  const state = await openHubState({ openStateFile, files: fakeFiles({}), clock, logger: silentLogger, path: "/s" });
  const index = new DiscoveryIndex(state, clock);
  const take = (path: string, document: unknown, rawHeaders: readonly string[] = json) =>
    index.take({ path, rawHeaders, body: new TextEncoder().encode(JSON.stringify(document)) });
  const found = () => Object.entries(state.discovery).map(([name, { resources }]) => `${name}: ${resources.join()}`);
  return { index, take, found, state };
}

const json = ["Content-Type", "application/json"];
const core = { kind: "APIResourceList", groupVersion: "v1", resources: [{ name: "pods" }, { name: "pods/log" }] };

test("DiscoveryIndex takes the resources of a group version, but for subresources", async () => {
  const { take, found, state } = await make();
  await take("/api/v1", core);
  await take("/apis/apps/v1", { ...core, groupVersion: "apps/v1", resources: [{ name: "z" }, { name: "a" }] });
  assert.deepEqual(found(), ["v1: pods", "apps/v1: a,z"]);
  assert.equal(state.discovery["v1"]?.seenAt, "2026-01-01T00:00:00.000Z");
});

test("DiscoveryIndex takes aggregated discovery, gzipped too", async () => {
  const { index, found } = await make();
  const items = [
    { metadata: {}, versions: [{ version: "v1", resources: [{ resource: "pods" }] }] },
    {
      metadata: { name: "apps" },
      versions: [{ version: "v1", resources: [{ resource: "deployments" }] }, { version: "v2" }],
    },
  ];
  const body = gzipSync(JSON.stringify({ kind: "APIGroupDiscoveryList", items }));
  const type = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  await index.take({ path: "/apis", rawHeaders: ["Content-Type", type, "Content-Encoding", "gzip"], body });
  assert.deepEqual(found(), ["v1: pods", "apps/v1: deployments", "apps/v2: "]);
});

test("DiscoveryIndex looks at the same document once, by its ETag", async () => {
  const { take, found } = await make();
  const tagged = (tag: string) => [...json, "ETag", tag];
  await take("/api/v1", core, tagged('"1"'));
  await take("/api/v1", { ...core, resources: [{ name: "x" }] }, tagged('"1"'));
  assert.deepEqual(found(), ["v1: pods"]);
  await take("/api/v1", { ...core, resources: [{ name: "x" }] }, tagged('"2"'));
  assert.deepEqual(found(), ["v1: x"]);
});

for (
  const [what, path, document, headers] of [
    ["of OpenAPI", "/openapi/v3", core, json],
    ["in protobuf", "/api/v1", core, ["Content-Type", "application/vnd.kubernetes.protobuf"]],
    ["of another kind", "/api", { kind: "APIVersions", versions: ["v1"] }, json],
    ["of a wrong shape", "/api/v1", { ...core, resources: "none" }, json],
    ["with a wrong encoding", "/api/v1", core, [...json, "Content-Encoding", "gzip"]],
  ] as const
) {
  test(`DiscoveryIndex passes over a document ${what}`, async () => {
    const { take, found } = await make();
    await take(path, document, headers);
    assert.deepEqual(found(), []);
  });
}
