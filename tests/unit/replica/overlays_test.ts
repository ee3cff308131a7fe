import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readObjectMeta } from "../../../src/kube/object_meta.ts";
import type { Query } from "../../../src/kube/resources.ts";
import { nodeScope } from "../../../src/identity/scope.ts";
import type { OutboxEntry } from "../../../src/replica/outbox_entry.ts";
import { type WatchStart, writeWatch } from "../../../src/replica/watch_answer.ts";
import { View } from "../../../src/replica/view.ts";
import { createFakeRandom } from "../../testing/fake_random.ts";
import { loneReplica } from "../../testing/lone_replica.ts";
import { ManualSink } from "../../testing/manual_sink.ts";
import { podBytes, podPath, withStatus } from "../../testing/node_pods.ts";

const podsQuery = { group: "", version: "v1", resource: "pods", namespace: "", labelSelector: "", fieldSelector: "" };
const listHead = { apiVersion: "v1", kind: "Pod", listKind: "PodList" };

interface PodEvent {
  readonly type: string;
  readonly object: {
    readonly metadata: { readonly name?: string; readonly resourceVersion: string };
    readonly status?: { readonly phase: string };
  };
}

/** An entry that makes the pod, which the cloud has at version 5, fail. */
function failed(name: string, base: Uint8Array = podBytes(name, 5)): OutboxEntry {
  const pending = withStatus(base, { phase: "Failed", message: "exit 1" });
  return {
    path: podPath(name),
    kind: "status",
    sequence: 1,
    manager: "kubelet",
    uid: name,
    base,
    pending,
    writes: 1,
    since: 0,
    changedAt: 0,
  };
}

/** A replica with one collection of pods at version 10, that holds `a` and `b` at 5. */
function scene(query: Query = podsQuery) {
  const { replica, clock } = loneReplica();
  replica.listed(nodeScope, query, {
    ...listHead,
    resourceVersion: "10",
    items: [podBytes("a", 5), podBytes("b", 5)],
  });
  const collection = replica.held(nodeScope, query);
  if (collection === undefined) throw new Error("The collection was not made");
  const overlays = () => replica.overlays.of(podsQuery);
  const shown = (name: string) => {
    const held = collection.get("default", name);
    if (held === undefined) return "none";
    const bytes = replica.rows.read(held);
    assert.ok(bytes instanceof Uint8Array);
    return phaseOf(overlays()?.over(held.meta, bytes) ?? bytes);
  };
  const watch = (start: WatchStart) => {
    const sink = new ManualSink();
    const client = new AbortController();
    const done = writeWatch(sink, {
      view: new View(collection, replica.rows),
      rows: replica.rows,
      frames: replica.frames,
      overlays,
      isGone: (held) => replica.of(query).isGone(held),
      start,
      bookmarks: true,
      timeoutMs: 600_000,
      clock,
      random: createFakeRandom(),
      signals: [client.signal],
    });
    const events = async () => {
      await clock.advance(0);
      return sink.lines().map(readable);
    };
    return { events, end: async () => (client.abort(), await done) };
  };
  return { replica, collection, overlays, shown, watch, clock };
}

function readable(line: string): string {
  const { type, object: { metadata, status } } = JSON.parse(line) as PodEvent; // assertions look at each field
  return [type, metadata.name, metadata.resourceVersion, status?.phase].filter((part) => part !== undefined).join(" ");
}

function phaseOf(bytes: Uint8Array): string {
  const { metadata, status } = JSON.parse(new TextDecoder().decode(bytes)) as PodEvent["object"]; // as above
  return `${status?.phase} ${metadata.resourceVersion}`;
}

describe("Overlays", () => {
  test("over lays what waits over the version that was held, and over each later one, which keeps its version", () => {
    const { replica, collection, shown } = scene();
    assert.equal(shown("a"), "Running 5");
    replica.overlays.put(failed("a"));
    assert.equal(shown("a"), "Failed 5");
    assert.equal(shown("b"), "Running 5");
    collection.apply("MODIFIED", podBytes("a", 11, { ready: "Unknown" }));
    assert.equal(shown("a"), "Failed 11");
  });

  test("over leaves an object of another uid, and a pod that has finished in the cloud, as they are", () => {
    const { replica, collection, shown } = scene();
    replica.overlays.put(failed("a"));
    replica.overlays.put(failed("b"));
    collection.apply("DELETED", podBytes("a", 11));
    collection.apply("ADDED", podBytes("a", 12, { uid: "other" }));
    collection.apply("MODIFIED", podBytes("b", 13, { phase: "Succeeded" }));
    assert.deepEqual([shown("a"), shown("b")], ["Running 12", "Succeeded 13"]);
  });

  test("over shows what waits, not something older, where less is held than what was written to", () => {
    const { replica, shown } = scene();
    replica.overlays.put(failed("a", podBytes("a", 8)));
    assert.equal(shown("a"), "Failed 5");
  });

  test("an overlay stays until each collection that holds the object has the version of the push's answer", () => {
    const { replica, collection, overlays, shown } = scene();
    const one = { ...podsQuery, namespace: "default" };
    replica.listed(nodeScope, one, { ...listHead, resourceVersion: "10", items: [podBytes("a", 5)] });
    const entry = failed("a");
    replica.overlays.put(entry);
    const answer = withStatus(podBytes("a", 12), { phase: "Failed", message: "exit 1" });
    replica.overlays.settle(entry, "pushed", "12");
    assert.equal(shown("a"), "Failed 5");
    collection.apply("MODIFIED", podBytes("a", 11));
    assert.equal(shown("a"), "Failed 11");
    collection.apply("MODIFIED", answer);
    assert.equal(shown("a"), "Failed 12");
    collection.apply("MODIFIED", podBytes("a", 13));
    assert.equal(shown("a"), "Running 13"); // the cloud's own, from the answer on
    for (let version = 14; version < 100; version++) collection.apply("MODIFIED", podBytes("b", version));
    assert.equal(overlays()?.size, 1);
    replica.held(nodeScope, one)?.apply("MODIFIED", answer);
    // Its event at 11 is still in the log: a watcher may get it.
    for (let version = 100; version < 900; version++) collection.apply("MODIFIED", podBytes("b", version));
    assert.equal(overlays()?.size, 1);
    for (let version = 900; version < 1_200; version++) collection.apply("MODIFIED", podBytes("b", version));
    assert.equal(overlays()?.size, 0);
  });

  test("the overlay of an object that is gone stays until no collection holds it", () => {
    const { replica, collection, overlays, shown } = scene();
    const entry = failed("a");
    replica.overlays.put(entry);
    replica.overlays.settle(entry, "gone", undefined);
    assert.equal(shown("a"), "Failed 5");
    collection.apply("DELETED", podBytes("a", 11));
    for (let version = 12; version < 100; version++) collection.apply("MODIFIED", podBytes("b", version));
    assert.equal(overlays()?.size, 0);
  });

  test("a new epoch ends what has ended, and nothing that waits", () => {
    const { replica, collection, overlays, shown } = scene();
    const entry = failed("a");
    replica.overlays.put(entry);
    replica.overlays.put(failed("b"));
    replica.overlays.settle(entry, "pushed", "12");
    collection.replace({ ...listHead, resourceVersion: "7", items: [podBytes("a", 4), podBytes("b", 4)] });
    assert.deepEqual([shown("a"), shown("b"), overlays()?.size], ["Running 4", "Failed 4", 1]);
  });

  for (const version of [4, 5, 6]) {
    test(`what waits lies over another object than its base's of version 5, where a restored etcd has one at ${version}`, () => {
      const { replica, collection, overlays } = scene();
      replica.overlays.put(failed("a"));
      const other = podBytes("a", version, { nodeName: "node-9" });
      collection.replace({ ...listHead, resourceVersion: "7", items: [other] });
      const lying = () => overlays()?.over(readObjectMeta(other), other) ?? other;
      assert.deepEqual(lying(), withStatus(other, { phase: "Failed", message: "exit 1" }));
      // A further write to the object that the node knows from before.
      replica.overlays.put({ ...failed("a"), writes: 2 });
      assert.deepEqual(lying(), withStatus(other, { phase: "Failed", message: "exit 1" }));
    });
  }

  test("what waits lies over another object of its base's version, after a start of the hub too", () => {
    const { replica, overlays } = scene();
    replica.overlays.put(failed("a"));
    const other = podBytes("a", 5, { nodeName: "node-9" });
    const lying = overlays()?.over(readObjectMeta(other), other);
    assert.deepEqual(lying, withStatus(other, { phase: "Failed", message: "exit 1" }));
  });

  test("a restore that another resource's list shows ends what has ended too", () => {
    const { replica, shown } = scene();
    const entry = failed("a");
    replica.overlays.put(entry);
    replica.overlays.settle(entry, "pushed", "12");
    assert.equal(shown("a"), "Failed 5");
    const secrets = { ...podsQuery, resource: "secrets" };
    const head = { apiVersion: "v1", kind: "Secret", listKind: "SecretList", items: [] };
    replica.listed(nodeScope, secrets, { ...head, resourceVersion: "20" });
    replica.held(nodeScope, secrets)?.replace({ ...head, resourceVersion: "3" });
    assert.equal(shown("a"), "Running 5");
  });
});

describe("writeWatch", () => {
  test("R6: sends what lies under an overlay that comes as MODIFIED of the same version, then a bookmark", async () => {
    const { replica, watch } = scene();
    const { events, end } = watch({ from: "version", resourceVersion: "10" });
    assert.deepEqual(await events(), []);
    replica.overlays.put(failed("a"));
    assert.deepEqual(await events(), ["MODIFIED a 5 Failed", "BOOKMARK 10"]);
    replica.overlays.put(failed("b"));
    assert.deepEqual(await events(), ["MODIFIED b 5 Failed", "BOOKMARK 10"]);
    await end();
  });

  test("sends nothing of an object that is held no more, where what waits is for one that was made anew", async () => {
    const { replica, watch } = scene();
    const { events, end } = watch({ from: "version", resourceVersion: "10" });
    const anew = { ...failed("a", podBytes("a", 12, { uid: "other" })), uid: "other" };
    replica.overlays.put(anew);
    assert.deepEqual(await events(), []);
    replica.overlays.settle(anew, "refused", "12");
    assert.deepEqual(await events(), []);
    await end();
  });

  test("from a version first sends the objects that lie under an overlay", async () => {
    const { replica, watch } = scene();
    replica.overlays.put(failed("b"));
    const { events, end } = watch({ from: "version", resourceVersion: "10" });
    assert.deepEqual(await events(), ["MODIFIED b 5 Failed", "BOOKMARK 10"]);
    await end();
  });

  test("from the state sends it with the overlays, once", async () => {
    const { replica, watch } = scene();
    replica.overlays.put(failed("b"));
    const { events, end } = watch({ from: "state", initialEventsEnd: true });
    assert.deepEqual(await events(), ["ADDED a 5 Running", "ADDED b 5 Failed", "BOOKMARK 10"]);
    await end();
  });

  test("lays the overlay over every event, and sends a deletion as it is", async () => {
    const { replica, collection, watch } = scene();
    replica.overlays.put(failed("a"));
    const { events, end } = watch({ from: "state", initialEventsEnd: false });
    assert.deepEqual(await events(), ["ADDED a 5 Failed", "ADDED b 5 Running"]);
    collection.apply("MODIFIED", podBytes("a", 11, { ready: "Unknown" }));
    collection.apply("MODIFIED", podBytes("b", 12));
    assert.deepEqual(await events(), ["MODIFIED a 11 Failed", "MODIFIED b 12 Running"]);
    collection.apply("DELETED", podBytes("a", 13));
    assert.deepEqual(await events(), ["DELETED a 13 Running"]);
    await end();
  });

  test("sends the cloud's own object again where the push was refused, and nothing where it was taken", async () => {
    const { replica, collection, watch } = scene();
    const [a, b] = [failed("a"), failed("b")];
    for (const entry of [a, b]) replica.overlays.put(entry);
    const { events, end } = watch({ from: "state", initialEventsEnd: false });
    await events();
    collection.apply("MODIFIED", withStatus(podBytes("b", 11), { phase: "Failed", message: "exit 1" }));
    assert.deepEqual(await events(), ["MODIFIED b 11 Failed"]);
    replica.overlays.settle(b, "pushed", "11");
    assert.deepEqual(await events(), []);
    replica.overlays.settle(a, "refused", "5");
    assert.deepEqual(await events(), ["MODIFIED a 5 Running", "BOOKMARK 11"]);
    await end();
  });

  test("never sends an old state to a watcher that is behind the collection when the push's answer has come", async () => {
    const { replica, collection, watch } = scene();
    const entry = failed("a");
    replica.overlays.put(entry);
    const { events, end } = watch({ from: "state", initialEventsEnd: false });
    assert.deepEqual(await events(), ["ADDED a 5 Failed", "ADDED b 5 Running"]);
    replica.overlays.settle(entry, "pushed", "12");
    collection.apply("MODIFIED", podBytes("a", 11, { ready: "Unknown" }));
    collection.apply("MODIFIED", withStatus(podBytes("a", 12), { phase: "Failed" }));
    assert.deepEqual(await events(), ["MODIFIED a 11 Failed", "MODIFIED a 12 Failed"]);
    await end();
    const resumed = watch({ from: "version", resourceVersion: "10" });
    assert.deepEqual(
      (await resumed.events()).filter((event) => !event.startsWith("BOOKMARK")),
      ["MODIFIED a 11 Failed", "MODIFIED a 12 Failed"],
    );
    await resumed.end();
  });

  test("ahead of its collection gets overlays once that has come to where it stands", async () => {
    const { replica, collection, watch } = scene();
    replica.overlays.put(failed("a"));
    const { events, end } = watch({ from: "version", resourceVersion: "20" });
    assert.deepEqual(await events(), []);
    collection.apply("MODIFIED", podBytes("b", 21));
    assert.deepEqual(await events(), ["MODIFIED b 21 Running", "MODIFIED a 5 Failed", "BOOKMARK 21"]);
    await end();
  });
});

test("writeWatch sends no overlay of an object that had left the selection when the node wrote", async () => {
  const running = { ...podsQuery, fieldSelector: "status.phase=Running" };
  const { replica, watch } = scene(running);
  const { events, end } = watch({ from: "version", resourceVersion: "10" });
  replica.overlays.put(failed("a", podBytes("a", 11)));
  replica.overlays.put({
    ...failed("b"),
    pending: withStatus(podBytes("b", 5), { phase: "Running", message: "still" }),
  });
  assert.deepEqual(await events(), ["MODIFIED b 5 Running", "BOOKMARK 10"]);
  await end();
});

test("an overlaid object keeps its resourceVersion and uid", () => {
  const { replica, overlays } = scene();
  replica.overlays.put(failed("a"));
  const fresh = podBytes("a", 77, { ready: "Unknown" });
  const meta = readObjectMeta(fresh);
  const over = readObjectMeta(overlays()?.over(meta, fresh) ?? new Uint8Array());
  assert.deepEqual([over.uid, over.resourceVersion, over.kind], ["a", "77", "Pod"]);
});
