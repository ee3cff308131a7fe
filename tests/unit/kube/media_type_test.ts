import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { contentTypeOf, negotiate, upstreamAccept } from "../../../src/kube/media_type.ts";

const PROTOBUF = "application/vnd.kubernetes.protobuf";
const META = ";g=meta.k8s.io;v=v1";
const TABLE = ";as=Table;v=v1;g=meta.k8s.io";

// The choice of k8s.io/apiserver 0.36.3 for a built-in resource.
describe("negotiate prefers what the API server does", () => {
  for (
    const [accept, preferred, kind] of [
      [undefined, "application/json", undefined],
      ["", "application/json", undefined],
      ["*/*", "application/json", undefined],
      [`${PROTOBUF}, */*`, PROTOBUF, undefined],
      [`${PROTOBUF};q=0.1,application/json`, "application/json", undefined],
      [`*/*;q=1,${PROTOBUF};q=0.1`, PROTOBUF, undefined],
      [`application/json${TABLE},application/json`, "application/json", "Table"],
      [`${PROTOBUF}${TABLE},application/json`, "application/json", undefined],
      [`${PROTOBUF};as=PartialObjectMetadata${META}`, PROTOBUF, "PartialObjectMetadata"],
      ["application/json;as=Foo;g=meta.k8s.io;v=v1", undefined, undefined],
      ["application/json;stream=foo", undefined, undefined],
      ["application/yaml;stream=watch", undefined, undefined],
      ["application/json;sv=v2", undefined, undefined],
      ["Application/JSON", undefined, undefined],
      ["text/html,*/*;q=0.8", "application/json", undefined],
      ["application/cbor", undefined, undefined],
    ] as const
  ) {
    test(accept ?? "none", () => {
      const negotiated = negotiate(accept);
      assert.deepEqual([negotiated.preferred, negotiated.as?.kind], [preferred, kind]);
    });
  }
});

test("negotiate tells what else is allowed", () => {
  const kubelet = negotiate(`${PROTOBUF}, */*`);
  assert.deepEqual([kubelet.json, kubelet.protobuf, kubelet.protobufOnly], [true, true, false]);
  const strict = negotiate(PROTOBUF);
  assert.deepEqual([strict.json, strict.protobuf, strict.protobufOnly], [false, true, true]);
  const table = negotiate(`application/json${TABLE}`);
  assert.deepEqual([table.json, table.asJson, table.protobufOnly], [false, true, false]);
  assert.equal(negotiate("application/json, application/cbor").cbor, true);
  assert.equal(negotiate("*/*").cbor, false);
  assert.deepEqual(negotiate("application/json;stream=watch").params, { stream: "watch" });
});

describe("upstreamAccept asks for JSON where the client takes it", () => {
  const kubectl = `application/json${TABLE},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json`;
  for (
    const [accept, upstream] of [
      [undefined, "application/json"],
      ["*/*", "application/json"],
      [`${PROTOBUF}, */*`, "application/json"],
      [`${PROTOBUF},application/json`, "application/json"],
      ["application/json;q=0.5", "application/json"],
      [kubectl, kubectl],
      [
        `${PROTOBUF};as=PartialObjectMetadataList${META},application/json;as=PartialObjectMetadataList${META},application/json`,
        `application/json;as=PartialObjectMetadataList${META},application/json`,
      ],
      [
        `${PROTOBUF};as=PartialObjectMetadata${META},*/*`,
        `application/json;as=PartialObjectMetadata${META},application/json`,
      ],
      [`${PROTOBUF}${TABLE},application/json`, "application/json"],
      [PROTOBUF, PROTOBUF],
      [`${PROTOBUF};as=PartialObjectMetadata${META}`, `${PROTOBUF};as=PartialObjectMetadata${META}`],
      ["application/yaml, */*", "application/yaml, */*"],
      ["text/plain", "text/plain"],
      ["application/json;stream=watch", "application/json;stream=watch"],
    ] as const
  ) test(accept ?? "none", () => assert.equal(upstreamAccept(accept), upstream));
});

test("contentTypeOf reads type and parameters", () => {
  assert.deepEqual(contentTypeOf('Application/JSON; Charset="utf-8";stream=watch'), {
    type: "application/json",
    parameters: { charset: "utf-8", stream: "watch" },
  });
  assert.deepEqual(contentTypeOf(undefined), { type: "", parameters: {} });
});
