import assert from "node:assert/strict";
import { test } from "node:test";
import { forwardHeaders, headerOf, replaceHeader } from "../../../src/kube/hop_by_hop.ts";

test("forwardHeaders strips the headers of one hop, and those that Connection names", () => {
  const raw = [
    ...["Host", "a", "CONNECTION", "keep-alive, X-Hop", "x-hop", "1", "Keep-Alive", "timeout=5", "TE", "gzip"],
    ...[
      "Transfer-Encoding",
      "chunked",
      "Upgrade",
      "h2c",
      "Trailer",
      "x",
      "Proxy-Authorization",
      "b",
      "Proxy-Connection",
      "c",
    ],
    ...["Accept", "x", "accept", "y", "X-Empty", ""],
  ];
  assert.deepEqual(forwardHeaders(raw), ["Host", "a", "Accept", "x", "accept", "y", "X-Empty", ""]);
});

test("forwardHeaders keeps TE: trailers", () => {
  assert.deepEqual(forwardHeaders(["TE", "gzip;q=0.5, Trailers", "Connection", "te"]), ["TE", "trailers"]);
});

test("forwardHeaders keeps an upgrade only where told to", () => {
  const raw = ["Connection", "keep-alive, Upgrade", "Upgrade", "SPDY/3.1", "A", "b"];
  assert.deepEqual(forwardHeaders(raw, { keepUpgrade: true }), [
    "Connection",
    "Upgrade",
    "Upgrade",
    "SPDY/3.1",
    "A",
    "b",
  ]);
  assert.deepEqual(forwardHeaders(raw), ["A", "b"]);
});

test("forwardHeaders drops an Upgrade that Connection does not name", () => {
  assert.deepEqual(forwardHeaders(["Upgrade", "websocket", "A", "b"], { keepUpgrade: true }), ["A", "b"]);
});

test("replaceHeader replaces in place, appends, and removes", () => {
  const raw = ["A", "1", "b", "2", "a", "3"];
  assert.deepEqual(replaceHeader(raw, "a", "x"), ["A", "x", "b", "2"]);
  assert.deepEqual(replaceHeader(raw, "C", "x"), ["A", "1", "b", "2", "a", "3", "C", "x"]);
  assert.deepEqual(replaceHeader(raw, "A", undefined), ["b", "2"]);
});

test("headerOf joins duplicates whatever their spelling", () => {
  assert.equal(headerOf(["A", "1", "b", "2", "a", "3"], "a"), "1, 3");
  assert.equal(headerOf(["A", ""], "a"), "");
  assert.equal(headerOf([], "a"), undefined);
});
