import assert from "node:assert/strict";
import { test } from "node:test";
import { formatJson, formatYaml, parseExact } from "../../../src/cli/exact_json.ts";

const text =
  '{"whole":9007199254740993,"part":1.0,"short":1e2,"plain":7,"text":"12","yes":"yes","at":"2026-01-01T00:00:00Z"}';

test("formatJson writes every number of a parsed object with the digits that came", () => {
  assert.equal(formatJson(parseExact(text, "json")).replace(/\s/g, ""), text);
});

test("formatYaml keeps whole numbers beyond 2^53, and quotes what YAML 1.1 takes for something else", () => {
  assert.equal(
    formatYaml(parseExact(text, "yaml")),
    'whole: 9007199254740993\npart: 1\nshort: 100\nplain: 7\ntext: "12"\n"yes": "yes"\nat: "2026-01-01T00:00:00Z"\n',
  );
});

test("parseExact refuses what is no JSON", () => {
  assert.throws(() => parseExact("{", "json"), SyntaxError);
});
