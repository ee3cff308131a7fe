import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { JsonSyntaxError } from "../../../src/kube/json_scan.ts";
import { readObjectMeta } from "../../../src/kube/object_meta.ts";
import { expired } from "../../../src/kube/status.ts";
import {
  frameBookmark,
  frameError,
  frameEvent,
  WATCH_FRAME_BYTES_MAX,
  WatchDecoder,
  type WatchEventType,
} from "../../../src/kube/watch_codec.ts";
import { BOOKMARK_ROWS } from "./bookmark_rows.ts";

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function read(text: string): [string, string][] {
  return new WatchDecoder().push(encode(text)).map(({ type, object }) => [type, decode(object)]);
}

describe("WatchDecoder reads", () => {
  for (
    const [text, frames] of [
      ["", []],
      [" \r\n\t", []],
      [`{"type":"ADDED","object":{"a":1}}\n`, [["ADDED", `{"a":1}`]]],
      [`{"type":"ADDED","object":{}}{"type":"DELETED","object":{}}`, [["ADDED", "{}"], ["DELETED", "{}"]]],
      [`{"type":"ADDED","object": {"a":1} }\n`, [["ADDED", `{"a":1}`]]],
      [`{"object":{"a":1},"type":"MODIFIED"}`, [["MODIFIED", `{"a":1}`]]],
      [`{"type":"BOOKMARK","object":{"a":1},"other":[]}`, [["BOOKMARK", `{"a":1}`]]],
      [`{"type":"ERROR","object":{"a":"}"}}`, [["ERROR", `{"a":"}"}`]]],
      [`{ "type" : "ADDED" , "object" : {"a":[1,{}]} }`, [["ADDED", `{"a":[1,{}]}`]]],
      [`{"type":"ADDED","object":{"a":1,"b":2}}`, [["ADDED", `{"a":1,"b":2}`]]],
    ] as const
  ) test(text || "nothing", () => assert.deepEqual(read(text), frames));
});

describe("WatchDecoder refuses", () => {
  for (
    const text of [
      ...[
        "[]",
        "1 ",
        "null",
        "}",
        `{"type":"FOO","object":{}}`,
        `{"type":"ADDED"}`,
        `{"object":{}}`,
        `{"type":1,"object":{}}`,
      ],
      ...[`{"type":"ADDED","object":{},}`, `{"type":"ADDED","object":}`, `{"type":"ADDED""object":{}}`, "<html>"],
    ]
  ) test(text, () => assert.throws(() => new WatchDecoder().push(encode(text)), JsonSyntaxError));
});

test("WatchDecoder gives the same events in whatever chunks", () => {
  const type = fc.constantFrom<WatchEventType>("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR");
  const events = fc.array(fc.tuple(type, fc.dictionary(fc.string(), fc.jsonValue())));
  fc.assert(fc.property(events, fc.array(fc.integer({ min: 1, max: 40 })), (sent, sizes) => {
    const bytes = encode(
      sent.map(([type, object]) => decode(frameEvent(type, encode(JSON.stringify(object))))).join(""),
    );
    const decoder = new WatchDecoder();
    const found: [string, string][] = [];
    let at = 0;
    for (const size of [...sizes, bytes.length]) {
      const chunk = bytes.slice(at, at + size);
      for (const { type, object } of decoder.push(chunk)) found.push([type, decode(object)]);
      // The next chunk may come in the same memory.
      chunk.fill(0);
      at += size;
    }
    assert.deepEqual(found, sent.map(([type, object]) => [type, JSON.stringify(object)]));
    assert.equal(decoder.incomplete, false);
  }));
});

test("WatchDecoder tells that an event is cut off", () => {
  const decoder = new WatchDecoder();
  assert.deepEqual(decoder.push(encode(`{"type":"ADDED","object":{}}\n{"type"`)).length, 1);
  assert.equal(decoder.incomplete, true);
});

test("WatchDecoder refuses an event beyond WATCH_FRAME_BYTES_MAX", () => {
  const decoder = new WatchDecoder();
  const chunk = encode("x".repeat(1 << 20));
  decoder.push(encode(`{"type":"ADDED","object":{"a":"`));
  for (let sent = chunk.length; sent < WATCH_FRAME_BYTES_MAX; sent += chunk.length) decoder.push(chunk);
  assert.throws(() => decoder.push(chunk), /exceeds 16777216/);
});

test("frameEvent frames as the API server, on one line", () => {
  assert.equal(decode(frameEvent("ADDED", encode(`{"a":1}\n`))), `{"type":"ADDED","object":{"a":1}}\n`);
});

describe("frameBookmark writes what the API server writes of", () => {
  for (const [apiVersion, kind, event] of BOOKMARK_ROWS) {
    test(`${apiVersion} ${kind}`, () => {
      assert.equal(decode(frameBookmark({ apiVersion, kind, resourceVersion: "123" })), `${event}\n`);
    });
  }
});

test("frameBookmark marks the end of the initial events", () => {
  const bookmark = frameBookmark({ apiVersion: "v1", kind: "Pod", resourceVersion: "123", initialEventsEnd: true });
  // As k8s.io/apiserver 0.36.3 writes it.
  assert.equal(
    decode(bookmark),
    `{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"123","annotations":` +
      `{"k8s.io/initial-events-end":"true"}},"spec":{"containers":null},"status":{}}}\n`,
  );
  const [frame] = new WatchDecoder().push(bookmark);
  assert.ok(frame !== undefined && readObjectMeta(frame.object).initialEventsEnd);
});

test("frameError carries the Status", () => {
  assert.equal(
    decode(frameError(expired("too old resource version: 1 (5)"))),
    `{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",` +
      `"message":"too old resource version: 1 (5)","reason":"Expired","code":410}}\n`,
  );
});
