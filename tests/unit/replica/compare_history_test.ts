import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { ListedVersions } from "../../../src/replica/cloud_query.ts";
import { Collection } from "../../../src/replica/collection.ts";
import { compareHistory } from "../../../src/replica/compare_history.ts";
import { mapBytes, mapList, mapsQuery } from "../../testing/json_objects.ts";
import { loneRows, oneEpoch } from "../../testing/lone_rows.ts";

type State = ReadonlyMap<string, { readonly uid: string; readonly version: number }>;

function holding(state: State, version: number): Collection {
  const { rows } = loneRows();
  const collection = new Collection({
    key: "k",
    query: mapsQuery,
    rows,
    resource: oneEpoch,
    now: () => 0,
    changed: () => undefined,
  });
  collection.replace(mapList(version, ...[...state].map(([name, at]) => mapBytes(name, at.version, { uid: at.uid }))));
  return collection;
}

function listing(state: State, version: number): ListedVersions {
  return {
    resourceVersion: String(version),
    objects: new Map(
      [...state].map(([name, at]) => [`default/${name}`, { uid: at.uid, resourceVersion: String(at.version) }]),
    ),
  };
}

function stateOf(text: string): State {
  return new Map(
    text.split(" ").filter((word) => word !== "").map((word) => {
      const [name = "", uid = "", version = ""] = word.split(":");
      return [name, { uid, version: Number(version) }];
    }),
  );
}

describe("compareHistory of what is held at 10", () => {
  for (
    const [what, held, version, listed, found] of [
      ["with the same", "a:1:5 b:2:7", 10, "a:1:5 b:2:7", "same"],
      ["with nothing", "", 10, "", "same"],
      ["with what has changed since", "a:1:5", 20, "a:1:11", "same"],
      ["with what is new", "a:1:5", 20, "a:1:5 b:2:11", "same"],
      ["with a cloud that is behind", "a:1:5", 9, "a:1:5", "another"],
      ["with another version that is no newer", "a:1:5", 20, "a:1:6", "another"],
      ["with an older version", "a:1:5", 20, "a:1:4", "another"],
      ["with another object of the same version", "a:1:5", 20, "a:2:5", "another"],
      ["with one that is not held though it is no newer", "a:1:5", 20, "a:1:5 b:2:10", "another"],
      ["with one that is gone", "a:1:5 b:2:7", 20, "a:1:5", "unclear"],
      ["with one that was made anew", "a:1:5", 20, "a:2:12", "unclear"],
      ["with one that is gone, and one that denies it", "a:1:5 b:2:7", 20, "b:2:8", "another"],
    ] as const
  ) {
    test(
      what,
      () => assert.equal(compareHistory(holding(stateOf(held), 10), listing(stateOf(listed), version)), found),
    );
  }
});

/** A write of an object at the next version, or its removal. */
interface Write {
  readonly name: string;
  readonly remove: boolean;
}

const writes = fc.array(fc.record({ name: fc.constantFrom("a", "b", "c"), remove: fc.boolean() }), { maxLength: 8 });

/** What a write makes of a state; uids are of the history that made them. */
function written(
  state: State,
  { name, remove }: Write,
  { version, history }: { version: number; history: string },
): State {
  const next = new Map(state);
  if (remove) next.delete(name);
  else next.set(name, { uid: state.get(name)?.uid ?? `${history}-${version}`, version });
  return next;
}

/** All states from one on, the one of each version behind that of the version before. */
function statesAfter(first: State, version: number, made: { writes: readonly Write[]; history: string }): State[] {
  const states = [first];
  for (const [index, write] of made.writes.entries()) {
    const at = { version: version + index + 1, history: made.history };
    states.push(written(states[index] ?? first, write, at));
  }
  return states;
}

const firstVersion = 10;
const empty: State = new Map();

function play(before: readonly Write[], lost: readonly Write[], cloud: readonly Write[]) {
  const fork = firstVersion + before.length;
  const common = statesAfter(empty, firstVersion, { writes: before, history: "common" }).at(-1) ?? empty;
  const held = statesAfter(common, fork, { writes: lost, history: "lost" }).at(-1) ?? common;
  const states = statesAfter(common, fork, { writes: cloud, history: "cloud" });
  const heldAt = fork + lost.length;
  const found = compareHistory(holding(held, heldAt), listing(states.at(-1) ?? common, fork + cloud.length));
  return { found, held, heldAt, fork, states };
}

test("compareHistory never takes a cloud with more of the same history for another one", () => {
  fc.assert(fc.property(writes, writes, (before, since) => {
    assert.notEqual(play(before, [], since).found, "another");
  }));
});

test("compareHistory: where it finds the same, a watch from the held version leads to the cloud's state", () => {
  fc.assert(
    fc.property(writes, writes, writes, (before, lost, cloud) => {
      const { found, held, heldAt, fork, states } = play(before, lost, cloud);
      if (found !== "same") return;
      const watched = new Map(held);
      cloud.forEach(({ name }, index) => {
        const now = states[index + 1]?.get(name);
        if (fork + index + 1 <= heldAt) return;
        if (now !== undefined) watched.set(name, now);
        else if (watched.get(name)?.uid === states[index]?.get(name)?.uid) watched.delete(name);
      });
      assert.deepEqual(Object.fromEntries(watched), Object.fromEntries(states.at(-1) ?? empty));
    }),
    { numRuns: 2_000 },
  );
});
