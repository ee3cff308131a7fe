import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { isLongRunning, parseRequest } from "../../../src/kube/request_info.ts";
import { StatusError } from "../../../src/kube/status.ts";
import { REQUEST_INFO_ROWS } from "./request_info_rows.ts";

describe("parseRequest reads as RequestInfoFactory", () => {
  for (const [method, rawPath, path, verb, resource, parts] of REQUEST_INFO_ROWS) {
    test(`${method} ${rawPath}`, () => {
      const info = parseRequest(method, rawPath);
      const { apiPrefix, group, version, namespace, name, subresource } = info;
      const joined = info.isResource
        ? [apiPrefix, group, version, namespace, info.resource, subresource, name].join("|")
        : apiPrefix && `${apiPrefix}|`;
      assert.deepEqual([info.path, info.verb, joined, info.parts.join("|")], [path, verb, resource, parts]);
      assert.equal(info.rawPath, rawPath);
    });
  }
});

test("parseRequest gives the selected name of list, watch and deletecollection apart", () => {
  for (
    const [method, rawPath, selectedName] of [
      ["GET", "/api/v1/pods?fieldSelector=metadata.name%3Dp", "p"],
      ["GET", "/api/v1/pods?watch=1&fieldSelector=a=b,metadata.name==p", "p"],
      ["DELETE", "/api/v1/namespaces/x/pods?fieldSelector=metadata.name=p", "p"],
      ["GET", "/api/v1/watch/pods?fieldSelector=metadata.name=p", "p"],
      ["GET", "/api/v1/pods?fieldSelector=metadata.name!=p", ""],
      ["GET", "/api/v1/namespaces/x/pods/q?fieldSelector=metadata.name=p", ""],
    ] as const
  ) assert.equal(parseRequest(method, rawPath).selectedName, selectedName, rawPath);
});

test("parseRequest refuses a path that cannot be decoded with 400", () => {
  for (const rawPath of ["/api/v1/pods/%", "/api/v1/pods/%4", "/api/v1/%zz/x", "api/v1/pods", "", "/a\u0001b"]) {
    assert.throws(
      () => parseRequest("GET", rawPath),
      (error) => error instanceof StatusError && error.code === 400,
      rawPath,
    );
  }
});

test("parseRequest refuses a watch of nothing with 500, as the API server does", () => {
  for (const rawPath of ["/api/v1/watch", "/apis/apps/v1/watch/", "/api/v1/proxy"]) {
    assert.throws(
      () => parseRequest("GET", rawPath),
      (error) => error instanceof StatusError && error.code === 500,
      rawPath,
    );
  }
});

test("parseRequest reads raw bytes beyond ASCII as UTF-8, in text and in escapes", () => {
  assert.equal(parseRequest("GET", "/api/v1/namespaces/x/pods/\u00c3\u00a9").name, "é");
  assert.equal(parseRequest("GET", "/api/v1/namespaces/x/pods/%C3%A9").name, "é");
});

test("parseRequest throws nothing but StatusError", () => {
  const segment = fc.constantFrom(
    "api",
    "apis",
    "v1",
    "namespaces",
    "watch",
    "proxy",
    "pods",
    "x",
    "",
    "%2F",
    "%",
    "é",
    "..",
  );
  const query = fc.constantFrom(
    "",
    "?watch=1",
    "?fieldSelector=metadata.name=x",
    "?fieldSelector=\\",
    "?limit=x&watch",
  );
  fc.assert(fc.property(fc.array(segment, { maxLength: 9 }), query, (segments, search) => {
    try {
      const info = parseRequest("GET", `/${segments.join("/")}${search}`);
      assert.equal(info.isResource, info.version !== "" || info.parts.length > 0);
    } catch (error) {
      assert.ok(error instanceof StatusError, String(error));
    }
  }));
});

test("isLongRunning holds for what kube-apiserver says", () => {
  const longRunning = (method: string, rawPath: string) => isLongRunning(parseRequest(method, rawPath));
  assert.ok(longRunning("GET", "/api/v1/pods?watch=1"));
  assert.ok(longRunning("GET", "/api/v1/watch/pods"));
  assert.ok(longRunning("GET", "/api/v1/proxy/nodes/n"));
  assert.ok(longRunning("GET", "/debug/pprof/profile"));
  for (const subresource of ["log", "exec", "attach", "portforward", "proxy"]) {
    assert.ok(longRunning("POST", `/api/v1/namespaces/x/pods/p/${subresource}`), subresource);
  }
  assert.ok(!longRunning("GET", "/api/v1/pods"));
  assert.ok(!longRunning("GET", "/api/v1/namespaces/x/pods/p/status"));
  assert.ok(!longRunning("GET", "/logs/proxy/log"));
});
