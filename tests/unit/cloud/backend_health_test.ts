import assert from "node:assert/strict";
import { test } from "node:test";
import { BackendHealth, type CheckOutcome } from "../../../src/cloud/backend_health.ts";

const ready: CheckOutcome = { result: "ready" };
const refused: CheckOutcome = { result: "failed", failure: "refused", reason: "connection refused" };
const unresolved: CheckOutcome = { result: "failed", failure: "unresolved", reason: "no such host" };
const broken: CheckOutcome = { result: "failed", failure: "broken", reason: "connection reset" };
const badCertificate: CheckOutcome = { result: "failed", failure: "untrusted", reason: "self-signed" };
const silent: CheckOutcome = { result: "silent", reason: "no answer within 2000 ms" };
const unready: CheckOutcome = { result: "unready", reason: "/readyz answered 500" };
const foreign: CheckOutcome = { result: "foreign", reason: "its tokens are issued by https://other" };

/** A health with threshold 2, and time in milliseconds that moves by `after` before an outcome is taken. */
function make() {
  let now = 1_000;
  const health = new BackendHealth({ now: () => now, threshold: 2 });
  return {
    health,
    take: (outcome: CheckOutcome, after = 20_000) => {
      now += after;
      return health.take(outcome);
    },
    now: () => now,
  };
}

const failures = [
  ["refused", refused, "unhealthy"],
  ["unresolved", unresolved, "unhealthy"],
  ["broken", broken, "unhealthy"],
  ["silent", silent, "unhealthy"],
  ["unready", unready, "unhealthy"],
  ["of a bad certificate", badCertificate, "untrusted"],
  ["of another cluster", foreign, "untrusted"],
] as const;

test("BackendHealth is unknown at first", () => {
  const { health, now } = make();
  assert.deepEqual([health.state, health.since, health.reason], ["unknown", now(), "not checked yet"]);
  assert.equal(health.healthy, false);
});

test("BackendHealth: the first success makes what is unknown healthy", () => {
  const { health, take, now } = make();
  assert.equal(take(ready), true);
  assert.deepEqual([health.state, health.healthy, health.since, health.reason], ["healthy", true, now(), "ready"]);
});

for (const [what, outcome, state] of failures) {
  test(`BackendHealth: a check that is ${what} makes what is unknown, and what is healthy, ${state}`, () => {
    const first = make();
    assert.deepEqual([first.take(outcome), first.health.state], [true, state]);
    const { health, take, now } = make();
    take(ready);
    assert.equal(take(outcome), true);
    assert.deepEqual([health.state, health.since], [state, now()]);
    assert.equal(health.reason, "reason" in outcome ? outcome.reason : "");
  });

  test(`BackendHealth: a check that is ${what} makes what is recovering ${state}, and the count begins anew`, () => {
    const { health, take } = make();
    take(silent);
    take(ready);
    assert.equal(health.state, "recovering");
    assert.deepEqual([take(outcome), health.state], [true, state]);
    take(silent);
    assert.deepEqual([take(ready), health.state], [true, "recovering"]);
  });
}

for (const [what, outcome] of failures.filter(([, outcome]) => outcome !== refused && outcome !== unresolved)) {
  test(`BackendHealth: after a check that is ${what} it takes two successes in a row`, () => {
    const { health, take } = make();
    take(ready);
    take(outcome);
    assert.deepEqual([take(ready), health.state], [true, "recovering"]);
    assert.deepEqual([take(ready), health.state], [true, "healthy"]);
  });
}

for (const [what, outcome] of [["refused", refused], ["unresolved", unresolved]] as const) {
  test(`BackendHealth: after a check that is ${what} one success is enough`, () => {
    const { health, take } = make();
    take(ready);
    take(outcome);
    assert.deepEqual([take(ready), health.state], [true, "healthy"]);
  });
}

test("BackendHealth: what the last failure was counts, not the first", () => {
  const { health, take } = make();
  take(refused);
  take(silent);
  take(ready);
  assert.equal(health.state, "recovering");
});

for (const [from, first] of [["unhealthy", broken], ["untrusted", foreign]] as const) {
  for (const [to, then] of [["unhealthy", silent], ["untrusted", badCertificate]] as const) {
    test(`BackendHealth: what is ${from} is ${to} once a check says so`, () => {
      const { health, take } = make();
      take(first);
      assert.deepEqual([take(then), health.state, health.healthy], [from !== to, to, false]);
    });
  }
}

test("BackendHealth: a state that stays the same is no change, keeps its time, and says the newest reason", () => {
  const { health, take, now } = make();
  take(refused);
  const since = now();
  assert.equal(take(silent), false);
  assert.deepEqual([health.since, health.reason], [since, "no answer within 2000 ms"]);
  take(ready);
  take(ready);
  assert.equal(take(ready), false);
});

test("BackendHealth: what was healthy for less than 10 s flaps: twice as many successes, a refused link no exception", () => {
  const { health, take } = make();
  take(ready);
  take(refused);
  take(ready);
  take(refused, 9_999);
  for (let i = 0; i < 3; i++) {
    take(ready, 100);
    assert.equal(health.state, "recovering");
  }
  take(ready, 100);
  assert.equal(health.state, "healthy");
});

test("BackendHealth: what was healthy for 10 s does not flap any more", () => {
  const { health, take } = make();
  take(ready);
  take(refused, 5_000);
  for (let i = 0; i < 4; i++) take(ready);
  take(refused, 10_000);
  assert.deepEqual([take(ready), health.state], [true, "healthy"]);
});
