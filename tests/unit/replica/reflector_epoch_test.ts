import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeScope } from "../../../src/identity/scope.ts";
import type { Collection } from "../../../src/replica/collection.ts";
import { mapBytes, mapList, mapsQuery } from "../../testing/json_objects.ts";
import { createReflected, momentMs, type Reflected } from "../../testing/reflected.ts";

const hourMs = 60 * 60_000;

/** Versions by name. */
function held(collection: Collection): string[] {
  return collection.objects().map(({ meta }) => `${meta.name} ${meta.resourceVersion}`);
}

/** Whether the collection is live, and has what the cloud has. */
function isRight({ cloud: { etcd } }: Reflected, collection: Collection): boolean {
  const { namespace } = collection.query;
  const wanted = etcd.all().filter((state) => namespace === "" || state.namespace === namespace)
    .map(({ name, version }) => `${name} ${version}`);
  return collection.state === "live" && held(collection).toSorted().join() === wanted.toSorted().join();
}

async function end({ replica, link }: Reflected): Promise<void> {
  link.close();
  await replica.close();
}

test("Reflector: a cut with the same cloud after it costs one LIST limit=1 and the watch", async () => {
  const scene = await createReflected();
  scene.cloud.put("a");
  const collection = scene.reflect();
  await scene.clock.advance(momentMs);
  assert.deepEqual(scene.asks(), ["WatchList"]);
  await scene.cut(60_000);
  assert.deepEqual(scene.asks(), ["limit=1", "watch"]);
  assert.deepEqual([collection.epoch, collection.relists, isRight(scene, collection)], [0, 1, true]);
  await end(scene);
});

test("R19: Reflector: after a cut one check does for all collections of a resource", async () => {
  const scene = await createReflected();
  const collections = ["", "default", "a", "b", "c"].map((namespace) => scene.reflect({ namespace }));
  await scene.clock.advance(momentMs);
  scene.asks();
  await scene.cut(60_000);
  assert.deepEqual(scene.asks().toSorted(), ["limit=1", ...collections.map(() => "watch")]);
  assert.ok(collections.every((collection) => isRight(scene, collection)));
  await end(scene);
});

for (const watchList of [true, false]) {
  const how = watchList ? "WatchList" : "pages";
  test(`R9: Reflector: a cloud that is behind begins a new epoch, read by ${how}`, async () => {
    const scene = await createReflected({ watchList });
    scene.cloud.put("a");
    const collection = scene.reflect();
    await scene.clock.advance(momentMs);
    const backup = scene.cloud.etcd.revision;
    for (const name of ["b", "c"]) scene.cloud.put(name);
    await scene.clock.advance(momentMs);
    scene.cloud.cut = true;
    scene.cloud.restore(backup);
    await scene.cut(60_000);
    assert.deepEqual([collection.epoch, held(collection), isRight(scene, collection)], [1, [`a ${backup}`], true]);
    assert.equal(collection.log.after(String(backup - 1)), undefined); // watches end with 410
    scene.asks();
    await scene.cut(60_000);
    assert.deepEqual(scene.asks(), ["limit=1", "watch"]);
    await end(scene);
  });

  test(`R9: Reflector: a cloud that was behind and has passed the held version when it is read by ${how} is another one`, async () => {
    const scene = await createReflected({ watchList });
    scene.cloud.put("a");
    const collection = scene.reflect();
    await scene.clock.advance(momentMs);
    const backup = scene.cloud.etcd.revision;
    scene.cloud.put("b");
    await scene.clock.advance(momentMs);
    scene.cloud.cut = true;
    scene.cloud.restore(backup);
    scene.cloud.instead = (path) => {
      // Nothing that it then has at or below the held version is another.
      if (path.endsWith("limit=1")) queueMicrotask(() => ["b", "b", "b"].forEach((name) => scene.cloud.put(name)));
      return undefined;
    };
    await scene.cut(60_000);
    assert.deepEqual([collection.epoch, isRight(scene, collection)], [1, true]);
    await end(scene);
  });
}

describe("Reflector: a cut of over an hour is followed by a list of all versions, and", () => {
  async function afterAnHour(change: (scene: Reflected) => void): Promise<[Reflected, Collection]> {
    const scene = await createReflected();
    for (const name of ["a", "b", "c"]) scene.cloud.put(name);
    const collection = scene.reflect();
    await scene.clock.advance(momentMs);
    scene.asks();
    scene.cloud.cut = true;
    change(scene);
    await scene.cut(hourMs);
    return [scene, collection];
  }

  test("where nothing is amiss the watch goes on", async () => {
    const [scene, collection] = await afterAnHour(({ cloud }) => {
      cloud.put("a");
      cloud.put("d");
    });
    assert.deepEqual(scene.asks().slice(-2), ["limit=500", "watch"]);
    assert.deepEqual([collection.epoch, collection.relists, isRight(scene, collection)], [0, 1, true]);
    await end(scene);
  });

  for (const [what, again] of [["is gone", false], ["was made anew", true]] as const) {
    test(`where an object ${what} the state is read whole, in the same epoch`, async () => {
      const [scene, collection] = await afterAnHour(({ cloud }) => {
        cloud.remove("b");
        if (again) cloud.put("b");
      });
      assert.deepEqual(scene.asks().slice(-2), ["limit=500", "WatchList"]);
      assert.deepEqual([collection.epoch, collection.relists, isRight(scene, collection)], [0, 2, true]);
      await end(scene);
    });
  }

  test("a restored etcd that has passed the held version begins a new epoch", async () => {
    const [scene, collection] = await afterAnHour(({ cloud }) => {
      cloud.restore(cloud.etcd.revision - 2);
      for (const name of ["b", "x", "y", "z"]) cloud.put(name);
    });
    assert.deepEqual(scene.asks().slice(-2), ["limit=500", "WatchList"]);
    assert.deepEqual([collection.epoch, collection.relists, isRight(scene, collection)], [1, 2, true]);
    await end(scene);
  });

  test("a restored etcd of which nothing at or below the held version tells is read whole", async () => {
    const [scene, collection] = await afterAnHour(({ cloud }) => {
      cloud.restore(cloud.etcd.revision - 1); // c was never written
      cloud.remove("a");
      for (const name of ["b", "b"]) cloud.put(name);
    });
    assert.ok(isRight(scene, collection));
    await end(scene);
  });
});

test("Reflector: a client's list that comes while all versions are compared is not taken for another history", async () => {
  const scene = await createReflected();
  const { cloud, clock, replica } = scene;
  cloud.put("a");
  const collection = scene.reflect();
  await clock.advance(momentMs);
  cloud.instead = (path) => {
    if (!path.includes("limit=500")) return undefined;
    queueMicrotask(() => {
      const version = cloud.put("b");
      const items = cloud.etcd.all().map(({ name, uid, version }) => mapBytes(name, version, { uid }));
      replica.listed(nodeScope, mapsQuery, mapList(version, ...items));
    });
    return undefined;
  };
  await scene.cut(hourMs);
  assert.deepEqual([collection.epoch, isRight(scene, collection)], [0, true]);
  await end(scene);
});

test("Reflector: a collection that nobody has read for over an hour is compared so too", async () => {
  const first = await createReflected();
  first.cloud.put("a");
  first.reflect();
  await first.clock.advance(momentMs);
  first.replica.reflectors.stop(first.reflect());
  await first.clock.advance(hourMs);
  first.asks();
  const collection = first.reflect();
  await first.clock.advance(momentMs);
  assert.deepEqual([first.asks(), collection.state], [["limit=500", "watch"], "live"]);
  await end(first);
});

test("Reflector: what one finds makes the others compare all versions: the cloud may have passed theirs", async () => {
  const scene = await createReflected();
  const { cloud, clock } = scene;
  for (const name of ["a", "b"]) cloud.put(name);
  const ahead = scene.reflect({ namespace: "default" });
  await clock.advance(momentMs);
  const behind = scene.reflect({ namespace: "other" });
  cloud.put("o", "other");
  await clock.advance(momentMs);
  const backup = cloud.etcd.revision - 1;
  for (let index = 0; index < 20; index++) cloud.put("a");
  await clock.advance(momentMs);
  assert.ok(Number(behind.resourceVersion) < Number(ahead.resourceVersion));
  cloud.cut = true;
  cloud.restore(backup);
  for (const name of ["x", "y"]) cloud.put(name, "third"); // past what `behind` holds, where `o` never was
  assert.ok(cloud.etcd.revision > Number(behind.resourceVersion));
  await scene.cut(60_000);
  assert.deepEqual([isRight(scene, ahead), isRight(scene, behind), ahead.epoch], [true, true, 1]);
  await end(scene);
});

test("Reflector: what another collection of the resource holds tells that the cloud went back, though it is out of reach itself", async () => {
  const scene = await createReflected();
  const { cloud, clock } = scene;
  const ahead = scene.reflect({ namespace: "default" });
  await clock.advance(momentMs);
  const behind = scene.reflect({ namespace: "other" });
  cloud.put("o", "other");
  await clock.advance(momentMs);
  const backup = cloud.etcd.revision - 1;
  for (let index = 0; index < 20; index++) cloud.put("a");
  await clock.advance(momentMs);
  cloud.cut = true;
  cloud.restore(backup);
  for (const name of ["x", "y"]) cloud.put(name, "third");
  cloud.instead = (path) => path.includes("/default/") ? { status: 500 } : undefined;
  await scene.cut(60_000);
  assert.deepEqual([behind.state, behind.size, ahead.state], ["live", 0, "stale"]); // `o` never was
  cloud.instead = () => undefined;
  await clock.advance(60_000);
  assert.deepEqual([isRight(scene, ahead), isRight(scene, behind)], [true, true]);
  await end(scene);
});

test("Reflector: an event of another object than the one held is of another history: all is read anew", async () => {
  const scene = await createReflected();
  const { cloud, clock } = scene;
  cloud.put("a");
  const collection = scene.reflect();
  await clock.advance(momentMs);
  cloud.cut = true;
  cloud.restore(cloud.etcd.revision - 1); // `a` was never written
  for (const name of ["z", "a"]) cloud.put(name);
  scene.asks();
  await scene.cut(60_000);
  assert.deepEqual(scene.asks(), ["limit=1", "watch", "WatchList"]);
  assert.deepEqual([collection.epoch, isRight(scene, collection)], [1, true]);
  await end(scene);
});

describe("Reflector: where the cloud lets nobody list", () => {
  async function unlistable(): Promise<[Reflected, Collection]> {
    const scene = await createReflected();
    scene.cloud.instead = (path) => path.includes("limit=") ? { status: 403 } : undefined;
    scene.cloud.put("a");
    const collection = scene.reflect();
    await scene.clock.advance(momentMs);
    return [scene, collection];
  }

  test("the watch goes on after a cut", async () => {
    const [scene, collection] = await unlistable();
    scene.cloud.cut = true;
    scene.cloud.put("b");
    scene.asks();
    await scene.cut(60_000);
    assert.deepEqual(scene.asks(), ["limit=1", "limit=1", "watch"]);
    assert.deepEqual([collection.epoch, collection.relists, isRight(scene, collection)], [0, 1, true]);
    await end(scene);
  });

  test("a first bookmark below the held version begins a new epoch", async () => {
    const [scene, collection] = await unlistable();
    const backup = scene.cloud.etcd.revision;
    for (const name of ["b", "c"]) scene.cloud.put(name);
    await scene.clock.advance(momentMs);
    scene.cloud.cut = true;
    scene.cloud.restore(backup);
    const { instead } = scene.cloud;
    scene.cloud.instead = (path, token) => {
      if (!path.includes("watch=true") || path.includes("sendInitialEvents")) return instead(path, token);
      const object = { kind: "ConfigMap", apiVersion: "v1", metadata: { resourceVersion: String(backup) } };
      return { status: 200, body: `${JSON.stringify({ type: "BOOKMARK", object })}\n` };
    };
    await scene.cut(60_000);
    assert.deepEqual([collection.epoch, isRight(scene, collection)], [1, true]);
    await end(scene);
  });

  test("a 403 of a server that was only starting is no word on that", async () => {
    const [scene] = await unlistable();
    let refusals = 0;
    scene.cloud.instead = (path) => path.includes("limit=1") && refusals++ === 0 ? { status: 403 } : undefined;
    const backup = scene.cloud.etcd.revision;
    scene.cloud.put("b");
    await scene.clock.advance(momentMs);
    scene.cloud.cut = true;
    scene.cloud.restore(backup);
    const collection = scene.reflect();
    await scene.cut(60_000);
    assert.deepEqual([collection.epoch, isRight(scene, collection)], [1, true]);
    await end(scene);
  });

  test("nor are two of a server that is not ready", async () => {
    const [scene, collection] = await unlistable();
    let checks = 0;
    scene.cloud.instead = (path) => {
      if (path === "/readyz") return checks++ === 0 ? undefined : { status: 500 };
      return path.includes("limit=") ? { status: 403 } : undefined;
    };
    scene.asks();
    scene.cloud.reset();
    await scene.clock.advance(60_000);
    assert.deepEqual([scene.asks(), collection.state], [["limit=1"], "stale"]);
    await end(scene);
  });
});
