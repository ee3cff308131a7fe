import assert from "node:assert/strict";
import { test } from "node:test";
import { leadWhileElected } from "../../../src/controller/leader_election.ts";
import { IdentityError } from "../../../src/identity/identity_error.ts";
import type { JsonApi } from "../../../src/identity/json_api.ts";
import { createFakeClock, type FakeClock } from "../../testing/fake_clock.ts";
import { createFakeRandom } from "../../testing/fake_random.ts";
import { silentLogger } from "../../testing/lone_replica.ts";

interface StoredLease {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly spec: { readonly holderIdentity: string; readonly leaseTransitions: number; readonly renewTime: string };
}

test("leadWhileElected lets one of two work, and the other one once the first has stopped", async () => {
  const cluster = createCluster();
  const a = cluster.start("a");
  const b = cluster.start("b");
  await cluster.clock.advance(60_000);
  assert.deepEqual(cluster.working(), ["a"]);
  assert.equal(cluster.lease?.spec.leaseTransitions, 0);
  a.stop();
  await cluster.clock.advance(0);
  await a.ended;
  assert.equal(cluster.lease?.spec.holderIdentity, "");
  // Given back, it need not run out.
  await cluster.clock.advance(2_500);
  assert.deepEqual(cluster.working(), ["b"]);
  assert.equal(cluster.lease?.spec.leaseTransitions, 1);
  b.stop();
  await b.ended;
  assert.equal(cluster.clock.pending, 0);
});

test("leadWhileElected never lets two work, whoever is cut off, and for how long", async () => {
  const cluster = createCluster();
  const candidates = [cluster.start("a"), cluster.start("b"), cluster.start("c")];
  const random = createFakeRandom(7);
  let changes = 0;
  let before = "";
  for (let turn = 0; turn < 2_000; turn++) {
    for (const one of candidates) {
      if (random.float() < 0.05) {
        one.way = (["open", "cut", "open", "silent"] as const)[Math.floor(random.float() * 4)] ?? "open";
      }
    }
    await cluster.clock.advance(1_000);
    assert.ok(cluster.working().length <= 1, cluster.working().join());
    const [working = before] = cluster.working();
    if (working !== before) changes++;
    before = working;
  }
  assert.ok(changes > 5, `${changes} changes`);
  for (const one of candidates) one.way = "open";
  await cluster.clock.advance(30_000);
  assert.equal(cluster.working().length, 1);
  for (const one of candidates) one.stop();
  await Promise.all(candidates.map(({ ended }) => ended));
  assert.equal(cluster.clock.pending, 0);
});

for (const way of ["cut", "silent"] as const) {
  test(`leadWhileElected ends the work of a leader whose way is ${way}, before another begins`, async () => {
    const cluster = createCluster();
    const a = cluster.start("a");
    const b = cluster.start("b");
    await cluster.clock.advance(10_000);
    a.way = way;
    await cluster.clock.advance(7_000);
    assert.deepEqual(cluster.working(), ["a"]);
    await cluster.clock.advance(4_000);
    assert.deepEqual(cluster.working(), []);
    await cluster.clock.advance(9_000);
    assert.deepEqual(cluster.working(), ["b"]);
    a.way = "open";
    await cluster.clock.advance(30_000);
    assert.deepEqual(cluster.working(), ["b"]);
    a.stop();
    b.stop();
    await Promise.all([a.ended, b.ended]);
  });
}

test("leadWhileElected goes by how long a Lease did not change, not by its holder's clock", async () => {
  const cluster = createCluster();
  const spec = {
    holderIdentity: "gone",
    leaseDurationSeconds: 15,
    leaseTransitions: 4,
    renewTime: "1999-01-01T00:00:00Z",
  };
  cluster.put({ metadata: { name: "lock" }, spec });
  const a = cluster.start("a");
  await cluster.clock.advance(14_000);
  assert.deepEqual(cluster.working(), []);
  await cluster.clock.advance(4_000);
  assert.deepEqual([cluster.working(), cluster.lease?.spec.leaseTransitions], [["a"], 5]);
  a.stop();
  await a.ended;
});

test("leadWhileElected gives the Lease back where the work fails, and fails too", async () => {
  const cluster = createCluster();
  const a = cluster.start("a", () => Promise.reject(new Error("no work")));
  await Promise.all([assert.rejects(a.ended, /no work/), cluster.clock.advance(1_000)]);
  assert.equal(cluster.lease?.spec.holderIdentity, "");
  assert.equal(cluster.clock.pending, 0);
});

test("leadWhileElected waits where it has no right to the Lease", async () => {
  const cluster = createCluster();
  const a = cluster.start("a");
  a.way = "forbidden";
  await cluster.clock.advance(20_000);
  assert.deepEqual(cluster.working(), []);
  a.way = "open";
  await cluster.clock.advance(3_000);
  assert.deepEqual(cluster.working(), ["a"]);
  a.stop();
  await a.ended;
});

interface Candidate {
  way: "open" | "cut" | "silent" | "forbidden";
  readonly ended: Promise<void>;
  stop(): void;
}

interface Cluster {
  readonly clock: FakeClock;
  readonly lease: StoredLease | undefined;
  put(lease: object): void;
  working(): readonly string[];
  start(identity: string, work?: () => Promise<never>): Candidate;
}

/** An API server with one Lease, and those who want it. */
function createCluster(): Cluster {
  const clock = createFakeClock();
  const working = new Set<string>();
  let lease: StoredLease | undefined;
  let version = 0;
  const put = (given: object): void => {
    const stored = given as StoredLease; // the code under test sends nothing else
    lease = { ...stored, metadata: { ...stored.metadata, resourceVersion: String(++version) } };
  };
  const answer = (method: string, body: unknown) => {
    if (method === "GET") return lease === undefined ? { status: 404, object: {} } : { status: 200, object: lease };
    const sent = body as StoredLease; // as above
    const isCurrent = method === "POST"
      ? lease === undefined
      : lease?.metadata.resourceVersion === sent.metadata.resourceVersion;
    if (!isCurrent) return { status: 409, object: {} };
    put(sent);
    return { status: method === "POST" ? 201 : 200, object: lease };
  };
  const start = (identity: string, work?: () => Promise<never>): Candidate => {
    const stop = new AbortController();
    const api: JsonApi = async ({ method, body, signal }) => {
      const { way } = candidate;
      if (way === "silent") await clock.sleep(10_000, signal);
      if (way === "silent" || way === "cut") throw new IdentityError("No API server answers", { retryable: true });
      return way === "forbidden" ? { status: 403, object: { message: "forbidden" } } : answer(method, body);
    };
    const candidate: { way: Candidate["way"] } = { way: "open" };
    const ended = leadWhileElected({
      ...{ api, clock, random: createFakeRandom(identity.charCodeAt(0)), logger: silentLogger, identity },
      ...{ namespace: "kube-system", name: "lock", signal: stop.signal },
      ...{ leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 },
    }, async (signal) => {
      if (work !== undefined) return await work();
      working.add(identity);
      return await aborted(signal).finally(() => working.delete(identity));
    });
    return Object.assign(candidate, { ended, stop: () => stop.abort(new Error("stopped")) });
  };
  return {
    clock,
    get lease() {
      return lease;
    },
    put,
    working: () => [...working],
    start,
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}
