import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { JsonSyntaxError } from "../../../src/kube/json_scan.ts";
import { frameList, LIST_ITEM_BYTES_MAX, ListSplitter, splitList } from "../../../src/kube/list_codec.ts";

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function frame(options: Parameters<typeof frameList>[0]): string {
  return [...frameList(options)].map(decode).join("");
}

const HEAD = { apiVersion: "v1", kind: "PodList", resourceVersion: "9", continue: "" };

test("splitList takes a list of a built-in resource apart", () => {
  const text =
    `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9","continue":"t","remainingItemCount":4},` +
    `"items":[{"metadata":{"name":"a"}},\n {"a":[1,"]}"]} ]}\n`;
  const { head, items } = splitList(encode(text));
  assert.deepEqual(head, { ...HEAD, continue: "t", remainingItemCount: 4 });
  assert.deepEqual(items.map(decode), [`{"metadata":{"name":"a"}}`, `{"a":[1,"]}"]}`]);
});

test("splitList takes a list of a custom resource apart, whose head comes last", () => {
  const text =
    `{"apiVersion":"x/v1","items":[{"a":1}],"kind":"FooList","metadata":{"continue":"","resourceVersion":"9"}}`;
  const { head, items } = splitList(encode(text));
  assert.deepEqual(head, { apiVersion: "x/v1", kind: "FooList", resourceVersion: "9", continue: "" });
  assert.deepEqual(items.map(decode), [`{"a":1}`]);
});

describe("splitList takes an empty list", () => {
  for (const items of [`"items":[]`, `"items":[ ]`, `"items":null`, `"other":[1]`, `"items" : null , "x":5`]) {
    test(items, () => {
      const split = splitList(
        encode(`{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},${items}}`),
      );
      assert.deepEqual(split, { head: HEAD, items: [] });
    });
  }
});

describe("splitList refuses what is no list", () => {
  for (
    const text of [
      ...["", "[]", "null", "{", '{"items":[1', '{"items":[1]', '{"items":[1,]}', '{"items":[,1]}', '{"items":[1 2]}'],
      ...[
        '{"items":{}}',
        '{"items":1}',
        '{"items":[1]}{}',
        '{"items":[1],"items":[2]}',
        '{"metadata":{},"items":[],"m\\u0065tadata":{}}',
        '{"kind":"A","kind":"B"}',
        '{"items":[]"a":1}',
        '{"a":1,}',
      ],
      ...['{,"a":1}', '{"items" [1]}', '{"kind":1}', "{1:2}", '{"items":[01]}', '{"items":]}'],
    ]
  ) test(text || "nothing", () => assert.throws(() => splitList(encode(text)), JsonSyntaxError));
});

test("ListSplitter gives the same items and head in whatever chunks", () => {
  const list = fc.tuple(
    fc.array(fc.jsonValue()),
    fc.constantFrom("kind", "items", "metadata"),
    fc.constantFrom(undefined, 1),
  );
  fc.assert(fc.property(list, fc.array(fc.integer({ min: 1, max: 30 })), ([items, first, indent], sizes) => {
    const whole = { kind: "PodList", apiVersion: "v1", metadata: { resourceVersion: "9" }, items };
    const bytes = encode(JSON.stringify({ [first]: whole[first], ...whole }, undefined, indent));
    const splitter = new ListSplitter();
    const found: Uint8Array[] = [];
    let at = 0;
    for (const size of [...sizes, bytes.length]) {
      const chunk = bytes.slice(at, at + size);
      found.push(...splitter.push(chunk).map((item) => item.slice()));
      // The next chunk may come in the same memory.
      chunk.fill(0);
      at += size;
    }
    assert.deepEqual(splitter.end(), HEAD);
    assert.deepEqual(found.map((item): unknown => JSON.parse(decode(item))), JSON.parse(JSON.stringify(items)));
  }));
});

test("ListSplitter keeps an item's bytes: numbers, escapes, key order and white space", () => {
  const item = `{ "z":12345678901234567890, "a":1.50,"é":"\\u00e9\\/" }`;
  const bytes = encode(`{"items":[${item}]}`);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const splitter = new ListSplitter();
    const items = [...splitter.push(bytes.slice(0, cut)), ...splitter.push(bytes.slice(cut))];
    assert.deepEqual(items.map(decode), [item]);
  }
});

test("ListSplitter.end refuses a list that is cut off anywhere", () => {
  const bytes = encode(`{"kind":"PodList","metadata":{"resourceVersion":"9"},"items":[{"a":1},2]}`);
  for (let length = 0; length < bytes.length; length++) {
    const splitter = new ListSplitter();
    splitter.push(bytes.subarray(0, length));
    assert.throws(() => splitter.end(), JsonSyntaxError);
  }
});

test("ListSplitter refuses an item beyond LIST_ITEM_BYTES_MAX, and takes one up to it", () => {
  const chunk = encode("x".repeat(1 << 20));
  const push = (chunks: number) => {
    const splitter = new ListSplitter();
    splitter.push(encode(`{"items":["`));
    for (let count = 0; count < chunks; count++) splitter.push(chunk);
    return splitter.push(encode(`"]}`));
  };
  const fits = LIST_ITEM_BYTES_MAX / chunk.length - 1;
  assert.equal(push(fits)[0]?.length, fits * chunk.length + 2);
  assert.throws(() => push(fits + 1), /exceeds 16777216/);
});

test("frameList writes what the API server writes", () => {
  assert.equal(
    frame({ ...HEAD, items: [encode(`{"a":1}`), encode(`{"b":2}`)] }),
    `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":[{"a":1},{"b":2}]}\n`,
  );
  assert.equal(
    frame({ ...HEAD, items: [], continue: "t", remainingItemCount: 3 }),
    `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9","continue":"t","remainingItemCount":3},"items":[]}\n`,
  );
  assert.equal(
    frame({ ...HEAD, items: [encode("{}")], custom: true }),
    `{"apiVersion":"v1","items":[{}],"kind":"PodList","metadata":{"continue":"","resourceVersion":"9"}}\n`,
  );
});

test("frameList and splitList are inverse, also over many pieces", () => {
  const items = Array.from({ length: 500 }, (_, index) => encode(`{"n":${index},"text":"${"x".repeat(index)}"}`));
  for (const custom of [false, true]) {
    const pieces = [...frameList({ ...HEAD, items, custom })];
    assert.ok(pieces.length > 1);
    const splitter = new ListSplitter();
    const found = pieces.flatMap((piece) => splitter.push(piece));
    assert.deepEqual(found.map(decode), items.map(decode));
    assert.deepEqual(splitter.end(), HEAD);
  }
});
