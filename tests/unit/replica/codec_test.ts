import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { WatchDecoder } from "../../../src/kube/watch_codec.ts";
import { jsonCodec } from "../../../src/replica/codec.ts";

const object = '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"}}';

test("Codec.stored gives bytes of their own, also where they came as a Buffer, whose slice is a view", () => {
  const chunk = Buffer.from(`xx${object}yy`);
  const stored = jsonCodec.stored(chunk.subarray(2, -2), { kind: "Pod", apiVersion: "v1" });
  assert.notEqual(stored.buffer, chunk.buffer);
  assert.equal(stored.buffer.byteLength, object.length);
  assert.equal(new TextDecoder().decode(stored), object);
});

test("WatchDecoder copies what goes on in the next chunk: the chunk may be used again", () => {
  const decoder = new WatchDecoder();
  const first = Buffer.from(`{"type":"ADDED","object":${object.slice(0, 20)}`);
  assert.deepEqual(decoder.push(first), []);
  first.fill(0);
  const [frame] = decoder.push(Buffer.from(`${object.slice(20)}}\n`));
  assert.equal(new TextDecoder().decode(frame?.object), object);
});
