import assert from "node:assert/strict";
import { test } from "node:test";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { decodeUnknown, readProtobufObjectMeta } from "../../../src/kube/protobuf.ts";
import { StatusError } from "../../../src/kube/status.ts";
import { LEASE_ROWS } from "./lease_rows.ts";

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

const [FIRST_LEASE] = LEASE_ROWS;
assert.ok(FIRST_LEASE !== undefined);
const LEASE = fromBase64(FIRST_LEASE[0]);

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
