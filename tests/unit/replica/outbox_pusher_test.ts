import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusError } from "../../../src/kube/status.ts";
import { UpstreamError } from "../../../src/platform/upstream.ts";
import { Outbox, type OutboxWrite } from "../../../src/replica/outbox.ts";
import type { CloudAnswer } from "../../../src/replica/outbox_cloud.ts";
import { maxEventAgeMs, OutboxPusher, type PushingLink } from "../../../src/replica/outbox_pusher.ts";
import { deferred } from "../../testing/deferred.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
import { createFakeRandom } from "../../testing/fake_random.ts";
import { createFaultyStore } from "../../testing/faulty_store.ts";
import { loneReplica, silentLogger } from "../../testing/lone_replica.ts";
import { jsonBytes, podBytes, podPath, withStatus } from "../../testing/node_pods.ts";

function podWrite(name: string): OutboxWrite {
  const base = podBytes(name, 5);
  const pending = withStatus(base, { phase: "Failed" });
  return { path: podPath(name), kind: "status", uid: name, base, pending, manager: "kubelet" };
}

/** An outbox and its pusher; the cloud answers as `answer` says, by default with what the node wrote, so that nothing is left to do. */
function scene() {
  const clock = createFakeClock();
  const { replica } = loneReplica({ clock });
  const store = createFaultyStore();
  const outbox = new Outbox({
    store,
    logger: silentLogger,
    now: clock.now,
    maxBytes: 1_000_000,
    overlays: replica.overlays,
  });
  const asked: string[] = [];
  const listeners = new Set<() => void>();
  const cloud = {
    answer: (name: string): Promise<CloudAnswer> =>
      Promise.resolve({ object: withStatus(podBytes(name, 9), { phase: "Failed" }) }),
    get: ({ name }: { readonly name: string }) => {
      asked.push(name);
      return cloud.answer(name);
    },
    write: () => Promise.reject(new Error("nothing is written here")),
  };
  const link: PushingLink & { state: "online" | "offline"; suspected: number } = {
    state: "offline",
    suspected: 0,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    suspect: () => void link.suspected++,
  };
  const enter = async (state: "online" | "offline") => {
    link.state = state;
    for (const listener of listeners) listener();
    await clock.advance(0);
  };
  const pusher = new OutboxPusher({ outbox, cloud, link, clock, random: createFakeRandom(), logger: silentLogger });
  return { clock, outbox, pusher, cloud, link, asked, enter, store };
}

describe("OutboxPusher", () => {
  test("pushes nothing while the link is cut, and all once it is back, oldest first", async () => {
    const { outbox, pusher, asked, enter } = scene();
    pusher.start();
    for (const name of ["b", "a"]) await outbox.put(podWrite(name));
    assert.deepEqual(asked, []);
    await enter("online");
    assert.deepEqual(asked, ["b", "a"]);
    assert.deepEqual(outbox.settled.map(({ how }) => how), ["unchanged", "unchanged"]);
    await pusher.close();
  });

  test("pushes what waited at its start, and what comes later", async () => {
    const { clock, outbox, pusher, link, asked } = scene();
    link.state = "online";
    await outbox.put(podWrite("a"));
    pusher.start();
    await clock.advance(0);
    await outbox.put(podWrite("b"));
    await clock.advance(0);
    assert.deepEqual([asked, outbox.size], [["a", "b"], 0]);
    await pusher.close();
  });

  test("pushes four objects at once, and one write of an object at a time", async () => {
    const { outbox, pusher, cloud, asked, enter } = scene();
    const gate = deferred<void>();
    cloud.answer = (name) => gate.promise.then(() => ({ object: withStatus(podBytes(name, 9), { phase: "Failed" }) }));
    for (const name of ["a", "b", "c", "d", "e", "f"]) await outbox.put(podWrite(name));
    pusher.start();
    await enter("online");
    assert.deepEqual(asked, ["a", "b", "c", "d"]);
    let held = false;
    const writing = outbox.hold(podPath("a"), new AbortController().signal).then((letGo) => {
      held = true;
      letGo();
    });
    await enter("online");
    assert.deepEqual([held, asked.length], [false, 4]);
    gate.resolve();
    await writing;
    await enter("online");
    assert.deepEqual([asked.length, outbox.size], [6, 0]);
    await pusher.close();
  });

  test("waits longer after each failure, up to half a minute, and as long as Retry-After says", async () => {
    const { clock, outbox, pusher, cloud, asked, enter } = scene();
    cloud.answer = () => Promise.reject(new StatusError({ code: 500, reason: "InternalError", message: "no" }));
    await outbox.put(podWrite("a"));
    pusher.start();
    await enter("online");
    const gaps: number[] = [];
    for (let seen = asked.length, gapMs = 0; gaps.length < 9; gapMs += 100) {
      if (asked.length > seen) {
        gaps.push(gapMs);
        gapMs = 0;
        seen = asked.length;
      }
      await clock.advance(100);
    }
    const [first = 0, last = 0] = [gaps[0], gaps.at(-1)];
    assert.ok(first <= 1_100 && last >= 15_000 && gaps.every((gap) => gap <= 30_100), gaps.join());
    assert.equal(pusher.failure(podPath("a"))?.message, "no");
    const details = { retryAfterSeconds: 120 };
    cloud.answer = () =>
      Promise.reject(new StatusError({ code: 429, reason: "TooManyRequests", message: "later", details }));
    await clock.advance(31_000);
    const before = asked.length;
    await clock.advance(100_000);
    assert.equal(asked.length, before);
    await clock.advance(31_000);
    assert.equal(asked.length, before + 1);
    await pusher.close();
  });

  test("tells the link where no answer came, and tries again at once when that is back", async () => {
    const { outbox, pusher, cloud, link, asked, enter } = scene();
    const { answer } = cloud;
    cloud.answer = () => Promise.reject(new UpstreamError("timeout", "cut", { sent: true }));
    await outbox.put(podWrite("a"));
    pusher.start();
    await enter("online");
    assert.deepEqual([link.suspected, asked.length], [1, 1]);
    await enter("offline");
    cloud.answer = answer;
    await enter("online");
    assert.deepEqual([asked.length, outbox.size, pusher.failure(podPath("a"))], [2, 0, undefined]);
    await pusher.close();
  });

  test("an end that cannot be made durable is pushed again, which changes nothing", async () => {
    const { clock, outbox, pusher, store, enter } = scene();
    await outbox.put(podWrite("a"));
    store.failure = "no space left";
    pusher.start();
    await enter("online");
    assert.deepEqual([outbox.size, outbox.settled.length], [1, 0]);
    store.failure = undefined;
    await clock.advance(2_000);
    assert.deepEqual([outbox.size, outbox.settled.map(({ how }) => how)], [0, ["unchanged"]]);
    await pusher.close();
  });

  test("an Event past its age is dropped and reported, a status never", async () => {
    const { clock, outbox, pusher, asked, enter } = scene();
    const path = { group: "", version: "v1", resource: "events", namespace: "default", name: "e" };
    await outbox.put({ path, kind: "create", uid: "", pending: jsonBytes({}), manager: "" });
    await outbox.put(podWrite("a"));
    await clock.advance(maxEventAgeMs + 1);
    pusher.start();
    await enter("online");
    assert.deepEqual(outbox.settled.map(({ path, how }) => [path.name, how]), [["e", "too-old"], ["a", "unchanged"]]);
    assert.deepEqual(asked, ["a"]);
    await pusher.close();
  });

  test("close ends what waits, and leaves no timer", async () => {
    const { clock, outbox, pusher, cloud, enter } = scene();
    cloud.answer = () => Promise.reject(new StatusError({ code: 500, reason: "InternalError", message: "no" }));
    await outbox.put(podWrite("a"));
    pusher.start();
    await enter("online");
    assert.equal(clock.pending, 1);
    await pusher.close();
    assert.deepEqual([clock.pending, outbox.size], [0, 1]);
  });
});
