import assert from "node:assert/strict";
import http2, { type ClientHttp2Session } from "node:http2";
import { TLSSocket } from "node:tls";
import { after, test } from "node:test";
import type { Exchange, Peer } from "../../src/platform/exchange.ts";
import type { ExchangeHandler, Listener } from "../../src/platform/listener.ts";
import { createAuthority } from "../testing/certificates.ts";
import { deferred } from "../testing/deferred.ts";
import { network } from "../testing/network.ts";
import { connectWire, type WireTls } from "../testing/wire.ts";

const authority = await createAuthority();
const stranger = await createAuthority("another authority");
const SERVER = { commonName: "first", names: ["127.0.0.1", "localhost"] };
const server = await authority.issue(SERVER);
const node = await authority.issue({ commonName: "system:node:a", organizations: ["system:nodes", "second"] });
const forged = await stranger.issue({ commonName: "system:node:a", organizations: ["system:masters"] });
const trust: WireTls = { ca: authority.caPem };
const listeners: Listener[] = [];

after(() => Promise.all(listeners.map((listener) => listener.close(0))));

async function listenTls(handler: ExchangeHandler): Promise<Listener> {
  const tls = { ...server, clientCa: authority.caPem };
  const listener = await network.listen({ hostname: "127.0.0.1", port: 0, tls }, handler);
  listeners.push(listener);
  return listener;
}

async function openSession(port: number, secure: WireTls): Promise<ClientHttp2Session> {
  const session = http2.connect(`https://127.0.0.1:${port}`, { ...secure });
  session.on("error", () => {});
  await new Promise<void>((resolve, reject) => session.once("remoteSettings", () => resolve()).once("error", reject));
  return session;
}

/** Sends one request and resolves at its end with what came, and with how it ended. */
function fetchHttp2(
  session: ClientHttp2Session,
  headers: Record<string, string | string[]>,
  body?: string,
): Promise<{ status: number; headers: Record<string, unknown>; text: string; code: number }> {
  return new Promise((resolve) => {
    const stream = session.request(headers, { endStream: body === undefined });
    let text = "";
    let answer: Record<string, unknown> = {};
    stream.on("error", () => {});
    stream.on("response", (head) => answer = head);
    stream.on("data", (chunk: Uint8Array) => text += new TextDecoder().decode(chunk));
    stream.on(
      "close",
      () => resolve({ status: Number(answer[":status"]), headers: answer, text, code: stream.rstCode ?? 0 }),
    );
    if (body !== undefined) stream.end(body);
  });
}

function describePeer({ certificate, secure }: Peer): Response {
  if (certificate === undefined) return Response.json({ secure });
  const { authorized, commonName, organizations, raw } = certificate;
  return Response.json({ secure, authorized, commonName, organizations, der: raw[0] === 0x30 });
}

const OURS = { secure: true, authorized: true, commonName: "system:node:a", organizations: ["system:nodes", "second"] };
for (
  const [who, credentials, expected] of [
    ["a client certificate of its CA", node, { ...OURS, der: true }],
    ["a client certificate of another CA as unauthorized", forged, {
      ...OURS,
      authorized: false,
      organizations: ["system:masters"],
      der: true,
    }],
    ["a client without a certificate", {}, { secure: true }],
  ] as const
) {
  test(`listen sees ${who}, HTTP/1.1`, async () => {
    const listener = await listenTls((_request, { peer }) => describePeer(peer));
    const wire = await connectWire(listener.port, { ...trust, ...credentials });
    wire.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    const text = await wire.untilText("}");
    assert.deepEqual(JSON.parse(/\{.*\}/.exec(text)?.[0] ?? ""), expected);
    wire.destroy();
  });

  test(`listen sees ${who}, HTTP/2`, async () => {
    const listener = await listenTls((_request, { peer }) => describePeer(peer));
    const session = await openSession(listener.port, { ...trust, ...credentials });
    assert.deepEqual(JSON.parse((await fetchHttp2(session, { ":path": "/" })).text), expected);
    assert.deepEqual(JSON.parse((await fetchHttp2(session, { ":path": "/" })).text), expected);
    session.destroy();
  });
}

test("listen carries path, fields, body and status over HTTP/2", async () => {
  let seen: Exchange | undefined;
  const listener = await listenTls(async (_request, exchange) => {
    seen = exchange;
    let length = 0;
    for await (const chunk of exchange.body) length += chunk.byteLength;
    const fields = [
      "X-A",
      "1",
      "Warning",
      "299 a",
      "Warning",
      "299 b",
      "Connection",
      "close",
      "Transfer-Encoding",
      "chunked",
    ];
    const sink = exchange.respond(201, "Created", fields);
    await sink.write(new TextEncoder().encode(`got ${length}`));
    sink.end();
    return new Response();
  });
  const session = await openSession(listener.port, trust);
  const path = "/a/../b//c%2Fd?x={y}";
  const answer = await fetchHttp2(session, {
    ":method": "POST",
    ":path": path,
    ":authority": "kube:1",
    "x-d": ["1", "2"],
  }, "12345");
  assert.deepEqual([answer.status, answer.text, answer.code], [201, "got 5", 0]);
  assert.equal(answer.headers["x-a"], "1");
  assert.equal(answer.headers["warning"], "299 a, 299 b");
  assert.equal(answer.headers["connection"], undefined);
  assert.equal(seen?.rawPath, path);
  assert.deepEqual(seen?.rawHeaders, ["host", "kube:1", "x-d", "1", "x-d", "2", "transfer-encoding", "chunked"]);
  session.destroy();
});

test("Sink.destroy breaks the stream off, HTTP/2", async () => {
  const listener = await listenTls(async (_request, exchange) => {
    const sink = exchange.respond(200, "OK", []);
    await sink.write(new TextEncoder().encode("part"));
    setTimeout(() => sink.destroy(), 20);
    assert.equal(await sink.closed, false);
    return new Response();
  });
  const session = await openSession(listener.port, trust);
  const answer = await fetchHttp2(session, { ":path": "/" });
  assert.equal(answer.status, 200);
  assert.notEqual(answer.code, 0);
  session.destroy();
});

for (const wait of ["before the first", "after the first"] as const) {
  test(`Sink.write sends at once what is written a while ${wait}, HTTP/1.1`, async () => {
    const listener = await listenTls((_request, exchange) => {
      const sink = exchange.respond(200, "OK", []);
      const write = (text: string) => void sink.write(new TextEncoder().encode(text));
      if (wait === "after the first") write("one ");
      setTimeout(() => {
        if (wait === "before the first") write("one ");
        write("two ");
        setTimeout(() => write("three "), 20);
      }, 20);
      return new Response();
    });
    const wire = await connectWire(listener.port, trust);
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await wire.untilText("three ");
    wire.destroy();
  });
}

test("Exchange.signal is aborted when the client cancels its stream, and not after a complete answer", async () => {
  const gone = deferred();
  const exchanges = new Map<string, Exchange>();
  const listener = await listenTls((_request, exchange) => {
    exchanges.set(exchange.rawPath, exchange);
    const sink = exchange.respond(200, "OK", []);
    if (exchange.rawPath === "/complete") sink.end();
    else exchange.signal.addEventListener("abort", () => gone.resolve());
    return new Response();
  });
  const session = await openSession(listener.port, trust);
  await fetchHttp2(session, { ":path": "/complete" });
  const watch = session.request({ ":path": "/watch" });
  watch.on("error", () => {});
  await new Promise<void>((resolve) => watch.once("response", () => resolve()));
  watch.close(http2.constants.NGHTTP2_CANCEL);
  await gone.promise;
  session.destroy();
  assert.equal(exchanges.get("/complete")?.signal.aborted, false);
});

test("Sink.write holds back where the client does not read, HTTP/2", async () => {
  const MAX_IN_FLIGHT_BYTES = 16 * 1024 * 1024;
  const stalled = deferred<number>();
  const listener = await listenTls(async (_request, exchange) => {
    const sink = exchange.respond(200, "OK", []);
    const chunk = new Uint8Array(64 * 1024);
    for (let sent = 0; sent < 4 * MAX_IN_FLIGHT_BYTES && !exchange.signal.aborted; sent += chunk.byteLength) {
      const full = sink.write(chunk);
      if (full === undefined) continue;
      const idle = await Promise.race([full.then(() => false), new Promise((wake) => setTimeout(wake, 300, true))]);
      if (idle) stalled.resolve(sent);
      await full;
    }
    stalled.resolve(Number.POSITIVE_INFINITY);
    sink.end();
    return new Response();
  });
  const session = await openSession(listener.port, trust);
  const stream = session.request({ ":path": "/" });
  stream.on("error", () => {});
  stream.pause();
  assert.ok(await stalled.promise < MAX_IN_FLIGHT_BYTES);
  session.destroy();
});

test("an answer over HTTP/1.1 in TLS is bounded where the client does not read", async () => {
  const MAX_IN_FLIGHT_BYTES = 80 * 1024 * 1024;
  const ended = deferred<number>();
  const listener = await listenTls(async (_request, exchange) => {
    const sink = exchange.respond(200, "OK", []);
    const chunk = new Uint8Array(256 * 1024);
    let sent = 0;
    while (sent < 2 * MAX_IN_FLIGHT_BYTES && !exchange.signal.aborted) {
      sent += chunk.byteLength;
      const full = sink.write(chunk);
      if (full === undefined) continue;
      const idle = await Promise.race([full.then(() => false), new Promise((wake) => setTimeout(wake, 300, true))]);
      if (idle) break;
    }
    ended.resolve(sent);
    sink.destroy();
    return new Response();
  });
  const wire = await connectWire(listener.port, trust);
  wire.socket.pause();
  wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.ok(await ended.promise < MAX_IN_FLIGHT_BYTES);
  wire.destroy();
});

test("listen takes a request header of 40 KB in TLS, HTTP/1.1", async (context) => {
  // reference/runtimes.md section 3: its HTTP/1.1 beside HTTP/2 does not honour maxHeaderSize (not reported by itself).
  if (network.runtime === "deno") return context.skip("denoland/deno#33317: allowHTTP1 is partial");
  const listener = await listenTls((_request, exchange) => new Response(String(exchange.header("x-long")?.length)));
  const wire = await connectWire(listener.port, trust);
  wire.send(`GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Long: ${"v".repeat(40 * 1024)}\r\n\r\n`);
  assert.match(await wire.untilClosed(), /40960/);
  wire.destroy();
});

test("listen takes a request header of 40 KB, HTTP/2", async () => {
  const listener = await listenTls((_request, exchange) => new Response(String(exchange.header("x-long")?.length)));
  const session = await openSession(listener.port, trust);
  assert.equal((await fetchHttp2(session, { ":path": "/", "x-long": "v".repeat(40 * 1024) })).text, "40960");
  session.destroy();
});

test("Listener.updateTls gives new connections the new certificate and cuts no stream", async () => {
  const sinks: { end(): void; write(chunk: Uint8Array): unknown }[] = [];
  const listener = await listenTls((_request, exchange) => {
    const sink = exchange.respond(200, "OK", []);
    void sink.write(new TextEncoder().encode("before "));
    sinks.push(sink);
    return new Response();
  });
  const wire = await connectWire(listener.port, trust);
  wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await wire.untilText("before ");
  const session = await openSession(listener.port, trust);
  const running = fetchHttp2(session, { ":path": "/" });
  while (sinks.length < 2) await new Promise((wake) => setTimeout(wake, 5));
  const renewed = await authority.issue({ ...SERVER, commonName: "second" });
  listener.updateTls({ ...renewed, clientCa: authority.caPem });
  const later = await connectWire(listener.port, trust);
  assert.equal(commonNameOf(later.socket), "second");
  assert.equal(commonNameOf(wire.socket), "first");
  for (const sink of sinks) {
    void sink.write(new TextEncoder().encode("after"));
    sink.end();
  }
  assert.match(await wire.untilText("\r\n0\r\n\r\n"), /after/);
  const { text, code } = await running;
  assert.deepEqual([text, code], ["before after", 0]);
  for (const one of [wire, later]) one.destroy();
  session.destroy();
});

function commonNameOf(socket: object): unknown {
  assert.ok(socket instanceof TLSSocket);
  return socket.getPeerCertificate().subject.CN;
}

test("Listener.close lets a stream of HTTP/2 end", async () => {
  const listener = await listenTls((_request, exchange) => {
    const sink = exchange.respond(200, "OK", []);
    void sink.write(new TextEncoder().encode("part"));
    setTimeout(() => sink.end(), 100);
    return new Response();
  });
  const session = await openSession(listener.port, trust);
  const running = fetchHttp2(session, { ":path": "/" });
  await new Promise((wake) => setTimeout(wake, 50));
  await listener.close(2_000);
  const { text, code } = await running;
  assert.deepEqual([text, code], ["part", 0]);
  session.destroy();
});
