import assert from "node:assert/strict";
import http2 from "node:http2";
import { test } from "node:test";
import type { Exchange } from "../../src/platform/exchange.ts";
import type { ExchangeHandler, Listener, ListenOptions } from "../../src/platform/listener.ts";
import { createAuthority } from "../testing/certificates.ts";
import { deferred } from "../testing/deferred.ts";
import { network } from "../testing/network.ts";
import { connectWire, type Wire } from "../testing/wire.ts";

const authority = await createAuthority();
const certificate = await authority.issue({ commonName: "server", names: ["127.0.0.1"] });
const trust = { ca: authority.caPem };
const head = "Host: a\r\n\r\n";
/** Longer than all limits of a test. */
const longMs = 600;
const shortMs = 100;

interface Limited {
  readonly limits: Omit<ListenOptions, "hostname" | "port" | "tls">;
  readonly secure: boolean;
  readonly handle?: ExchangeHandler;
}

async function withListener({ limits, secure, handle }: Limited, run: (listener: Listener) => Promise<void>) {
  const tls = secure ? { tls: certificate } : {};
  const options = { hostname: "127.0.0.1", port: 0, ...tls, ...limits };
  const listener = await network.listen(options, handle ?? (() => new Response("ok")));
  try {
    await run(listener);
  } finally {
    await listener.close(0);
  }
}

const connect = (listener: Listener, secure: boolean): Promise<Wire> =>
  secure ? connectWire(listener.port, trust) : connectWire(listener.port);

const sleep = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms));

/** Answers with the length of the body, or fails as its reader does. */
async function readBody({ body }: Exchange): Promise<Response> {
  let length = 0;
  for await (const chunk of body) length += chunk.byteLength;
  return new Response(`got ${length}`);
}

for (const secure of [false, true]) {
  const where = secure ? "TLS" : "plain";
  for (const [what, text] of [["sends nothing", ""], ["never ends its header", "GET / HTTP/1.1\r\nHost:"]] as const) {
    test(`listen ends a connection that ${what} (${where})`, async (context) => {
      // Its server knows of a connection with its first request: https://github.com/oven-sh/bun/pull/35839, and it has no
      // limit of its own: https://github.com/oven-sh/bun/pull/33061
      if (network.runtime === "bun" && !secure) return context.skip("oven-sh/bun#35839, oven-sh/bun#33061");
      await withListener({ secure, limits: { headersTimeoutMs: 200 } }, async (listener) => {
        const wire = await connect(listener, secure);
        wire.send(text);
        await wire.untilClosed();
        assert.equal(listener.counts.slow, 1);
        wire.destroy();
      });
    });
  }

  test(`listen ends a connection whose next header takes too long (${where})`, () =>
    withListener({ secure, limits: { idleTimeoutMs: 200 } }, async (listener) => {
      const wire = await connect(listener, secure);
      wire.send(`GET / HTTP/1.1\r\n${head}GET / HTTP/1.1\r\nHost:`);
      await wire.untilClosed();
      assert.match(wire.text, /^HTTP\/1\.1 200 [^]*ok/);
      assert.equal(listener.counts.slow, 1);
      wire.destroy();
    }));

  test(`listen cuts a request whose body does not come, and its reader and signal hear of it (${where})`, async () => {
    const seen = deferred<Exchange>();
    const failed = deferred<unknown>();
    const handle: ExchangeHandler = async (_request, exchange) => {
      seen.resolve(exchange);
      try {
        return await readBody(exchange);
      } catch (error) {
        failed.resolve(error);
        throw error;
      }
    };
    await withListener({ secure, limits: { bodyPatienceMs: 200 }, handle }, async (listener) => {
      const wire = await connect(listener, secure);
      wire.send(`POST / HTTP/1.1\r\nContent-Length: 10\r\n${head}abc`);
      assert.doesNotMatch(await wire.untilClosed(), / 200 /);
      assert.ok(await failed.promise instanceof Error);
      assert.equal((await seen.promise).signal.aborted, true);
      assert.equal(listener.counts.slow, 1);
      wire.destroy();
    });
  });

  test(`listen takes a body that goes on coming, however long that takes (${where})`, () =>
    withListener(
      { secure, limits: { bodyPatienceMs: 300 }, handle: (_request, exchange) => readBody(exchange) },
      async (listener) => {
        const wire = await connect(listener, secure);
        wire.send(`POST / HTTP/1.1\r\nContent-Length: 8192\r\nConnection: close\r\n${head}`);
        for (let sent = 0; sent < 8192; sent += 1024) {
          await sleep(longMs / 8);
          wire.send("x".repeat(1024));
        }
        assert.match(await wire.untilClosed(), /got 8192/);
        assert.equal(listener.counts.slow, 0);
        wire.destroy();
      },
    ));

  test(`listen waits for as long as it takes for a body whose answer has begun (${where})`, () =>
    withListener({
      secure,
      limits: { bodyPatienceMs: shortMs },
      handle: async (_request, exchange) => {
        const sink = exchange.respond(200, "OK", []);
        await sink.write(new TextEncoder().encode("begun "));
        await sink.write(new Uint8Array(await (await readBody(exchange)).arrayBuffer()));
        sink.end();
        return new Response();
      },
    }, async (listener) => {
      const wire = await connect(listener, secure);
      wire.send(`POST / HTTP/1.1\r\nContent-Length: 3\r\nConnection: close\r\n${head}a`);
      await sleep(longMs);
      wire.send("bc");
      assert.match(await wire.untilText("got 3"), /begun /);
      wire.destroy();
    }));

  test(`listen never cuts an answer for the time that it takes (${where})`, () =>
    withListener({
      secure,
      limits: { headersTimeoutMs: shortMs, idleTimeoutMs: shortMs, bodyPatienceMs: shortMs },
      handle: async (_request, exchange) => {
        if (exchange.upgrade) {
          const { socket } = exchange.hijack();
          await socket.write(new TextEncoder().encode("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
          await sleep(longMs);
          await socket.write(new TextEncoder().encode("late"));
          socket.end();
          return new Response();
        }
        const sink = exchange.respond(200, "OK", []);
        await sleep(longMs);
        await sink.write(new TextEncoder().encode("late"));
        sink.end();
        return new Response();
      },
    }, async (listener) => {
      const watch = await connect(listener, secure);
      watch.send(`GET / HTTP/1.1\r\n${head}`);
      const upgrade = await connect(listener, secure);
      upgrade.send(`GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: x\r\n${head}`);
      for (const wire of [watch, upgrade]) {
        await wire.untilText("late");
        wire.destroy();
      }
      assert.equal(listener.counts.slow, 0);
    }));

  test(`listen refuses a connection where maxConnections have requests (${where})`, () => {
    const busy: (() => void)[] = [];
    const handle: ExchangeHandler = (_request, exchange) => {
      const sink = exchange.respond(200, "OK", []);
      busy.push(() => sink.end());
      return new Response();
    };
    return withListener({ secure, limits: { maxConnections: 2 }, handle }, async (listener) => {
      const wires = [await connect(listener, secure), await connect(listener, secure)];
      for (const wire of wires) {
        wire.send(`GET / HTTP/1.1\r\n${head}`);
        await wire.untilText("200 OK");
      }
      const third = await connectWire(listener.port);
      third.send(`GET / HTTP/1.1\r\n${head}`);
      assert.equal(await third.untilClosed(), "");
      assert.deepEqual([listener.counts.open, listener.counts.refused], [2, 1]);
      for (const end of busy) end();
      for (const wire of [...wires, third]) wire.destroy();
    });
  });

  test(`listen ends the connection that is idle for longest where there are maxConnections (${where})`, () =>
    withListener({ secure, limits: { maxConnections: 2 } }, async (listener) => {
      const ask = async (wire: Wire) => {
        wire.send(`GET / HTTP/1.1\r\n${head}`);
        await wire.untilText("ok");
        return wire;
      };
      const first = await ask(await connect(listener, secure));
      const second = await ask(await connect(listener, secure));
      const third = await ask(await connect(listener, secure));
      await first.untilClosed();
      assert.deepEqual([second.ended, second.closed, third.ended], [false, false, false]);
      assert.deepEqual([listener.counts.open, listener.counts.refused], [2, 1]);
      for (const wire of [first, second, third]) wire.destroy();
    }));
}

test("listen ends a connection whose TLS handshake does not come, and such ones keep nobody out", async () => {
  const limits = { headersTimeoutMs: 200, maxConnections: 2 };
  await withListener({ secure: true, limits }, async (listener) => {
    const stalled = [
      await connectWire(listener.port),
      await connectWire(listener.port),
      await connectWire(listener.port),
    ];
    const wire = await connect(listener, true);
    wire.send(`GET / HTTP/1.1\r\n${head}`);
    await wire.untilText("ok");
    for (const one of stalled) {
      await one.untilClosed();
      one.destroy();
    }
    wire.destroy();
  });
});

test("listen ends a session of HTTP/2 without a request, cuts a stream whose body does not come, and no other", () =>
  withListener({
    secure: true,
    limits: { headersTimeoutMs: shortMs, idleTimeoutMs: shortMs, bodyPatienceMs: shortMs },
    handle: async (_request, exchange) => {
      if (exchange.method === "POST") return await readBody(exchange);
      const sink = exchange.respond(200, "OK", []);
      await sleep(longMs);
      sink.end();
      return new Response();
    },
  }, async (listener) => {
    const session = http2.connect(`https://127.0.0.1:${listener.port}`, trust);
    session.on("error", () => {});
    const ended = new Promise<void>((resolve) => session.once("close", () => resolve()));
    const codeOf = (method: string) => {
      const stream = session.request({ ":path": "/", ":method": method }, { endStream: method === "GET" });
      stream.on("error", () => {}).resume();
      return new Promise<number>((resolve) => stream.once("close", () => resolve(stream.rstCode ?? 0)));
    };
    const [watch, post] = await Promise.all([codeOf("GET"), codeOf("POST")]);
    assert.equal(watch, 0);
    assert.notEqual(post, 0);
    await ended;
    assert.equal(listener.counts.slow, 2);
  }));
