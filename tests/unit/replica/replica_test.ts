import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeScope } from "../../../src/identity/scope.ts";
import { readObjectMeta } from "../../../src/kube/object_meta.ts";
import type { Query } from "../../../src/kube/resources.ts";
import type { Collection } from "../../../src/replica/collection.ts";
import { mapBytes, mapList, mapsQuery, type ObjectOptions } from "../../testing/json_objects.ts";
import { loneReplica } from "../../testing/lone_replica.ts";

const pathTo = (name: string) => ({ group: "", version: "v1", resource: "configmaps", namespace: "default", name });

/** Collections of ConfigMaps that are complete at 10, with `a` at 5 (labelled `app=x`) where they select it. */
function make() {
  const { replica, clock } = loneReplica();
  const a = mapBytes("a", 5, { labels: { app: "x" } });
  const collection = (changed: Partial<Query>, ...items: readonly Uint8Array[]): Collection => {
    const query = { ...mapsQuery, ...changed };
    replica.listed(nodeScope, query, mapList(10, ...items));
    const made = replica.held(nodeScope, query);
    assert.ok(made);
    return made;
  };
  const collections = {
    all: collection({}, a),
    ofDefault: collection({ namespace: "default" }, a),
    ofOther: collection({ namespace: "other" }),
    labelled: collection({ labelSelector: "app=x" }, a),
    unlabelled: collection({ labelSelector: "!app" }),
    named: collection({ fieldSelector: "metadata.name=a" }, a),
    secrets: collection({ resource: "secrets" }),
  };
  const write = (name: string, version: number, options: ObjectOptions = {}) => {
    const bytes = mapBytes(name, version, options);
    replica.of(pathTo(name)).shown({ meta: readObjectMeta(bytes), bytes });
  };
  const behind = () =>
    Object.entries(collections).filter(([, one]) => replica.freshness.isBehind(one)).map(([name]) => name);
  return { replica, clock, collection, behind, write, ...collections };
}

describe("R5: a write's answer", () => {
  test("makes the collections behind that hold the object or select it, until they reach its version", () => {
    const { behind, write, all, ofDefault, labelled, named } = make();
    write("a", 20, { labels: { app: "x" } });
    assert.deepEqual(behind(), ["all", "ofDefault", "labelled", "named"]);
    for (const collection of [all, ofDefault, labelled]) collection.advance("20");
    named.advance("19");
    assert.deepEqual(behind(), ["named"]);
    named.apply("MODIFIED", mapBytes("a", 20, { labels: { app: "x" } }));
    assert.deepEqual(behind(), []);
  });

  test("concerns those that held it before, though they no longer select it, and those that do from now on", () => {
    const { behind, write } = make();
    write("a", 20, { labels: {} });
    assert.deepEqual(behind(), ["all", "ofDefault", "labelled", "unlabelled", "named"]);
  });

  test("of a new object concerns those that select it", () => {
    const { behind, write } = make();
    write("new", 20, { labels: { app: "x" } });
    assert.deepEqual(behind(), ["all", "ofDefault", "labelled"]);
  });

  test("that a collection has overtaken does not concern it", () => {
    const { behind, write, all, labelled } = make();
    all.advance("20");
    labelled.advance("21");
    write("a", 20, { labels: { app: "x" } });
    assert.deepEqual(behind(), ["ofDefault", "named"]);
  });

  test("concerns a collection whose field selector its bytes decide", () => {
    const { replica, collection } = make();
    const [mine, others] = ["n", "m"].map((node) =>
      collection({ resource: "pods", fieldSelector: `spec.nodeName=${node}` })
    );
    assert.ok(mine !== undefined && others !== undefined);
    const metadata = { name: "p", namespace: "default", uid: "p", resourceVersion: "20" };
    const text = JSON.stringify({ kind: "Pod", apiVersion: "v1", metadata, spec: { nodeName: "n" } });
    const bytes = new TextEncoder().encode(text);
    replica.of({ ...pathTo("p"), resource: "pods" }).shown({ meta: readObjectMeta(bytes), bytes });
    assert.deepEqual([replica.freshness.isBehind(mine), replica.freshness.isBehind(others)], [true, false]);
  });
});

test("R5: a collection's event makes the others behind, not itself", () => {
  const { behind, named, all } = make();
  named.apply("MODIFIED", mapBytes("a", 20, { labels: { app: "x" } }));
  assert.deepEqual(behind(), ["all", "ofDefault", "labelled"]);
  all.replace(mapList(30, mapBytes("a", 20, { labels: { app: "x" } }), mapBytes("b", 25)));
  assert.deepEqual(behind(), ["ofDefault", "labelled", "unlabelled"]);
});

test("R5: a new epoch clears what was asked of all collections of the resource", () => {
  const { behind, write, all } = make();
  write("a", 20, { labels: { app: "x" } });
  all.replace(mapList(7));
  assert.deepEqual(behind(), []);
});

test("R5: a collection that comes late to a restore leaves what was recorded and shown since", () => {
  const { replica, behind, write, all, ofDefault } = make();
  all.replace(mapList(7));
  ofDefault.replace(mapList(8, mapBytes("b", 8)), { newEpoch: true });
  replica.records.put(pathTo("c"), { bytes: mapBytes("c", 9), savedAt: 0 });
  write("c", 9);
  assert.deepEqual(behind().filter((name) => ["all", "ofDefault"].includes(name)), ["all", "ofDefault"]);
  replica.held(nodeScope, { ...mapsQuery, fieldSelector: "metadata.name=a" })?.replace(mapList(10), { newEpoch: true });
  assert.ok(replica.records.get(pathTo("c")));
  assert.deepEqual(behind().filter((name) => ["all", "ofDefault"].includes(name)), ["all", "ofDefault"]);
});

test("R5: a deletion's answer makes the collections behind that hold the object, until they have seen it", () => {
  const { replica, behind, all, ofDefault, labelled, named } = make();
  replica.of(pathTo("a")).shownGone(pathTo("a"), { uid: "a" });
  assert.deepEqual(behind(), ["all", "ofDefault", "labelled", "named"]);
  all.advance("1000");
  all.apply("DELETED", mapBytes("none", 1_001));
  assert.equal(behind().includes("all"), true);
  all.apply("DELETED", mapBytes("a", 1_002));
  ofDefault.replace(mapList(30));
  assert.deepEqual(behind(), ["labelled", "named"]);
  labelled.apply("DELETED", mapBytes("a", 31));
  named.apply("DELETED", mapBytes("a", 31));
  assert.deepEqual(behind(), []);
});

test("R5: a deletion's answer of another uid concerns nobody", () => {
  const { replica, behind } = make();
  replica.of(pathTo("a")).shownGone(pathTo("a"), { uid: "another" });
  assert.deepEqual(behind(), []);
});

describe("R2: a deletion that was seen", () => {
  test("by an answer hides the object in stale collections, and ends its record", () => {
    const { replica, all } = make();
    replica.records.put(pathTo("a"), { bytes: mapBytes("a", 50), savedAt: 1 });
    assert.equal(replica.of(pathTo("a")).find(pathTo("a"))?.held.meta.resourceVersion, "50");
    replica.of(pathTo("a")).shownGone(pathTo("a"), { uid: "a" });
    const held = all.get("default", "a");
    assert.ok(held);
    assert.deepEqual([
      replica.of(pathTo("a")).find(pathTo("a")),
      replica.of(mapsQuery).isGone(held),
      replica.records.size,
    ], [undefined, true, 0]);
  });

  for (const how of ["event", "list"]) {
    test(`by a collection's ${how} hides the object in the others, and ends its record`, () => {
      const { replica, all, named } = make();
      replica.records.put(pathTo("a"), { bytes: mapBytes("a", 5, { value: "of a record" }), savedAt: 1 });
      if (how === "event") named.apply("DELETED", mapBytes("a", 20));
      else named.replace(mapList(20));
      const held = all.get("default", "a");
      assert.ok(held);
      assert.deepEqual([
        replica.of(pathTo("a")).find(pathTo("a")),
        replica.of(mapsQuery).isGone(held),
        replica.records.size,
      ], [undefined, true, 0]);
    });
  }

  test("leaves a newer object of that name", () => {
    const { replica, all, named } = make();
    named.apply("DELETED", mapBytes("a", 20));
    all.apply("DELETED", mapBytes("a", 20));
    all.apply("ADDED", mapBytes("a", 21, { uid: "new" }));
    assert.equal(replica.of(pathTo("a")).find(pathTo("a"))?.held.meta.uid, "new");
  });

  test("is none where an object leaves a label selector's collection: it may live on", () => {
    const { replica, labelled } = make();
    labelled.apply("DELETED", mapBytes("a", 20));
    assert.equal(replica.of(pathTo("a")).find(pathTo("a"))?.held.meta.resourceVersion, "5");
  });
});

describe("R2: Replica.find", () => {
  test("takes the newest of records and collections", () => {
    const { replica, all } = make();
    assert.equal(replica.of(pathTo("a")).find(pathTo("a"))?.held.meta.resourceVersion, "5");
    replica.records.put(pathTo("a"), { bytes: mapBytes("a", 15), savedAt: 1 });
    assert.equal(replica.of(pathTo("a")).find(pathTo("a"))?.held.meta.resourceVersion, "15");
    all.apply("MODIFIED", mapBytes("a", 16));
    assert.equal(replica.of(pathTo("a")).find(pathTo("a"))?.held.meta.resourceVersion, "16");
  });

  test("takes no record that a collection that covers its name has passed", () => {
    const { replica, all } = make();
    replica.records.put(pathTo("new"), { bytes: mapBytes("new", 15), savedAt: 1 });
    assert.equal(replica.of(pathTo("new")).find(pathTo("new"))?.held.meta.resourceVersion, "15");
    all.advance("15");
    assert.equal(replica.of(pathTo("new")).find(pathTo("new"))?.held.meta.resourceVersion, "15");
    all.advance("16");
    assert.equal(replica.of(pathTo("new")).find(pathTo("new")), undefined);
  });
});

for (
  const [what, changed, covers] of [
    ["all namespaces", {}, true],
    ["its namespace", { namespace: "default" }, true],
    ["another namespace", { namespace: "other" }, false],
    ["its name", { fieldSelector: "metadata.name=z" }, true],
    ["another name", { fieldSelector: "metadata.name=y" }, false],
    ["a label selector", { labelSelector: "app" }, false],
    ["another version of the API", { version: "v2" }, false],
  ] as const
) {
  test(`R11: ResourceReplica.covering finds ${covers ? "" : "not "}a collection of ${what}`, () => {
    const { replica } = loneReplica();
    replica.listed(nodeScope, { ...mapsQuery, ...changed }, mapList(10));
    const covering = replica.of(mapsQuery).covering(pathTo("z"), () => true);
    assert.equal(covering !== undefined, covers);
  });
}

test("R9: Replica.listed takes no list that was overtaken", () => {
  const { replica, all } = make();
  replica.listed(nodeScope, mapsQuery, mapList(9));
  assert.deepEqual([all.resourceVersion, all.size, all.epoch], ["10", 1, 0]);
});

test("R2: Replica.listed takes a list while a reflector tries to reach the cloud, beside the collection once it is live", async () => {
  const { replica, all } = make();
  replica.reflectors.start(all);
  replica.listed(nodeScope, mapsQuery, mapList(20, mapBytes("a", 5), mapBytes("b", 15)));
  assert.deepEqual([all.resourceVersion, all.size], ["20", 2]);
  all.enter("live");
  replica.listed(nodeScope, mapsQuery, mapList(30, mapBytes("a", 5), mapBytes("b", 25)));
  assert.equal(all.resourceVersion, "20");
  assert.equal(replica.of(mapsQuery).find(pathTo("b"))?.held.meta.resourceVersion, "25");
  assert.equal(replica.records.size, 1);
  await replica.close();
});
