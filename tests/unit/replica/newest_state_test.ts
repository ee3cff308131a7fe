import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeScope } from "../../../src/identity/scope.ts";
import type { Query } from "../../../src/kube/resources.ts";
import type { Replica } from "../../../src/replica/replica.ts";
import { loneReplica } from "../../testing/lone_replica.ts";

const widgets = { group: "example.com", version: "v1", resource: "widgets", namespace: "", labelSelector: "" };
const all: Query = { ...widgets, fieldSelector: "" };
const red: Query = { ...widgets, fieldSelector: "spec.colour=red" };
const named: Query = { ...widgets, fieldSelector: "metadata.name!=z" };

interface Listed {
  readonly version: string;
  /** Each as `name@version`. */
  readonly objects: readonly string[];
}

/** Makes a complete list known. */
function list(replica: Replica, query: Query, { version, objects }: Listed): void {
  const items = objects.map((text) => {
    const [name = "", resourceVersion = ""] = text.split("@");
    const metadata = { name, namespace: "n", uid: name, resourceVersion };
    return new TextEncoder().encode(JSON.stringify({ apiVersion: "example.com/v1", kind: "Widget", metadata }));
  });
  const type = { apiVersion: "example.com/v1", kind: "Widget", listKind: "WidgetList" };
  replica.listed(nodeScope, query, { ...type, resourceVersion: version, items });
}

async function state(replica: Replica, query: Query): Promise<readonly string[]> {
  const view = replica.of(query).view(query, ({ synced }) => synced);
  assert.ok(view);
  return (await replica.of(query).newestState(view)).map(({ meta }) => `${meta.name}@${meta.resourceVersion}`);
}

test("R10: where it can be told what is selected, what another collection knows newer replaces the own state", async () => {
  const { replica } = loneReplica();
  list(replica, named, { version: "5", objects: ["a@3", "b@4"] });
  list(replica, all, { version: "9", objects: ["a@8", "z@7"] });
  assert.deepEqual(await state(replica, named), ["a@8"]);
});

test("R11: where it cannot be told what is selected, the own state stays, but for what is known to be gone", async () => {
  const { replica } = loneReplica();
  list(replica, red, { version: "5", objects: ["a@3", "b@4"] });
  list(replica, all, { version: "9", objects: ["a@8", "c@7"] });
  assert.deepEqual(await state(replica, red), ["a@3"]);
});

test("R5: what leaves a selection, and may be there still, is not shown older where it is known from before only", async () => {
  const { replica } = loneReplica();
  const labelled: Query = { ...all, labelSelector: "colour=red" };
  list(replica, all, { version: "5", objects: ["a@3"] });
  list(replica, labelled, { version: "7", objects: ["a@6", "b@7"] });
  list(replica, labelled, { version: "9", objects: [] });
  assert.deepEqual(await state(replica, all), ["a@6", "b@7"]);
  assert.equal(replica.of(all).find({ ...widgets, namespace: "n", name: "b" })?.held.meta.resourceVersion, "7");
  list(replica, all, { version: "10", objects: ["a@8"] });
  assert.deepEqual(await state(replica, all), ["a@8"]);
  assert.deepEqual(await state(replica, labelled), []);
});

test("R5: nor where the selection's readers were shown what was newer than it", async () => {
  const { replica } = loneReplica();
  const labelled: Query = { ...all, labelSelector: "colour=red" };
  list(replica, all, { version: "5", objects: ["a@3"] });
  list(replica, labelled, { version: "7", objects: ["a@6", "b@7"] });
  replica.held(nodeScope, labelled)?.showBeyond("8");
  list(replica, labelled, { version: "9", objects: [] });
  assert.deepEqual(await state(replica, all), ["a@6", "b@7"]);
});

test("R5: what leaves a selection does not take the place of a newer record", async () => {
  const { replica } = loneReplica();
  const labelled: Query = { ...all, labelSelector: "colour=red" };
  list(replica, all, { version: "5", objects: ["a@3"] });
  list(replica, labelled, { version: "7", objects: ["a@6"] });
  const metadata = { name: "a", namespace: "n", uid: "a", resourceVersion: "9" };
  const bytes = new TextEncoder().encode(JSON.stringify({ apiVersion: "example.com/v1", kind: "Widget", metadata }));
  replica.records.put({ ...widgets, namespace: "n", name: "a" }, { bytes, savedAt: 0 });
  list(replica, labelled, { version: "9", objects: [] });
  assert.deepEqual(await state(replica, all), ["a@9"]);
});

test("R2: what leaves a selection is not kept where nothing else tells of its name", () => {
  const { replica } = loneReplica();
  const labelled: Query = { ...all, labelSelector: "colour=red" };
  list(replica, labelled, { version: "7", objects: ["a@6"] });
  list(replica, labelled, { version: "9", objects: [] });
  assert.equal(replica.records.size, 0);
});
