import assert from "node:assert/strict";
import { test } from "node:test";
import type { Flag, FlagType } from "../../../src/cli/flag.ts";
import { FlagValueError, parseFlagValue } from "../../../src/cli/flag_value.ts";

function flag(type: FlagType, options: Partial<Flag> = {}): Flag {
  return { name: "x", type, default: "", help: "", group: "", ...options };
}

for (
  const [type, texts, want, options] of [
    ["string", ["a b"], "a b"],
    ["string", ["first", "last"], "last"],
    ["string", [""], ""],
    ["boolean", ["true"], true],
    ["boolean", ["false"], false],
    ["boolean", ["True"], true],
    ["boolean", ["1"], true],
    ["boolean", ["0"], false],
    ["boolean", ["true", "false"], false],
    ["integer", ["0"], 0],
    ["integer", ["10261"], 10261],
    ["integer", ["-1"], -1, { minimum: -1 }],
    ["integer", ["65535"], 65_535, { maximum: 65_535 }],
    ["duration", ["2"], 2000, { unit: "s" }],
    ["duration", ["2s"], 2000, { unit: "s" }],
    ["duration", ["2s"], 2000, { unit: "m" }],
    ["duration", ["120"], 7_200_000, { unit: "m" }],
    ["duration", ["120m"], 7_200_000, { unit: "m" }],
    ["duration", ["120min"], 7_200_000, { unit: "m" }],
    ["duration", ["1h30m"], 5_400_000],
    ["duration", ["1.5s"], 1500],
    ["duration", ["0.5"], 500, { unit: "s" }],
    ["duration", ["300ms"], 300],
    ["duration", ["1500us"], 1.5],
    ["duration", ["1m0.5s"], 60_500],
    ["duration", ["0"], 0],
    ["bytes", ["1GiB"], 1_073_741_824],
    ["bytes", ["32MiB"], 33_554_432],
    ["bytes", ["64Mi"], 67_108_864],
    ["bytes", ["1.5KiB"], 1536],
    ["bytes", ["500MB"], 500_000_000],
    ["bytes", ["2k"], 2000],
    ["bytes", ["4096"], 4096],
    ["bytes", ["1 gib"], 1_073_741_824],
    ["list", ["a,b"], ["a", "b"]],
    ["list", ["a", "b,c"], ["a", "b", "c"]],
    ["list", [" a , b "], ["a", "b"]],
    ["list", [""], []],
    ["list", [], []],
  ] satisfies readonly (readonly [FlagType, string[], unknown, Partial<Flag>?])[]
) {
  test(`parseFlagValue reads ${JSON.stringify(texts)} as ${type} ${JSON.stringify(want)} ${options?.unit ?? ""}`, () => {
    assert.deepEqual(parseFlagValue(flag(type, options), texts), want);
  });
}

for (
  const [type, text, message, options] of [
    ["boolean", "maybe", /true or false/],
    ["boolean", "", /true or false/],
    ["integer", "x", /whole number of at least 0/],
    ["integer", "", /whole number/],
    ["integer", "1.5", /whole number/],
    ["integer", "-1", /whole number/],
    ["integer", "65536", /from 0 to 65535/, { maximum: 65_535 }],
    ["duration", "", /number \(of seconds\)/, { unit: "s" }],
    ["duration", "-2s", /duration/],
    ["duration", "2 s", /duration/],
    ["duration", "2d", /duration/],
    ["duration", "s", /duration/],
    ["duration", "1h x", /duration/],
    ["bytes", "1XiB", /size/],
    ["bytes", "-1", /size/],
    ["bytes", "", /size/],
    ["bytes", "GiB", /size/],
    ["string", "bad", /not bad/, { check: (text) => text === "bad" ? "must not be bad: not bad" : undefined }],
    ["list", "good,bad", /not bad/, { check: (text) => text === "bad" ? "must not be bad: not bad" : undefined }],
  ] satisfies readonly (readonly [FlagType, string, RegExp, Partial<Flag>?])[]
) {
  test(`parseFlagValue refuses "${text}" as ${type}`, () => {
    assert.throws(() => parseFlagValue(flag(type, options), [text]), (error) => {
      assert.ok(error instanceof FlagValueError);
      assert.match(error.message, message);
      return true;
    });
  });
}
