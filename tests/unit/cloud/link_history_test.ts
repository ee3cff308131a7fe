import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinkState } from "../../../src/cloud/link.ts";
import { LinkHistory, maxStateChanges } from "../../../src/cloud/link_history.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
import { linkScene } from "./link_scene.ts";

const minuteMs = 60_000;

/** A link that is whatever it is told to be. */
function toldLink() {
  const clock = createFakeClock();
  const listeners = new Set<() => void>();
  const link = {
    state: "unknown" as LinkState,
    reason: "not checked yet",
    onChange: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onBackend: () => () => true,
  };
  const history = new LinkHistory({ link, cloud: { backends: [] }, clock });
  const enter = (state: "online" | "offline", reason = state === "online" ? "ready" : "refused") => {
    Object.assign(link, { state, reason });
    for (const listener of listeners) listener();
  };
  const told = () => history.changes().map(({ at, state }) => `${state} ${(clock.now() - at) / minuteMs}`);
  return { clock, history, enter, told };
}

test("LinkHistory tells each change of the link and of its API servers, with its time and its words", async () => {
  const { link, cloud, clock, upstream } = linkScene({ backends: 2 });
  const history = new LinkHistory({ link, cloud, clock });
  const startedAt = clock.now();
  upstream(0).answer = () => 200;
  upstream(1).answer = () => "refused";
  await link.start();
  await clock.advance(minuteMs);
  upstream(0).answer = () => "refused";
  await clock.advance(20_000);
  const told = history.changes().map(({ address = "link", state }) => `${address} ${state}`);
  assert.deepEqual(told, [
    "link unknown",
    "api-0 unknown",
    "api-1 unknown",
    "link online",
    "api-0 healthy",
    "api-1 unhealthy",
    "link offline",
    "api-0 unhealthy",
  ]);
  const cut = history.changes().at(-1);
  assert.ok(cut !== undefined && cut.at > startedAt + minuteMs && cut.at <= clock.now());
  assert.notEqual(cut.reason, "");
  link.close();
});

test("LinkHistory forgets what is older than an hour, but for what tells how the hour began", async () => {
  const { clock, enter, told } = toldLink();
  await clock.advance(minuteMs);
  enter("online");
  await clock.advance(10 * minuteMs);
  enter("offline");
  await clock.advance(5 * minuteMs);
  enter("online");
  assert.deepEqual(told(), ["unknown 16", "online 15", "offline 5", "online 0"]);
  await clock.advance(57 * minuteMs);
  assert.deepEqual(told(), ["offline 62", "online 57"]);
  await clock.advance(60 * minuteMs);
  assert.deepEqual(told(), ["online 117"]);
});

test("LinkHistory keeps a bounded number of changes, the newest, and counts those that had to go", async () => {
  const { clock, enter, history } = toldLink();
  for (let i = 0; i < maxStateChanges; i++) {
    await clock.advance(1_000);
    enter(i % 2 === 0 ? "online" : "offline");
  }
  assert.equal(history.changes().length, maxStateChanges);
  assert.equal(history.dropped, 1); // the one of the start
  assert.equal(history.changes()[0]?.state, "online");
  assert.equal(history.changes().at(-1)?.state, "offline");
});

test("LinkHistory cuts words that are long, notes a state once, and ends with close", () => {
  const { enter, history } = toldLink();
  enter("offline", "x".repeat(10_000));
  enter("offline", "y");
  assert.deepEqual(history.changes().map(({ reason }) => reason.length), ["not checked yet".length, 301]);
  history.close();
  enter("online");
  assert.equal(history.changes().at(-1)?.state, "offline");
});
