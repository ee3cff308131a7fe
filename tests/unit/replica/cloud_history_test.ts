import assert from "node:assert/strict";
import { test } from "node:test";
import { CloudHistory } from "../../../src/replica/cloud_history.ts";
import { Collection } from "../../../src/replica/collection.ts";
import { deferred } from "../../testing/deferred.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
import { mapsQuery } from "../../testing/json_objects.ts";
import { loneRows, oneEpoch } from "../../testing/lone_rows.ts";

const pods = { ...mapsQuery, resource: "pods" };

function make() {
  const clock = createFakeClock();
  const history = new CloudHistory(clock);
  let asked = 0;
  const { signal } = new AbortController();
  const version = (query = mapsQuery, since = 0, answer: () => Promise<string> = () => Promise.resolve("5")) =>
    history.version(query, {
      since,
      signal,
      ask: () => {
        asked += 1;
        return answer();
      },
    });
  return { clock, history, version, asked: () => asked };
}

function collection(): Collection {
  const { rows } = loneRows();
  return new Collection({
    key: "k",
    query: mapsQuery,
    rows,
    resource: oneEpoch,
    now: () => 0,
    changed: () => undefined,
  });
}

test("R19: CloudHistory.version asks once for a resource, also while it is asked, and each resource apart", async () => {
  const { version, asked, history } = make();
  const answer = deferred<string>();
  const both = Promise.all([version(mapsQuery, 0, () => answer.promise), version()]);
  answer.resolve("7");
  assert.deepEqual(await both, ["7", "7"]);
  assert.equal(await version({ ...mapsQuery, namespace: "n", version: "v1beta1" }), "7");
  assert.equal(asked(), 1);
  assert.equal(await version(pods), "5");
  assert.equal(asked(), 2);
  history.left(collection());
  await version();
  assert.equal(asked(), 3);
});

test("CloudHistory.version asks anew what was asked before the cut, or is over 5 s old", async () => {
  const { clock, version, asked } = make();
  await version();
  await clock.advance(5_000);
  await version();
  assert.equal(asked(), 1);
  await version(mapsQuery, clock.monotonic());
  assert.equal(asked(), 2);
  await clock.advance(5_001);
  await version();
  assert.equal(asked(), 3);
});

test("CloudHistory.version: where the one that asks fails the next one asks; who is aborted waits no longer", async () => {
  const { version, history } = make();
  const first = deferred<string>();
  const failing = version(mapsQuery, 0, () => first.promise);
  const waiting = version();
  const gone = new AbortController();
  const aborted = history.version(mapsQuery, { since: 0, signal: gone.signal, ask: () => Promise.resolve("1") });
  gone.abort(new Error("the reflector is closed"));
  await assert.rejects(aborted, /the reflector is closed/);
  first.reject(new Error("broken"));
  await assert.rejects(failing, /broken/);
  assert.equal(await waiting, "5");
});

test("CloudHistory.left tells all others once of a restore, and none of what it explains", () => {
  const { history } = make();
  const told: string[] = [];
  const [a, b, c] = [collection(), collection(), collection()];
  const stop = history.follow(c, () => void told.push("c"));
  history.follow(a, () => void told.push("a"));
  history.follow(b, () => void told.push("b"));
  stop();
  assert.deepEqual([a, b].map((held) => history.isVerified(held)), [true, true]);
  history.left(a);
  assert.deepEqual([told, history.restores, history.isVerified(b)], [["b"], 1, false]);
  history.left(b); // the same restore
  assert.deepEqual([told, history.restores], [["b"], 1]);
  for (const held of [a, b]) held.verify(history.restores);
  history.left(b);
  assert.deepEqual([told, history.restores, history.isVerified(a)], [["b", "a"], 2, false]);
});
