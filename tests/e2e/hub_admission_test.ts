import assert from "node:assert/strict";
import { test } from "node:test";
import type { ByteSource, Duplex } from "../../src/platform/bytes.ts";
import type { Exchange } from "../../src/platform/exchange.ts";
import { serveCallers } from "../testing/callers_scene.ts";
import { deferred } from "../testing/deferred.ts";
import { inTime, syncMaps } from "../testing/hub_answers.ts";
import { type HubScene, serveHub } from "../testing/hub_scene.ts";
import type { HubAnswer } from "../testing/running_hub.ts";
import { mapsPath, seedMap } from "../testing/sample_objects.ts";
import { connectWire, type Wire } from "../testing/wire.ts";

const heldPath = `${mapsPath}/held`;
const leasePath = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1";
const heldMap = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "held", namespace: "default", uid: "held", resourceVersion: "1" },
};

/** A cloud that keeps requests for one ConfigMap waiting until they are let go. */
function holding() {
  const gate = deferred();
  return {
    letGo: () => gate.resolve(),
    intercept: async ({ rawPath }: Exchange): Promise<Response> => {
      assert.equal(rawPath, heldPath);
      await gate.promise;
      return Response.json(heldMap);
    },
  };
}

const isHeld = ({ rawPath }: Exchange): boolean => rawPath === heldPath;

const as = (component: string) => ({ headers: { "User-Agent": `${component}/1.0` } });

async function figure({ statusOrigin }: HubScene, series: string): Promise<number> {
  const text = await (await fetch(`${statusOrigin}/metrics`)).text();
  const line = text.split("\n").find((each) => each.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1));
}

const inFlight = (scene: HubScene, kind: "short" | "long") =>
  figure(scene, `holdfast_requests_in_flight{kind="${kind}"}`);

async function untilInFlight(scene: HubScene, kind: "short" | "long", count: number): Promise<void> {
  await scene.until(async () => await inFlight(scene, kind) === count);
}

function assertTooMany({ status, headers, body }: HubAnswer): void {
  assert.deepEqual([status, headers.get("retry-after")], [429, "1"]);
  assert.deepEqual([body.kind, body.reason, body.details.retryAfterSeconds], ["Status", "TooManyRequests", 1]);
  assert.equal(body.message, "Too many requests, please try again later.");
}

test("past --max-requests-in-flight a request gets 429 and does not reach the cloud; what has ended makes room", () => {
  const { letGo, intercept } = holding();
  return serveHub(async (scene) => {
    const waiting = ["a", "b", "c"].map((name) => scene.request("GET", heldPath, as(name)));
    await untilInFlight(scene, "short", 3);
    const asked = () => scene.seen.filter(({ path }) => path === heldPath).length;
    await scene.until(() => asked() === 3);
    assertTooMany(await scene.request("GET", heldPath, as("d")));
    assert.equal(asked(), 3);
    assert.equal(await figure(scene, 'holdfast_requests_over_limit_total{kind="short",why="full"}'), 1);
    for (const path of ["/healthz", "/readyz", "/v1/status"]) {
      assert.equal((await fetch(scene.statusOrigin + path)).status, 200);
    }
    letGo();
    for (const { status } of await Promise.all(waiting)) assert.equal(status, 200);
    await untilInFlight(scene, "short", 0);
    assert.equal((await scene.request("GET", heldPath, as("d"))).status, 200);
  }, { maxRequestsInFlight: 3, intercept: (exchange) => isHeld(exchange) ? intercept(exchange) : undefined });
});

test("a client that goes away gives its slot back", () => {
  const { intercept } = holding();
  return serveHub(async (scene) => {
    const client = new AbortController();
    const asked = fetch(scene.origin + heldPath, { signal: client.signal }).catch(() => "gone");
    await untilInFlight(scene, "short", 1);
    assertTooMany(await scene.request("GET", mapsPath));
    client.abort();
    assert.equal(await asked, "gone");
    await untilInFlight(scene, "short", 0);
    assert.equal((await scene.request("GET", mapsPath)).status, 200);
  }, { maxRequestsInFlight: 1, intercept: (exchange) => isHeld(exchange) ? intercept(exchange) : undefined });
});

test("requests that are refused give their slots back", () =>
  serveHub(async (scene) => {
    await scene.cut();
    for (const path of ["/api/v1/secrets", `${mapsPath}/none`, "/healthz"]) {
      assert.equal((await scene.request("GET", path)).status, 503);
    }
    assert.equal((await scene.request("POST", mapsPath, { body: {} })).status, 503);
    assert.equal((await scene.request("GET", "/api/v1/%zz")).status, 400);
    assert.deepEqual([await inFlight(scene, "short"), await inFlight(scene, "long")], [0, 0]);
  }, { maxRequestsInFlight: 1 }));

test("one component that floods the plain port leaves room for kubelet, and kubelet's reads for its heartbeats", () => {
  const { letGo, intercept } = holding();
  return serveHub(async (scene) => {
    const flood = Array.from({ length: 30 }, () => scene.request("GET", heldPath, as("runaway")));
    await scene.until(async () =>
      await figure(scene, 'holdfast_requests_over_limit_total{kind="short",why="share"}') === 18
    );
    assert.equal(await inFlight(scene, "short"), 12);
    const reads = Array.from({ length: 10 }, () => scene.request("GET", heldPath, as("kubelet")));
    await scene.until(async () =>
      await figure(scene, 'holdfast_requests_over_limit_total{kind="short",why="share"}') === 24
    );
    const heartbeat = await scene.request("GET", leasePath, as("kubelet"));
    assert.notEqual(heartbeat.status, 429);
    letGo();
    const statuses = (answers: readonly HubAnswer[]) => answers.filter(({ status }) => status === 200).length;
    assert.deepEqual([statuses(await Promise.all(flood)), statuses(await Promise.all(reads))], [12, 4]);
    await untilInFlight(scene, "short", 0);
  }, { maxRequestsInFlight: 18, intercept: (exchange) => isHeld(exchange) ? intercept(exchange) : undefined });
});

test("service accounts that flood the TLS port leave a quarter to the node and to kube-system", () => {
  const { letGo, intercept } = holding();
  return serveCallers(async (scene) => {
    const tokens = await Promise.all(["a", "b", "c", "d", "e"].map((name) => scene.issuer.token({ name })));
    // The cluster's keys are known from then on.
    for (const token of tokens) assert.equal((await scene.ask(token, mapsPath)).status, 200);
    const flood = tokens.flatMap((token) => Array.from({ length: 4 }, () => scene.ask(token, heldPath)));
    await untilInFlight(scene, "short", 6);
    const system = await scene.issuer.token({ namespace: "kube-system", name: "coredns" });
    assert.equal((await scene.ask(system, mapsPath)).status, 200);
    assert.equal((await scene.request("GET", mapsPath, as("kubelet"))).status, 200);
    letGo();
    const answers = await Promise.all(flood);
    for (const answer of answers.filter(({ status }) => status !== 200)) assertTooMany(answer);
    assert.equal(answers.filter(({ status }) => status === 200).length, 6);
    await untilInFlight(scene, "short", 0);
  }, { maxRequestsInFlight: 8, intercept: (exchange) => isHeld(exchange) ? intercept(exchange) : undefined });
});

test("watches have a limit of their own, and one that ends makes room", () =>
  serveHub(async (scene) => {
    const path = `${mapsPath}?watch=1`;
    const watches = [];
    for (let i = 0; i < 3; i++) watches.push(await scene.watch(path, as("kubelet").headers));
    await untilInFlight(scene, "long", 3);
    assertTooMany(await scene.request("GET", path, as("kubelet")));
    await scene.watch(path, as("kube-proxy").headers);
    assertTooMany(await scene.request("GET", path, as("flannel")));
    assert.equal((await scene.request("GET", mapsPath, as("kubelet"))).status, 200);
    await watches[0]?.close();
    await untilInFlight(scene, "long", 3);
    await scene.watch(path, as("flannel").headers);
    assert.equal(await inFlight(scene, "long"), 4);
  }, { maxWatches: 4, maxRequestsInFlight: 1 }));

test("a watch that the hub ends gives its slot back", () =>
  serveHub(async (scene) => {
    const watch = await scene.watch(`${mapsPath}?watch=1&timeoutSeconds=5`);
    await untilInFlight(scene, "long", 1);
    await scene.clock.advance(5_000);
    assert.ok(await watch.ended());
    await untilInFlight(scene, "long", 0);
  }, { maxWatches: 1 }));

const execRequest = "GET /api/v1/namespaces/default/pods/p/exec HTTP/1.1\r\nHost: 127.0.0.1\r\n" +
  "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

/** Says what it hears, until the other side ends. */
async function echo(socket: Duplex): Promise<void> {
  await socket.write(new TextEncoder().encode(switching));
  const source: ByteSource = socket.source;
  for await (const chunk of source) await socket.write(chunk);
  socket.end();
}

async function exec({ origin }: HubScene): Promise<Wire> {
  const wire = await connectWire(Number(new URL(origin).port));
  wire.send(execRequest);
  await wire.untilText("\r\n\r\n");
  return wire;
}

for (const [how, end] of [["ends", (wire: Wire) => wire.end()], ["breaks", (wire: Wire) => wire.destroy()]] as const) {
  test(`an upgrade has a slot of the watches until its client ${how}`, () =>
    serveHub(async (scene) => {
      const first = await exec(scene);
      assert.match(first.text, /^HTTP\/1\.1 101 /);
      first.send("hello");
      await first.untilText("hello");
      assert.deepEqual([await inFlight(scene, "long"), await inFlight(scene, "short")], [1, 0]);
      const second = await exec(scene);
      assert.match(second.text, /^HTTP\/1\.1 429 [^]*\r\nRetry-After: 1\r\n/);
      second.destroy();
      end(first);
      await untilInFlight(scene, "long", 0);
      const third = await exec(scene);
      assert.match(third.text, /^HTTP\/1\.1 101 /);
      third.destroy();
      first.destroy();
    }, {
      maxWatches: 1,
      intercept: (exchange) => {
        if (!exchange.upgrade) return undefined;
        void echo(exchange.hijack().socket).catch(() => undefined);
        return new Response(null);
      },
    }));
}

test("what the hub asks for itself does not count", () =>
  serveHub(async (scene) => {
    seedMap(scene.server, "a");
    await syncMaps(scene);
    const { collections } = await scene.status();
    assert.deepEqual(collections.map(({ state }) => state), ["live"]);
    assert.deepEqual([await inFlight(scene, "short"), await inFlight(scene, "long")], [0, 0]);
    assert.equal((await scene.request("GET", mapsPath)).status, 200);
  }, { maxRequestsInFlight: 1, maxWatches: 1 }));

test("a cloud that neither answers nor refuses starves no heartbeat: kubelet's hundred reads wait, then the replica answers", () => {
  let silent = false;
  return serveHub(async (scene) => {
    seedMap(scene.server, "a");
    await syncMaps(scene);
    silent = true;
    const reads = Array.from({ length: 100 }, () => scene.request("GET", `${mapsPath}/a`, as("kubelet")));
    await untilInFlight(scene, "short", 100);
    const renewed = scene.request("GET", leasePath, as("kubelet"));
    const answers = await inTime(scene, Promise.all(reads));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.notEqual((await inTime(scene, renewed)).status, 429);
    await untilInFlight(scene, "short", 0);
  }, { intercept: () => silent ? new Promise<Response>(() => undefined) : undefined });
});
