import assert from "node:assert/strict";
import http from "node:http";
import http2 from "node:http2";
import { test } from "node:test";
import type { Listener } from "../../src/platform/listener.ts";
import type { Upstream } from "../../src/platform/upstream.ts";
import { createAuthority } from "../testing/certificates.ts";
import { deferred } from "../testing/deferred.ts";
import { network } from "../testing/network.ts";
import { forward } from "../testing/proxy.ts";
import { connectWire, serveWires, type Wire } from "../testing/wire.ts";

const authority = await createAuthority();
const certificate = await authority.issue({ commonName: "kube", names: ["127.0.0.1"] });
const MIB = 1024 * 1024;
/** What all buffers on the way (four sockets' in the kernel, streams', windows) may hold together. */
const MAX_IN_FLIGHT_BYTES = 48 * MIB;
const TOTAL_BYTES = 100 * MIB;

interface Proxy {
  readonly listener: Listener;
  readonly upstream: Upstream;
}

async function withProxy(origin: string, run: (proxy: Proxy) => Promise<void>): Promise<void> {
  const upstream = network.createUpstream({ origin, ca: authority.caPem });
  const listener = await network.listen(
    { hostname: "127.0.0.1", port: 0 },
    (_request, exchange) => forward(exchange, upstream),
  );
  try {
    await run({ listener, upstream });
  } finally {
    await upstream.close(0);
    await listener.close(0);
  }
}

async function withWire(proxy: Proxy, run: (wire: Wire) => Promise<void>): Promise<void> {
  const wire = await connectWire(proxy.listener.port);
  try {
    await run(wire);
  } finally {
    wire.destroy();
  }
}

/** A real HTTP server behind the proxy: plain HTTP/1.1, or HTTP/2 in TLS. */
async function serveBehind(
  kind: "HTTP/1.1" | "HTTP/2",
  handler: (request: http.IncomingMessage, response: http.ServerResponse) => void,
): Promise<{ readonly origin: string; close(): void }> {
  const server = kind === "HTTP/1.1" ? http.createServer(handler) : http2.createSecureServer(certificate);
  // The compatibility API of HTTP/2 has all that these handlers use.
  if (kind === "HTTP/2") server.on("request", handler);
  const sockets = new Set<{ destroy(): void }>();
  server.on(
    kind === "HTTP/1.1" ? "connection" : "secureConnection",
    (socket: { destroy(): void }) => sockets.add(socket),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return {
    origin: `${kind === "HTTP/1.1" ? "http" : "https"}://127.0.0.1:${address.port}`,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test("a POST is echoed while it is still being sent", async () => {
  const behind = await serveBehind("HTTP/1.1", (request, response) => {
    response.flushHeaders();
    request.pipe(response);
  });
  await withProxy(behind.origin, (proxy) =>
    withWire(proxy, async (wire) => {
      wire.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
      await wire.untilText("one");
      wire.send("3\r\ntwo\r\n");
      await wire.untilText("two");
      wire.send("0\r\n\r\n");
      await wire.untilText("0\r\n\r\n");
    }));
  behind.close();
});

test("the head of a watch comes before its first event", async () => {
  const behind = await serveBehind("HTTP/2", (_request, response) => {
    response.writeHead(200, { "x-watch": "1" });
    response.flushHeaders?.();
    if (!("flushHeaders" in response)) throw new TypeError("no flushHeaders");
  });
  await withProxy(behind.origin, (proxy) =>
    withWire(proxy, async (wire) => {
      wire.send("GET /?watch=1 HTTP/1.1\r\nHost: a\r\n\r\n");
      await wire.untilText("x-watch: 1\r\n");
    }));
  behind.close();
});

for (const kind of ["HTTP/1.1", "HTTP/2"] as const) {
  const query = kind === "HTTP/2" ? "?watch=1" : "";

  test(`100 MB to a slow reader stay bounded in memory, ${kind} upstream`, async () => {
    let sent = 0;
    const behind = await serveBehind(kind, (_request, response) => {
      response.on("error", () => {});
      const chunk = Buffer.alloc(64 * 1024, "x");
      const pump = () => {
        while (sent < TOTAL_BYTES) {
          sent += chunk.byteLength;
          if (!response.write(chunk)) return void response.once("drain", pump);
        }
        response.end();
      };
      pump();
    });
    await withProxy(behind.origin, async (proxy) => {
      const answered = deferred<http.IncomingMessage>();
      const request = http.get(
        { host: "127.0.0.1", port: proxy.listener.port, path: `/${query}`, agent: false },
        answered.resolve,
      );
      request.on("error", answered.reject);
      const response = await answered.promise;
      response.on("error", () => {});
      let before = -1;
      // Nobody reads: the sender comes to a stop.
      while (sent !== before) {
        before = sent;
        await new Promise((wake) => setTimeout(wake, 200));
      }
      assert.ok(sent < MAX_IN_FLIGHT_BYTES, `${Math.round(sent / MIB)} MiB in flight`);
      let received = 0;
      for await (const chunk of response) received += (chunk as Buffer).byteLength;
      assert.equal(received, TOTAL_BYTES);
    });
    behind.close();
  });

  test(`100 MB from a client to a slow reader stay bounded in memory, ${kind} upstream`, async () => {
    const arrived = deferred<http.IncomingMessage>();
    const received = deferred<number>();
    const behind = await serveBehind(kind, (request, response) => {
      request.pause();
      arrived.resolve(request);
      let bytes = 0;
      request.on("end", () => {
        received.resolve(bytes);
        response.end("done");
      });
      request.on("data", (chunk: Uint8Array) => bytes += chunk.byteLength);
      request.pause();
    });
    await withProxy(behind.origin, async (proxy) => {
      let sent = 0;
      const request = http.request({
        host: "127.0.0.1",
        port: proxy.listener.port,
        path: `/${query}`,
        method: "POST",
        agent: false,
      });
      request.on("error", () => {});
      const chunk = Buffer.alloc(64 * 1024, "x");
      const pump = () => {
        while (sent < TOTAL_BYTES) {
          sent += chunk.byteLength;
          if (!request.write(chunk)) return void request.once("drain", pump);
        }
        request.end();
      };
      pump();
      const target = await arrived.promise;
      let before = -1;
      while (sent !== before) {
        before = sent;
        await new Promise((wake) => setTimeout(wake, 200));
      }
      assert.ok(sent < MAX_IN_FLIGHT_BYTES, `${Math.round(sent / MIB)} MiB in flight`);
      target.resume();
      assert.equal(await received.promise, TOTAL_BYTES);
    });
    behind.close();
  });

  test(`a client that goes away ends the request at the upstream, ${kind} upstream`, async () => {
    const asked = deferred();
    const gone = deferred();
    const behind = await serveBehind(kind, (request, response) => {
      response.on("close", () => gone.resolve());
      response.on("error", () => {});
      if (request.url?.startsWith("/body") === true) response.write("half");
      asked.resolve();
    });
    for (const path of ["/silent", "/body"]) {
      await withProxy(behind.origin, async (proxy) => {
        const wire = await connectWire(proxy.listener.port);
        wire.send(`GET ${path}${query} HTTP/1.1\r\nHost: a\r\n\r\n`);
        await asked.promise;
        if (path === "/body") await wire.untilText("half");
        wire.destroy();
        await gone.promise;
      });
    }
    behind.close();
  });
}

for (
  const [what, head] of [
    ["Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"],
    ["chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"],
  ] as const
) {
  test(`an upstream that goes away leaves the client a broken body, ${what}`, async () => {
    using target = await serveWires((wire) => {
      void wire.untilText("\r\n\r\n").then(() => {
        wire.send(head);
        setTimeout(() => wire.destroy(), 30);
      }, () => {});
    });
    await withProxy(`http://127.0.0.1:${target.port}`, (proxy) =>
      withWire(proxy, async (wire) => {
        wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        const text = await wire.untilClosed();
        assert.match(text, /half/);
        assert.doesNotMatch(text, /\r\n0\r\n\r\n/);
      }));
  });
}

test("an HTTP/2 upstream that goes away leaves the client a broken body", async () => {
  const server = http2.createSecureServer(certificate);
  const sockets: { destroy(): void }[] = [];
  server.on("secureConnection", (socket) => sockets.push(socket));
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200 });
    stream.write("half");
    setTimeout(() => sockets[0]?.destroy(), 30);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  await withProxy(`https://127.0.0.1:${address.port}`, (proxy) =>
    withWire(proxy, async (wire) => {
      wire.send("GET /?watch=1 HTTP/1.1\r\nHost: a\r\n\r\n");
      const text = await wire.untilClosed();
      assert.match(text, /half/);
      assert.doesNotMatch(text, /\r\n0\r\n\r\n/);
    }));
  server.close();
});
