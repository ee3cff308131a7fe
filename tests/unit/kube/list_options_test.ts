import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  isResourceVersion,
  type ListOptions,
  parseListOptions,
  validateListOptions,
  withListDefaults,
} from "../../../src/kube/list_options.ts";
import { StatusError } from "../../../src/kube/status.ts";
import { parseQuery } from "../../../src/kube/url.ts";
import { LIST_OPTIONS_ROWS } from "./list_options_rows.ts";

function parse(query: string): ListOptions {
  return parseListOptions(parseQuery(query));
}

function answer(check: () => void): string {
  try {
    check();
    return "";
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return JSON.stringify(error.status());
  }
}

describe("parseListOptions and validateListOptions answer as the API server", () => {
  for (const [query, status] of LIST_OPTIONS_ROWS) {
    test(query || "nothing", () => {
      const given = answer(() => {
        const options = withListDefaults(parse(query));
        validateListOptions(options, { isWatch: options.watch });
      });
      assert.equal(given, status);
    });
  }
});

test("parseListOptions reads each option", () => {
  assert.deepEqual(
    parse(
      "labelSelector=a%3Db&fieldSelector=c%3Dd&resourceVersion=7&resourceVersionMatch=Exact&limit=500&continue=t&watch=1" +
        "&allowWatchBookmarks=true&sendInitialEvents=false&timeoutSeconds=300&shardSelector=s",
    ),
    {
      labelSelector: "a=b",
      fieldSelector: "c=d",
      resourceVersion: "7",
      resourceVersionMatch: "Exact",
      limit: 500,
      continue: "t",
      watch: true,
      allowWatchBookmarks: true,
      sendInitialEvents: false,
      timeoutSeconds: 300,
      shardSelector: "s",
    },
  );
});

test("parseListOptions takes the first of several values", () => {
  assert.equal(parse("limit=1&limit=x").limit, 1);
});

test("withListDefaults asks for initial events where a watch has no version to start from", () => {
  for (const [query, sendInitialEvents] of [["watch=1", true], ["watch=1&resourceVersion=0", true]] as const) {
    const options = withListDefaults(parse(query));
    assert.deepEqual([options.sendInitialEvents, options.resourceVersionMatch], [sendInitialEvents, "NotOlderThan"]);
  }
  for (const query of ["", "watch=1&resourceVersion=5", "resourceVersion=0", "watch=1&resourceVersionMatch=Exact"]) {
    assert.deepEqual(withListDefaults(parse(query)), parse(query), query);
  }
});

test("validateListOptions refuses a version that is no number", () => {
  const problem = String
    .raw`resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax`;
  const status = '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":';
  const watch = answer(() => validateListOptions(parse("watch=1&resourceVersion=abc"), { isWatch: true }));
  assert.equal(watch, `${status}"${problem}","code":500}`);
  const list = answer(() => validateListOptions(parse("resourceVersion=abc"), { isWatch: false }));
  assert.equal(list, `${status}"invalid resource version: ${problem}","reason":"BadRequest","code":400}`);
});

test("isResourceVersion takes unsigned 64-bit numbers", () => {
  for (const version of ["0", "1", "18446744073709551615"]) assert.ok(isResourceVersion(version), version);
  for (const version of ["", "-1", "+1", "1.0", "0x1", "18446744073709551616"]) {
    assert.ok(!isResourceVersion(version), version);
  }
});
