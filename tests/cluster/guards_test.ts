import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { type ApiAnswer, directClient } from "./driver/api_client.ts";
import type { Hub } from "./driver/hub.ts";
import { type Scene, startScene } from "./driver/scene.ts";
import { within } from "./driver/wait.ts";

const NODE = "node-1";
const NODE_PATH = `/api/v1/nodes/${NODE}`;
const PODS_PATH = `/api/v1/pods?fieldSelector=spec.nodeName%3D${NODE}`;
const NOBODY = 65_534;
const NODE_BODY = JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name: NODE } });

describe("the guards of the plain ports", () => {
  let scene: Scene;
  let hub: Hub;

  before(async () => {
    scene = await startScene({ hub: true, nodeName: NODE });
    assert.ok(scene.hub);
    hub = scene.hub;
    await scene.cluster.direct.ok(["create", "-f", "-"], { stdin: NODE_BODY });
  });
  after(() => scene?.stop());

  it("let local names and addresses through", async () => {
    for (
      const host of [
        "localhost",
        "127.0.0.1",
        `127.0.0.1:${hub.proxyPort}`,
        `localhost:${hub.proxyPort}`,
        "[::1]:10261",
      ]
    ) {
      assert.equal(await statusOf(hub.proxyPort, NODE_PATH, { Host: host }), 200, host);
    }
  });

  for (
    const [name, headers] of [
      ["a rebound Host", { Host: "evil.example" }],
      ["a rebound Host with a port", { Host: "evil.example:10261" }],
      ["a Host that only begins like a local one", { Host: "127.0.0.1.evil.example" }],
      ["a foreign Origin", { Host: "127.0.0.1", Origin: "http://evil.example" }],
      ["an opaque Origin", { Host: "127.0.0.1", Origin: "null" }],
      ["a cross-site request", { Host: "127.0.0.1", "Sec-Fetch-Site": "cross-site" }],
    ] as const
  ) {
    it(`answer 403 to ${name}`, async () => {
      assert.equal(await statusOf(hub.proxyPort, NODE_PATH, headers), 403, "proxy");
      assert.equal(await statusOf(hub.servePort, "/v1/status", headers), 403, "status server");
    });
  }

  const asRoot = process.getuid?.() === 0;
  it(
    "answer 403 to another user of the machine",
    { skip: asRoot ? false : "only root can become another user" },
    async () => {
      const request = rawRequest(NODE_PATH, { Host: "127.0.0.1" });
      assert.equal(parseStatus(await throughShell(hub.proxyPort, request, 0)), 200, "root");
      assert.equal(parseStatus(await throughShell(hub.proxyPort, request, NOBODY)), 403, "nobody");
    },
  );

  it("pass Impersonate-User and dryRun on to the cloud, which decides", async () => {
    const direct = directClient({ dir: scene.cluster.dir, port: scene.cluster.apiPort, identity: NODE });
    const headers = { "Impersonate-User": "somebody" };
    const [want, got] = [await direct(NODE_PATH, { headers }), await hub.api(NODE_PATH, { headers })];
    assert.equal(want.status, 403);
    assert.deepEqual([got.status, got.text], [want.status, want.text]);
    const dryRun = { method: "POST", body: NODE_BODY };
    assert.equal((await hub.api("/api/v1/nodes?dryRun=All", dryRun)).status, 409);
  });

  for (const mode of ["refuse", "swallow"] as const) {
    it(`never answer Impersonate-User and dryRun from the replica while the link is cut (${mode})`, async () => {
      await scene.relay.setMode("pass");
      await hub.waitForLink("online", 20_000);
      await hub.api(NODE_PATH);
      assert.equal((await hub.api(PODS_PATH)).status, 200);
      await scene.relay.setMode(mode);
      await hub.waitForLink("offline", 20_000);
      const merge = { "content-type": "application/merge-patch+json" };
      const local = await Promise.all([
        hub.api(NODE_PATH),
        hub.api(PODS_PATH),
        hub.api("/api/v1/nodes", { method: "POST", body: NODE_BODY }),
        hub.api(NODE_PATH, { method: "PATCH", body: "{}", headers: merge }),
      ]);
      assert.deepEqual(local.map(({ status }) => status), [200, 200, 409, 200], "what the replica answers");
      const options = { timeoutMs: 20_000 };
      const impersonate = { "Impersonate-User": "somebody" };
      const group = { "Impersonate-Group": "system:masters" };
      const refused = await Promise.all([
        hub.api(NODE_PATH, { ...options, headers: impersonate }),
        hub.api(PODS_PATH, { ...options, headers: impersonate }),
        hub.api(PODS_PATH, { ...options, headers: group }),
        hub.api("/api/v1/nodes", { ...options, method: "POST", body: NODE_BODY, headers: impersonate }),
        hub.api("/api/v1/nodes?dryRun=All", { ...options, method: "POST", body: NODE_BODY }),
        hub.api(`${NODE_PATH}?dryRun=All`, { ...options, method: "PATCH", body: "{}", headers: merge }),
      ]);
      for (const answer of refused) assertUnavailable(answer);
    });
  }
});

function assertUnavailable(answer: ApiAnswer): void {
  assert.equal(answer.status, 503, answer.text);
  assert.equal(answer.headers["retry-after"], undefined);
  // The assertions below look at the fields.
  const status = JSON.parse(answer.text) as { kind: string; reason: string; details: { retryAfterSeconds: number } };
  assert.deepEqual([status.kind, status.reason, status.details.retryAfterSeconds], ["Status", "ServiceUnavailable", 1]);
}

function rawRequest(path: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `GET ${path} HTTP/1.1\r\n${lines}Accept: application/json\r\nConnection: close\r\n\r\n`;
}

/** Over a raw socket: HTTP clients have opinions on Host. */
async function statusOf(port: number, path: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const answer = new Promise<string>((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(rawRequest(path, headers)));
    let text = "";
    socket.setEncoding("utf8").on("data", (part: string) => text += part).on("end", () => resolve(text)).on(
      "error",
      reject,
    );
  });
  return parseStatus(await within(answer, 10_000, `${path} with ${JSON.stringify(headers)}`));
}

/** The answer that a process of another user gets. */
async function throughShell(port: number, request: string, uid: number): Promise<string> {
  const script = `exec 3<>/dev/tcp/127.0.0.1/${port}; printf %s "$1" >&3; cat <&3`;
  const child = spawn("bash", ["-c", script, "client", request], {
    uid,
    gid: uid,
    cwd: "/",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 10_000,
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (part: string) => text += part);
  }
  await within(new Promise((resolve) => child.once("close", resolve)), 15_000, `the answer for uid ${uid}`);
  return text;
}

function parseStatus(answer: string): number {
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1];
  assert.ok(status !== undefined, `no HTTP answer: ${JSON.stringify(answer)}`);
  return Number(status);
}
