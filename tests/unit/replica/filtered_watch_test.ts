import assert from "node:assert/strict";
import { test } from "node:test";
import { internalError } from "../../../src/kube/status.ts";
import { Collection } from "../../../src/replica/collection.ts";
import { EventFrames } from "../../../src/replica/event_frames.ts";
import type { ObjectFilter } from "../../../src/replica/object_filter.ts";
import { View } from "../../../src/replica/view.ts";
import { type WatchStart, writeWatch } from "../../../src/replica/watch_answer.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
import { createFakeRandom } from "../../testing/fake_random.ts";
import { mapBytes, mapList, mapsQuery, parsed } from "../../testing/json_objects.ts";
import { loneRows, oneEpoch } from "../../testing/lone_rows.ts";
import { ManualSink } from "../../testing/manual_sink.ts";
import type { WatchEvent } from "../../testing/watch_reader.ts";

/** Shows no object whose value is one of these; is not concerned with objects named `plain`. */
function hiding(...values: readonly string[]): ObjectFilter {
  return {
    concerns: ({ name }) => name !== "plain",
    show: (_meta, object) => {
      const { value } = parsed(object).data;
      if (value === "throw") throw internalError("planted");
      return values.includes(value) ? undefined : object;
    },
  };
}

interface FilteredOptions {
  readonly start?: WatchStart;
  readonly filter?: ObjectFilter;
  readonly isUnknownAt?: () => boolean;
  readonly memoryMaxBytes?: number;
}

/** A filtered watch of a collection at version 10 with `a` at 5, `b` at 6 and `plain` at 7, whose values are their names. */
function watch(options: FilteredOptions = {}) {
  const { start = { from: "version", resourceVersion: "10" }, memoryMaxBytes = 1_000_000 } = options;
  const clock = createFakeClock();
  const { rows } = loneRows({ memoryMaxBytes });
  const collection = new Collection({
    key: "k",
    query: mapsQuery,
    rows,
    resource: oneEpoch,
    now: clock.now,
    changed: () => undefined,
  });
  const named = (name: string, version: number) => mapBytes(name, version, { value: name });
  collection.replace(mapList(10, named("a", 5), named("b", 6), named("plain", 7)));
  const sink = new ManualSink();
  let filter = options.filter;
  const left: string[] = [];
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
    filter: {
      now: () => filter,
      isUnknownAt: options.isUnknownAt ?? (() => false),
      gave: () => undefined,
      leftBehind: (resourceVersion) => left.push(resourceVersion),
    },
  });
  const events = async () => {
    await clock.advance(0);
    return sink.lines().map((line) => {
      const { type, object } = JSON.parse(line) as WatchEvent; // not checked: an assertion fails
      return [type, object.metadata.name, object.metadata.resourceVersion ?? object.code].join(" ").replace("  ", " ");
    });
  };
  const change = (next: ObjectFilter | undefined) => {
    filter = next;
    collection.wake();
  };
  const put = (name: string, version: number, value = name) =>
    collection.apply("MODIFIED", mapBytes(name, version, { value }));
  return {
    clock,
    collection,
    sink,
    done,
    events,
    change,
    put,
    left,
    client,
    setFilter: (next: ObjectFilter) => filter = next,
  };
}

test("a filtered watch begins with what is shown, and ends it with the bookmark", async () => {
  const { events } = watch({ start: { from: "state", initialEventsEnd: true }, filter: hiding("b") });
  assert.deepEqual(await events(), ["ADDED a 5", "ADDED plain 7", "BOOKMARK 10"]);
});

test("R6: what another filter hides comes last, DELETED at the collection's version, then a bookmark there", async () => {
  const { events, change } = watch({ filter: hiding("b") });
  change(hiding("a"));
  assert.deepEqual(await events(), ["ADDED b 6", "DELETED a 10", "BOOKMARK 10"]);
});

test("another filter that shows the same is sent nothing, not even a bookmark", async () => {
  const { events, change } = watch({ filter: hiding("b") });
  change(hiding("b"));
  assert.deepEqual(await events(), []);
});

test("events before a change of the filter are sent by the filter of before, then what it changes", async () => {
  const { events, put, change } = watch({ filter: hiding("b") });
  put("a", 11, "b"); // hidden by the filter of before: the client has seen it
  put("b", 12, "c"); // shown by it: the client has not
  change(hiding("c"));
  assert.deepEqual(await events(), ["DELETED a 11", "ADDED b 12", "ADDED a 11", "DELETED b 12", "BOOKMARK 12"]);
});

test("an event that is hidden before and after is not sent, and one of an object without concern as it came", async () => {
  const { events, put, collection } = watch({ filter: hiding("b") });
  put("b", 11);
  put("plain", 12, "b");
  collection.apply("DELETED", mapBytes("b", 13, { value: "b" }));
  assert.deepEqual(await events(), ["MODIFIED plain 12"]);
});

test("who comes from a version at which nobody knows its filter is sent all that a filter may have changed", async () => {
  const { events } = watch({ filter: hiding("b"), isUnknownAt: () => true });
  assert.deepEqual(await events(), ["MODIFIED a 5", "MODIFIED plain 7", "DELETED b 10", "BOOKMARK 10"]);
});

test("what is only in the store is filtered as well", async () => {
  const { events, change, put } = watch({ filter: hiding("b"), memoryMaxBytes: 1 });
  put("a", 11);
  change(hiding());
  assert.deepEqual(await events(), ["MODIFIED a 11", "ADDED b 6", "BOOKMARK 11"]);
});

test("a filter that fails ends the watch with its Status", async () => {
  const { events, put, done, sink } = watch({ filter: hiding() });
  put("a", 11, "throw");
  await done;
  assert.deepEqual([await events(), sink.ended], [["ERROR  500"].map((text) => text.replace("  ", " ")), true]);
});

test("a watch that ends before it was sent what the newest filter changes says where its client stands", async () => {
  const { setFilter, client, done, left } = watch({ filter: hiding("b") });
  setFilter(hiding());
  client.abort();
  await done;
  assert.deepEqual(left, ["10"]);
});
