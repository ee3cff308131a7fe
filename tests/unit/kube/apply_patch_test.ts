import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { applyPatch } from "../../../src/kube/patch.ts";
import { PatchRefusal } from "../../../src/kube/patch_refusal.ts";
import { EVENT, NEW_EVENT, NODE, POD } from "./patch_objects.ts";
import type { PatchRow } from "./patch_row.ts";
import { PATCH_ROWS } from "./patch_rows.ts";
import { withValues } from "./with_values.ts";

const OBJECTS = { node: NODE, pod: POD, event: EVENT, newEvent: NEW_EVENT };
const TYPES = {
  strategic: "application/strategic-merge-patch+json",
  merge: "application/merge-patch+json; charset=utf-8",
  json: "application/json-patch+json",
};

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function apply(held: Uint8Array, { object, type = "strategic", patch }: PatchRow): Uint8Array {
  const subresource = object === "node" || object === "pod" ? "status" : "";
  return applyPatch(held, { body: bytesOf(patch), contentType: TYPES[type], subresource });
}

describe("applyPatch makes of it what the API server makes of it", () => {
  for (const row of PATCH_ROWS) {
    test(`${row.object}: ${row.name}`, () => {
      const held = bytesOf(OBJECTS[row.object]);
      const before = textOf(held);
      if (row.refused !== undefined) {
        assert.throws(() => apply(held, row), (error) => error instanceof PatchRefusal && error.code === row.refused);
      } else {
        const after = apply(held, row);
        assert.deepEqual(JSON.parse(textOf(after)), withValues(OBJECTS[row.object], row.want ?? {}));
        assert.equal(after === held, Object.keys(row.want ?? {}).length === 0);
        const repeatable = row.type !== "json" && !JSON.stringify(row.patch).includes("$patch");
        if (repeatable) assert.equal(textOf(apply(after, row)), textOf(after), "applied again");
      }
      assert.equal(textOf(held), before);
    });
  }
});

function nested(levels: number): unknown {
  return levels === 0 ? 0 : [nested(levels - 1)];
}

describe("applyPatch", () => {
  const held =
    `{"kind":"Node", "apiVersion":"v1","metadata":{"name":"n","uid":"u","annotations":{"a":"\\u003cb\\u003e"}},` +
    `"spec":{"n":12345678901234567890},"status":{"images":[{"sizeBytes":12345678901234567890}],"x":1.0,` +
    `"conditions":[{"type":"A","n":12345678901234567890},{"type":"B","status":"True"}]}}\n`;

  const strategic = (patch: string, subresource = "status", object = held): string =>
    textOf(
      applyPatch(new TextEncoder().encode(object), {
        body: new TextEncoder().encode(patch),
        contentType: TYPES.strategic,
        subresource,
      }),
    );

  test("keeps the bytes of what is not changed, and of what the patch sets", () => {
    const after = strategic(`{"status":{"conditions":[{"type":"B","status":"\\u0046","m":98765432109876543210}]}}`);
    const want = held.trimEnd().replace(`"kind":"Node", `, `"kind":"Node",`).replace(
      `"status":"True"`,
      `"status":"\\u0046","m":98765432109876543210`,
    );
    assert.equal(after, want);
  });

  for (
    const [name, patch] of [
      ["a list of which it is not known how it is merged", { status: { unknown: [{ a: 2 }] } }],
      ["an order of such a list", { status: { "$setElementOrder/unknown": [{ a: 1 }] } }],
      ["an order of a list that is replaced", { status: { "$setElementOrder/images": [] } }],
      ["a change of the spec", { spec: { n: 1 } }],
      ["a change of the name", { metadata: { name: "other" } }],
      ["managed fields", { metadata: { managedFields: [{}] } }],
      ["a directive for the whole object", { $patch: "replace", status: {} }],
      ["a directive in a list that is replaced", { status: { images: [{ $patch: "replace" }] } }],
      ["a directive where nothing is held", { status: { fresh: { $patch: "delete" } } }],
      ["$retainKeys that is no list", { status: { $retainKeys: "a" } }],
      ["$patch that is no text", { status: { $patch: 1 } }],
      ["$setElementOrder without a name", { status: { $setElementOrder: [] } }],
      ["deep nesting", { status: { a: nested(40) } }],
    ] as const
  ) {
    test(`does not guess: ${name}`, () => {
      const object = held.replace(`"x":1.0`, `"unknown":[{"a":1}]`);
      assert.throws(
        () => strategic(JSON.stringify(patch), "status", object),
        (error) => error instanceof PatchRefusal && error.code === "unknown",
      );
    });
  }

  test("takes a list whose merging is not known where it is the held one, or none is held", () => {
    assert.equal(strategic(`{"status":{"other":["a"]}}`).includes(`"other":["a"]`), true);
    const object = held.replace(`"x":1.0`, `"unknown":["a","b"]`);
    assert.equal(strategic(`{"status":{"unknown":["a","b"]}}`, "status", object), object);
  });

  test("refuses other kinds, other endpoints, other media types", () => {
    const refused = (error: unknown): boolean => error instanceof PatchRefusal && error.code === "unknown";
    assert.throws(() => strategic("{}", ""), refused);
    assert.throws(() => strategic("{}", "status", held.replace("Node", "Service")), refused);
    assert.throws(() => strategic("{}", "status", held.replace(`"v1"`, `"example.com/v1"`)), refused);
    const request = { body: bytesOf({}), contentType: "application/apply-patch+yaml", subresource: "status" };
    assert.throws(() => applyPatch(bytesOf(NODE), request), refused);
  });

  test("refuses what is no JSON, and what is no patch", () => {
    const malformed = (error: unknown): boolean => error instanceof PatchRefusal && error.code === "malformed";
    for (const patch of ["", "{", "[]", `"x"`, "{}{}"]) assert.throws(() => strategic(patch), malformed, patch);
  });

  test("throws nothing but PatchRefusal, and its results are JSON, whatever the patch", () => {
    const keys = ["status", "metadata", "conditions", "addresses", "capacity", "type", "finalizers", "images", "x"];
    const key = fc.constantFrom(
      ...[...keys, "$patch", "$retainKeys", "$setElementOrder/conditions", "$deleteFromPrimitiveList/finalizers"],
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom(null, "Ready", "delete", "replace", "InternalIP", "", 0, true),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(key, tie("value"), { maxKeys: 4 }),
      ),
    }));
    const operation = fc.record({
      op: fc.constantFrom("add", "remove", "replace", "test", "move", "copy"),
      path: fc.constantFrom(
        "/status",
        "/status/conditions/0",
        "/status/addresses/-",
        "/metadata/labels/zone",
        "/x/y",
        "",
      ),
      from: fc.constantFrom("/status/conditions", "/status/images/0", "/metadata", "/none"),
      value,
    });
    const request = fc.oneof(
      fc.record({ contentType: fc.constantFrom(TYPES.strategic, TYPES.merge), patch: value }),
      fc.record({ contentType: fc.constant(TYPES.json), patch: fc.array(operation, { maxLength: 3 }) }),
    );
    fc.assert(
      fc.property(request, ({ contentType, patch }) => {
        try {
          JSON.parse(textOf(applyPatch(bytesOf(NODE), { body: bytesOf(patch), contentType, subresource: "status" })));
        } catch (error) {
          assert.ok(error instanceof PatchRefusal, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });

  test("names members of every object's prototype like any other", () => {
    const after = strategic(`{"metadata":{"labels":{"__proto__":"a","constructor":"b"}}}`);
    assert.equal(after.includes(`"labels":{"__proto__":"a","constructor":"b"}`), true);
  });
});
