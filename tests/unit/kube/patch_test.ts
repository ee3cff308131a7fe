import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { patchChangesNothing } from "../../../src/kube/patch.ts";

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const MERGE = "application/merge-patch+json";
const STRATEGIC = "application/strategic-merge-patch+json; charset=utf-8";
const JSON_PATCH = "application/json-patch+json";

const NODE = {
  kind: "Node",
  apiVersion: "v1",
  metadata: { name: "n", uid: "u", resourceVersion: "5", labels: { a: "b", "c/d~e": "" }, finalizers: ["x"] },
  status: {
    addresses: [{ type: "InternalIP", address: "10.0.0.1" }, { type: "InternalIP", address: "fd00::1" }, {
      type: "Hostname",
      address: "n",
    }],
    conditions: [{ type: "MemoryPressure", status: "False" }, {
      type: "Ready",
      status: "True",
      reason: "KubeletReady",
    }],
    images: [{ names: ["a"] }],
    capacity: { cpu: "2" },
  },
};
const POD = {
  kind: "Pod",
  apiVersion: "v1",
  metadata: { uid: "u" },
  status: {
    phase: "Running",
    podIPs: [{ ip: "10.1.0.1" }, { ip: "fd00::2" }],
    conditions: [{ type: "Ready", status: "True" }, { type: "Initialized", status: "True" }],
    containerStatuses: [{ name: "c", restartCount: 1 }],
  },
};

const ROWS: readonly (readonly [string, unknown, string, unknown, boolean | undefined])[] = [
  ["merge: nothing", NODE, MERGE, {}, true],
  ["merge: the same", NODE, MERGE, { metadata: { labels: { a: "b" } }, status: { images: [{ names: ["a"] }] } }, true],
  ["merge: another value", NODE, MERGE, { metadata: { labels: { a: "c" } } }, false],
  ["merge: a new member", NODE, MERGE, { metadata: { labels: { x: "" } } }, false],
  ["merge: a new empty object", NODE, MERGE, { spec: {} }, false],
  ["merge: null of what is missing", NODE, MERGE, { spec: null, metadata: { labels: { x: null } } }, true],
  ["merge: null of what is there", NODE, MERGE, { metadata: { labels: { a: null } } }, false],
  ["merge: a shorter list", NODE, MERGE, { status: { conditions: [] } }, false],
  ["merge: another uid", NODE, MERGE, { metadata: { uid: "v" } }, false],
  ["merge: the same resourceVersion", NODE, MERGE, { metadata: { resourceVersion: "5" } }, true],
  ["merge: another resourceVersion", NODE, MERGE, { metadata: { resourceVersion: "4" } }, false],
  ["merge: no object", NODE, MERGE, "x", false],
  ["merge: inherited names", NODE, MERGE, { metadata: { labels: { constructor: null } } }, true],
  ["strategic: nothing", NODE, STRATEGIC, {}, true],
  [
    "strategic: a condition as it is",
    NODE,
    STRATEGIC,
    { status: { conditions: [{ type: "Ready", status: "True" }] } },
    true,
  ],
  [
    "strategic: a condition changes",
    NODE,
    STRATEGIC,
    { status: { conditions: [{ type: "Ready", status: "False" }] } },
    false,
  ],
  ["strategic: a new condition", NODE, STRATEGIC, { status: { conditions: [{ type: "X", status: "True" }] } }, false],
  [
    "strategic: the order as it is",
    NODE,
    STRATEGIC,
    { status: { "$setElementOrder/conditions": [{ type: "MemoryPressure" }, { type: "Ready" }] } },
    true,
  ],
  [
    "strategic: another order",
    NODE,
    STRATEGIC,
    { status: { "$setElementOrder/conditions": [{ type: "Ready" }, { type: "MemoryPressure" }] } },
    false,
  ],
  [
    "strategic: an order with what is not held",
    NODE,
    STRATEGIC,
    { status: { "$setElementOrder/conditions": [{ type: "Ready" }, { type: "X" }] } },
    true,
  ],
  [
    "strategic: addresses replaced by themselves, as kubelet sends them",
    NODE,
    STRATEGIC,
    { status: { addresses: [...NODE.status.addresses, { $patch: "replace" }] } },
    true,
  ],
  [
    "strategic: addresses replaced by others",
    NODE,
    STRATEGIC,
    { status: { addresses: [{ type: "Hostname", address: "n" }, { $patch: "replace" }] } },
    false,
  ],
  [
    "strategic: addresses of one type twice",
    NODE,
    STRATEGIC,
    { status: { addresses: NODE.status.addresses } },
    false,
  ],
  ["strategic: a list that is replaced", NODE, STRATEGIC, { status: { images: [] } }, false],
  ["strategic: a list whose strategy is not known", { a: ["x"] }, STRATEGIC, { a: ["y"] }, undefined],
  ["strategic: such a list as it is", { a: ["x"] }, STRATEGIC, { a: ["x"] }, true],
  ["strategic: a finalizer more", NODE, STRATEGIC, { metadata: { finalizers: ["y"] } }, false],
  ["strategic: finalizers as they are", NODE, STRATEGIC, { metadata: { finalizers: ["x"] } }, true],
  ["strategic: $patch", NODE, STRATEGIC, { status: { $patch: "replace" } }, false],
  ["strategic: $patch that nobody knows", NODE, STRATEGIC, { status: { $patch: "merge" } }, undefined],
  ["strategic: $patch in an element", NODE, STRATEGIC, {
    status: { conditions: [{ type: "Ready", $patch: "delete" }] },
  }, false],
  ["strategic: $retainKeys", NODE, STRATEGIC, { spec: { $retainKeys: ["a"] } }, undefined],
  ["strategic: $deleteFromPrimitiveList", NODE, STRATEGIC, {
    metadata: { "$deleteFromPrimitiveList/finalizers": ["x"] },
  }, false],
  ["strategic: another uid", POD, STRATEGIC, { metadata: { uid: "v" } }, false],
  ["strategic: a pod's status as it is", POD, STRATEGIC, {
    metadata: { uid: "u" },
    status: {
      "$setElementOrder/conditions": [{ type: "Ready" }, { type: "Initialized" }],
      "$setElementOrder/podIPs": [{ ip: "10.1.0.1" }, { ip: "fd00::2" }],
      conditions: [{ type: "Initialized", status: "True" }],
      podIPs: [{ ip: "fd00::2" }],
      containerStatuses: [{ name: "c", restartCount: 1 }],
      message: null,
    },
  }, true],
  ["strategic: containers restarted", POD, STRATEGIC, {
    status: { containerStatuses: [{ name: "c", restartCount: 2 }] },
  }, false],
  ["strategic: null of what is there", POD, STRATEGIC, { status: { phase: null } }, false],
  ["json: nothing", NODE, JSON_PATCH, [], true],
  ["json: test that holds", NODE, JSON_PATCH, [{ op: "test", path: "/metadata/uid", value: "u" }], true],
  ["json: test that fails", NODE, JSON_PATCH, [{ op: "test", path: "/metadata/uid", value: "v" }], false],
  ["json: the same value", NODE, JSON_PATCH, [{ op: "replace", path: "/metadata/labels/c~1d~0e", value: "" }], true],
  ["json: add of what is there", NODE, JSON_PATCH, [{ op: "add", path: "/metadata/labels/a", value: "b" }], true],
  ["json: add of what is new", NODE, JSON_PATCH, [{ op: "add", path: "/metadata/labels/z", value: "b" }], false],
  ["json: add to a list", NODE, JSON_PATCH, [{ op: "add", path: "/metadata/finalizers/-", value: "x" }], false],
  ["json: remove", NODE, JSON_PATCH, [{ op: "remove", path: "/metadata/labels/a" }], false],
  ["json: add, then remove", NODE, JSON_PATCH, [
    { op: "add", path: "/metadata/finalizers/0", value: "y" },
    { op: "remove", path: "/metadata/finalizers/0" },
  ], true],
  ["json: replace of what is missing", NODE, JSON_PATCH, [{ op: "replace", path: "/metadata/x", value: 1 }], false],
  ["json: a path through what is missing", NODE, JSON_PATCH, [{ op: "add", path: "/spec/x", value: 1 }], false],
  ["json: an index with a zero in front", NODE, JSON_PATCH, [{
    op: "test",
    path: "/metadata/finalizers/00",
    value: "x",
  }], undefined],
  ["json: move of what is missing", NODE, JSON_PATCH, [{ op: "move", from: "/a", path: "/b" }], false],
  ["json: move onto itself", NODE, JSON_PATCH, [{ op: "move", from: "/spec", path: "/spec" }], false],
  ["json: the whole document", NODE, JSON_PATCH, [{ op: "replace", path: "", value: NODE }], undefined],
  ["json: no list", NODE, JSON_PATCH, {}, false],
  ["apply", NODE, "application/apply-patch+yaml", {}, undefined],
];

describe("patchChangesNothing", () => {
  for (const [name, held, contentType, patch, verdict] of ROWS) {
    test(name, () => {
      const before = bytesOf(held);
      assert.equal(patchChangesNothing(before, { body: bytesOf(patch), contentType }), verdict);
      assert.deepEqual(before, bytesOf(held));
    });
  }

  test("numbers beyond 2^53 are compared to their last digit", () => {
    const raw = (text: string): Uint8Array => new TextEncoder().encode(text);
    const held = raw(`{"a":12345678901234567890}`);
    for (const [digit, verdict] of [[0, true], [1, false]] as const) {
      const body = raw(`{"a":1234567890123456789${digit}}`);
      assert.equal(patchChangesNothing(held, { body, contentType: MERGE }), verdict);
    }
  });

  test("a patch that is no JSON is one that the API server refuses", () => {
    const body = new TextEncoder().encode("{");
    for (const contentType of [MERGE, STRATEGIC, JSON_PATCH]) {
      assert.equal(patchChangesNothing(bytesOf(NODE), { body, contentType }), false);
    }
  });
});
