import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  formatFieldSelector,
  matchesFields,
  parseFieldSelector,
  requiredValue,
} from "../../../src/kube/field_selector.ts";
import { formatLabelSelector, matchesLabels, parseLabelSelector } from "../../../src/kube/label_selector.ts";
import { StatusError } from "../../../src/kube/status.ts";

describe("formatLabelSelector gives one form", () => {
  for (
    const [selector, canonical] of [
      ["", ""],
      ["a=b", "a=b"],
      ["a==b", "a=b"],
      [" a = b , c ", "a=b,c"],
      ["c,a=b", "a=b,c"],
      ["a in (b)", "a=b"],
      ["a notin (b)", "a!=b"],
      ["a in (y, x,y)", "a in (x,y)"],
      ["a in (x,,y)", "a in (,x,y)"],
      ["a in ()", "a="],
      ["!a,a!=", "!a,a!="],
      ["a=b,a=b", "a=b"],
      ["in in (in,notin)", "in in (in,notin)"],
      ["b<3,a>5", "a>5,b<3"],
    ] as const
  ) test(selector || "nothing", () => assert.equal(formatLabelSelector(parseLabelSelector(selector)), canonical));
});

describe("parseLabelSelector refuses as the API server", () => {
  for (
    const [selector, message] of [
      ["a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
      ["a=b,", "found '', expected: identifier after ','"],
      [",a", "found ',', expected: !, identifier, or 'end of string'"],
      ["a===", "unable to parse requirement: found '=', expected: identifier"],
      ["a in b", "unable to parse requirement: found 'b' expected: '('"],
      ["a in (b", "unable to parse requirement: found '', expected: ',' or ')'"],
      ["!a=b", "found '=', expected: ',' or 'end of string'"],
      ["/c=d", 'unable to parse requirement: <nil>: Invalid value: "/c": prefix part must be non-empty'],
    ] as const
  ) {
    test(selector, () => {
      assert.throws(
        () => parseLabelSelector(selector),
        (error) => error instanceof StatusError && error.code === 400 && error.message === message,
      );
    });
  }
});

describe("matchesLabels selects", () => {
  for (
    const [selector, labels, selected] of [
      ["", {}, true],
      ["a=b", { a: "b" }, true],
      ["a=b", {}, false],
      ["a!=b", {}, true],
      ["a!=b", { a: "b" }, false],
      ["a in (b,c)", { a: "c" }, true],
      ["a notin (b,c)", { a: "d" }, true],
      ["a notin (b,c)", { a: "b" }, false],
      ["a", { a: "" }, true],
      ["!a", { a: "" }, false],
      ["a=", { a: "" }, true],
      ["a=", {}, false],
      ["a>5", { a: "6" }, true],
      ["a>5", { a: "x" }, false],
      ["a<1", { a: "-9223372036854775808" }, true],
      ["a<1", { a: "-9223372036854775809" }, false],
      ["a=b,c", { a: "b" }, false],
      ["constructor", {}, false],
    ] as const
  ) {
    test(`${selector} ${JSON.stringify(labels)}`, () =>
      assert.equal(matchesLabels(parseLabelSelector(selector), labels), selected));
  }
});

test("formatFieldSelector gives one form", () => {
  for (
    const [selector, canonical] of [
      ["b=c,a!=d,metadata.name==x", "a!=d,b=c,metadata.name=x"],
      [",a=b,,", "a=b"],
      ["=", ""],
      [String.raw`a=b\,c,d=e\=f\\`, String.raw`a=b\,c,d=e\=f\\`],
      ["spec.clusterIP!=None", "spec.clusterIP!=None"],
    ] as const
  ) assert.equal(formatFieldSelector(parseFieldSelector(selector)), canonical);
});

test("parseFieldSelector refuses as the API server", () => {
  for (
    const [selector, message] of [
      ["a", "invalid selector: 'a'; can't understand 'a'"],
      ["a=b,c", "invalid selector: 'a=b,c'; can't understand 'c'"],
      ["a=b=c", "invalid field selector: unescaped character in value: 61"],
      [String.raw`a=b\x`, String.raw`invalid field selector: invalid escape sequence: \x`],
      ["a=b\\", "invalid field selector: invalid escape sequence: \\"],
    ] as const
  ) {
    assert.throws(
      () => parseFieldSelector(selector),
      (error) => error instanceof StatusError && error.message === message,
    );
  }
});

test("matchesFields takes a missing field for an empty one", () => {
  const fieldOf = (field: string) => (field === "spec.nodeName" ? "n" : "");
  assert.ok(matchesFields(parseFieldSelector("spec.nodeName=n,status.phase!=Failed"), fieldOf));
  assert.ok(matchesFields(parseFieldSelector("spec.x="), fieldOf));
  assert.ok(!matchesFields(parseFieldSelector("spec.nodeName!=n"), fieldOf));
});

test("requiredValue gives what a term demands", () => {
  assert.equal(requiredValue(parseFieldSelector("a=b,metadata.name=x"), "metadata.name"), "x");
  assert.equal(requiredValue(parseFieldSelector("metadata.name!=x"), "metadata.name"), undefined);
});
