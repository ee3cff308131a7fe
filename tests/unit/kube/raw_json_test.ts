import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { JsonSyntaxError } from "../../../src/kube/json_scan.ts";
import {
  hasDirective,
  isEmpty,
  JsonMembers,
  jsonTypeOf,
  rawEqual,
  rawEquivalent,
  readDocument,
  readElements,
  textOf,
  writeElements,
} from "../../../src/kube/raw_json.ts";

const raw = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

describe("JsonMembers", () => {
  test("gives back what came where nothing has changed, white space and all", () => {
    const came = raw(`{ "a" : 1.0 ,\n"b":[ 1 ] }`);
    const members = new JsonMembers(came);
    members.set("a", raw("1.0"));
    members.delete("c");
    assert.equal(members.bytes(), came);
  });

  test("keeps the bytes of keys and values beside those that change", () => {
    const members = new JsonMembers(raw(`{"\\u0061b":12345678901234567890,"c":"\\u003c","d":1}`));
    members.set("d", raw("2"));
    members.set("e", raw("null"));
    assert.equal(text(members.bytes()), `{"\\u0061b":12345678901234567890,"c":"\\u003c","d":2,"e":null}`);
    members.set("ab", raw("0"));
    members.delete("c");
    assert.equal(text(members.bytes()), `{"\\u0061b":0,"d":2,"e":null}`);
  });

  test("takes the last of members with one key", () => {
    const members = new JsonMembers(raw(`{"a":1,"b":2,"a":3}`));
    assert.equal(text(members.get("a")), "3");
    assert.equal(text(members.bytes()), `{"a":3,"b":2}`);
  });

  test("tells what is null from what is missing only where it is asked for", () => {
    const members = new JsonMembers(raw(`{"a":null}`));
    assert.equal(text(members.get("a")), "null");
    assert.equal(members.present("a"), undefined);
    assert.equal(members.has("a"), true);
  });

  test("becomes an empty object", () => {
    const members = new JsonMembers(raw(`{"constructor":1}`));
    members.delete("constructor");
    assert.equal(text(members.bytes()), "{}");
    assert.deepEqual(members.keys(), []);
  });

  test("throws where there is no object", () => {
    assert.throws(() => new JsonMembers(raw("[]")), JsonSyntaxError);
    assert.throws(() => new JsonMembers(raw(`{"a"}`)), JsonSyntaxError);
  });
});

test("readDocument takes white space off, and nothing else", () => {
  assert.equal(text(readDocument(raw(`\n {"a":1} \n`))), `{"a":1}`);
  assert.throws(() => readDocument(raw(`{} {}`)), JsonSyntaxError);
  assert.throws(() => readDocument(raw(`{`)), JsonSyntaxError);
  assert.throws(() => readDocument(raw("")), JsonSyntaxError);
});

test("jsonTypeOf goes by the first byte", () => {
  const types = ["{}", "[]", `""`, "-1", "2", "true", "false", "null"].map((value) => jsonTypeOf(raw(value)));
  assert.deepEqual(types, ["object", "array", "string", "number", "number", "boolean", "boolean", "null"]);
});

test("readElements and writeElements are inverse, byte for byte", () => {
  for (const list of ["[]", "[1]", `[{"a":[1.0]},"\\u003c",null]`]) {
    assert.equal(text(writeElements(readElements(raw(list)))), list);
  }
});

test("textOf is undefined for what is no string", () => {
  assert.equal(textOf(raw(`"\\u0061"`)), "a");
  assert.equal(textOf(raw("1")), undefined);
  assert.equal(textOf(undefined), undefined);
});

test("rawEqual and rawEquivalent compare what is said", () => {
  for (
    const [a, b, equal, equivalent] of [
      [`{"a":1,"b":[]}`, `{"b":[],"a":1}`, true, true],
      [`{"a":1}`, `{"a":1,"b":null}`, false, true],
      [`[{"a":null}]`, `[{}]`, false, true],
      [`[null]`, `[]`, false, false],
      [`12345678901234567890`, `12345678901234567890`, true, true],
      [`12345678901234567890`, `12345678901234567891`, false, false],
      [`"1"`, `1`, false, false],
    ] as const
  ) {
    assert.equal(rawEqual(raw(a), raw(b)), equal, `${a} ${b}`);
    assert.equal(rawEquivalent(raw(a), raw(b)), equivalent, `${a} ${b}`);
  }
  assert.equal(rawEqual(undefined, undefined), true);
  assert.equal(rawEqual(raw("null"), undefined), false);
});

test("isEmpty is true for objects and arrays that hold nothing", () => {
  assert.deepEqual(["{}", "[ ]", "{\n}", "[0]", `""`, `{"":0}`].map((value) => isEmpty(raw(value))), [
    ...[true, true, true, false, false, false],
  ]);
});

test("hasDirective looks at keys, at any depth", () => {
  assert.equal(hasDirective(raw(`{"a":[{"b":{"$patch":1}}]}`)), true);
  assert.equal(hasDirective(raw(`{"a":["$patch"]}`)), false);
  assert.equal(hasDirective(raw(`"$patch"`)), false);
});
