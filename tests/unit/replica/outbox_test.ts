import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusError } from "../../../src/kube/status.ts";
import { maxOutboxEvents, Outbox, type OutboxWrite } from "../../../src/replica/outbox.ts";
import { decodeEntry, encodeEntry, type OutboxEntry } from "../../../src/replica/outbox_entry.ts";
import { deferred } from "../../testing/deferred.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
import { createFaultyStore, damagedValue, type FaultyStore, keysOf } from "../../testing/faulty_store.ts";
import { loneReplica, silentLogger } from "../../testing/lone_replica.ts";
import { jsonBytes, podBytes, podPath } from "../../testing/node_pods.ts";

const never = new AbortController().signal;

function outboxOn(
  store: FaultyStore,
  { maxBytes = 1_000_000, now = () => 1_000 }: { maxBytes?: number; now?: () => number } = {},
) {
  const { replica } = loneReplica();
  return new Outbox({ store, logger: silentLogger, now, maxBytes, overlays: replica.overlays });
}

function podWrite(name: string, phase: string): OutboxWrite {
  const base = podBytes(name, 5);
  return {
    path: podPath(name),
    kind: "status",
    uid: name,
    manager: "kubelet",
    base,
    pending: podBytes(name, 5, { phase }),
  };
}

function eventWrite(name: string): OutboxWrite {
  const path = { group: "", version: "v1", resource: "events", namespace: "default", name };
  return { path, kind: "create", uid: "", manager: "", pending: jsonBytes({ kind: "Event", metadata: { name } }) };
}

function texts({ base, pending, ...told }: OutboxEntry): unknown {
  const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
  return { ...told, base: text(base), pending: text(pending) };
}

describe("Outbox", () => {
  test("R14: what put has acknowledged is there after a restart, in its order", async () => {
    const store = createFaultyStore();
    const before = outboxOn(store);
    await before.put(podWrite("b", "Failed"));
    await before.put(podWrite("a", "Succeeded"));
    const after = outboxOn(store);
    await after.restore();
    assert.deepEqual(after.entries().map(texts), before.entries().map(texts));
    assert.deepEqual(after.entries().map(({ path }) => path.name), ["b", "a"]);
    assert.equal(after.bytes, before.bytes);
  });

  test("R14: put is not acknowledged before its commit has resolved, and shows nothing of it before", async () => {
    const store = createFaultyStore();
    const outbox = outboxOn(store);
    const commit = deferred<void>();
    store.held = commit.promise;
    let acknowledged = false;
    const putting = outbox.put(podWrite("a", "Failed")).then(() => acknowledged = true);
    await createFakeClock().advance(0);
    assert.deepEqual([acknowledged, outbox.size], [false, 0]);
    commit.resolve();
    await putting;
    assert.deepEqual([acknowledged, outbox.size], [true, 1]);
  });

  test("put folds writes to one object, and keeps its place and the time of the first", async () => {
    let now = 1_000;
    const outbox = outboxOn(createFaultyStore(), { now: () => now });
    await outbox.put(podWrite("a", "Failed"));
    await outbox.put(podWrite("b", "Failed"));
    now = 2_000;
    await outbox.put(podWrite("a", "Succeeded"));
    const [entry] = outbox.entries();
    assert.deepEqual([entry?.path.name, entry?.writes, entry?.since, entry?.changedAt], ["a", 2, 1_000, 2_000]);
    assert.deepEqual(entry?.pending, podBytes("a", 5, { phase: "Succeeded" }));
    assert.equal(outbox.size, 2);
  });

  test("put that cannot be committed is 503, and nothing has changed", async () => {
    const store = createFaultyStore();
    const outbox = outboxOn(store);
    await outbox.put(podWrite("a", "Failed"));
    const { bytes } = outbox;
    store.failure = "no space left";
    const refused = (error: unknown) => error instanceof StatusError && error.code === 503;
    await assert.rejects(outbox.put(podWrite("a", "Succeeded")), refused);
    await assert.rejects(outbox.put(podWrite("b", "Succeeded")), refused);
    assert.deepEqual([outbox.size, outbox.bytes, outbox.failure], [1, bytes, "no space left"]);
    store.failure = undefined;
    await outbox.put(podWrite("b", "Succeeded"));
    assert.deepEqual([outbox.size, outbox.failure], [2, undefined]);
  });

  test("put past maxBytes is 503 and counted; a fold that does not grow is taken", async () => {
    const outbox = outboxOn(createFaultyStore(), { maxBytes: 1_200 });
    await outbox.put(podWrite("a", "Succeeded"));
    await assert.rejects(
      outbox.put(podWrite("b", "Succeeded")),
      (error) => error instanceof StatusError && error.code === 503 && error.message.startsWith("The outbox is full"),
    );
    assert.equal(outbox.refused, 1);
    await outbox.put(podWrite("a", "Failed"));
    assert.deepEqual(outbox.entries().map(({ writes }) => writes), [2]);
  });

  test("events take at most half of the room: the oldest goes and is reported", async () => {
    const outbox = outboxOn(createFaultyStore(), { maxBytes: 1_000 });
    for (const name of ["one", "two", "three"]) await outbox.put(eventWrite(name));
    assert.deepEqual(outbox.entries().map(({ path }) => path.name), ["two", "three"]);
    assert.deepEqual(outbox.settled.map(({ path, how }) => [path.name, how]), [["one", "too-many"]]);
  });

  test("no more than maxOutboxEvents events wait", async () => {
    const outbox = outboxOn(createFaultyStore(), { maxBytes: 100_000_000 });
    for (let index = 0; index <= maxOutboxEvents; index++) await outbox.put(eventWrite(`e${index}`));
    assert.equal(outbox.size, maxOutboxEvents);
    assert.deepEqual(outbox.settled.map(({ path, how }) => [path.name, how]), [["e0", "too-many"]]);
  });

  test("settle removes and reports by one commit, which a restart finds", async () => {
    const store = createFaultyStore();
    const outbox = outboxOn(store);
    const entry = await outbox.put(podWrite("a", "Failed"));
    const commits = store.batches.length;
    await outbox.settle(entry, { how: "refused", resourceVersion: "9", message: "no" });
    assert.equal(store.batches.length, commits + 1);
    assert.deepEqual([outbox.size, outbox.bytes], [0, 0]);
    assert.deepEqual(await keysOf(store, "w|"), []);
    const after = outboxOn(store);
    await after.restore();
    assert.deepEqual(after.settled, outbox.settled);
    assert.deepEqual(after.settled.map(({ how, message, uid, writes }) => [how, message, uid, writes]), [
      ["refused", "no", "a", 1],
    ]);
    const next = await after.put(podWrite("b", "Failed"));
    assert.ok(next.sequence > entry.sequence);
  });

  test("settle that cannot be committed leaves the entry, and of an entry that has changed does nothing", async () => {
    const store = createFaultyStore();
    const outbox = outboxOn(store);
    const entry = await outbox.put(podWrite("a", "Failed"));
    store.failure = "no space left";
    await assert.rejects(outbox.settle(entry, { how: "pushed", resourceVersion: "9" }));
    assert.deepEqual([outbox.size, outbox.settled.length], [1, 0]);
    store.failure = undefined;
    await outbox.put(podWrite("a", "Succeeded"));
    await outbox.settle(entry, { how: "pushed", resourceVersion: "9" });
    assert.deepEqual([outbox.size, outbox.settled.length], [1, 0]);
  });

  test("reports are bounded, in the store too", async () => {
    const store = createFaultyStore();
    const outbox = outboxOn(store);
    for (let index = 0; index < 205; index++) {
      await outbox.settle(await outbox.put(podWrite(`p${index}`, "Failed")), { how: "pushed", resourceVersion: "9" });
    }
    assert.deepEqual([outbox.settled.length, outbox.settled[0]?.path.name], [200, "p5"]);
    assert.equal((await keysOf(store, "s|")).length, 200);
    assert.equal(outbox.counts.get("pushed"), 205);
  });

  test("a row that does not open is reported as unreadable, once, and the others are kept", async () => {
    const store = createFaultyStore();
    const before = outboxOn(store);
    await before.put(podWrite("a", "Failed"));
    await before.put(podWrite("b", "Failed"));
    await store.memory.commit({ put: [["w|/v1/pods/default/a", damagedValue]] });
    for (let start = 0; start < 2; start++) {
      const after = outboxOn(store);
      await after.restore();
      assert.deepEqual(after.entries().map(({ path }) => path.name), ["b"]);
      assert.deepEqual(after.settled.map(({ path, how }) => [path.name, how]), [["a", "unreadable"]]);
    }
  });

  test("hold lets one in after the other, and none that has given up", async () => {
    const outbox = outboxOn(createFaultyStore());
    const release = await outbox.hold(podPath("a"), never);
    const order: string[] = [];
    const impatient = new AbortController();
    const given = assert.rejects(outbox.hold(podPath("a"), impatient.signal), /given up/);
    const second = outbox.hold(podPath("a"), never).then((letGo) => {
      order.push("second");
      letGo();
    });
    const other = await outbox.hold(podPath("b"), never);
    other();
    impatient.abort(new Error("given up"));
    await given;
    assert.deepEqual(order, []);
    release();
    release(); // once more does nothing
    await second;
    assert.deepEqual(order, ["second"]);
  });
});

test("decodeEntry gives back what encodeEntry was given, and nothing of what is cut or longer", () => {
  const entry: OutboxEntry = {
    ...podWrite("a", "Failed"),
    came: { contentType: "application/json", body: jsonBytes({ a: 1 }) },
    sequence: 3,
    writes: 1,
    since: 5,
    changedAt: 6,
  };
  const row = encodeEntry(entry);
  assert.deepEqual(decodeEntry(row), entry);
  for (const wrong of [row.subarray(0, -1), Uint8Array.of(...row, 1), new Uint8Array(), jsonBytes({})]) {
    assert.equal(decodeEntry(wrong), undefined);
  }
});
