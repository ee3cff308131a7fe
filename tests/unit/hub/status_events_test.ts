import assert from "node:assert/strict";
import { test } from "node:test";
import { maxStatusListeners, StatusEvents, statusIntervalMs } from "../../../src/hub/status_events.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
import { type EventStream, readEvents } from "../../testing/event_stream.ts";

function scene() {
  const clock = createFakeClock();
  const closing = new AbortController();
  const changes = new Set<() => void>();
  const on = (listener: () => void) => {
    changes.add(listener);
    return () => changes.delete(listener);
  };
  let status = "0";
  let asked = 0;
  const events = new StatusEvents({
    clock,
    link: { onChange: on, onBackend: () => () => true },
    ended: closing.signal,
    status: () => {
      asked += 1;
      return status;
    },
  });
  return {
    clock,
    events,
    close: () => closing.abort(new Error("The hub closes")),
    become: (text: string) => void (status = text),
    linkChanges: () => {
      for (const change of [...changes]) change();
    },
    asked: () => asked,
    subscriptions: () => changes.size,
    listen: (): EventStream => {
      const stream = events.listen();
      assert.ok(stream !== undefined);
      return readEvents(stream);
    },
  };
}

test("StatusEvents tells the status at once, at its interval where it is another, and beats where it is not", async () => {
  const { clock, listen, become } = scene();
  const listener = listen();
  assert.deepEqual(await listener.next(), { name: "status", data: "0" });
  await clock.advance(statusIntervalMs);
  assert.deepEqual(await listener.next(), { name: "heartbeat", data: "" });
  become("1");
  await clock.advance(statusIntervalMs);
  assert.deepEqual(await listener.next(), { name: "status", data: "1" });
});

test("StatusEvents tells a change of the link at once, and a change that is none not at all", async () => {
  const { listen, become, linkChanges, clock } = scene();
  const listener = listen();
  await listener.next();
  linkChanges();
  become("offline");
  linkChanges();
  linkChanges();
  assert.deepEqual(await listener.next(), { name: "status", data: "offline" });
  await clock.advance(statusIntervalMs);
  assert.equal((await listener.next())?.name, "heartbeat");
});

test("StatusEvents keeps a bounded number of events for who does not read, who then gets what is true", async () => {
  const { listen, become, clock } = scene();
  const listener = listen();
  for (let i = 1; i <= 100; i++) {
    become(String(i));
    await clock.advance(statusIntervalMs);
  }
  const unread: string[] = [];
  for (let i = 0; i < 4; i++) unread.push((await listener.next())?.data ?? "");
  assert.deepEqual(unread, ["0", "1", "2", "3"]);
  await clock.advance(statusIntervalMs);
  assert.equal((await listener.next())?.data, "100");
});

test("StatusEvents refuses listeners past its bound, counts them, and takes one where one has gone", async () => {
  const { events, listen } = scene();
  const listeners = Array.from({ length: maxStatusListeners }, listen);
  assert.equal(events.listen(), undefined);
  assert.deepEqual([events.size, events.refused], [maxStatusListeners, 1]);
  await listeners[0]?.close();
  assert.equal(events.size, maxStatusListeners - 1);
  assert.equal((await listen().next())?.name, "status");
});

test("StatusEvents asks once for all listeners, and rests where nobody listens", async () => {
  const { clock, listen, asked, become, subscriptions } = scene();
  const listeners = [listen(), listen(), listen()];
  const before = asked();
  become("1");
  await clock.advance(statusIntervalMs);
  assert.equal(asked(), before + 1);
  for (const listener of listeners) await listener.close();
  assert.deepEqual([clock.pending, subscriptions()], [0, 0]);
});

test("StatusEvents ends every stream when the hub closes, and takes nobody then", async () => {
  const { events, clock, listen, close, subscriptions } = scene();
  const listeners = [listen(), listen()];
  for (const listener of listeners) await listener.next();
  close();
  for (const listener of listeners) assert.equal(await listener.next(), undefined);
  assert.equal(events.listen(), undefined);
  assert.deepEqual([events.size, events.refused, clock.pending, subscriptions()], [0, 0, 0, 0]);
});
