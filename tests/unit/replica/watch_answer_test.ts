import assert from "node:assert/strict";
import { test } from "node:test";
import { forbidden } from "../../../src/kube/status.ts";
import { Collection } from "../../../src/replica/collection.ts";
import { EventFrames } from "../../../src/replica/event_frames.ts";
import { MissingRowError } from "../../../src/replica/object_rows.ts";
import { View } from "../../../src/replica/view.ts";
import { type WatchAnswerOptions, type WatchStart, writeWatch } from "../../../src/replica/watch_answer.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
import { createFakeRandom } from "../../testing/fake_random.ts";
import { keysOf } from "../../testing/faulty_store.ts";
import { mapBytes, mapList as list, mapsQuery as query } from "../../testing/json_objects.ts";
import { loneRows, oneEpoch } from "../../testing/lone_rows.ts";
import { ManualSink } from "../../testing/manual_sink.ts";
import type { WatchEvent } from "../../testing/watch_reader.ts";

const fromVersion = (resourceVersion: string): WatchStart => ({ from: "version", resourceVersion });

interface WatchOptions extends Partial<WatchAnswerOptions> {
  readonly memoryMaxBytes?: number;
  /** What the collection holds. */
  readonly items?: readonly Uint8Array[];
  /** Whether each write waits from the beginning on. */
  readonly slow?: boolean;
}

/** One watch of a collection that holds `a` at version 5 and is complete up to 10. */
function watch(start: WatchStart, { memoryMaxBytes = 1_000_000, items, slow, ...changes }: WatchOptions = {}) {
  const clock = createFakeClock();
  const { rows, store, batch } = loneRows({ memoryMaxBytes });
  const collection = new Collection({
    key: "k",
    query,
    rows,
    resource: oneEpoch,
    now: clock.now,
    changed: () => undefined,
  });
  collection.replace(list(10, ...(items ?? [mapBytes("a", 5)])));
  const sink = new ManualSink();
  if (slow === true) sink.fill();
  const client = new AbortController();
  const done = writeWatch(sink, {
    view: new View(collection, rows),
    rows,
    frames: new EventFrames(rows),
    start,
    overlays: () => undefined,
    isGone: () => false,
    bookmarks: true,
    timeoutMs: 600_000,
    clock,
    random: createFakeRandom(),
    signals: [client.signal],
    ...changes,
  });
  return { clock, collection, rows, store, batch, sink, client, done, events: () => sink.lines().map(readable) };
}

function eventOf(line: string): WatchEvent {
  return JSON.parse(line) as WatchEvent; // not checked: an assertion on what is not there fails
}

function readable(line: string): string {
  const { type, object } = eventOf(line);
  const version = object.metadata.resourceVersion ?? object.code;
  return [type, ...(object.metadata.name === undefined ? [] : [object.metadata.name]), version].join(" ");
}

test("R3: writeWatch from the state sends it, then what follows", async () => {
  const { clock, collection, events } = watch({ from: "state", initialEventsEnd: false });
  await clock.advance(0);
  assert.deepEqual(events(), ["ADDED a 5"]);
  collection.apply("MODIFIED", mapBytes("a", 11));
  collection.apply("DELETED", mapBytes("a", 12));
  await clock.advance(0);
  assert.deepEqual(events(), ["MODIFIED a 11", "DELETED a 12"]);
});

for (const bookmarks of [true, false]) {
  test(`R4: writeWatch ends the state ${bookmarks ? "with the annotated bookmark" : "without one that was not asked for"}`, async () => {
    const { clock, sink } = watch({ from: "state", initialEventsEnd: true }, { bookmarks });
    await clock.advance(0);
    const [, bookmark] = sink.lines();
    if (!bookmarks) return assert.equal(bookmark, undefined);
    assert.match(bookmark ?? "", /^\{"type":"BOOKMARK","object":\{"kind":"ConfigMap","apiVersion":"v1",/);
    assert.match(bookmark ?? "", /"resourceVersion":"10","annotations":\{"k8s.io\/initial-events-end":"true"\}/);
  });
}

test("R6: writeWatch sends a bookmark about once a minute, and one before its end at timeoutMs", async () => {
  const { clock, collection, sink, events, done } = watch(fromVersion("10"), { timeoutMs: 200_000 });
  await clock.advance(53_000);
  assert.deepEqual(events(), []);
  await clock.advance(14_000);
  assert.deepEqual(events(), ["BOOKMARK 10"]);
  collection.advance("20");
  await clock.advance(67_000);
  assert.deepEqual(events(), ["BOOKMARK 20"]);
  await clock.advance(64_000);
  events();
  assert.equal(sink.ended, false);
  collection.apply("ADDED", mapBytes("b", 30));
  await clock.advance(2_000);
  await done;
  assert.deepEqual([events(), sink.ended], [["ADDED b 30", "BOOKMARK 30"], true]);
  assert.equal(clock.pending, 0);
});

test("R6: writeWatch sends no bookmark where none was asked for", async () => {
  const { clock, events, done } = watch(fromVersion("10"), { timeoutMs: 200_000, bookmarks: false });
  await clock.advance(200_000);
  await done;
  assert.deepEqual(events(), []);
});

test("R6: writeWatch sends no bookmark below the client's own position", async () => {
  const { clock, collection, events } = watch(fromVersion("50"));
  await clock.advance(67_000);
  assert.deepEqual(events(), ["BOOKMARK 50"]);
  collection.advance("49");
  await clock.advance(67_000);
  assert.deepEqual(events(), ["BOOKMARK 50"]);
  collection.advance("51");
  await clock.advance(67_000);
  assert.deepEqual(events(), ["BOOKMARK 51"]);
});

test("R7: writeWatch is silent but for bookmarks while its collection is stale", async () => {
  const { clock, collection, sink, events } = watch(fromVersion("10"));
  collection.enter("stale");
  await clock.advance(180_000);
  assert.deepEqual([...new Set(events())], ["BOOKMARK 10"]);
  assert.equal(sink.ended, false);
});

test("R3: writeWatch from an older version than the log's is an ERROR 410", async () => {
  const { sink, done } = watch(fromVersion("9"));
  await done;
  const [line = "", ...more] = sink.lines();
  assert.deepEqual(more, []);
  const { type, object } = eventOf(line);
  assert.deepEqual([type, object.reason, object.code], ["ERROR", "Expired", 410]);
  assert.equal(object.message, "too old resource version: 9 (10)");
  assert.equal(sink.ended, true);
});

test("R13: a slow reader that falls behind the log gets 410, and stalls nobody", async () => {
  const slow = watch(fromVersion("10"));
  const { clock, collection, sink, events, done } = slow;
  sink.fill();
  collection.apply("ADDED", mapBytes("m", 11));
  await clock.advance(0);
  for (let version = 12; version < 12 + 1_001; version++) collection.apply("MODIFIED", mapBytes("m", version));
  assert.equal(collection.resourceVersion, "1012");
  assert.deepEqual(events(), ["ADDED m 11"]);
  sink.drain();
  await done;
  assert.deepEqual([events(), sink.ended], [["ERROR 410"], true]);
});

test("R13: a slow reader that is within the log gets everything", async () => {
  const { clock, collection, sink, events } = watch(fromVersion("10"));
  sink.fill();
  collection.apply("ADDED", mapBytes("m", 11));
  await clock.advance(0);
  for (let version = 12; version < 12 + 1_000; version++) collection.apply("MODIFIED", mapBytes("m", version));
  sink.drain();
  await clock.advance(0);
  const all = events();
  assert.deepEqual([all.length, all.at(-1)], [1_001, "MODIFIED m 1011"]);
});

test("R9: writeWatch ends with 410 where a new epoch begins", async () => {
  const { collection, events, done } = watch(fromVersion("10"));
  collection.replace(list(3));
  await done;
  assert.deepEqual(events(), ["ERROR 410"]);
});

test("R16: writeWatch ends with the cloud's refusal, after what came before it", async () => {
  const { collection, events, done } = watch(fromVersion("10"));
  collection.apply("ADDED", mapBytes("b", 11));
  collection.enter("refused", forbidden("no"));
  await done;
  assert.deepEqual(events(), ["ADDED b 11", "ERROR 403"]);
});

for (const how of ["the client goes", "the client had gone before it began", "the client goes while it is slow"]) {
  test(`writeWatch ends where ${how}, and leaves neither timer nor watcher`, async () => {
    const gone = how === "the client had gone before it began" ? { signals: [AbortSignal.abort()] } : {};
    const { clock, collection, client, sink, done } = watch(fromVersion("10"), gone);
    if (how === "the client goes while it is slow") sink.fill();
    collection.apply("ADDED", mapBytes("b", 11));
    await clock.advance(0);
    client.abort();
    sink.leave();
    await done;
    assert.deepEqual([clock.pending, collection.watchers], [0, 0]);
  });
}

test("writeWatch ends at its time while events come without a pause", async () => {
  const { clock, collection, sink, done } = watch(fromVersion("10"), { timeoutMs: 1_000 });
  for (let version = 11; version < 200 && !sink.ended; version++) {
    collection.apply("MODIFIED", mapBytes("a", version));
    await clock.advance(10);
  }
  await done;
  assert.ok(clock.monotonic() < 1_100);
});

/** A watch whose reader is slow while events wait, the last of them behind the first batch. */
async function slowWatch(options: WatchOptions = {}) {
  const slow = watch(fromVersion("10"), options);
  slow.sink.fill();
  slow.collection.apply("ADDED", mapBytes("m", 11));
  await slow.clock.advance(0);
  for (let version = 12; version <= 300; version++) slow.collection.apply("MODIFIED", mapBytes("m", version));
  slow.collection.advance("500");
  return slow;
}

test("R6: a bookmark never skips an event: a slow client gets all that wait before the one at the end", async () => {
  const { clock, sink, events, done } = await slowWatch({ timeoutMs: 30_000 });
  await clock.advance(40_000);
  assert.deepEqual(events(), ["ADDED m 11"]);
  sink.drain();
  await done;
  const all = events();
  assert.deepEqual([all.length, all[0], all.at(-2), all.at(-1)], [
    290,
    "MODIFIED m 12",
    "MODIFIED m 300",
    "BOOKMARK 500",
  ]);
});

test("R6: a bookmark never skips an event: one that is due while events wait comes after them", async () => {
  const { clock, collection, sink, events } = await slowWatch();
  await clock.advance(50_000);
  sink.drain();
  await clock.advance(0);
  sink.fill();
  collection.apply("MODIFIED", mapBytes("m", 501));
  await clock.advance(0);
  collection.apply("MODIFIED", mapBytes("m", 502));
  await clock.advance(50_000);
  sink.drain();
  await clock.advance(0);
  const positions = events().map((line) => line.split(" ")).map((parts) => [parts[0], Number(parts.at(-1))] as const);
  assert.deepEqual(
    positions.map(([, version]) => version),
    positions.map(([, version]) => version).toSorted((a, b) => a - b),
  );
  assert.deepEqual(positions.slice(-2), [["MODIFIED", 502], ["BOOKMARK", 502]]);
});

test("R6: a slow client whose events wait when the hub ends gets no bookmark above the last it was sent", async () => {
  const hub = new AbortController();
  const { clock, collection, sink, events, done } = watch(fromVersion("10"), { signals: [hub.signal], slow: true });
  for (const version of [11, 12, 13]) collection.apply("MODIFIED", mapBytes("m", version));
  await clock.advance(0);
  collection.apply("MODIFIED", mapBytes("m", 14));
  collection.advance("500");
  hub.abort();
  sink.drain();
  await done;
  assert.deepEqual(events(), ["ADDED m 11", "MODIFIED m 12", "MODIFIED m 13", "BOOKMARK 13"]);
});

test("R4: the bookmark that ends the state is at the state's version, though the cloud's bookmark came meanwhile", async () => {
  const { clock, collection, sink, events } = watch({ from: "state", initialEventsEnd: true }, {
    items: ["a", "b"].map((name) => mapBytes(name, 5, { value: "v".repeat(70_000) })),
    slow: true,
  });
  await clock.advance(0);
  collection.advance("20");
  sink.drain();
  await clock.advance(0);
  assert.deepEqual(events(), ["ADDED a 5", "ADDED b 5", "BOOKMARK 10"]);
});

test("R4: the bookmark that ends the state is at the state's version, whatever came while it was written", async () => {
  const { clock, collection, sink, events } = watch({ from: "state", initialEventsEnd: true }, { memoryMaxBytes: 0 });
  collection.apply("ADDED", mapBytes("b", 11));
  collection.advance("20");
  sink.fill();
  await clock.advance(0);
  sink.drain();
  await clock.advance(0);
  assert.deepEqual(events(), ["ADDED a 5", "BOOKMARK 10", "ADDED b 11"]);
});

test("R13: a reader that takes nothing for 60 s is given up, and the rows that were kept for it go", async () => {
  const { clock, collection, rows, events, done } = watch({ from: "state", initialEventsEnd: false }, {
    items: ["a", "b"].map((name) => mapBytes(name, 5, { value: "v".repeat(70_000) })),
    slow: true,
  });
  await clock.advance(0);
  assert.deepEqual(events(), ["ADDED a 5"]);
  collection.drop();
  assert.deepEqual([rows.size, collection.watchers], [2, 1]);
  await clock.advance(59_999);
  assert.equal(collection.watchers, 1);
  await clock.advance(1);
  await done;
  assert.deepEqual([collection.watchers, rows.size, clock.pending], [0, 0, 0]);
});

/** A watch whose next events are in the store only when its reader takes them. */
async function coldWatch() {
  const cold = watch(fromVersion("10"), { memoryMaxBytes: 0, slow: true });
  cold.collection.apply("ADDED", mapBytes("b", 11));
  await cold.clock.advance(0);
  cold.collection.apply("MODIFIED", mapBytes("a", 12));
  cold.collection.apply("DELETED", mapBytes("a", 13));
  await cold.batch.flush();
  return cold;
}

test("writeWatch reads what is no longer in memory from the store", async () => {
  const { clock, sink, store, events } = await coldWatch();
  sink.drain();
  await clock.advance(0);
  assert.deepEqual(events(), ["ADDED b 11", "MODIFIED a 12", "DELETED a 13"]);
  assert.equal(store.reads.length, 2);
});

test("R11: writeWatch breaks off where an object cannot be read", async () => {
  const { collection, sink, store, events, done } = await coldWatch();
  const failed = assert.rejects(done, MissingRowError);
  await store.memory.commit({ remove: await keysOf(store, "o|") });
  sink.drain();
  await failed;
  assert.deepEqual([events(), sink.ended, await sink.closed, collection.watchers], [["ADDED b 11"], false, false, 0]);
});
