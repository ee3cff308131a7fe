import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { JsonSyntaxError } from "../../../src/kube/json_scan.ts";
import {
  type ObjectMeta,
  readObjectMeta,
  withoutTypeMeta,
  withResourceVersion,
  withTypeMeta,
} from "../../../src/kube/object_meta.ts";
import {
  damage,
  damaged,
  fuzzRuns,
  keyText,
  objectOf,
  spaces,
  stringText,
  valueText,
} from "../../testing/json_text.ts";
import { type JsonMembers, objectAt, parseObject, stringAt } from "../../testing/json_values.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

type Member = readonly [key: string, value: string];

const labels = fc.array(fc.tuple(keyText, stringText), { maxLength: 3 });
/** Members of objects in any order, some of them missing, among others. */
const object = fc.record({
  type: fc.record({ kind: fc.option(stringText), apiVersion: fc.option(stringText) }),
  metadata: fc.option(fc.record({
    name: stringText,
    namespace: fc.oneof(stringText, fc.constant("null")),
    uid: stringText,
    resourceVersion: fc.option(stringText),
    labels: fc.option(labels),
    annotations: fc.constantFrom(undefined, '"true"', '"false"'),
    generation: fc.option(fc.integer()),
  })),
  others: fc.array(fc.tuple(keyText, valueText), { maxLength: 3 }),
  order: fc.array(fc.nat(), { minLength: 7, maxLength: 7 }),
  spaces,
  escaped: fc.boolean(),
});

type ObjectParts = typeof object extends fc.Arbitrary<infer Parts> ? Parts : never;

function objectText({ type, metadata, others, order, spaces, escaped }: ObjectParts): string {
  const key = (name: string) => escaped ? `"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}"` : `"${name}"`;
  const known: Member[] = [];
  const add = (to: Member[], name: string, value: string | undefined | null) => {
    if (value !== undefined && value !== null) to.push([key(name), value]);
  };
  add(known, "kind", type.kind);
  add(known, "apiVersion", type.apiVersion);
  if (metadata !== null) {
    const members: Member[] = [];
    for (const name of ["name", "namespace", "uid", "resourceVersion"] as const) add(members, name, metadata[name]);
    add(members, "generation", metadata.generation === null ? undefined : String(metadata.generation));
    add(members, "labels", metadata.labels === null ? undefined : objectOf(metadata.labels, spaces));
    if (metadata.annotations !== undefined) {
      add(members, "annotations", objectOf([[key("k8s.io/initial-events-end"), metadata.annotations]], spaces));
    }
    add(known, "metadata", objectOf(members, spaces));
  }
  const names = ["kind", "apiVersion", "metadata"];
  const all = [...known, ...others.filter(([other]) => !names.includes(String(JSON.parse(other))))];
  const ordered = all.map((member, index) => ({ member, rank: order[index] ?? 0 }))
    .toSorted((a, b) => a.rank - b.rank).map(({ member }) => member);
  return objectOf(ordered, spaces);
}

/** What JSON.parse makes of it, as of `readObjectMeta`. */
function metaOf(text: string): ObjectMeta {
  const object = parseObject(text);
  const metadata = objectAt(object, "metadata");
  const { generation } = metadata;
  assert.ok(generation === undefined || typeof generation === "number");
  return {
    kind: stringAt(object, "kind"),
    apiVersion: stringAt(object, "apiVersion"),
    name: stringAt(metadata, "name"),
    namespace: stringAt(metadata, "namespace"),
    uid: stringAt(metadata, "uid"),
    resourceVersion: stringAt(metadata, "resourceVersion"),
    labels: stringsOf(objectAt(metadata, "labels")),
    ...(generation === undefined ? {} : { generation }),
    initialEventsEnd: objectAt(metadata, "annotations")["k8s.io/initial-events-end"] === "true",
  };
}

/** The same members; all of them are strings. */
function stringsOf(members: JsonMembers): Readonly<Record<string, string>> {
  const strings = Object.entries(members).map(([key, value]) => {
    assert.ok(typeof value === "string", `${key} is no string`);
    return [key, value] as const;
  });
  return Object.fromEntries(strings);
}

test("readObjectMeta reads what JSON.parse does, in whatever way it is written", () => {
  fc.assert(
    fc.property(object, (parts) => {
      const text = objectText(parts);
      assert.deepEqual(readObjectMeta(encoder.encode(text)), metaOf(text));
    }),
    { numRuns: fuzzRuns },
  );
});

test("withTypeMeta, withoutTypeMeta and withResourceVersion change what they name, in whatever way it is written", () => {
  fc.assert(
    fc.property(object, (parts) => {
      const bytes = encoder.encode(objectText(parts));
      const before = parseObject(decoder.decode(bytes));
      const parsed = (changed: Uint8Array): unknown => JSON.parse(decoder.decode(changed));
      const type = { kind: "K", apiVersion: "g/v1" };
      assert.deepEqual(parsed(withTypeMeta(bytes, type)), { ...type, ...before });
      const { kind: _kind, apiVersion: _apiVersion, ...bare } = before;
      assert.deepEqual(parsed(withoutTypeMeta(bytes)), bare);
      const metadata = { ...objectAt(before, "metadata"), resourceVersion: "9" };
      assert.deepEqual(parsed(withResourceVersion(bytes, "9")), { ...before, metadata });
    }),
    { numRuns: fuzzRuns },
  );
});

test("readObjectMeta and the changes of an object throw nothing but JsonSyntaxError, whatever the bytes", () => {
  fc.assert(
    fc.property(object, fc.array(damage, { minLength: 1, maxLength: 3 }), (parts, done) => {
      const bytes = damaged(encoder.encode(objectText(parts)), done);
      for (
        const run of [
          () => readObjectMeta(bytes),
          () => withTypeMeta(bytes, { kind: "K", apiVersion: "v1" }),
          () => withoutTypeMeta(bytes),
          () => withResourceVersion(bytes, "9"),
        ]
      ) {
        try {
          run();
        } catch (error) {
          assert.ok(error instanceof JsonSyntaxError, String(error));
        }
      }
    }),
    { numRuns: 3 * fuzzRuns },
  );
});
