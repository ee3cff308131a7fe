import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { elements, MemberCursor } from "../../../src/kube/json_cursor.ts";
import { JSON_DEPTH_MAX, JsonSyntaxError, skipValue, ValueScanner } from "../../../src/kube/json_scan.ts";

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether the whole text is one value, as the scanner sees it. */
function scans(text: string): boolean {
  try {
    const bytes = encode(text);
    return new TextDecoder().decode(bytes.subarray(skipValue(bytes))).trim() === "";
  } catch (error) {
    assert.ok(error instanceof JsonSyntaxError, String(error));
    return false;
  }
}

test("skipValue takes and refuses what JSON.parse does", () => {
  const token = fc.constantFrom(
    ...[
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"a"',
      '""',
      '"\\u00e9"',
      '"\\x"',
      '"\\',
      '"é"',
      "1",
      "-",
      "0",
      "01",
      "1.5",
      "1.",
      ".5",
    ],
    ...[
      "1e5",
      "1E+",
      "e",
      "true",
      "tru",
      "false",
      "null",
      "nul",
      " ",
      "\n",
      "\t",
      '"',
      "\\",
      "-0",
      "1e-7",
      '"\u0001"',
      "x",
    ],
  );
  fc.assert(
    fc.property(fc.array(token, { maxLength: 8 }), (tokens) => {
      const text = tokens.join("");
      assert.equal(scans(text), isJson(text), JSON.stringify(text));
    }),
    { numRuns: 5000 },
  );
});

test("skipValue ends behind any value, whatever follows", () => {
  fc.assert(fc.property(fc.json(), fc.constantFrom("", " ", ",", "]", "}", "\n{"), (json, rest) => {
    assert.equal(skipValue(encode(`  ${json}${rest}`)), encode(json).length + 2);
  }));
});

test("ValueScanner finds the same end in whatever chunks", () => {
  fc.assert(fc.property(fc.json(), fc.array(fc.nat(20), { maxLength: 20 }), (json, sizes) => {
    const bytes = encode(`${json} `);
    const scanner = new ValueScanner();
    let at = 0;
    let end = -1;
    for (const size of [...sizes, bytes.length]) {
      const chunk = bytes.subarray(at, at + size);
      const found = scanner.scan(chunk);
      if (found >= 0) {
        end = at + found;
        break;
      }
      at += chunk.length;
    }
    // A number is known to have ended at the space behind it only.
    assert.equal(end, bytes.length - 1);
  }));
});

test("ValueScanner may be used again after reset", () => {
  const scanner = new ValueScanner();
  assert.equal(scanner.scan(encode('{"a":[1,2]}')), 11);
  scanner.reset();
  assert.equal(scanner.scan(encode("[1,2,3]")), 7);
  assert.equal(scanner.outerCommas, 2);
});

test("skipValue takes JSON_DEPTH_MAX containers in one another, and refuses one more", () => {
  const nested = (depth: number) => encode("[".repeat(depth) + "]".repeat(depth));
  assert.equal(skipValue(nested(JSON_DEPTH_MAX)), 2 * JSON_DEPTH_MAX);
  assert.throws(() => skipValue(nested(JSON_DEPTH_MAX + 1)), JsonSyntaxError);
  assert.equal(skipValue(encode('{"a":'.repeat(5000) + "1" + "}".repeat(5000))), 30001);
});

test("skipValue refuses what is cut off", () => {
  const text = '{"a":[1,"b\\u00e9",{"c":true}],"d":-1.5e+3}';
  for (let length = 0; length < text.length; length++) {
    assert.throws(() => skipValue(encode(text.slice(0, length))), JsonSyntaxError, text.slice(0, length));
  }
});

test("MemberCursor gives each member as JSON.parse does", () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(undefined, 2), (object, indent) => {
    const parsed: unknown = JSON.parse(JSON.stringify(object));
    const bytes = encode(` ${JSON.stringify(object, undefined, indent)}`);
    const members = new MemberCursor(bytes);
    const read: [string, unknown][] = [];
    while (members.next()) read.push([members.key(), JSON.parse(new TextDecoder().decode(members.value()))]);
    assert.deepEqual(Object.fromEntries(read), parsed);
    assert.equal(members.end, bytes.length);
  }));
});

test("MemberCursor refuses what is no object", () => {
  for (
    const text of ["", "[]", "{", '{"a"}', '{"a":}', '{"a":1', '{"a":1,}', '{,"a":1}', '{"a":1 "b":2}', "{a:1}", "null"]
  ) {
    assert.throws(
      () => {
        const members = new MemberCursor(encode(text));
        while (members.next());
      },
      JsonSyntaxError,
      text,
    );
  }
});

test("elements gives each element's range", () => {
  fc.assert(fc.property(fc.array(fc.jsonValue()), fc.constantFrom(undefined, 1), (array, indent) => {
    const bytes = encode(JSON.stringify(array, undefined, indent));
    const read = [...elements(bytes)].map(({ start, end }): unknown =>
      JSON.parse(new TextDecoder().decode(bytes.subarray(start, end)))
    );
    assert.deepEqual(read, JSON.parse(JSON.stringify(array)));
  }));
  for (const text of ["[1", "[1,]", "[,1]", "{}", "[1 2]"]) {
    assert.throws(() => [...elements(encode(text))], JsonSyntaxError, text);
  }
});
