import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { JsonSyntaxError } from "../../../src/kube/json_scan.ts";
import { readObjectMeta, withoutTypeMeta, withResourceVersion, withTypeMeta } from "../../../src/kube/object_meta.ts";

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

const POD = `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web","namespace":"default","uid":"u-1",` +
  `"resourceVersion":"812","generation":3,"creationTimestamp":"2026-11-20T10:00:00Z",` +
  `"deletionTimestamp":"2026-11-20T11:00:00Z","labels":{"app":"w\\u00e9b","é":""},"annotations":{"a":"b"}},` +
  `"spec":{"name":"no","metadata":{"name":"no"},"big":12345678901234567890}}`;

test("readObjectMeta reads what the hub needs", () => {
  assert.deepEqual(readObjectMeta(encode(POD)), {
    apiVersion: "v1",
    kind: "Pod",
    namespace: "default",
    name: "web",
    uid: "u-1",
    resourceVersion: "812",
    labels: { app: "wéb", é: "" },
    deletionTimestamp: "2026-11-20T11:00:00Z",
    generation: 3,
    initialEventsEnd: false,
  });
});

test("readObjectMeta takes members in any order, and null for missing", () => {
  const meta = readObjectMeta(
    encode(`{"metadata":{"labels":null,"name":"x","deletionTimestamp":null},"spec":1,"kind":"K"}`),
  );
  assert.deepEqual([meta.kind, meta.name, meta.apiVersion, meta.labels, meta.deletionTimestamp], [
    "K",
    "x",
    "",
    {},
    undefined,
  ]);
});

test("readObjectMeta reads keys that are written with escapes, and of members of one name the first", () => {
  const escaped = readObjectMeta(encode(`{"k\\u0069nd":"K","\\u006detadata":{"n\\u0061me":"x"},"apiVersion":"v1"}`));
  assert.deepEqual([escaped.kind, escaped.name], ["K", "x"]);
  const twice = readObjectMeta(encode(`{"kind":"K","kind":"L","apiVersion":"v1","metadata":{"name":"x"}}`));
  assert.deepEqual([twice.kind, twice.name], ["K", "x"]);
});

test("readObjectMeta refuses a generation that is no number", () => {
  for (const generation of ['"3"', "{}", "1e400"]) {
    assert.throws(() => readObjectMeta(encode(`{"metadata":{"generation":${generation}}}`)), JsonSyntaxError);
  }
});

test("readObjectMeta sees the annotation that ends the initial events", () => {
  const bookmark = (value: string) =>
    readObjectMeta(encode(`{"metadata":{"annotations":{"x":"y","k8s.io/initial-events-end":${value}}}}`));
  assert.equal(bookmark('"true"').initialEventsEnd, true);
  assert.equal(bookmark('"false"').initialEventsEnd, false);
});

test("readObjectMeta keeps a label called __proto__ a label", () => {
  const meta = readObjectMeta(encode(`{"metadata":{"labels":{"__proto__":"x"}}}`));
  assert.deepEqual(Object.entries(meta.labels), [["__proto__", "x"]]);
});

test("readObjectMeta refuses what is no object", () => {
  for (
    const text of [
      "",
      "[]",
      '"x"',
      '{"metadata":[]}',
      '{"metadata":{"name":1}}',
      '{"kind":{}}',
      '{"metadata":{"name":"x"}',
    ]
  ) {
    assert.throws(() => readObjectMeta(encode(text)), JsonSyntaxError, text);
  }
});

const TYPE = { apiVersion: "apps/v1", kind: "Deployment" };

describe("withTypeMeta puts in what is missing", () => {
  for (
    const [object, typed] of [
      [`{"metadata":{}}`, `{"kind":"Deployment","apiVersion":"apps/v1","metadata":{}}`],
      [`{}`, `{"kind":"Deployment","apiVersion":"apps/v1"}`],
      [` { } `, ` {"kind":"Deployment","apiVersion":"apps/v1" } `],
      [`{"apiVersion":"x/v1","a":1}`, `{"kind":"Deployment","apiVersion":"x/v1","a":1}`],
      [`{"a":1,"kind":"K"}`, `{"apiVersion":"apps/v1","a":1,"kind":"K"}`],
      [
        `{"a":{"kind":"K","apiVersion":"v1"}}`,
        `{"kind":"Deployment","apiVersion":"apps/v1","a":{"kind":"K","apiVersion":"v1"}}`,
      ],
    ] as const
  ) test(object, () => assert.equal(decode(withTypeMeta(encode(object), TYPE)), typed));
});

test("withTypeMeta gives an object with both as it is", () => {
  const object = encode(POD);
  assert.equal(withTypeMeta(object, TYPE), object);
});

describe("withoutTypeMeta takes both off", () => {
  for (
    const [object, bare] of [
      [`{"kind":"K","apiVersion":"v1","a":1}`, `{"a":1}`],
      [`{"kind":"K","apiVersion":"v1"}`, `{}`],
      [`{"a":1,"apiVersion":"v1","kind":"K"}`, `{"a":1}`],
      [`{"apiVersion":"v1","a":{"kind":"K"},"kind":"K"}`, `{"a":{"kind":"K"}}`],
      [`{"a":1}`, `{"a":1}`],
      [`{ "kind" : "K" , "a":1}`, `{  "a":1}`],
      [`{"a":1 , "kind":"K" }`, `{"a":1  }`],
    ] as const
  ) test(object, () => assert.equal(decode(withoutTypeMeta(encode(object))), bare));
});

test("withoutTypeMeta is the inverse of withTypeMeta, byte for byte", () => {
  const members = fc.dictionary(fc.string().filter((key) => key !== "kind" && key !== "apiVersion"), fc.jsonValue());
  fc.assert(fc.property(members, fc.constantFrom(undefined, 1, "\t"), (object, indent) => {
    const text = JSON.stringify(object, undefined, indent);
    const typed = withTypeMeta(encode(text), TYPE);
    assert.deepEqual(JSON.parse(decode(typed)), { ...JSON.parse(text), kind: TYPE.kind, apiVersion: TYPE.apiVersion });
    assert.equal(decode(withoutTypeMeta(typed)), text);
  }));
});

describe("withResourceVersion replaces the version and nothing else", () => {
  for (
    const [object, changed] of [
      [POD, POD.replace('"812"', '"9"')],
      [`{"metadata":{"name":"x"}}`, `{"metadata":{"resourceVersion":"9","name":"x"}}`],
      [`{"metadata":{ }}`, `{"metadata":{"resourceVersion":"9" }}`],
      [
        `{"a":{"metadata":{"resourceVersion":"1"}}}`,
        `{"metadata":{"resourceVersion":"9"},"a":{"metadata":{"resourceVersion":"1"}}}`,
      ],
      [
        `{"metadata":{"x":{"resourceVersion":"1"},"resourceVersion" : ""}}`,
        `{"metadata":{"x":{"resourceVersion":"1"},"resourceVersion" : "9"}}`,
      ],
    ] as const
  ) test(object.slice(0, 60), () => assert.equal(decode(withResourceVersion(encode(object), "9")), changed));
});

test("readObjectMeta reads texts right that come again and again, whatever others were read meanwhile", () => {
  const texts = ["", "a", "é", "\u0000", 'a"b', "a\\b", "x".repeat(64), "x".repeat(65), "x".repeat(500)];
  for (let number = 0; number < 5_000; number++) texts.push(`text ${number}`, `${"y".repeat(number % 70)}`);
  for (let round = 0; round < 2; round++) {
    for (const text of texts) {
      const meta = { namespace: text, name: text, labels: { [text]: text, other: text } };
      const read = readObjectMeta(encode(JSON.stringify({ kind: text, apiVersion: text, metadata: meta })));
      assert.deepEqual([read.kind, read.apiVersion, read.namespace, read.name], [text, text, text, text]);
      assert.deepEqual(read.labels, meta.labels);
    }
  }
});
