import assert from "node:assert/strict";
import { test } from "node:test";
import type { Exchange } from "../../src/platform/exchange.ts";
import { inTime, names } from "../testing/hub_answers.ts";
import { type HubScene, serveHub } from "../testing/hub_scene.ts";
import { mapsPath, seedMap } from "../testing/sample_objects.ts";

const json = { headers: { "Content-Type": "application/json" } };
const text = { headers: { "Content-Type": "text/plain" } };

/** Runs a test with a cloud that is ready, but has another answer to everything else from `begin` on. */
function serveIll(
  answer: () => Response,
  run: (scene: HubScene, begin: () => void) => Promise<void>,
): Promise<void> {
  let isIll = false;
  const intercept = ({ rawPath }: Exchange): Response | undefined =>
    isIll && rawPath !== "/readyz" ? answer() : undefined;
  return serveHub((scene) => run(scene, () => isIll = true), { intercept });
}

for (
  const [what, answer, passes] of [
    ["500", () => new Response("etcd is gone", { status: 500 }), 500],
    ["503", () => Response.json({ kind: "Status", code: 503 }, { status: 503 }), 503],
    ["429", () => new Response("later", { status: 429, headers: { "Retry-After": "1" } }), 429],
    ["bytes that are no JSON", () => new Response("\0\u0001garbage", json), undefined],
    ["plain text", () => new Response("ok", text), undefined],
    ["nothing at all", () => new Response(null, json), undefined],
  ] as const
) {
  test(`a read that the cloud answers with ${what} is answered from what is held`, () =>
    serveIll(answer, async ({ server, request }, begin) => {
      seedMap(server, "a");
      await request("GET", mapsPath);
      begin();
      for (const path of [mapsPath, `${mapsPath}/a`]) {
        const answer = await request("GET", path);
        assert.deepEqual([answer.status, answer.headers.get("x-holdfast-source")], [200, "replica"], path);
        assert.ok(answer.headers.has("age"));
      }
      assert.deepEqual(names(await request("GET", mapsPath)), ["a"]);
    }));

  test(`a read that the cloud answers with ${what} and nothing is held of is ${passes ?? 503}`, () =>
    serveIll(answer, async ({ request, status }, begin) => {
      begin();
      const { status: code, headers } = await request("GET", `${mapsPath}/a`);
      const source = passes === undefined ? "hub" : "cloud";
      assert.deepEqual([code, headers.get("x-holdfast-source") ?? "hub"], [passes ?? 503, source]);
      assert.equal((await status()).link.state, "online");
    }));
}

test("a 429 that does not reach its reader leaves its connection to the next request", () => {
  const ports = new Set<number>();
  let isIll = false;
  const intercept = ({ rawPath, peer }: Exchange): Response | undefined => {
    if (!isIll || rawPath === "/readyz") return undefined;
    ports.add(peer.port);
    return new Response("later", { status: 429 });
  };
  return serveHub(async ({ server, request }) => {
    seedMap(server, "a");
    await request("GET", mapsPath);
    isIll = true;
    for (let i = 0; i < 5; i++) {
      assert.equal((await request("GET", mapsPath)).headers.get("x-holdfast-source"), "replica");
    }
    assert.equal(ports.size, 1);
  }, { intercept });
});

test("an absence is not told in the place of a 500", () =>
  serveIll(() => new Response("no", { status: 500 }), async ({ request }, begin) => {
    await request("GET", mapsPath);
    begin();
    assert.equal((await request("GET", `${mapsPath}/none`)).status, 500);
  }));

test("a write that the cloud answers with 500 has that answer", () =>
  serveIll(() => new Response("no", { status: 500 }), async ({ request }, begin) => {
    begin();
    const answer = await request("POST", mapsPath, { body: { kind: "ConfigMap" } });
    assert.deepEqual([answer.status, answer.headers.get("x-holdfast-source")], [500, "cloud"]);
  }));

test("a discovery document that the cloud answers with 500 is the last copy", () =>
  serveIll(() => new Response("no", { status: 500 }), async ({ request }, begin) => {
    const { text } = await request("GET", "/api/v1");
    begin();
    const answer = await request("GET", "/api/v1");
    assert.deepEqual([answer.text, answer.headers.get("x-holdfast-source")], [text, "replica"]);
  }));

test("a read whose answer does not come past its head is answered from what is held after --cloud-read-timeout", () =>
  serveIll(() => new Response(new ReadableStream(), json), async (scene, begin) => {
    seedMap(scene.server, "a");
    await scene.request("GET", mapsPath);
    begin();
    const asked = scene.clock.monotonic();
    const answer = await inTime(scene, scene.request("GET", mapsPath));
    assert.deepEqual([answer.status, answer.headers.get("x-holdfast-source")], [200, "replica"]);
    assert.ok(scene.clock.monotonic() - asked >= 2_000);
  }));

test("once a cloud has been silent for --cloud-read-timeout no further read waits for it, before it counts as out of reach", () => {
  let isSilent = false;
  const intercept = (): Promise<Response> | undefined => isSilent ? new Promise(() => {}) : undefined;
  return serveHub(async (scene) => {
    const { server, clock, request } = scene;
    seedMap(server, "a");
    await request("GET", mapsPath);
    isSilent = true;
    const asked = clock.monotonic();
    await inTime(scene, request("GET", mapsPath));
    const first = clock.monotonic() - asked;
    assert.ok(first >= 2_000, `${first} ms`);
    assert.equal((await scene.status()).link.state, "online");
    let source: string | null | undefined;
    void request("GET", `${mapsPath}/a`).then(({ headers }) => source = headers.get("x-holdfast-source"));
    await scene.until(async () => {
      await clock.advance(0);
      return source !== undefined;
    });
    assert.equal(source, "replica");
    assert.equal((await scene.status()).link.state, "online");
  }, { intercept });
});

test("a cloud that is slow with one answer only is waited for by the next read", () => {
  let isSlow = false;
  const intercept = ({ rawPath }: Exchange): Promise<Response> | undefined =>
    isSlow && rawPath.startsWith(mapsPath) ? new Promise(() => {}) : undefined;
  return serveHub(async (scene) => {
    const { server, clock, request } = scene;
    seedMap(server, "a");
    await request("GET", mapsPath);
    isSlow = true;
    const first = inTime(scene, request("GET", mapsPath));
    await first;
    const asked = clock.monotonic();
    await inTime(scene, request("GET", `${mapsPath}/a`));
    const waited = clock.monotonic() - asked;
    assert.ok(waited >= 2_000, `${waited} ms`);
  }, { intercept });
});

test("a cloud that answers with 500 is asked whether it is ready, once a second", () => {
  let looks = 0;
  let isIll = false;
  const intercept = ({ rawPath }: Exchange): Response | undefined => {
    if (rawPath === "/readyz") looks += 1;
    return isIll && rawPath !== "/readyz" ? new Response("no", { status: 500 }) : undefined;
  };
  return serveHub(async ({ request, clock, until }) => {
    isIll = true;
    await clock.advance(3_000);
    const before = looks;
    await request("GET", mapsPath);
    await until(() => looks === before + 1);
    for (let i = 0; i < 5; i++) await request("GET", mapsPath);
    assert.equal(looks, before + 1);
    await clock.advance(1_001);
    await request("GET", mapsPath);
    await until(() => looks === before + 2);
  }, { intercept });
});
