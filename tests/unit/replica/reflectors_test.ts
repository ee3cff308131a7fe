import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeScope } from "../../../src/identity/scope.ts";
import type { Upstream, UpstreamRequest, UpstreamResponse } from "../../../src/platform/upstream.ts";
import { checkPaths } from "../../testing/check_paths.ts";
import { mapsQuery as query } from "../../testing/json_objects.ts";
import { loneReplica } from "../../testing/lone_replica.ts";

/** A cloud that is ready and says the same to every request for ConfigMaps: a Status of that code, or a list and an endless watch. */
function cloudOf(answer: { code: number }) {
  const requests: string[] = [];
  const request = (asked: UpstreamRequest): Promise<UpstreamResponse & { readonly socket?: undefined }> => {
    const isCheck = checkPaths.includes(asked.rawPath);
    if (!isCheck) requests.push(asked.rawPath);
    const head = { status: isCheck ? 200 : answer.code, reason: "", rawHeaders: [] };
    if (isCheck) return Promise.resolve({ ...head, body: ok() });
    return Promise.resolve({ ...head, body: answer.code === 200 ? state(asked.signal) : status(answer.code) });
  };
  const upstream: Upstream = {
    request,
    upgrade: request,
    rotate: () => undefined,
    close: () => Promise.resolve(),
  };
  return { upstream, requests };
}

// deno-lint-ignore require-await
async function* ok(): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode("ok");
}

const json = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value)}\n`);

// deno-lint-ignore require-await
async function* status(code: number): AsyncGenerator<Uint8Array> {
  yield json({ kind: "Status", apiVersion: "v1", status: "Failure", message: "no", reason: "Forbidden", code });
}

/** The end of an empty initial state, then silence. */
async function* state(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const metadata = { resourceVersion: "10", annotations: { "k8s.io/initial-events-end": "true" } };
  yield json({ type: "BOOKMARK", object: { kind: "ConfigMap", apiVersion: "v1", metadata } });
  await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

function make(code: number) {
  const answer = { code };
  const { upstream, requests } = cloudOf(answer);
  return { answer, requests, ...loneReplica({ upstream }) };
}

test("R1: a refused query is not asked again for 1 s, doubling to 30 s; then it is asked anew", async () => {
  const { requests, replica, clock } = make(403);
  for (const keptMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
    const before = requests.length;
    const collection = replica.reflected(nodeScope, query);
    await clock.advance(0);
    assert.deepEqual([collection?.state, collection?.refusal?.code, requests.length], ["refused", 403, before + 1]);
    assert.equal(replica.reflectors.isRefused(collection?.key ?? ""), true);
    await clock.advance(keptMs - 1);
    assert.equal(replica.reflected(nodeScope, query), undefined);
    assert.equal(requests.length, before + 1);
    await clock.advance(1);
    assert.equal(replica.reflectors.isRefused(collection?.key ?? ""), false);
  }
  await replica.close();
});

test("R1: a refusal is of its query only", async () => {
  const { replica, clock } = make(403);
  replica.reflected(nodeScope, query);
  await clock.advance(0);
  assert.equal(replica.reflected(nodeScope, query), undefined);
  assert.notEqual(replica.reflected(nodeScope, { ...query, namespace: "default" }), undefined);
  await replica.close();
});

test("R1: a query that is granted after a refusal begins anew with 1 s", async () => {
  const { answer, replica, clock } = make(403);
  for (const waitMs of [1_000, 2_000]) {
    replica.reflected(nodeScope, query);
    await clock.advance(waitMs);
  }
  answer.code = 200;
  const granted = replica.reflected(nodeScope, query);
  await clock.advance(0);
  assert.equal(granted?.state, "live");
  assert.ok(granted);
  replica.reflectors.stop(granted);
  await clock.advance(0);
  replica.drop(granted);
  answer.code = 403;
  replica.reflected(nodeScope, query);
  await clock.advance(999);
  assert.equal(replica.reflected(nodeScope, query), undefined);
  await clock.advance(1);
  assert.notEqual(replica.reflected(nodeScope, query), undefined);
  await replica.close();
});

for (const code of [500, 503, 429]) {
  test(`R1: ${code} is no refusal: it is tried again`, async () => {
    const { answer, replica, clock } = make(code);
    const collection = replica.reflected(nodeScope, query);
    await clock.advance(0);
    assert.deepEqual([collection?.state, replica.reflectors.isRefused(collection?.key ?? "")], ["syncing", false]);
    answer.code = 200;
    await clock.advance(30_000);
    assert.equal(collection?.state, "live");
    await replica.close();
  });
}

test("R19: Reflectors.start runs one reflector for a collection, whoever asks", async () => {
  const { requests, replica, clock } = make(200);
  const collection = replica.reflected(nodeScope, query);
  assert.equal(replica.reflected(nodeScope, query), collection);
  assert.ok(collection);
  replica.reflectors.start(collection);
  await clock.advance(0);
  assert.deepEqual([requests.length, replica.reflectors.runs(collection)], [1, true]);
  await replica.close();
});

test("Reflectors.stop ends the watch and keeps what is held; close starts nothing more", async () => {
  const { requests, replica, clock } = make(200);
  const collection = replica.reflected(nodeScope, query);
  assert.ok(collection);
  await clock.advance(0);
  replica.reflectors.stop(collection);
  assert.equal(replica.reflectors.runs(collection), false);
  await clock.advance(0);
  assert.deepEqual([collection.state, collection.resourceVersion], ["stale", "10"]);
  await replica.reflectors.close();
  replica.reflectors.start(collection);
  await clock.advance(60_000);
  assert.deepEqual([requests.length, replica.reflectors.runs(collection)], [1, false]);
});
