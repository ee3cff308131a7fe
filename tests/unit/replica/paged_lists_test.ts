import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeScope } from "../../../src/identity/scope.ts";
import type { Query } from "../../../src/kube/resources.ts";
import { readObjectMeta } from "../../../src/kube/object_meta.ts";
import { Collection } from "../../../src/replica/collection.ts";
import type { HeldObject } from "../../../src/replica/object_rows.ts";
import {
  maxPagedLists,
  maxPagedListsBytes,
  type PagedList,
  pagedListMs,
  PagedLists,
} from "../../../src/replica/paged_lists.ts";
import { createFakeRandom } from "../../testing/fake_random.ts";
import { loneRows, oneEpoch } from "../../testing/lone_rows.ts";

const query: Query = {
  group: "",
  version: "v1",
  resource: "configmaps",
  namespace: "default",
  labelSelector: "",
  fieldSelector: "",
};
const owned = { scope: nodeScope, query };

function make() {
  const { rows, clock } = loneRows();
  const lists = new PagedLists({ rows, clock, random: createFakeRandom() });
  const collection = new Collection({
    key: "k",
    query,
    rows,
    resource: oneEpoch,
    now: () => clock.now(),
    changed: () => undefined,
  });
  const object = (name: string, resourceVersion: string): HeldObject => {
    const metadata = { name, namespace: "default", uid: name, resourceVersion };
    const bytes = new TextEncoder().encode(JSON.stringify({ kind: "ConfigMap", apiVersion: "v1", metadata }));
    return rows.add({ ...query, name }, { meta: readObjectMeta(bytes), bytes });
  };
  const list = (items: readonly HeldObject[], resourceVersion = "5"): PagedList => {
    const head = { apiVersion: "v1", kind: "ConfigMap", listKind: "ConfigMapList", resourceVersion };
    return { ...owned, collection, head, items, epoch: 0 };
  };
  return { rows, clock, lists, object, list };
}

test("PagedLists keeps the bytes of a list that nothing else holds any more, for 5 minutes", async () => {
  const { rows, clock, lists, object, list } = make();
  const held = object("a", "1");
  const id = lists.keep(list([held])) ?? "";
  rows.release(held);
  await clock.advance(pagedListMs - 1);
  assert.deepEqual(lists.find(id, owned)?.items, [held]);
  assert.ok(rows.holds(held.row));
  await clock.advance(1);
  assert.equal(lists.find(id, owned), undefined);
  assert.deepEqual([rows.holds(held.row), lists.size, lists.bytes, lists.dropped], [false, 0, 0, 0]);
});

test("PagedLists gives a list to nobody else, and for no other query", () => {
  const { lists, object, list } = make();
  const id = lists.keep(list([object("a", "1")])) ?? "";
  assert.equal(lists.find(id, { ...owned, scope: { id: "another" } }), undefined);
  assert.equal(lists.find(id, { ...owned, query: { ...query, labelSelector: "a=b" } }), undefined);
  assert.equal(lists.find("00", owned), undefined);
  assert.notEqual(lists.find(id, owned), undefined);
});

test("PagedLists keeps a list that is asked for again once, and longer", async () => {
  const { lists, clock, object, list } = make();
  const items = [object("a", "1"), object("b", "2")];
  const id = lists.keep(list(items));
  await clock.advance(pagedListMs - 1);
  assert.equal(lists.keep(list([...items])), id);
  await clock.advance(1);
  assert.deepEqual([lists.size, clock.pending >= 1], [1, true]);
  assert.notEqual(lists.keep(list(items, "6")), id);
  assert.notEqual(lists.keep(list([...items, object("c", "3")])), id);
  assert.notEqual(lists.keep({ ...list(items), staleSince: 1 }), id);
  assert.notEqual(lists.keep({ ...list(items), epoch: 1 }), id);
  assert.equal(lists.size, 5);
});

test("PagedLists lets the oldest go past its number, and counts it", () => {
  const { rows, lists, object, list } = make();
  const first = object("first", "1");
  const id = lists.keep(list([first])) ?? "";
  rows.release(first);
  for (let i = 0; i < maxPagedLists; i++) lists.keep(list([object(`n${i}`, String(i + 2))]));
  assert.deepEqual([lists.size, lists.dropped], [maxPagedLists, 1]);
  assert.equal(lists.find(id, owned), undefined);
  assert.ok(!rows.holds(first.row));
});

test("PagedLists lets the oldest go past its bytes, and keeps none that is larger", () => {
  const { lists, object, list } = make();
  const sized = (name: string, length: number) => list([{ ...object(name, "1"), length }]);
  const id = lists.keep(sized("a", maxPagedListsBytes / 2)) ?? "";
  const second = lists.keep(sized("b", maxPagedListsBytes / 2)) ?? "";
  assert.deepEqual([lists.bytes, lists.dropped], [maxPagedListsBytes, 0]);
  lists.keep(sized("c", 1));
  assert.deepEqual([lists.find(id, owned), lists.dropped], [undefined, 1]);
  assert.equal(lists.keep(sized("d", maxPagedListsBytes + 1)), undefined);
  assert.notEqual(lists.find(second, owned), undefined);
});

test("PagedLists.close lets go of all, and leaves no timer", () => {
  const { rows, clock, lists, object, list } = make();
  const held = object("a", "1");
  lists.keep(list([held]));
  rows.release(held);
  lists.close();
  lists.drop("00");
  assert.deepEqual([lists.size, lists.bytes, rows.holds(held.row)], [0, 0, false]);
  assert.equal(clock.pending, 1); // of the rows' own batch
});
