import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeScope } from "../../../src/identity/scope.ts";
import type { Collection } from "../../../src/replica/collection.ts";
import { Eviction } from "../../../src/replica/eviction.ts";
import { createMemoryStore } from "../../../src/store/memory_store.ts";
import { mapsQuery } from "../../testing/json_objects.ts";
import { silentLogger } from "../../testing/lone_replica.ts";
import type { OtherAnswer } from "../../testing/one_server_cloud.ts";
import { createReflected, momentMs, type Reflected, type ReflectedOptions } from "../../testing/reflected.ts";

const hourMs = 60 * 60_000;

/** A live collection with one object, and a cloud that then gives other answers to all that is no check of the link. */
async function live(options: ReflectedOptions = {}) {
  const scene = await createReflected(options);
  scene.cloud.put("a");
  const collection = scene.reflect();
  await scene.clock.advance(momentMs);
  assert.equal(collection.state, "live");
  scene.asks();
  return { scene, collection };
}

/** Breaks the connections; from then on this is the answer to everything but `/readyz`. */
function answer(scene: Reflected, other: OtherAnswer | undefined): void {
  scene.cloud.instead = (path) => path === "/readyz" ? undefined : other;
  if (other !== undefined) scene.cloud.reset();
}

async function end({ replica, link }: Reflected): Promise<void> {
  link.close();
  await replica.close();
}

function status(code: number, details: object = {}): OtherAnswer {
  return { status: code, body: JSON.stringify({ kind: "Status", code, message: `no ${code}`, reason: "", details }) };
}

function stateOf({ state, size, refusal }: Collection): (string | number | undefined)[] {
  return [state, size, refusal?.code];
}

describe("Reflector honours Retry-After", () => {
  for (
    const [what, other, atLeastMs, atMostMs] of [
      [
        "of a 429 in plain text",
        { status: 429, body: "Too many requests", rawHeaders: ["retry-after", "10"] },
        10_000,
        15_000,
      ],
      ["of a 503", { status: 503, body: "", rawHeaders: ["Retry-After", "20"] }, 20_000, 30_000],
      ["in the details of a 503", status(503, { retryAfterSeconds: 20 }), 20_000, 30_000],
      ["in the details of a 429", status(429, { retryAfterSeconds: 12 }), 12_000, 18_000],
      ["up to a minute", { status: 429, body: "", rawHeaders: ["Retry-After", "86400"] }, 60_000, 90_000],
    ] as const
  ) {
    test(what, async () => {
      const { scene, collection } = await live();
      answer(scene, other);
      await scene.clock.advance(1_000); // the connection broke: asked again at once
      const asked = scene.asks().length;
      assert.ok(asked > 0);
      answer(scene, undefined);
      await scene.clock.advance(atLeastMs - 1_000);
      assert.deepEqual([scene.asks(), collection.state], [[], "stale"]);
      await scene.clock.advance(atMostMs - atLeastMs + 1_000);
      assert.deepEqual([collection.state, collection.relists], ["live", 1]);
      await end(scene);
    });
  }
});

for (const code of [401, 429, 500, 503]) {
  test(`R16: Reflector: ${code} over a day never ends what was granted`, async () => {
    const { scene, collection } = await live();
    answer(scene, status(code));
    await scene.clock.advance(24 * hourMs);
    assert.deepEqual(stateOf(collection), ["stale", 1, undefined]);
    answer(scene, undefined);
    await scene.clock.advance(90_000);
    assert.equal(collection.state, "live");
    await end(scene);
  });
}

test("R16: Reflector: 403 for a minute, asked again with backoff, ends what was granted; what is held stays", async () => {
  const { scene, collection } = await live();
  answer(scene, status(403, { kind: "configmaps" }));
  await scene.clock.advance(59_000);
  assert.deepEqual(stateOf(collection), ["stale", 1, undefined]);
  await scene.clock.advance(3_000);
  assert.deepEqual(stateOf(collection), ["refused", 1, 403]);
  assert.deepEqual(collection.refusal?.details, { kind: "configmaps" });
  const asks = scene.asks().length;
  assert.ok(asks >= 6 && asks <= 30, String(asks));
  assert.equal(scene.replica.of(mapsQuery).view(mapsQuery, () => true), undefined);
  await end(scene);
});

describe("R16: Reflector: what is not a minute of nothing but 403 does not end what was granted:", () => {
  test("another answer in between", async () => {
    const { scene, collection } = await live();
    for (let round = 0; round < 5; round++) {
      answer(scene, status(403));
      await scene.clock.advance(40_000);
      answer(scene, status(500));
      await scene.clock.advance(40_000);
    }
    assert.equal(collection.state, "stale");
    await end(scene);
  });

  test("a backend that is not ready, though that was not noticed yet", async () => {
    const { scene, collection } = await live();
    scene.cloud.instead = () => ({ status: 403 });
    scene.cloud.reset();
    await scene.clock.advance(10 * 60_000);
    assert.deepEqual([collection.state, scene.link.state], ["stale", "offline"]);
    scene.cloud.instead = () => undefined;
    await scene.clock.advance(momentMs);
    assert.equal(collection.state, "live");
    await end(scene);
  });

  test("a cut", async () => {
    const { scene, collection } = await live();
    for (let round = 0; round < 5; round++) {
      answer(scene, status(403));
      await scene.clock.advance(30_000);
      await scene.cut(30_000);
    }
    assert.equal(collection.state, "stale");
    await end(scene);
  });

  test("a portal's page", async () => {
    const { scene, collection } = await live();
    answer(scene, { status: 403, body: "<html>", rawHeaders: ["Content-Type", "text/html"] });
    await scene.clock.advance(10 * 60_000);
    assert.equal(collection.state, "stale");
    await end(scene);
  });
});

for (const watchList of [true, false]) {
  for (
    const body of [
      "{}",
      '{"items":[]}',
      '{"kind":"ConfigMapList","items":[]}',
      '{"metadata":{"resourceVersion":"9000"},"items":[]}',
      '{"type":"BOOKMARK","object":{"metadata":{"annotations":{"k8s.io/initial-events-end":"true"}}}}',
    ]
  ) {
    const how = watchList ? "a WatchList" : "a list";
    test(`R11: Reflector: ${body} in place of ${how} changes nothing that is held`, async () => {
      const { scene, collection } = await live({ watchList });
      answer(scene, { status: 200, body });
      scene.cloud.cut = true;
      scene.cloud.etcd.compact(scene.cloud.put("b"));
      await scene.cut(2 * hourMs);
      await scene.clock.advance(10 * 60_000);
      assert.deepEqual(stateOf(collection), ["stale", 1, undefined]);
      answer(scene, undefined);
      await scene.clock.advance(60_000);
      assert.deepEqual(stateOf(collection), ["live", 2, undefined]);
      await end(scene);
    });
  }
}

for (const code of [401, 403, 404]) {
  test(`R16: Reflector: a first ${code} counts only from a backend that is ready, also where that was not noticed yet`, async () => {
    const scene = await createReflected();
    scene.cloud.instead = () => ({ status: code });
    const collection = scene.reflect();
    await scene.clock.advance(momentMs);
    assert.deepEqual([collection.state, scene.link.state], ["syncing", "offline"]);
    scene.cloud.instead = () => undefined;
    await scene.clock.advance(momentMs);
    assert.equal(collection.state, "live");
    await end(scene);
  });
}

/** Has the cloud refuse for over a minute. */
async function refused(options: ReflectedOptions = {}) {
  const made = await live(options);
  answer(made.scene, status(403));
  await made.scene.clock.advance(90_000);
  assert.equal(made.collection.state, "refused");
  return made;
}

test("R16: a collection that was refused is asked for anew by its next reader, at once refused again or read anew", async () => {
  const { scene, collection } = await refused();
  scene.asks();
  assert.equal(scene.reflect(), collection);
  await scene.clock.advance(0);
  assert.deepEqual([scene.asks(), collection.state], [["WatchList"], "refused"]);
  await scene.clock.advance(2_000);
  answer(scene, undefined);
  scene.cloud.put("b");
  scene.reflect();
  await scene.clock.advance(0);
  assert.deepEqual([stateOf(collection), scene.asks()], [["live", 2, undefined], ["WatchList"]]);
  await end(scene);
});

test("R16: a refusal is kept over a restart, and so is its end", async () => {
  const store = createMemoryStore();
  const { scene } = await refused({ store });
  const { cloud } = scene;
  await end(scene);
  const second = await createReflected({ store, cloud });
  const collection = second.replica.held(nodeScope, mapsQuery);
  assert.ok(collection);
  assert.deepEqual(stateOf(collection), ["refused", 1, 403]);
  answer(second, undefined);
  second.reflect();
  await second.clock.advance(0);
  assert.equal(collection.state, "live");
  await end(second);
  const third = await createReflected({ store, cloud });
  assert.equal(third.replica.held(nodeScope, mapsQuery)?.state, "stale");
  await end(third);
});

test("R16: Eviction: what nobody is granted goes after an hour, though it was pinned, and never while offline", async () => {
  const { scene, collection } = await live();
  collection.openWatch()(); // the node's own: pinned for a day
  answer(scene, status(403));
  await scene.clock.advance(90_000);
  const { replica, link, clock } = scene;
  const bounds = { maxBytes: 1_000_000_000, idleMs: 600_000, nodeName: "n" };
  const eviction = new Eviction({ replica, link, clock, logger: silentLogger, ...bounds });
  await clock.advance(hourMs - 60_000);
  await eviction.sweep();
  assert.equal(replica.count, 1);
  scene.cloud.cut = true;
  await clock.advance(hourMs);
  await eviction.sweep();
  assert.deepEqual([link.state, replica.count], ["offline", 1]);
  scene.cloud.cut = false;
  await clock.advance(momentMs);
  await eviction.sweep();
  assert.deepEqual([replica.count, replica.rows.size], [0, 0]);
  await end(scene);
});

describe("R16: Reflector: 404", () => {
  const gone = { status: 404, body: "404 page not found\n", rawHeaders: ["Content-Type", "text/plain; charset=utf-8"] };

  /** From now on the collection is not found, and this is the answer to discovery. */
  function withDiscovery(scene: Reflected, discovery: OtherAnswer): void {
    scene.cloud.instead = (path) => path === "/readyz" ? undefined : path === "/api/v1" ? discovery : gone;
    scene.cloud.reset();
  }

  function resources(...names: string[]): OtherAnswer {
    const list = { kind: "APIResourceList", groupVersion: "v1", resources: names.map((name) => ({ name })) };
    return { status: 200, body: JSON.stringify(list) };
  }

  for (
    const [what, discovery] of [
      ["of a group version that is not served", gone],
      ["of a resource that the group version does not have", resources("pods")],
    ] as const
  ) {
    test(`${what} ends what was granted after a minute, with the cloud's 404`, async () => {
      const { scene, collection } = await live();
      withDiscovery(scene, discovery);
      await scene.clock.advance(59_000);
      assert.equal(collection.state, "stale");
      await scene.clock.advance(3_000);
      assert.deepEqual(stateOf(collection), ["refused", 1, 404]);
      assert.equal(collection.refusal?.reason, "NotFound");
      await end(scene);
    });
  }

  for (
    const [what, discovery] of [
      ["that discovery contradicts", resources("pods", "configmaps")],
      ["of which discovery cannot tell", status(503)],
      ["beside a discovery that is no list", { status: 200, body: "{}" }],
      ["beside a discovery that is no JSON", { status: 200, body: "hello" }],
    ] as const
  ) {
    test(`${what} ends nothing`, async () => {
      const { scene, collection } = await live();
      withDiscovery(scene, discovery);
      await scene.clock.advance(10 * 60_000);
      assert.equal(collection.state, "stale");
      await end(scene);
    });
  }

  test("before anything was granted needs no discovery: the request itself goes to the cloud", async () => {
    const scene = await createReflected();
    withDiscovery(scene, resources("configmaps"));
    const collection = scene.reflect();
    await scene.clock.advance(0);
    assert.deepEqual([collection.state, scene.cloud.asked.length], ["refused", 1]);
    await end(scene);
  });

  test("that ended it is forgotten when the resource is back: all is read anew", async () => {
    const { scene, collection } = await live();
    withDiscovery(scene, gone);
    await scene.clock.advance(90_000);
    assert.equal(collection.state, "refused");
    scene.cloud.remove("a"); // as a CRD takes its resources with it
    scene.cloud.put("b");
    answer(scene, undefined);
    scene.reflect();
    await scene.clock.advance(0);
    assert.deepEqual([collection.state, collection.objects().map(({ meta }) => meta.name)], ["live", ["b"]]);
    await end(scene);
  });
});
