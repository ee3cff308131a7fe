import assert from "node:assert/strict";
import { test } from "node:test";
import { framePartialList, partialObject } from "../../../src/kube/partial_object.ts";
import { frameEvent } from "../../../src/kube/watch_codec.ts";

/** What kube-apiserver 1.36.3 sent for one custom resource: its members are in the order of their names. */
const WIDGET = String
  .raw`{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"annotations":{"a":"2","z":"ä\u003c\u003e\u0026\u2028"},"creationTimestamp":"2026-11-21T10:25:58Z","deletionGracePeriodSeconds":0,"deletionTimestamp":"2026-11-21T10:26:09Z","finalizers":["example.com/x"],"generateName":"w","generation":3,"labels":{"a":"x","b":"1"},"managedFields":[{"apiVersion":"example.com/v1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{".":{},"f:a":{},"f:z":{}},"f:finalizers":{".":{},"v:\"example.com/x\"":{}},"f:generateName":{},"f:labels":{".":{},"f:a":{},"f:b":{}},"f:ownerReferences":{".":{},"k:{\"uid\":\"u\"}":{}}},"f:spec":{".":{},"f:color":{},"f:x":{}}},"manager":"x","operation":"Update","time":"2026-11-21T10:25:58Z"}],"name":"w1","namespace":"default","ownerReferences":[{"apiVersion":"v1","blockOwnerDeletion":false,"controller":true,"kind":"Namespace","name":"x","uid":"u"}],"resourceVersion":"392","uid":"14db021b-a8de-422a-bc37-7e92665361f5"},"spec":{"color":"red","x":1}}`;

/** And the same asked for as PartialObjectMetadata. */
const PARTIAL_WIDGET = String
  .raw`{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"w1","generateName":"w","namespace":"default","uid":"14db021b-a8de-422a-bc37-7e92665361f5","resourceVersion":"392","generation":3,"creationTimestamp":"2026-11-21T10:25:58Z","deletionTimestamp":"2026-11-21T10:26:09Z","deletionGracePeriodSeconds":0,"labels":{"a":"x","b":"1"},"annotations":{"a":"2","z":"ä\u003c\u003e\u0026\u2028"},"ownerReferences":[{"apiVersion":"v1","kind":"Namespace","name":"x","uid":"u","controller":true,"blockOwnerDeletion":false}],"finalizers":["example.com/x"],"managedFields":[{"manager":"x","operation":"Update","apiVersion":"example.com/v1","time":"2026-11-21T10:25:58Z","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{".":{},"f:a":{},"f:z":{}},"f:finalizers":{".":{},"v:\"example.com/x\"":{}},"f:generateName":{},"f:labels":{".":{},"f:a":{},"f:b":{}},"f:ownerReferences":{".":{},"k:{\"uid\":\"u\"}":{}}},"f:spec":{".":{},"f:color":{},"f:x":{}}}}]}}`;

const POD =
  `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"n","uid":"u","resourceVersion":"7"},"spec":{}}`;
const PARTIAL_POD = `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1",` +
  `"metadata":{"name":"a","namespace":"n","uid":"u","resourceVersion":"7"}}`;

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function text(...parts: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  return parts.map((part) => decoder.decode(part)).join("");
}

test("partialObject keeps the metadata of a built-in object byte for byte", () => {
  assert.equal(text(partialObject(bytes(POD))), PARTIAL_POD);
});

test("partialObject writes a custom resource's metadata in the order of the API server", () => {
  assert.equal(text(partialObject(bytes(WIDGET))), PARTIAL_WIDGET);
});

test("partialObject names the version that was asked for", () => {
  const partial = text(partialObject(bytes(POD), "v1beta1"));
  assert.equal(partial, PARTIAL_POD.replace("meta.k8s.io/v1", "meta.k8s.io/v1beta1"));
});

test("partialObject keeps members that it does not know", () => {
  const partial = partialObject(bytes(`{"metadata":{"uid":"u","new":1,"name":"a"}}`));
  assert.match(text(partial), /"metadata":\{"name":"a","uid":"u","new":1\}\}$/);
});

test("partialObject has no template generation of a DaemonSet, which is none of its metadata for the API server", () => {
  const daemonSet = (annotations: string): Uint8Array =>
    bytes(
      `{"kind":"DaemonSet","apiVersion":"apps/v1","metadata":{"name":"a"${annotations},"finalizers":["x"]},"spec":{}}`,
    );
  const metadata = (object: Uint8Array): unknown => {
    const partial: unknown = JSON.parse(text(partialObject(object)));
    return typeof partial === "object" && partial !== null && "metadata" in partial ? partial.metadata : undefined;
  };
  const generation = `"deprecated.daemonset.template.generation":"1"`;
  assert.deepEqual(metadata(daemonSet(`,"annotations":{${generation}}`)), { name: "a", finalizers: ["x"] });
  assert.deepEqual(metadata(daemonSet(`,"annotations":{"a":"1",${generation},"z":"2"}`)), {
    name: "a",
    annotations: { a: "1", z: "2" },
    finalizers: ["x"],
  });
});

test("partialObject of a bookmark is a bookmark", () => {
  const bookmark =
    `{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"7"},"spec":{"containers":null},"status":{}}`;
  assert.equal(
    text(frameEvent("BOOKMARK", partialObject(bytes(bookmark)))),
    `{"type":"BOOKMARK","object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1",` +
      `"metadata":{"resourceVersion":"7"}}}\n`,
  );
});

test("framePartialList names the type of each item", () => {
  const frames = framePartialList({ items: [bytes(POD), bytes(POD)], resourceVersion: "9", continue: "t" });
  assert.equal(
    text(...frames),
    `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1",` +
      `"metadata":{"resourceVersion":"9","continue":"t"},"items":[${PARTIAL_POD},${PARTIAL_POD}]}\n`,
  );
});

test("framePartialList writes null for no items, as the API server does", () => {
  assert.equal(
    text(...framePartialList({ items: [], resourceVersion: "9", version: "v1beta1" })),
    `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1beta1",` +
      `"metadata":{"resourceVersion":"9"},"items":null}\n`,
  );
});
