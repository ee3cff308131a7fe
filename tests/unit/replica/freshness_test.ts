import assert from "node:assert/strict";
import { test } from "node:test";
import { Collection } from "../../../src/replica/collection.ts";
import { Freshness } from "../../../src/replica/freshness.ts";
import { mapList, mapsQuery as query } from "../../testing/json_objects.ts";
import { loneRows, oneEpoch } from "../../testing/lone_rows.ts";

/** A collection that is complete at 10. */
function make() {
  const { rows } = loneRows();
  const collection = new Collection({
    key: "k",
    query,
    rows,
    resource: oneEpoch,
    now: () => 0,
    changed: () => undefined,
  });
  collection.replace(mapList(10));
  return { collection, freshness: new Freshness() };
}

test("R5: Freshness.require makes a collection behind until it reaches the version", () => {
  const { collection, freshness } = make();
  assert.equal(freshness.isBehind(collection), false);
  freshness.require(collection, "100");
  collection.advance("99");
  assert.equal(freshness.isBehind(collection), true);
  collection.advance("100");
  assert.equal(freshness.isBehind(collection), false);
});

test("R5: Freshness.require takes the highest version, and none that the collection has", () => {
  const { collection, freshness } = make();
  freshness.require(collection, "10");
  freshness.require(collection, "9");
  assert.equal(freshness.isBehind(collection), false);
  freshness.require(collection, "30");
  freshness.require(collection, "20");
  collection.advance("20");
  assert.equal(freshness.isBehind(collection), true);
  collection.advance("31");
  assert.equal(freshness.isBehind(collection), false);
});

test("R5: Freshness.requireGone waits for each deletion, whatever the version", () => {
  const { collection, freshness } = make();
  freshness.requireGone(collection, "a");
  freshness.requireGone(collection, "b");
  collection.advance("1000");
  freshness.seenGone(collection, "a");
  freshness.seenGone(collection, "none");
  assert.equal(freshness.isBehind(collection), true);
  freshness.seenGone(collection, "b");
  assert.equal(freshness.isBehind(collection), false);
});

test("R5: a deletion that was seen leaves the version to be reached, and the other way round", () => {
  const { collection, freshness } = make();
  freshness.require(collection, "20");
  freshness.requireGone(collection, "a");
  freshness.seenGone(collection, "a");
  assert.equal(freshness.isBehind(collection), true);
  freshness.requireGone(collection, "b");
  collection.advance("20");
  assert.equal(freshness.isBehind(collection), true);
  freshness.seenGone(collection, "b");
  assert.equal(freshness.isBehind(collection), false);
});

test("R5: Freshness keeps collections apart, and forgets one at a new epoch", () => {
  const { collection, freshness } = make();
  const { collection: other } = make();
  freshness.require(collection, "20");
  freshness.require(other, "20");
  freshness.forget(collection);
  assert.deepEqual([freshness.isBehind(collection), freshness.isBehind(other)], [false, true]);
});
