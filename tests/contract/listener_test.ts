import assert from "node:assert/strict";
import { test } from "node:test";
import type { Exchange } from "../../src/platform/exchange.ts";
import type { ExchangeHandler, Listener } from "../../src/platform/listener.ts";
import { deferred } from "../testing/deferred.ts";
import { network } from "../testing/network.ts";
import { connectWire } from "../testing/wire.ts";

const HEAD = "Host: a\r\n\r\n";

async function withListener(handler: ExchangeHandler, run: (listener: Listener) => Promise<void>): Promise<void> {
  const listener = await network.listen({ hostname: "127.0.0.1", port: 0 }, handler);
  try {
    await run(listener);
  } finally {
    await listener.close(0);
  }
}

/** The answer to one request that is given as text. */
async function ask(port: number, request: string): Promise<string> {
  const wire = await connectWire(port);
  wire.send(request);
  const text = await wire.untilClosed();
  wire.destroy();
  return text;
}

for (
  const [what, path, host, url] of [
    ["a double slash", "//a//b", "Host: kube.example:6443\r\n", "http://kube.example:6443//a//b"],
    ["dot segments", "/a/../b/%2e%2e/c", "Host: a\r\n", "http://a/c"],
    ["an encoded slash and braces", "/a%2Fb/{x}?y={z}", "Host: a\r\n", "http://a/a%2Fb/%7Bx%7D?y={z}"],
    ["no Host", "/x", "", "http://localhost/x"],
    ["a Host that is none", "/x", "Host: a b/c?#\r\n", "http://localhost/x"],
    ["a Host with user information", "/x", "Host: u@h\r\n", "http://localhost/x"],
    ["an IPv6 Host", "/x", "Host: [::1]:80\r\n", "http://[::1]/x"],
  ] as const
) {
  test(`listen hands over ${what} as it came`, async () => {
    const seen: { rawPath: string; url: string }[] = [];
    await withListener((request, exchange) => {
      seen.push({ rawPath: exchange.rawPath, url: request.url });
      return new Response("ok");
    }, async ({ port }) => {
      const answer = await ask(port, `GET ${path} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`);
      assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
    });
    assert.deepEqual(seen, [{ rawPath: path, url }]);
  });
}

test("listen hands over names, values, order and duplicates of header fields as they came", async () => {
  let seen: Exchange | undefined;
  await withListener((_request, exchange) => {
    seen = exchange;
    return new Response("ok");
  }, async ({ port }) => {
    await ask(port, `GET / HTTP/1.1\r\nhOsT: a\r\nX-B: 1\r\nx-a: 2\r\nX-B: 3\r\nConnection: close\r\n\r\n`);
  });
  assert.deepEqual(seen?.rawHeaders, ["hOsT", "a", "X-B", "1", "x-a", "2", "X-B", "3", "Connection", "close"]);
  assert.equal(seen?.header("x-b"), "1, 3");
  assert.equal(seen?.header("x-c"), undefined);
});

test("listen takes a request header of 40 KB", async () => {
  await withListener(
    (_request, exchange) => new Response(String(exchange.header("x-long")?.length)),
    async ({ port }) => {
      const long = "v".repeat(40 * 1024);
      const answer = await ask(port, `GET / HTTP/1.1\r\nX-Long: ${long}\r\nConnection: close\r\n${HEAD}`);
      assert.match(answer, /40960/);
    },
  );
});

test("listen answers 500 with a Status where the handler throws, and goes on", async () => {
  await withListener((request) => {
    if (request.url.endsWith("/throw")) throw new Error("a secret");
    return new Response("ok");
  }, async ({ port }) => {
    const wire = await connectWire(port);
    wire.send(`GET /throw HTTP/1.1\r\n${HEAD}`);
    const first = await wire.untilText('"code":500}');
    assert.match(first, /^HTTP\/1\.1 500 /);
    assert.match(first, /"kind":"Status"/);
    assert.doesNotMatch(first, /a secret/);
    wire.send(`GET /ok HTTP/1.1\r\n${HEAD}`);
    await wire.untilText("HTTP/1.1 200 OK");
    wire.destroy();
  });
});

test("listen answers 500 where the handler sends a field that HTTP refuses", async () => {
  await withListener((_request, exchange) => {
    exchange.respond(200, "OK", ["X-Bad", "a\r\nInjected: 1"]);
    return new Response();
  }, async ({ port }) => {
    const answer = await ask(port, `GET / HTTP/1.1\r\nConnection: close\r\n${HEAD}`);
    assert.match(answer, /^HTTP\/1\.1 500 /);
    assert.doesNotMatch(answer, /Injected/);
  });
});

test("listen breaks the connection off where the handler throws after its head", async () => {
  await withListener((_request, exchange) => {
    void exchange.respond(200, "OK", []).write(new Uint8Array([65]));
    throw new Error("too late");
  }, async ({ port }) => {
    const answer = await ask(port, `GET / HTTP/1.1\r\n${HEAD}`);
    assert.doesNotMatch(answer, /\r\n0\r\n\r\n/);
  });
});

test("listen writes a streamed Response with its status and fields", async () => {
  await withListener(() => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("one "));
        controller.enqueue(new TextEncoder().encode("two"));
        controller.close();
      },
    });
    return new Response(body, { status: 418, headers: { "x-a": "1" } });
  }, async ({ port }) => {
    const answer = await ask(port, `GET / HTTP/1.0\r\n${HEAD}`);
    assert.match(answer, /^HTTP\/1\.1 418 .+\r\n/);
    assert.match(answer, /\r\nx-a: 1\r\n/i);
    assert.match(answer, /one two$/);
  });
});

test("Request of the handler gives body, headers and method", async () => {
  await withListener(async (request) => {
    assert.ok(request instanceof Request);
    return Response.json({
      method: request.method,
      type: request.headers.get("content-type"),
      text: await request.text(),
    });
  }, async ({ port }) => {
    const head = `POST / HTTP/1.1\r\nContent-Type: text/x\r\nContent-Length: 5\r\nConnection: close\r\n${HEAD}`;
    const answer = await ask(port, `${head}hello`);
    assert.match(answer, /\{"method":"POST","type":"text\/x","text":"hello"\}/);
  });
});

test("listen refuses CONNECT with 405", async () => {
  await withListener(() => new Response("ok"), async ({ port }) => {
    assert.match(await ask(port, `CONNECT a:1 HTTP/1.1\r\n${HEAD}`), /^HTTP\/1\.1 405 /);
  });
});

test("Exchange.respond sends no body for HEAD, 204 and 304", async () => {
  await withListener((request, exchange) => {
    const status = Number(new URL(request.url).pathname.slice(1));
    const sink = exchange.respond(status, "R", status === 200 ? ["Content-Length", "3"] : []);
    void sink.write(new Uint8Array([65, 65, 65]));
    sink.end();
    return new Response();
  }, async ({ port }) => {
    for (const [method, status] of [["HEAD", 200], ["GET", 204], ["GET", 304]] as const) {
      const answer = await ask(port, `${method} /${status} HTTP/1.1\r\nConnection: close\r\n${HEAD}`);
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} R\r\n`));
      assert.match(answer, /\r\n\r\n$/);
    }
  });
});

test("Exchange.respond keeps reason, spelling, order, duplicates and Content-Length", async () => {
  await withListener((_request, exchange) => {
    const rawHeaders = ["X-b", "1", "Warning", "299 a", "Warning", "299 b", "x-A", "2", "Content-Length", "2"];
    const sink = exchange.respond(200, "Quite Fine", rawHeaders);
    void sink.write(new TextEncoder().encode("hi"));
    sink.end();
    return new Response();
  }, async ({ port }) => {
    const answer = await ask(port, `GET / HTTP/1.1\r\nConnection: close\r\n${HEAD}`);
    const fields = "X-b: 1\r\nWarning: 299 a\r\nWarning: 299 b\r\nx-A: 2\r\nContent-Length: 2\r\n";
    assert.ok(answer.startsWith(`HTTP/1.1 200 Quite Fine\r\n${fields}`), answer);
    assert.ok(answer.endsWith("\r\n\r\nhi"), answer);
  });
});

test("Exchange.respond sends the head before there is a body", async () => {
  await withListener((_request, exchange) => {
    exchange.respond(200, "OK", ["X-Watch", "1"]);
    return new Response();
  }, async ({ port }) => {
    const wire = await connectWire(port);
    wire.send(`GET / HTTP/1.1\r\n${HEAD}`);
    await wire.untilText("\r\n\r\n");
    wire.destroy();
  });
});

for (const sized of [true, false]) {
  test(`Sink.destroy leaves a broken body, ${sized ? "Content-Length" : "chunked"}`, async () => {
    await withListener(async (_request, exchange) => {
      const sink = exchange.respond(200, "OK", sized ? ["Content-Length", "10"] : []);
      await sink.write(new Uint8Array([65, 66]));
      setTimeout(() => sink.destroy(), 20);
      assert.equal(await sink.closed, false);
      return new Response();
    }, async ({ port }) => {
      const answer = await ask(port, `GET / HTTP/1.1\r\n${HEAD}`);
      assert.match(answer, /AB/);
      assert.doesNotMatch(answer, /\r\n0\r\n/);
    });
  });
}

test("Exchange.signal is aborted when the client goes, and not after a complete answer", async () => {
  const exchanges = new Map<string, Exchange>();
  const gone = deferred<void>();
  await withListener((_request, exchange) => {
    exchanges.set(exchange.rawPath, exchange);
    const sink = exchange.respond(200, "OK", []);
    if (exchange.rawPath === "/complete") sink.end();
    else exchange.signal.addEventListener("abort", () => gone.resolve());
    return new Response();
  }, async ({ port }) => {
    const wire = await connectWire(port);
    wire.send(`GET /complete HTTP/1.1\r\n${HEAD}`);
    await wire.untilText("\r\n0\r\n\r\n");
    wire.send(`GET /watch HTTP/1.1\r\n${HEAD}`);
    await wire.until((seen) => seen.text.split("HTTP/1.1 200").length === 3, "the second head");
    wire.destroy();
    await gone.promise;
  });
  assert.equal(exchanges.get("/complete")?.signal.aborted, false);
});

test("Sink.write holds back where the client does not read", async () => {
  const MAX_IN_FLIGHT_BYTES = 24 * 1024 * 1024;
  const stalled = deferred<number>();
  await withListener(async (_request, exchange) => {
    const sink = exchange.respond(200, "OK", []);
    const chunk = new Uint8Array(64 * 1024);
    for (let sent = 0; sent < 4 * MAX_IN_FLIGHT_BYTES; sent += chunk.byteLength) {
      const full = sink.write(chunk);
      if (full === undefined) continue;
      const idle = await Promise.race([full.then(() => false), new Promise((wake) => setTimeout(wake, 300, true))]);
      if (idle) stalled.resolve(sent);
      await full;
    }
    stalled.resolve(Number.POSITIVE_INFINITY);
    sink.end();
    return new Response();
  }, async ({ port }) => {
    const wire = await connectWire(port);
    wire.socket.pause();
    wire.send(`GET / HTTP/1.1\r\n${HEAD}`);
    assert.ok(await stalled.promise < MAX_IN_FLIGHT_BYTES);
    wire.destroy();
  });
});

test("Peer.uid tells who is at the other end of a loopback connection", async (context) => {
  const uid = process.getuid?.();
  if (process.platform !== "linux" || uid === undefined) return context.skip("only Linux tells");
  await withListener(async (_request, exchange) => {
    const { peer } = exchange;
    return Response.json({ address: peer.address, secure: peer.secure, uid: await peer.uid() });
  }, async ({ port }) => {
    const answer = await ask(port, `GET / HTTP/1.1\r\nConnection: close\r\n${HEAD}`);
    assert.ok(answer.includes(`{"address":"127.0.0.1","secure":false,"uid":${uid}}`), answer);
  });
});

test("listen rejects with EADDRINUSE for a taken port", async () => {
  await withListener(() => new Response("ok"), async ({ port }) => {
    await assert.rejects(
      network.listen({ hostname: "127.0.0.1", port }, () => new Response("ok")),
      (error: unknown) => typeof error === "object" && error !== null && "code" in error && error.code === "EADDRINUSE",
    );
  });
});

test("Listener.close lets an answer end and breaks off what is left after its time", async () => {
  const started = deferred<void>();
  const listener = await network.listen({ hostname: "127.0.0.1", port: 0 }, (_request, exchange) => {
    const sink = exchange.respond(200, "OK", []);
    void sink.write(new Uint8Array([65]));
    if (exchange.rawPath === "/short") setTimeout(() => sink.end(), 50);
    else started.resolve();
    return new Response();
  });
  const [short, long] = [await connectWire(listener.port), await connectWire(listener.port)];
  long.send(`GET /long HTTP/1.1\r\n${HEAD}`);
  await started.promise;
  short.send(`GET /short HTTP/1.1\r\n${HEAD}`);
  await short.untilText("A");
  const closed = listener.close(300);
  assert.match(await short.untilClosed(), /\r\n0\r\n\r\n/);
  await closed;
  assert.doesNotMatch(await long.untilClosed(), /\r\n0\r\n\r\n/);
  for (const wire of [short, long]) wire.destroy();
});

test("Listener.close ends a connection that has sent nothing", async (context) => {
  // Its server does not know of such a connection: https://github.com/oven-sh/bun/pull/35839
  if (network.runtime === "bun") return context.skip("oven-sh/bun#35839");
  const listener = await network.listen({ hostname: "127.0.0.1", port: 0 }, () => new Response("ok"));
  const wire = await connectWire(listener.port);
  await listener.close(0);
  await wire.untilClosed();
  wire.destroy();
});

test("listen outlives connections that are reset and bytes that are no HTTP", async () => {
  await withListener(() => new Response("ok"), async ({ port }) => {
    const garbage = await connectWire(port);
    garbage.send("\x16\x03\x01 not http\r\n\r\n");
    await garbage.untilClosed();
    const half = await connectWire(port);
    half.send("GET / HTTP/1.1\r\nHost:");
    half.socket.resetAndDestroy();
    assert.match(await ask(port, `GET / HTTP/1.1\r\nConnection: close\r\n${HEAD}`), /200 OK/);
    garbage.destroy();
  });
});
