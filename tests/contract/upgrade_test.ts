import assert from "node:assert/strict";
import { test } from "node:test";
import type { Listener } from "../../src/platform/listener.ts";
import type { Upstream } from "../../src/platform/upstream.ts";
import { createAuthority } from "../testing/certificates.ts";
import { deferred } from "../testing/deferred.ts";
import { network } from "../testing/network.ts";
import { forward } from "../testing/proxy.ts";
import { connectWire, serveWires, type Wire, type WireServer, type WireTls } from "../testing/wire.ts";

const authority = await createAuthority();
const server = await authority.issue({ commonName: "kube", names: ["127.0.0.1"] });

interface Path {
  readonly client: Wire;
  readonly target: WireServer;
  readonly upstream: Upstream;
  readonly listener: Listener;
}

interface Secure {
  readonly front: boolean;
  readonly back: boolean;
}

/** client -> listener -> proxy -> upstream -> target */
async function withPath(
  secure: Secure,
  onWire: (wire: Wire) => Promise<void>,
  run: (path: Path) => Promise<void>,
): Promise<void> {
  using target = await serveWires(
    (wire) => void onWire(wire).catch(() => wire.destroy()),
    secure.back ? server : undefined,
  );
  const upstream = network.createUpstream({
    origin: `${secure.back ? "https" : "http"}://127.0.0.1:${target.port}`,
    ...(secure.back ? { ca: authority.caPem } : {}),
  });
  const options = { hostname: "127.0.0.1", port: 0, ...(secure.front ? { tls: server } : {}) };
  const listener = await network.listen(options, (_request, exchange) => forward(exchange, upstream));
  const trust: WireTls | undefined = secure.front ? { ca: authority.caPem } : undefined;
  const client = await connectWire(listener.port, trust);
  try {
    await run({ client, target, upstream, listener });
  } finally {
    client.destroy();
    await upstream.close(0);
    await listener.close(0);
  }
}

const UPGRADE =
  "POST /exec?command=a%2Fb HTTP/1.1\r\nHost: kube\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Dup: 1\r\nX-Dup: 2\r\n\r\n";
const WEBSOCKET = "GET /exec HTTP/1.1\r\nHost: kube\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n";
const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Proto: v4\r\n\r\n";
const SIDES: readonly (readonly [name: string, secure: Secure])[] = [
  ["plain", { front: false, back: false }],
  ["plain to TLS", { front: false, back: true }],
  ["TLS to TLS", { front: true, back: true }],
];

for (const [name, secure] of SIDES) {
  for (const [protocol, head] of [["SPDY/3.1", UPGRADE], ["WebSocket", WEBSOCKET]] as const) {
    test(`an upgrade to ${protocol} is passed through with early bytes, ${name}`, async () => {
      await withPath(secure, async (wire) => {
        await wire.untilText("\r\n\r\n");
        wire.send(`${SWITCHING}server-early`);
        await wire.untilText("client-early-client-late");
        wire.send("-server-late");
      }, async ({ client, target }) => {
        // The client's first frame travels in the packet of its request, the server's in that of its answer.
        client.send(`${head}client-early`);
        await client.untilText("server-early");
        client.send("-client-late");
        await client.untilText("-server-late");
        assert.equal(client.text, `${SWITCHING}server-early-server-late`);
        assert.equal(target.wires[0]?.text, `${head}client-early-client-late`);
      });
    });
  }

  test(`a client's half-close reaches the server, which may go on, ${name}`, async () => {
    await withPath(secure, async (wire) => {
      await wire.untilText("\r\n\r\n");
      wire.send(SWITCHING);
      await wire.until((seen) => seen.ended, "the client's end");
      wire.send("answer after the end");
      wire.end();
    }, async ({ client }) => {
      client.send(UPGRADE);
      await client.untilText("\r\n\r\n");
      client.send("question");
      client.end();
      assert.match(await client.untilClosed(), /answer after the end$/);
    });
  });

  test(`a server's half-close reaches the client, which may go on, ${name}`, async () => {
    await withPath(secure, async (wire) => {
      await wire.untilText("\r\n\r\n");
      wire.send(`${SWITCHING}all`);
      wire.end();
    }, async ({ client, target }) => {
      client.send(UPGRADE);
      await client.until((seen) => seen.ended, "the server's end");
      client.send("still here");
      await (await target.accepted(0)).untilText("still here");
      client.end();
      await (await target.accepted(0)).until((seen) => seen.ended || seen.closed, "the client's end");
    });
  });

  test(`a client that goes away ends the connection to the server, ${name}`, async () => {
    await withPath(secure, async (wire) => {
      await wire.untilText("\r\n\r\n");
      wire.send(SWITCHING);
    }, async ({ client, target }) => {
      client.send(UPGRADE);
      await client.untilText("\r\n\r\n");
      client.destroy();
      await (await target.accepted(0)).untilClosed();
    });
  });

  test(`a server that goes away ends the client's connection, ${name}`, async () => {
    await withPath(secure, async (wire) => {
      await wire.untilText("\r\n\r\n");
      wire.send(SWITCHING);
      await wire.untilText("go");
      wire.destroy();
    }, async ({ client }) => {
      client.send(UPGRADE);
      await client.untilText("\r\n\r\n");
      client.send("go");
      await client.untilClosed();
    });
  });
}

const STATUS = '{"kind":"Status","code":403}';
for (
  const [framing, answer] of [
    ["Content-Length", `HTTP/1.1 403 Forbidden\r\nX-A: 1\r\nContent-Length: ${STATUS.length}\r\n\r\n${STATUS}`],
    [
      "chunked",
      `HTTP/1.1 403 Forbidden\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n${
        STATUS.length.toString(16)
      }\r\n${STATUS}\r\n0\r\n\r\n`,
    ],
    ["the connection's end", `HTTP/1.1 403 Forbidden\r\nX-A: 1\r\nConnection: close\r\n\r\n${STATUS}`],
  ] as const
) {
  test(`a refused upgrade comes through whole, framed by ${framing}`, async () => {
    await withPath({ front: false, back: true }, async (wire) => {
      await wire.untilText("\r\n\r\n");
      // In two pieces, so that the head is not read in one.
      wire.send(answer.slice(0, 20));
      setTimeout(() => {
        wire.send(answer.slice(20));
        if (framing === "the connection's end") wire.end();
      }, 20);
    }, async ({ client }) => {
      client.send(UPGRADE);
      const text = await client.untilClosed();
      assert.match(text, /^HTTP\/1\.1 403 Forbidden\r\nX-A: 1\r\n/);
      assert.ok(text.includes(STATUS), text);
    });
  });
}

test("a refused upgrade whose body breaks is broken for the client too", async () => {
  await withPath({ front: false, back: false }, async (wire) => {
    await wire.untilText("\r\n\r\n");
    wire.send("HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    setTimeout(() => wire.destroy(), 20);
  }, async ({ client }) => {
    client.send(UPGRADE);
    const text = await client.untilClosed();
    assert.match(text, /half/);
    assert.doesNotMatch(text, /\r\n0\r\n\r\n/);
  });
});

test("Upstream.upgrade fails as broken where the head is too large or none", async () => {
  for (const answer of [`HTTP/1.1 101 X\r\nX: ${"v".repeat(70_000)}\r\n\r\n`, "SSH-2.0-x\r\n\r\n", ""]) {
    using target = await serveWires((wire) => {
      void wire.untilText("\r\n\r\n").then(() => {
        if (answer === "") wire.end();
        else wire.send(answer);
      }, () => {});
    });
    const upstream = network.createUpstream({ origin: `http://127.0.0.1:${target.port}` });
    const request = { method: "GET", rawPath: "/", rawHeaders: ["Host", "a"], signal: new AbortController().signal };
    await assert.rejects(upstream.upgrade(request), { name: "UpstreamError", failure: "broken" });
    await (await target.accepted(0)).untilClosed();
    await upstream.close(0);
  }
});

test("aborting the signal ends an upgrade before and after its answer", async () => {
  using target = await serveWires((wire) => {
    void wire.untilText("\r\n\r\n").then(
      (text) => text.includes("/answer") ? wire.send(SWITCHING) : undefined,
      () => {},
    );
  });
  const upstream = network.createUpstream({ origin: `http://127.0.0.1:${target.port}` });
  for (const rawPath of ["/silent", "/answer"]) {
    const stop = new AbortController();
    const pending = upstream.upgrade({ method: "GET", rawPath, rawHeaders: ["Host", "a"], signal: stop.signal });
    const wire = await target.accepted(rawPath === "/silent" ? 0 : 1);
    await wire.untilText("\r\n\r\n");
    if (rawPath === "/answer") await pending;
    stop.abort();
    if (rawPath === "/silent") await assert.rejects(pending, { name: "UpstreamError", failure: "aborted" });
    await wire.untilClosed();
  }
  await upstream.close(0);
});

test("an upgraded connection to TLS whose reader stalls is bounded in memory", async (context) => {
  if (network.runtime === "deno") return context.skip(NO_TLS_BACKPRESSURE);
  let sentBytes = 0;
  const stalled = deferred<void>();
  await withPath({ front: false, back: true }, async (wire) => {
    await wire.untilText("\r\n\r\n");
    wire.send(SWITCHING);
    await wire.untilText("go");
    const chunk = Buffer.alloc(64 * 1024);
    let room = true;
    while (room && sentBytes < FLOOD_BYTES) {
      sentBytes += chunk.length;
      room = wire.socket.write(chunk) || await drains(wire);
    }
    stalled.resolve();
  }, async ({ client }) => {
    client.send(UPGRADE);
    await client.untilText("\r\n\r\n");
    client.socket.pause();
    client.send("go");
    await stalled.promise;
    assert.ok(sentBytes < MAX_IN_FLIGHT_BYTES, `${sentBytes} bytes are under way`);
  });
});

const NO_TLS_BACKPRESSURE =
  "denoland/deno#33524 mended it in part: a node:tls socket that was paused misses the other side's end, so it is not";
const FLOOD_BYTES = 100 * 1024 * 1024;
const MAX_IN_FLIGHT_BYTES = 48 * 1024 * 1024;

/** Whether a connection that is full has room again before long. */
function drains(wire: Wire): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), 500);
    wire.socket.once("drain", () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

test("an upgraded connection carries megabytes both ways unharmed, TLS", async () => {
  const MEGABYTES = 8;
  const block = "0123456789abcdef".repeat(64 * 1024);
  await withPath({ front: true, back: true }, async (wire) => {
    await wire.untilText("\r\n\r\n");
    wire.send(SWITCHING);
    // By hand: with `pipe` the server of this test would itself lose the end on Deno.
    const early = wire.text.indexOf("\r\n\r\n") + 4;
    if (early < wire.text.length) wire.send(wire.text.slice(early));
    wire.socket.on("data", (chunk) => wire.socket.write(chunk)).on("end", () => wire.end());
  }, async ({ client }) => {
    client.send(UPGRADE);
    await client.untilText("\r\n\r\n");
    for (let count = 0; count < MEGABYTES; count++) client.send(block);
    client.end();
    const text = await client.untilClosed();
    assert.equal(text.length, SWITCHING.length + MEGABYTES * block.length);
    assert.ok(text === SWITCHING + block.repeat(MEGABYTES));
  });
});
