import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { decodeLease, decodeUnknown, readProtobufObjectMeta } from "../../../src/kube/protobuf.ts";
import { StatusError } from "../../../src/kube/status.ts";
import { LEASE_ROWS } from "./lease_rows.ts";

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

const [FIRST_LEASE] = LEASE_ROWS;
assert.ok(FIRST_LEASE !== undefined);
const LEASE = fromBase64(FIRST_LEASE[0]);

describe("decodeLease gives the JSON that Go gives", () => {
  for (const [protobuf, json] of LEASE_ROWS) {
    test(json.slice(0, 100), () => assert.equal(JSON.stringify(decodeLease(fromBase64(protobuf))), json));
  }
});

test("readProtobufObjectMeta reads what names an object, of any kind", () => {
  const { apiVersion, kind, raw } = decodeUnknown(LEASE);
  assert.deepEqual([apiVersion, kind], ["coordination.k8s.io/v1", "Lease"]);
  assert.deepEqual(readProtobufObjectMeta(raw), {
    name: "node-1",
    generateName: "",
    namespace: "kube-node-lease",
    uid: "5d9f",
    resourceVersion: "812",
  });
  const event = new BinaryWriter().tag(3, WireType.LengthDelimited).string("x").tag(1, WireType.LengthDelimited)
    .fork().tag(2, WireType.LengthDelimited).string("web-").join().finish();
  assert.equal(readProtobufObjectMeta(event).generateName, "web-");
});

test("decodeUnknown refuses a body without the magic, and another encoding", () => {
  for (const body of [new Uint8Array(), new TextEncoder().encode("{}"), Uint8Array.of(0x6b, 0x38, 0x73, 0x01)]) {
    assert.throws(() => decodeUnknown(body), (error) => error instanceof StatusError && error.code === 400);
  }
  const gzip = new BinaryWriter().tag(3, WireType.LengthDelimited).string("gzip").finish();
  assert.throws(() => decodeUnknown(Uint8Array.of(0x6b, 0x38, 0x73, 0, ...gzip)), StatusError);
});

test("decodeLease refuses another kind", () => {
  const type = new BinaryWriter().tag(1, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).string("v1")
    .tag(2, WireType.LengthDelimited).string("Node").join().finish();
  assert.throws(() => decodeLease(Uint8Array.of(0x6b, 0x38, 0x73, 0, ...type)), StatusError);
});

test("decodeLease throws nothing but StatusError for broken bodies", () => {
  const offset = fc.integer({ min: 0, max: LEASE.length - 1 });
  fc.assert(fc.property(fc.array(fc.tuple(offset, fc.nat(255)), { maxLength: 4 }), offset, (changes, length) => {
    const body = LEASE.slice(0, LEASE.length - length);
    for (const [at, byte] of changes) body[at] = byte;
    try {
      assert.equal(decodeLease(body).kind, "Lease");
    } catch (error) {
      assert.ok(error instanceof StatusError, String(error));
    }
  }));
});
