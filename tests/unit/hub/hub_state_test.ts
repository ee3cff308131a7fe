import assert from "node:assert/strict";
import { test } from "node:test";
import { type HubState, openHubState } from "../../../src/hub/hub_state.ts";
import type { FileSystem } from "../../../src/platform/files.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";

/** A state in files that are in memory. */
function make(initial: Readonly<Record<string, string>> = {}) {
  const contents = new Map<string, string>(Object.entries(initial));
  const clock = createFakeClock();
  const lines: string[] = [];
  let writes = 0;
  let fails = false;
  const files: FileSystem = {
    read: (path) => {
      const text = contents.get(path);
      return Promise.resolve(text === undefined ? undefined : new TextEncoder().encode(text));
    },
    writeAtomic: (path, content) => Promise.resolve(void contents.set(path, new TextDecoder().decode(content))),
    remove: (path) => Promise.resolve(void contents.delete(path)),
    watch: () => undefined,
  };
  const open = (): Promise<HubState> =>
    openHubState({
      files,
      clock,
      logger: { log: (level, message) => void lines.push(`${level} ${message}`), enabled: () => true },
      path: "/root/state.json",
      openStateFile: (path) => {
        const text = contents.get(path);
        try {
          const content: unknown = text === undefined ? undefined : JSON.parse(text);
          return Promise.resolve({
            content,
            write: (written) => {
              writes += 1;
              if (fails) return Promise.reject(new Error("no room"));
              contents.set(path, JSON.stringify(written));
              return Promise.resolve();
            },
          });
        } catch (error) {
          return Promise.reject(error);
        }
      },
    });
  return {
    open,
    contents,
    clock,
    lines,
    writes: () => writes,
    fail: () => fails = true,
    stored: (): unknown => JSON.parse(contents.get("/root/state.json") ?? "{}"),
  };
}

const since = "2026-01-01T00:00:00.000Z";

test("HubState of a new node knows nothing", async () => {
  const { open, writes } = make();
  const state = await open();
  assert.deepEqual([state.cluster, state.backends, state.discovery, writes()], [undefined, {}, {}, 0]);
  await state.close();
  assert.equal(writes(), 0);
});

test("HubState keeps the cluster at once, all else together within a second, and what others have put there", async () => {
  const { open, stored, clock, writes, contents } = make({
    "/root/state.json": JSON.stringify({ format: 1, backends: {}, discovery: {}, jwks: { keys: [] } }),
  });
  const state = await open();
  state.setCluster({ caHashes: ["sha256:a"], issuer: "https://k" });
  assert.equal(writes(), 1);
  for (const reason of ["ready", "silent"]) state.setBackends({ "https://a": { state: "healthy", reason, since } });
  state.setDiscovered("v1", { seenAt: since, resources: ["pods"] });
  await clock.advance(999);
  assert.equal(writes(), 1);
  await clock.advance(1);
  assert.equal(writes(), 2);
  assert.deepEqual(stored(), {
    format: 1,
    backends: { "https://a": { state: "healthy", reason: "silent", since } },
    discovery: { v1: { seenAt: since, resources: ["pods"] } },
    jwks: { keys: [] },
    cluster: { caHashes: ["sha256:a"], issuer: "https://k" },
  });
  await state.close();
  assert.equal(contents.size, 1);
  const again = await open();
  assert.deepEqual([again.cluster, Object.keys(again.backends), Object.keys(again.discovery)], [
    { caHashes: ["sha256:a"], issuer: "https://k" },
    ["https://a"],
    ["v1"],
  ]);
});

test("HubState.close writes what is pending, and leaves no timer", async () => {
  const { open, stored, clock } = make();
  const state = await open();
  state.setBackends({ "https://a": { state: "healthy", reason: "ready", since } });
  await state.close();
  assert.equal(clock.pending, 0);
  assert.deepEqual(Object.keys((stored() as { backends: object }).backends), ["https://a"]);
});

test("HubState does not write resources that are the same", async () => {
  const { open, clock, writes } = make();
  const state = await open();
  for (let i = 0; i < 3; i++) {
    state.setDiscovered("v1", { seenAt: String(i), resources: ["pods"] });
    await clock.advance(1_000);
  }
  assert.equal(writes(), 1);
});

for (
  const [what, text] of [
    ["no JSON", "{"],
    ["of another format", '{"format":2,"backends":{},"discovery":{}}'],
    ["of a wrong shape", '{"format":1,"backends":[],"discovery":{}}'],
  ] as const
) {
  test(`HubState that is ${what} is kept aside, and a new one begun`, async () => {
    const { open, contents, lines, stored } = make({ "/root/state.json": text });
    const state = await open();
    assert.deepEqual([state.cluster, contents.get("/root/state.json.damaged")], [undefined, text]);
    assert.deepEqual(lines, ["error The state file cannot be used: it is kept aside, and a new one begun"]);
    state.setCluster({ caHashes: [] });
    await state.close();
    assert.deepEqual((stored() as { cluster: object }).cluster, { caHashes: [] });
  });
}

test("HubState that cannot be written says so, and goes on", async () => {
  const { open, lines, fail } = make();
  const state = await open();
  fail();
  state.setCluster({ caHashes: [] });
  await state.close();
  assert.deepEqual([state.cluster, lines], [{ caHashes: [] }, ["warn The state file cannot be written"]]);
});
