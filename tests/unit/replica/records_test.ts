import assert from "node:assert/strict";
import { test } from "node:test";
import { readObjectMeta } from "../../../src/kube/object_meta.ts";
import { Records } from "../../../src/replica/records.ts";
import { mapBytes } from "../../testing/json_objects.ts";
import { loneRows } from "../../testing/lone_rows.ts";

const resource = { group: "", version: "v1", resource: "configmaps" };
const pathTo = (name: string, namespace = "default") => ({ ...resource, namespace, name });

function make(maxBytes = 10_000) {
  const changes: string[] = [];
  const changed = (path: string, record: unknown) => void changes.push(`${record === undefined ? "-" : "+"}${path}`);
  const { rows } = loneRows();
  return { changes, rows, records: new Records({ epoch: () => 0, rows, maxBytes, changed }) };
}

const versionOf = (records: Records, name: string) => records.get(pathTo(name))?.meta.resourceVersion;

test("Records.put keeps the newer of one uid, and the later one of the same version", () => {
  const { records, changes } = make();
  records.put(pathTo("a"), { bytes: mapBytes("a", 10), savedAt: 1 });
  records.put(pathTo("a"), { bytes: mapBytes("a", 9), savedAt: 2 });
  assert.deepEqual([versionOf(records, "a"), records.get(pathTo("a"))?.savedAt], ["10", 1]);
  records.put(pathTo("a"), { bytes: mapBytes("a", 10), savedAt: 3 });
  assert.deepEqual([versionOf(records, "a"), records.get(pathTo("a"))?.savedAt], ["10", 3]);
  records.put(pathTo("a"), { bytes: mapBytes("a", 11), savedAt: 4 });
  assert.equal(versionOf(records, "a"), "11");
  assert.deepEqual(changes, Array(3).fill("+/v1/configmaps/default/a"));
});

test("Records.put takes an object of another uid", () => {
  const { records } = make();
  records.put(pathTo("a"), { bytes: mapBytes("a", 10, { uid: "old" }), savedAt: 1 });
  records.put(pathTo("a"), { bytes: mapBytes("a", 11, { uid: "new" }), savedAt: 1 });
  assert.equal(records.get(pathTo("a"))?.meta.uid, "new");
});

test("Records: what only service accounts see of an object is the node's where it was shown that one, not its namesake", () => {
  const { records, rows } = make();
  const put = (version: number, uid: string, callersOnly: boolean) =>
    records.put(pathTo("a"), { bytes: mapBytes("a", version, { uid }), savedAt: 1, callersOnly });
  const kept = () => [versionOf(records, "a"), records.get(pathTo("a"))?.callersOnly];
  put(10, "old", false);
  put(11, "old", true);
  assert.deepEqual(kept(), ["11", false]);
  put(20, "new", true);
  assert.deepEqual(kept(), ["20", true]);
  put(21, "new", false);
  put(22, "new", true);
  assert.deepEqual(kept(), ["22", false]);
  const bytes = mapBytes("a", 30, { uid: "newest" });
  const held = rows.add(pathTo("a"), { meta: readObjectMeta(bytes), bytes });
  records.keep(pathTo("a"), held, { savedAt: 1, callersOnly: true });
  assert.deepEqual(kept(), ["30", true]);
});

test("Records.remove ends the record of that uid only", () => {
  const { records, changes } = make();
  records.put(pathTo("a"), { bytes: mapBytes("a", 10, { uid: "u" }), savedAt: 1 });
  records.remove(pathTo("a"), "other");
  assert.equal(records.size, 1);
  records.remove(pathTo("a"), "u");
  assert.deepEqual([records.size, records.bytes], [0, 0]);
  assert.equal(changes.at(-1), "-/v1/configmaps/default/a");
});

for (
  const [what, version, uid, stays] of [
    ["an older version of it", 9, "u", true],
    ["its version", 10, "u", false],
    ["a newer version of it", 11, "u", false],
    ["its successor", 11, "other", false],
  ] as const
) {
  test(`Records.passed: a record ${stays ? "stays" : "goes"} when its collection has taken ${what}`, () => {
    const { records } = make();
    records.put(pathTo("a"), { bytes: mapBytes("a", 10, { uid: "u" }), savedAt: 1 });
    records.passed(pathTo("a"), readObjectMeta(mapBytes("a", version, { uid })));
    assert.equal(records.size, stays ? 1 : 0);
  });
}

test("Records.of gives those of one resource, in one namespace or all", () => {
  const { records } = make();
  const put = (path: ReturnType<typeof pathTo>) =>
    records.put(path, { bytes: mapBytes(path.name, 1, { namespace: path.namespace }), savedAt: 1 });
  put(pathTo("a"));
  put(pathTo("b", "default-2"));
  put({ ...pathTo("c"), resource: "configmapsets" });
  put({ ...pathTo("d"), version: "v1beta1" });
  const names = (namespace: string) => [...records.of({ ...resource, namespace })].map(({ meta }) => meta.name);
  assert.deepEqual([names(""), names("default"), names("default-2"), names("def")], [["a", "b"], ["a"], ["b"], []]);
});

test("Records drops the oldest past its bytes, and counts them", () => {
  const size = mapBytes("a", 10).length;
  const { records, rows, changes } = make(size * 2);
  for (const name of ["a", "b", "c"]) records.put(pathTo(name), { bytes: mapBytes(name, 10), savedAt: 1 });
  assert.deepEqual([records.get(pathTo("a")), records.size, records.bytes, records.dropped], [
    undefined,
    2,
    size * 2,
    1,
  ]);
  assert.ok(changes.includes("-/v1/configmaps/default/a"));
  assert.equal(rows.size, 2);
});

test("Records: the least recently put goes first, not the first of all", () => {
  const { records } = make(mapBytes("a", 10).length * 2);
  for (const [name, version] of [["a", 10], ["b", 10], ["a", 11], ["c", 10]] as const) {
    records.put(pathTo(name), { bytes: mapBytes(name, version), savedAt: 1 });
  }
  assert.deepEqual([versionOf(records, "a"), versionOf(records, "b"), versionOf(records, "c")], [
    "11",
    undefined,
    "10",
  ]);
});

test("R15: Records: what service accounts read pushes out nothing that the node was shown, but each other's", () => {
  const { records, changes } = make(mapBytes("a", 10).length * 2);
  const put = (name: string, callersOnly: boolean) =>
    records.put(pathTo(name), { bytes: mapBytes(name, 10), savedAt: 1, callersOnly });
  const names = () => [...records.entries()].map(([{ name }]) => name);
  put("n", false);
  for (const name of ["p", "q", "r"]) put(name, true);
  assert.deepEqual([names(), records.dropped], [["n", "r"], 2]);
  put("m", false);
  assert.deepEqual(names(), ["n", "m"]);
  put("s", true); // there is no room for it
  assert.deepEqual(names(), ["n", "m"]);
  assert.equal(changes.at(-1), "-/v1/configmaps/default/s");
  put("o", false);
  assert.deepEqual(names(), ["m", "o"]);
});

test("Records hold the bytes of the newest version, and of nothing else", async () => {
  const { records, rows } = make();
  for (const version of [10, 11, 11]) records.put(pathTo("a"), { bytes: mapBytes("a", version), savedAt: version });
  const held = records.get(pathTo("a"));
  assert.ok(held);
  assert.deepEqual([rows.size, await rows.read(held)], [1, mapBytes("a", 11)]);
  records.remove(pathTo("a"));
  assert.equal(rows.size, 0);
});

test("Records.forget ends the record whose bytes lie in that row", () => {
  const { records, rows, changes } = make();
  for (const name of ["a", "b"]) records.put(pathTo(name), { bytes: mapBytes(name, 10), savedAt: 1 });
  records.forget(records.get(pathTo("a"))?.row ?? "");
  assert.deepEqual([records.get(pathTo("a")), versionOf(records, "b"), rows.size], [undefined, "10", 1]);
  assert.equal(changes.at(-1), "-/v1/configmaps/default/a");
});

test("Records.restore tells nothing of a change, and holds the bytes", () => {
  const { records, rows, changes } = make();
  const meta = readObjectMeta(mapBytes("a", 10));
  records.restore("/v1/configmaps/default/a", {
    meta,
    row: "o|row",
    length: 100,
    savedAt: 5,
    epoch: 0,
    callersOnly: false,
  });
  assert.deepEqual([versionOf(records, "a"), records.get(pathTo("a"))?.savedAt, changes], ["10", 5, []]);
  assert.deepEqual([rows.holds("o|row"), records.bytes], [true, 100]);
});
