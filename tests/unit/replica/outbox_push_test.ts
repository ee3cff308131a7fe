import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CloudAnswer, OutboxCloud, PushedWrite } from "../../../src/replica/outbox_cloud.ts";
import type { OutboxEntry } from "../../../src/replica/outbox_entry.ts";
import { pushEntry } from "../../../src/replica/outbox_push.ts";
import { StatusError, type StatusReason } from "../../../src/kube/status.ts";
import { jsonBytes, podBytes, podPath, withStatus } from "../../testing/node_pods.ts";
import { message, protobufBody, protobufType } from "../../testing/protobuf_body.ts";

const never = new AbortController().signal;

function refused(code: number, reason: StatusReason, text = "no"): CloudAnswer {
  return { failure: new StatusError({ code, reason, message: text }) };
}

/** A cloud that gives these answers, in order. */
function cloudOf(answers: { readonly gets?: readonly CloudAnswer[]; readonly writes?: readonly CloudAnswer[] }) {
  const [gets, writes] = [[...answers.gets ?? []], [...answers.writes ?? []]];
  const written: PushedWrite[] = [];
  const next = (from: CloudAnswer[]): Promise<CloudAnswer> => {
    const answer = from.shift();
    return answer === undefined ? Promise.reject(new Error("asked too often")) : Promise.resolve(answer);
  };
  const fake: Pick<OutboxCloud, "get" | "write"> = {
    get: () => next(gets),
    write: (_path, write) => {
      written.push(write);
      return next(writes);
    },
  };
  return { cloud: fake, written, bodies: () => written.map(({ body }) => parse(body)) };
}

function parse(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}

const told = { sequence: 1, manager: "kubelet", writes: 1, since: 0, changedAt: 0 };
const base = podBytes("a", 5);
const failed: OutboxEntry = {
  ...told,
  path: podPath("a"),
  kind: "status",
  uid: "a",
  base,
  pending: withStatus(base, { phase: "Failed" }),
};

describe("pushEntry of a status", () => {
  test("sends what this node has changed, with the cloud's uid and version as preconditions", async () => {
    const { cloud, bodies, written } = cloudOf({
      gets: [{ object: podBytes("a", 9, { message: "from the cloud" }) }],
      writes: [{ object: podBytes("a", 10, { phase: "Failed" }) }],
    });
    assert.deepEqual(await pushEntry(cloud, failed, never), { how: "pushed", resourceVersion: "10" });
    assert.deepEqual(bodies(), [{ status: { phase: "Failed" }, metadata: { uid: "a", resourceVersion: "9" } }]);
    assert.deepEqual([written[0]?.subresource, written[0]?.manager, written[0]?.contentType], [
      "status",
      "kubelet",
      "application/strategic-merge-patch+json",
    ]);
  });

  test("pushed once more, after an answer that nobody noted, sends nothing", async () => {
    const { cloud } = cloudOf({ gets: [{ object: withStatus(podBytes("a", 10), { phase: "Failed" }) }] });
    assert.deepEqual(await pushEntry(cloud, failed, never), { how: "unchanged", resourceVersion: "10" });
  });

  test("that meets a conflict is rebased anew; a pod that has finished in between stays so", async () => {
    const { cloud, bodies } = cloudOf({
      gets: [{ object: podBytes("a", 9) }, { object: podBytes("a", 11, { phase: "Succeeded" }) }],
      writes: [refused(409, "Conflict")],
    });
    assert.deepEqual(await pushEntry(cloud, failed, never), { how: "finished", resourceVersion: "11" });
    assert.equal(bodies().length, 1);
  });

  test("that meets nothing but conflicts is kept", async () => {
    const { cloud } = cloudOf({
      gets: Array.from({ length: 5 }, () => ({ object: podBytes("a", 9) })),
      writes: Array.from({ length: 5 }, () => refused(409, "Conflict")),
    });
    await assert.rejects(
      pushEntry(cloud, failed, never),
      (error) => error instanceof StatusError && error.code === 409,
    );
  });

  for (
    const [what, get, want] of [
      ["is gone", refused(404, "NotFound"), { how: "gone", message: "no" }],
      ["is another one by now", { object: podBytes("a", 9, { uid: "b" }) }, { how: "replaced", resourceVersion: "9" }],
      ["is no object", { object: jsonBytes([]) }, undefined],
    ] as const
  ) {
    test(`whose object ${what}`, async () => {
      const { cloud } = cloudOf({ gets: [get] });
      const settlement = await pushEntry(cloud, failed, never);
      if (want === undefined) assert.equal(settlement.how, "not-understood");
      else assert.deepEqual(settlement, want);
    });
  }

  for (const [code, reason] of [[400, "BadRequest"], [413, "RequestEntityTooLarge"], [422, "Invalid"]] as const) {
    test(`that is refused with ${code} ends, with the cloud's words`, async () => {
      const { cloud } = cloudOf({ gets: [{ object: podBytes("a", 9) }], writes: [refused(code, reason, "why not")] });
      assert.deepEqual(await pushEntry(cloud, failed, never), {
        how: "refused",
        message: "why not",
        resourceVersion: "9",
      });
    });
  }

  for (const code of [401, 403, 408, 429, 500, 502, 503, 504]) {
    test(`that is refused with ${code} is kept, at the read and at the write`, async () => {
      const kept = (error: unknown) => error instanceof StatusError && error.code === code;
      await assert.rejects(pushEntry(cloudOf({ gets: [refused(code, "Unknown")] }).cloud, failed, never), kept);
      const { cloud } = cloudOf({ gets: [{ object: podBytes("a", 9) }], writes: [refused(code, "Unknown")] });
      await assert.rejects(pushEntry(cloud, failed, never), kept);
    });
  }
});

describe("pushEntry of an Event", () => {
  const event = {
    kind: "Event",
    apiVersion: "v1",
    metadata: { name: "e", namespace: "default" },
    involvedObject: { kind: "Pod", name: "a", uid: "a" },
    reason: "BackOff",
    firstTimestamp: "2026-01-01T00:00:00Z",
    lastTimestamp: "2026-01-01T00:00:00Z",
    eventTime: "2026-01-01T00:00:00.123456Z",
    count: 1,
  };
  const path = { group: "", version: "v1", resource: "events", namespace: "default", name: "e" };
  const create: OutboxEntry = { ...told, path, kind: "create", uid: "", pending: jsonBytes(event) };
  const made = (changes: object) =>
    jsonBytes({ ...event, ...changes, metadata: { ...event.metadata, uid: "u", resourceVersion: "7" } });

  test("is created as it came, its times kept", async () => {
    const { cloud, bodies, written } = cloudOf({ writes: [{ object: made({}) }] });
    assert.deepEqual(await pushEntry(cloud, create, never), { how: "pushed", resourceVersion: "7" });
    assert.deepEqual([bodies(), written[0]?.verb], [[event], "create"]);
  });

  test("in protobuf is sent as those bytes, and after a fold in protobuf again with what is not known here", async () => {
    const came = {
      contentType: protobufType,
      body: protobufBody(
        "v1",
        "Event",
        message({ 1: message({ 1: "e", 3: "default" }), 3: "BackOff", 8: 1, 99: "later" }),
      ),
    };
    const { cloud, written } = cloudOf({ writes: [{ object: made({}) }, { object: made({}) }] });
    await pushEntry(cloud, { ...create, came }, never);
    assert.deepEqual([written[0]?.contentType, written[0]?.body], [protobufType, came.body]);
    const pending = jsonBytes({
      kind: "Event",
      apiVersion: "v1",
      metadata: { name: "e", namespace: "default" },
      count: 2,
    });
    await pushEntry(cloud, { ...create, came, pending, writes: 2 }, never);
    assert.equal(written[1]?.contentType, protobufType);
    assert.ok(new TextDecoder().decode(written[1]?.body).includes("later"));
  });

  test("that was created before, and the hub was killed before it noted that, is not created twice", async () => {
    const pending = jsonBytes({ ...event, count: 4 });
    const { cloud, bodies, written } = cloudOf({
      writes: [refused(409, "AlreadyExists"), { object: made({ count: 4 }) }],
    });
    assert.deepEqual(await pushEntry(cloud, { ...create, pending, writes: 2 }, never), {
      how: "pushed",
      resourceVersion: "7",
    });
    assert.equal(written[1]?.contentType, "application/json-patch+json");
    assert.deepEqual(bodies()[1], [
      { op: "test", path: "/involvedObject/kind", value: "Pod" },
      { op: "test", path: "/involvedObject/name", value: "a" },
      { op: "test", path: "/involvedObject/uid", value: "a" },
      { op: "test", path: "/reason", value: "BackOff" },
      { op: "add", path: "/count", value: 4 },
      { op: "add", path: "/firstTimestamp", value: event.firstTimestamp },
      { op: "add", path: "/lastTimestamp", value: event.lastTimestamp },
      { op: "add", path: "/reason", value: "BackOff" },
    ]);
  });

  test("whose name another Event has is refused, and that one is left alone", async () => {
    const { cloud, written } = cloudOf({ writes: [refused(409, "AlreadyExists", "exists"), refused(422, "Invalid")] });
    assert.deepEqual(await pushEntry(cloud, create, never), { how: "refused", message: "exists" });
    assert.equal(written.length, 2);
  });

  test("that expires between the two is kept", async () => {
    const { cloud } = cloudOf({ writes: [refused(409, "AlreadyExists"), refused(404, "NotFound")] });
    await assert.rejects(
      pushEntry(cloud, create, never),
      (error) => error instanceof StatusError && error.code === 409,
    );
  });

  test("that was changed is pushed as its change, without a read, which a node may not do", async () => {
    const entry: OutboxEntry = {
      ...told,
      path,
      kind: "patch",
      uid: "u",
      base: made({}),
      pending: made({ count: 3 }),
    };
    const { cloud, bodies } = cloudOf({
      writes: [{ object: made({ count: 3 }) }, refused(409, "Conflict"), refused(404, "NotFound")],
    });
    assert.equal((await pushEntry(cloud, entry, never)).how, "pushed");
    assert.deepEqual(bodies(), [{ count: 3, metadata: { uid: "u" } }]);
    assert.equal((await pushEntry(cloud, entry, never)).how, "replaced");
    assert.equal((await pushEntry(cloud, entry, never)).how, "gone");
  });
});
