import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseWithIntegers } from "../../../src/kube/table/exact_json.ts";
import { findJsonPath, maxPathResults } from "../../../src/kube/table/find_json_path.ts";
import { goUnquote } from "../../../src/kube/table/go_unquote.ts";
import { JsonPathSyntaxError } from "../../../src/kube/table/json_path.ts";
import { parseJsonPaths } from "../../../src/kube/table/parse_json_path.ts";

const OBJECT: unknown = parseWithIntegers(JSON.stringify({
  metadata: { name: "a", annotations: { "example.com/note": "dotted", plain: "p" } },
  spec: {
    list: ["a", "b", "c", "d"],
    none: [],
    nothing: null,
    size: 3,
    real: 2.5,
    flag: true,
    nested: [[1, 2], [3]],
    parts: [
      { name: "x", size: 1, on: true },
      { name: "y", size: 5, on: false, deep: { deepest: "found" } },
      { size: 7 },
    ],
    "odd key": "odd",
    'q"uote': "quoted",
    braces: { "}": "closing" },
  },
  status: { conditions: [{ type: "Synced", status: "False" }, { type: "Ready", status: "True" }] },
}));

function find(path: string): readonly unknown[] | undefined {
  return findJsonPath(parseJsonPaths(`{${path}}`), OBJECT);
}

describe("findJsonPath finds what kubectl's JSONPath finds", () => {
  for (
    const [path, found] of [
      [".metadata.name", ["a"]],
      ["$.metadata.name", ["a"]],
      ["@ .metadata .name", ["a"]],
      [".", []],
      [".missing.further", []],
      [".spec.nothing", [null]],
      [".spec.nothing.further", []],
      [".metadata.name.further", []],
      [".spec.size", [3n]],
      [".spec.real", [2.5]],
      [".metadata.annotations.plain", ["p"]],
      [".metadata.annotations.example\\.com/note", ["dotted"]],
      [".metadata.annotations['example\\.com/note']", ["dotted"]],
      [".metadata.annotations['example.com/note']", []],
      [".spec['size']", [3n]],
      [".spec['size','real', 'missing']", [3n, 2.5]],
      [".spec.odd\\ key", ["odd"]],
      [`.spec.q"uote`, ["quoted"]],
      [".spec.list[0]", ["a"]],
      [".spec.list[-1]", ["d"]],
      [".spec.list[-2]", ["c"]],
      [".spec.list[]", ["a"]],
      [".spec.list[1:3]", ["b", "c"]],
      [".spec.list[1:]", ["b", "c", "d"]],
      [".spec.list[:-1]", ["a", "b", "c"]],
      [".spec.list[::3]", ["a", "d"]],
      [".spec.list[2:2]", []],
      [".spec.list[0,2]", ["a", "c"]],
      [".spec.list[*]", ["a", "b", "c", "d"]],
      [".spec.list.*", ["a", "b", "c", "d"]],
      [".spec.none[*]", []],
      [".spec.nothing[0]", []],
      [".spec.nested[*][0]", [1n, 3n]],
      [".metadata.annotations.*", ["dotted", "p"]],
      [".metadata.name.*", [97n]],
      ["..deepest", ["found"]],
      ["..conditions[0].type", ["Synced"]],
      [`.status.conditions[?(@.type=="Ready")].status`, ["True"]],
      [`.status.conditions[?(@.type=='Ready')].status`, ["True"]],
      [`.status.conditions[?(@.type!="Ready")].type`, ["Synced"]],
      [`.status.conditions[?(@.type=="None")].status`, []],
      [".spec.parts[?(@.size>1)].size", [5n, 7n]],
      [".spec.parts[?(@.size<=5)].name", ["x", "y"]],
      [".spec.parts[?(@.size>=7)].size", [7n]],
      [".spec.parts[?(@.size<2)].name", ["x"]],
      [".spec.parts[?(@.on==true)].name", ["x"]],
      [".spec.parts[?(@.on!=true)].name", ["y"]],
      [".spec.parts[?(@.name)].name", ["x", "y"]],
      [".spec.parts[?(@.deep.deepest)].name", ["y"]],
      // What cannot be looked into counts as there.
      [".spec.parts[?(@.deep[0])].name", ["y"]],
      [".spec.parts[?(@.name==@.name)].name", ["x", "y"]],
      [".spec.size}-{.spec.real", [3n]],
      [`.spec.parts[?(@.name=="\\x78")].size`, [1n]],
    ] as const
  ) test(path, () => assert.deepEqual(find(path), found));
});

describe("findJsonPath finds nothing at all where a path cannot be followed", () => {
  for (
    const path of [
      ".spec.list[4]",
      ".spec.list[-5]",
      ".spec.list[3:1]",
      ".spec.list[0:9]",
      ".spec.list[::0]",
      ".spec.size[0]",
      ".spec[?(@.a)]",
      ".spec.nothing[?(@.a)]",
      `.spec.parts[?(@.size=="1")].name`,
      ".spec.parts[?(@.size==1.5)].name",
      ".spec.parts[?(@.on<true)].name",
      ".spec.parts[?(@.deep==1)].name",
      ".spec.parts[?(@.size=1)].name",
      ".spec unknown",
      ".spec.size}{range .spec.list[*]}{@}{end",
      ".spec.size}{.spec.list[9]",
    ]
  ) test(path, () => assert.equal(find(path), undefined));
});

describe("parseJsonPaths refuses", () => {
  for (
    const path of [
      ".spec[",
      ".spec[0",
      `.spec["size"]`,
      ".spec[a]",
      ".spec[1:2:3:4]",
      ".spec[-]",
      ".spec[?(@.a",
      ".spec[?(@.a)",
      `.spec[?(@.a=="b)]`,
      `.spec[?(@.a=="b" && @.c)]`,
      ".spec....a",
      "..*",
      ".spec\n",
      ".spec 'a",
      ".spec &",
      ".spec +",
      ".spec 1.2.3",
      ".spec '\\q'",
      ".spec '\\\"'",
    ]
  ) test(JSON.stringify(path), () => assert.throws(() => parseJsonPaths(`{${path}}`), JsonPathSyntaxError));
});

describe("goUnquote reads as Go's strconv does", () => {
  for (
    const [quoted, text] of [
      [`"a'b"`, "a'b"],
      [`'a"b'`, 'a"b'],
      [`"\\"\\n\\\\\\x41\\u00e9\\U0001F600\\101"`, '"\n\\A\u00e9\u{1F600}A'],
      [`"\\'"`, undefined],
      [`"\\q"`, undefined],
      [`"\\x4"`, undefined],
      [`"\\ud800"`, undefined],
      [`"\\777"`, undefined],
      [`"a"b"`, undefined],
      [`"`, undefined],
    ] as const
  ) test(quoted, () => assert.equal(goUnquote(quoted), text));
});

test("findJsonPath gives up where a path multiplies what it finds", () => {
  const twice = "[0,0]";
  const path = (times: number) => parseJsonPaths(`{.a${twice}${"['a',  'a']".repeat(times)}}`);
  const value: Record<string, unknown> = {};
  value["a"] = value;
  assert.equal(findJsonPath(path(5), { a: [value] })?.length, 64);
  assert.ok(2 ** 15 > maxPathResults);
  assert.equal(findJsonPath(path(14), { a: [value] }), undefined);
});

test("parseWithIntegers keeps each digit of an integer that fits 64 bits", () => {
  const texts = ["9007199254740993", "-9223372036854775808", "9223372036854775808", "1.5", "1e+21", "0"];
  const expected = [9007199254740993n, -9223372036854775808n, 9223372036854775808, 1.5, 1e21, 0n];
  assert.deepEqual(parseWithIntegers(`[${texts.join()}]`), expected);
});
