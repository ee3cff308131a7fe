import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { jsonToProtobuf, protobufToJson } from "../../../src/kube/protobuf_messages.ts";
import { StatusError } from "../../../src/kube/status.ts";
import { message, protobufBody } from "../../testing/protobuf_body.ts";
import { LEASE_ROWS } from "./lease_rows.ts";
import { PROTOBUF_ROWS } from "./protobuf_rows.ts";

const LEASE = "coordination.k8s.io/v1";
const META = message({ 1: "n" });

const raw = (text: string): Uint8Array => new TextEncoder().encode(text);
const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

function jsonOf(body: Uint8Array): string {
  const json = protobufToJson(body);
  assert.ok(json);
  return new TextDecoder().decode(json);
}

function protobufOf(object: unknown, came?: Uint8Array): Uint8Array {
  const body = jsonToProtobuf(raw(typeof object === "string" ? object : JSON.stringify(object)), came);
  assert.ok(body);
  return body;
}

const isBadRequest = (error: unknown): boolean => error instanceof StatusError && error.code === 400;

describe("protobufToJson and jsonToProtobuf write what Go writes", () => {
  for (const { name, json, body } of PROTOBUF_ROWS) {
    test(name, () => {
      assert.equal(jsonOf(fromBase64(body)), json);
      assert.deepEqual([...protobufOf(json)], [...fromBase64(body)]);
    });
  }
});

test("protobufToJson gives the JSON of leases that Go gives", () => {
  for (const [body, json] of LEASE_ROWS) assert.equal(jsonOf(fromBase64(body)), json);
});

describe("protobufToJson", () => {
  test("leaves out what it does not know, and takes fields in any order, the last of each", () => {
    const spec = message({ 7: "preferred", 99: "new", 1: "holder" });
    const twice = Uint8Array.from([...message({ 2: spec }), ...message({ 1: META, 50: 7 }), ...message({ 1: META })]);
    assert.equal(
      jsonOf(protobufBody(LEASE, "Lease", twice)),
      `{"kind":"Lease","apiVersion":"${LEASE}","metadata":{"name":"n"},` +
        `"spec":{"holderIdentity":"holder","preferredHolder":"preferred"}}`,
    );
  });

  test("reads a message that stands there in parts as one", () => {
    const parts = Uint8Array.from([
      ...message({ 2: message({ 1: "a", 2: 5 }) }),
      ...message({ 2: message({ 1: "b" }) }),
    ]);
    const { spec } = Object(JSON.parse(jsonOf(protobufBody(LEASE, "Lease", parts)))) as { spec: unknown }; // a Lease
    assert.deepEqual(spec, { holderIdentity: "b", leaseDurationSeconds: 5 });
  });

  test("is undefined for other kinds", () => {
    assert.equal(protobufToJson(protobufBody("v1", "Pod", META)), undefined);
    assert.equal(protobufToJson(protobufBody("coordination.k8s.io/v1beta1", "Lease", META)), undefined);
    assert.equal(jsonToProtobuf(raw(`{"kind":"Pod","apiVersion":"v1"}`)), undefined);
  });

  for (
    const [name, content] of [
      ["a number where a message belongs", message({ 1: 5 })],
      ["a text where a number belongs", message({ 2: message({ 2: "5" }) })],
      ["a text where a time belongs", message({ 2: message({ 4: "2026" }) })],
      ["a length past the end", Uint8Array.of(0x0a, 0x7f, 0x01)],
      ["managed fields that are no JSON", message({ 1: message({ 17: message({ 7: message({ 1: "{" }) }) }) })],
    ] as const
  ) {
    test(`throws 400 at ${name}`, () => {
      assert.throws(() => protobufToJson(protobufBody(LEASE, "Lease", content)), isBadRequest);
    });
  }

  test("throws 400 at what is no protobuf of Kubernetes", () => {
    assert.throws(() => protobufToJson(raw("{}")), isBadRequest);
  });

  test("throws nothing but 400, whatever the bytes", () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(fc.property(bytes, fc.constantFrom(...PROTOBUF_ROWS), (junk, { json }) => {
      const { kind, apiVersion } = Object(JSON.parse(json)) as { kind: string; apiVersion: string }; // our rows
      try {
        JSON.parse(jsonOf(protobufBody(apiVersion, kind, junk)));
      } catch (error) {
        assert.ok(isBadRequest(error), String(error));
      }
    }));
  });

  test("throws nothing but 400 where a byte of a real body is another", () => {
    const flips = fc.tuple(fc.constantFrom(...PROTOBUF_ROWS), fc.nat(), fc.nat(255));
    fc.assert(fc.property(flips, ([{ body }, at, byte]) => {
      const bytes = fromBase64(body);
      bytes[at % bytes.length] = byte;
      try {
        const json = protobufToJson(bytes);
        if (json !== undefined) JSON.parse(new TextDecoder().decode(json));
      } catch (error) {
        assert.ok(isBadRequest(error), String(error));
      }
    }));
  });
});

describe("jsonToProtobuf", () => {
  test("takes over what is not known: of the object, of its messages, of elements that are the same", () => {
    const owner = (name: string): Uint8Array => message({ 1: "Node", 3: name, 4: name, 5: "v1", 60: `of ${name}` });
    const metadata = message({ 1: "n", 13: owner("a"), 61: "of metadata" });
    const content = Uint8Array.from([
      ...message({ 1: metadata, 2: message({ 1: "h", 62: "of spec" }), 63: "of the lease" }),
    ]);
    const came = protobufBody(LEASE, "Lease", content);
    const same = [...protobufOf(jsonOf(came), came)];
    for (const part of ["of a", "of metadata", "of spec", "of the lease"]) assert.ok(holds(same, part), part);
    const changed = [...protobufOf(jsonOf(came).replace(`"name":"a"`, `"name":"b"`).replace(`"h"`, `"i"`), came)];
    for (const part of ["of metadata", "of spec", "of the lease"]) assert.ok(holds(changed, part), part);
    assert.ok(!holds(changed, "of a"));
    const renewed = jsonOf(Uint8Array.from(changed));
    assert.ok(renewed.includes(`"holderIdentity":"i"`));
  });

  test("takes nothing over from a body of another kind", () => {
    const came = protobufBody("v1", "Event", message({ 63: "of the event" }));
    const body = protobufOf({ kind: "Lease", apiVersion: LEASE, metadata: {}, spec: {} }, came);
    assert.ok(!holds([...body], "of the event"));
  });

  test("leaves out members that it does not know, and takes null for missing", () => {
    const lease = {
      kind: "Lease",
      apiVersion: LEASE,
      metadata: { name: "n", x: 1 },
      spec: { holderIdentity: null },
      y: [],
    };
    assert.equal(
      jsonOf(protobufOf(lease)),
      `{"kind":"Lease","apiVersion":"${LEASE}","metadata":{"name":"n"},"spec":{}}`,
    );
  });

  test("takes times of any zone, with or without parts of a second, and the zero time for none", () => {
    const event = {
      kind: "Event",
      apiVersion: "v1",
      metadata: { name: "n" },
      involvedObject: {},
      firstTimestamp: "2026-01-02T05:04:05.987+02:00",
      lastTimestamp: "0001-01-01T00:00:00Z",
      eventTime: "2026-01-02T03:04:05.1Z",
    };
    const json = jsonOf(protobufOf(event));
    assert.ok(json.includes(`"firstTimestamp":"2026-01-02T03:04:05Z","lastTimestamp":null`), json);
    assert.ok(json.includes(`"eventTime":"2026-01-02T03:04:05.100000Z"`), json);
  });

  for (
    const [name, members] of [
      ["metadata that is no object", { metadata: [] }],
      ["a name that is no text", { metadata: { name: 1 } }],
      ["a label that is no text", { metadata: { labels: { a: 1 } } }],
      ["labels that are a list", { metadata: { labels: [] } }],
      ["finalizers that are no list", { metadata: { finalizers: "x" } }],
      ["an owner that is no object", { metadata: { ownerReferences: ["x"] } }],
      ["a flag that is no boolean", { metadata: { ownerReferences: [{ controller: "true" }] } }],
      ["a number with a fraction", { spec: { leaseDurationSeconds: 1.5 } }],
      ["a number beyond 32 bits", { spec: { leaseDurationSeconds: 2 ** 31 } }],
      ["a number beyond 2^53", { metadata: { generation: 2 ** 53 } }],
      ["no time", { spec: { renewTime: "yesterday" } }],
      ["a day that is not on the calendar", { spec: { renewTime: "2026-02-30T00:00:00.000000Z" } }],
    ] as const
  ) {
    test(`throws 400 at ${name}`, () => {
      const lease = Object.assign({ kind: "Lease", apiVersion: LEASE, metadata: {}, spec: {} }, members);
      assert.throws(() => protobufOf(lease), isBadRequest);
    });
  }

  for (const text of ["", "[]", "{", "{}", `{"kind":"Lease"}`, `{"kind":1,"apiVersion":"v1"}`]) {
    test(`throws 400 at ${text || "nothing"}`, () => {
      assert.throws(() => jsonToProtobuf(raw(text)), isBadRequest);
    });
  }

  for (const seconds of [-(2 ** 31), 2 ** 31 - 1, -1]) {
    test(`round trips ${seconds}`, () => {
      const lease = { kind: "Lease", apiVersion: LEASE, metadata: {}, spec: { leaseDurationSeconds: seconds } };
      assert.equal(jsonOf(protobufOf(lease)), JSON.stringify(lease));
    });
  }

  test("round trips leases", () => {
    const micro = fc.integer({ min: -62e9, max: 250e9 }).map((seconds) =>
      new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, ".000123Z")
    );
    const spec = fc.record({
      holderIdentity: fc.string({ unit: "grapheme" }),
      leaseDurationSeconds: fc.integer(),
      renewTime: micro,
    }, { requiredKeys: [] });
    const labels = fc.dictionary(fc.string(), fc.string(), { minKeys: 1 });
    fc.assert(fc.property(spec, labels, (given, map) => {
      const lease = { kind: "Lease", apiVersion: LEASE, metadata: { labels: map }, spec: given };
      const back: unknown = JSON.parse(jsonOf(protobufOf(lease)));
      assert.deepEqual(back, JSON.parse(JSON.stringify(lease)));
    }));
  });
});

function holds(bytes: readonly number[], text: string): boolean {
  return String.fromCharCode(...bytes).includes(text);
}
