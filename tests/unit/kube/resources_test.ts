import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parseListOptions } from "../../../src/kube/list_options.ts";
import { parseRequest } from "../../../src/kube/request_info.ts";
import {
  groupVersionOf,
  isBuiltinGroup,
  type Query,
  queryKey,
  queryOf,
  selectedNameOf,
} from "../../../src/kube/resources.ts";
import { StatusError } from "../../../src/kube/status.ts";

function query(rawPath: string): Query {
  const info = parseRequest("GET", rawPath);
  return queryOf(info, parseListOptions(info.query));
}

const PODS = { group: "", version: "v1", resource: "pods", namespace: "", labelSelector: "", fieldSelector: "" };

describe("queryOf is canonical", () => {
  for (
    const [rawPath, expected] of [
      ["/api/v1/pods", PODS],
      ["/api/v1/pods/?watch=1&resourceVersion=5", PODS],
      ["/api/v1/namespaces/x/pods?labelSelector=b,a==c", { ...PODS, namespace: "x", labelSelector: "a=c,b" }],
      ["/api/v1/pods?labelSelector=a%20in%20(c),b", { ...PODS, labelSelector: "a=c,b" }],
      ["/api/v1/pods?fieldSelector=spec.nodeName==n,,a=b", { ...PODS, fieldSelector: "a=b,spec.nodeName=n" }],
      ["/api/v1/namespaces?fieldSelector=metadata.name=x", {
        ...PODS,
        resource: "namespaces",
        fieldSelector: "metadata.name=x",
      }],
      ["/api/v1/watch/namespaces/x", { ...PODS, resource: "namespaces", fieldSelector: "metadata.name=x" }],
      ["/api/v1/watch/namespaces/x/pods/p", { ...PODS, namespace: "x", fieldSelector: "metadata.name=p" }],
      ["/apis/apps/v1/deployments", { ...PODS, group: "apps", resource: "deployments" }],
      ["/apis/x.io/v1/namespaces/a/namespaces", { ...PODS, group: "x.io", resource: "namespaces", namespace: "a" }],
    ] as const
  ) test(rawPath, () => assert.deepEqual(query(rawPath), expected));
});

test("queryOf refuses a selector that is not well-formed", () => {
  const info = parseRequest("GET", "/api/v1/pods");
  const options = { ...parseListOptions(info.query), labelSelector: "a b" };
  assert.throws(() => queryOf(info, options), StatusError);
});

test("queryKey is the same for the same query and for no other", () => {
  const text = fc.constantFrom("", "a", "/", "a/b", "%2F", "é", "a=b");
  const queries = fc.record({
    group: text,
    version: text,
    resource: text,
    namespace: text,
    labelSelector: text,
    fieldSelector: text,
  });
  fc.assert(fc.property(queries, queries, (a, b) => {
    assert.equal(queryKey(a) === queryKey(b), JSON.stringify(a) === JSON.stringify(b));
    assert.equal(queryKey(a), queryKey({ ...a }));
  }));
});

test("selectedNameOf gives the name where it is the whole selector", () => {
  assert.equal(selectedNameOf("metadata.name=x"), "x");
  assert.equal(selectedNameOf("metadata.name==x,"), "x");
  for (const selector of ["", "metadata.name!=x", "metadata.name=x,a=b", "metadata.namespace=x"]) {
    assert.equal(selectedNameOf(selector), undefined, selector);
  }
});

test("isBuiltinGroup knows what kube-apiserver serves itself", () => {
  for (const group of ["", "apps", "policy", "storage.k8s.io", "apiextensions.k8s.io", "resource.k8s.io"]) {
    assert.ok(isBuiltinGroup(group), group);
  }
  for (const group of ["metrics.k8s.io", "gateway.networking.k8s.io", "snapshot.storage.k8s.io", "example.com", "v1"]) {
    assert.ok(!isBuiltinGroup(group), group);
  }
});

test("groupVersionOf writes an apiVersion", () => {
  assert.equal(groupVersionOf({ group: "", version: "v1" }), "v1");
  assert.equal(groupVersionOf({ group: "apps", version: "v1" }), "apps/v1");
});
