import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { addresses, holdfast, startHub, withCloud } from "../testing/hub_program.ts";

test("holdfast status shows a hub that is online and ends with 0; with 3 once the link is cut", () =>
  withCloud(async (cloud) => {
    const { proxy, status } = await addresses(startHub(cloud));
    const port = `--serve-port=${new URL(status).port}`;
    const headers = { "User-Agent": "kubelet/v1.36" };
    assert.equal((await fetch(`${proxy}/api/v1/pods?resourceVersion=0`, { headers })).status, 200);
    const online = await holdfast("status", port);
    assert.deepEqual([online.exitCode, online.stderr], [0, ""]);
    assert.match(
      online.stdout,
      /^node-1: online for \d+s \(ready\)\nholdfast \S+ on (node|bun|deno), up for \d+s; holds /,
    );
    assert.match(online.stdout, /^API SERVER .*\nhttps:\/\/127\.0\.0\.1:\d+ +healthy +\d+s +\d+ +ready$/m);
    assert.match(online.stdout, /^pods\.v1\. -A +live +\d+s +3 +\S+ KiB +0 +\d+s$/m);
    assert.match(online.stdout, /^kubelet +1 +0 +0 +0 /m);
    assert.match(online.stdout, /^CERTIFICATE .*\nclient +in \d+/m);
    const json = await holdfast("status", port, "-o", "json");
    assert.equal(json.exitCode, 0);
    assert.deepEqual(Object.keys(JSON.parse(json.stdout) as object).slice(0, 3), ["version", "runtime", "nodeName"]);

    await cloud.listener.close(0);
    await untilOffline(status);
    const offline = await holdfast("status", port);
    assert.deepEqual([offline.exitCode, offline.stderr], [3, ""]);
    assert.match(offline.stdout, /^node-1: offline for \d+s \(.*refused.*\)$/im);
    assert.equal((await holdfast("status", port, "--output=json")).exitCode, 3);
  }));

test("holdfast status names the address where no hub answers, and ends with 1", async () => {
  const nowhere = await holdfast("status", "--serve-port=1");
  assert.deepEqual([nowhere.exitCode, nowhere.stdout], [1, ""]);
  assert.match(
    nowhere.stderr,
    /^holdfast status: No hub answers on 127\.0\.0\.1:1: .*\(--bind-address, --serve-port\)\n$/,
  );
});

for (
  const [what, code, body] of [
    ["speaks no JSON", 200, "<html>"],
    ["speaks of something else", 200, '{"version":"1"}'],
    ["has no such page", 404, "404 page not found"],
  ] as const
) {
  test(`holdfast status says that what ${what} is no hub, and ends with 1`, async () => {
    const server = createServer((_, response) => response.writeHead(code).end(body));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    try {
      const { exitCode, stdout, stderr } = await holdfast("status", `--serve-port=${address.port}`);
      assert.deepEqual([exitCode, stdout], [1, ""]);
      assert.match(stderr, /^holdfast status: What listens on 127\.0\.0\.1:\d+ is no hub of this version /);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
}

test("holdfast status --help says what its exit codes mean", async () => {
  const { exitCode, stdout } = await holdfast("status", "--help");
  assert.equal(exitCode, 0);
  assert.match(
    stdout,
    /Exit codes:\n {2}0 {2}the link is online .*\n {2}1 .*\n {2}2 .*\n {2}3 {2}the hub answers, but the link is cut/,
  );
  assert.equal((await holdfast("status", "-o", "yaml")).exitCode, 2);
});

async function untilOffline(status: string): Promise<void> {
  for (let look = 0; look < 100; look++) {
    if ((await (await fetch(`${status}/readyz?verbose`)).text()).includes("[!]cloud")) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error("The hub has not noticed that the link is cut");
}
