import assert from "node:assert/strict";
import http2, { type Http2SecureServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { IncomingHttpHeaders } from "node:http";
import https from "node:https";
import net, { type Socket } from "node:net";
import { test } from "node:test";
import type {
  CreateUpstream,
  UpstreamOptions,
  UpstreamRequest,
  UpstreamResponse,
} from "../../src/platform/upstream.ts";
import { createAuthority } from "../testing/certificates.ts";
import { network } from "../testing/network.ts";

const authority = await createAuthority();
const certificate = await authority.issue({ commonName: "kube", names: ["127.0.0.1"] });
const MAX_STREAMS = 100;

interface KubeServer extends AsyncDisposable {
  readonly origin: string;
  readonly port: number;
  readonly server: Http2SecureServer;
  readonly sessions: readonly ServerHttp2Session[];
  readonly sockets: readonly Socket[];
  readonly streams: readonly ServerHttp2Stream[];
}

/** An HTTP/2 server with the API server's limit of streams; `answer` gets each stream with its path. */
async function serveHttp2(
  answer: (stream: ServerHttp2Stream, path: string, rawHeaders: readonly string[]) => void,
): Promise<KubeServer> {
  const server = http2.createSecureServer({ ...certificate, settings: { maxConcurrentStreams: MAX_STREAMS } });
  const [sessions, sockets, streams]: [ServerHttp2Session[], Socket[], ServerHttp2Stream[]] = [[], [], []];
  server.on("sessionError", () => {});
  server.on("session", (session) => sessions.push(session));
  server.on("secureConnection", (socket: Socket) => sockets.push(socket.on("error", () => {})));
  server.on(
    "stream",
    (...[stream, headers, , rawHeaders]: [ServerHttp2Stream, IncomingHttpHeaders, number, string[]]) => {
      stream.on("error", () => {});
      streams.push(stream);
      answer(stream, String(headers[":path"]), rawHeaders);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return {
    origin: `https://127.0.0.1:${address.port}`,
    port: address.port,
    server,
    sessions,
    sockets,
    streams,
    [Symbol.asyncDispose]: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      return Promise.resolve();
    },
  };
}

function open(origin: string, options?: Partial<UpstreamOptions>): ReturnType<CreateUpstream> {
  return network.createUpstream({ origin, ca: authority.caPem, ...options });
}

function watch(rawPath: string, options?: Partial<UpstreamRequest>): UpstreamRequest {
  const signal = new AbortController().signal;
  return { method: "GET", rawPath, rawHeaders: ["Host", "kube:1"], signal, longRunning: true, ...options };
}

async function text(response: UpstreamResponse): Promise<string> {
  let all = "";
  for await (const chunk of response.body) all += Buffer.from(chunk).toString("latin1");
  return all;
}

/** The first chunk; the body stays open. */
async function first(response: UpstreamResponse): Promise<string> {
  const result = await response.body[Symbol.asyncIterator]().next();
  return result.done === true ? "" : Buffer.from(result.value).toString("latin1");
}

async function until(reached: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!reached()) {
    assert.ok(Date.now() < deadline, what);
    await new Promise((wake) => setTimeout(wake, 5));
  }
}

test("90 watches share one connection, and the one past the server's limit gets a second", async () => {
  await using kube = await serveHttp2((stream, path) => {
    stream.respond({ ":status": 200 });
    stream.write(path);
  });
  const upstream = open(kube.origin);
  const paths = Array.from({ length: 90 }, (_, index) => `/w${index}`);
  const responses = await Promise.all(paths.map((path) => upstream.request(watch(path))));
  assert.deepEqual(await Promise.all(responses.map(first)), paths);
  assert.equal(kube.sessions.length, 1);
  await Promise.all(Array.from({ length: MAX_STREAMS - 90 }, () => upstream.request(watch("/more"))));
  assert.equal(kube.sessions.length, 1);
  assert.equal(await first(await upstream.request(watch("/over"))), "/over");
  assert.equal(kube.sessions.length, 2);
  await upstream.close(0);
});

test("a herd past the server's limit is spread at once", async () => {
  await using kube = await serveHttp2((stream, path) => {
    stream.respond({ ":status": 200 });
    stream.write(path);
  });
  const upstream = open(kube.origin);
  const responses = await Promise.all(Array.from({ length: 250 }, (_, index) => upstream.request(watch(`/${index}`))));
  assert.equal(responses.length, 250);
  assert.equal(kube.sessions.length, 3);
  await upstream.close(0);
});

test("streams that nobody reads do not hold up their neighbours", async () => {
  const CHUNK_BYTES = 64 * 1024;
  const TOTAL_BYTES = 160 * CHUNK_BYTES;
  await using kube = await serveHttp2((stream) => {
    stream.respond({ ":status": 200 });
    let left = TOTAL_BYTES;
    // By hand: with `pipe` Bun's server (1.4.5) stops for good when the connection's window is used up.
    const pump = () => {
      while (left > 0) {
        left -= CHUNK_BYTES;
        if (!stream.write(Buffer.alloc(CHUNK_BYTES))) return void stream.once("drain", pump);
      }
      stream.end();
    };
    pump();
  });
  const upstream = open(kube.origin);
  for (let count = 0; count < 12; count++) await upstream.request(watch("/stalled"));
  assert.equal((await text(await upstream.request(watch("/")))).length, TOTAL_BYTES);
  await upstream.close(0);
});

test("Upstream.request carries path, fields and body over HTTP/2", async () => {
  let seen: readonly string[] = [];
  await using kube = await serveHttp2((stream, _path, rawHeaders) => {
    seen = rawHeaders;
    stream.respond([":status", "299", "warning", "299 a", "warning", "299 b", "x-b", "1"]);
    stream.pipe(stream);
  });
  const upstream = open(kube.origin);
  const path = "/a/../b//c%2Fd?x={y}";
  const rawHeaders = [
    "Host",
    "kube:1",
    "X-Dup",
    "1",
    "X-Dup",
    "2",
    "Connection",
    "keep-alive",
    "TE",
    "gzip",
    "Content-Length",
    "4",
  ];
  const body = new TextEncoder().encode("body");
  const response = await upstream.request(watch(path, { method: "POST", rawHeaders, body }));
  assert.equal(await text(response), "body");
  assert.deepEqual([response.status, response.reason], [299, ""]);
  assert.deepEqual(response.rawHeaders.slice(0, 6), ["warning", "299 a", "warning", "299 b", "x-b", "1"]);
  const pseudo = [":method", "POST", ":path", path, ":scheme", "https", ":authority", "kube:1"];
  assert.deepEqual(seen, [...pseudo, "x-dup", "1", "x-dup", "2", "content-length", "4"]);
  await upstream.close(0);
});

test("aborting the signal resets the stream before its answer and in its body", async () => {
  await using kube = await serveHttp2((stream, path) => {
    if (path === "/silent") return;
    stream.respond({ ":status": 200 });
    stream.write("half");
  });
  const upstream = open(kube.origin);
  for (const path of ["/silent", "/body"]) {
    const stop = new AbortController();
    const pending = upstream.request(watch(path, { signal: stop.signal }));
    const before = kube.streams.length;
    await until(() => kube.streams.length > before - 1 && kube.streams.at(-1) !== undefined, "the stream");
    const reading = path === "/body" ? text(await pending) : pending;
    await until(() => kube.streams.length === (path === "/silent" ? 1 : 2), "the stream");
    setTimeout(() => stop.abort(), 20);
    await assert.rejects(reading, { name: "UpstreamError", failure: "aborted" });
    await until(() => kube.streams.at(-1)?.closed === true, "the reset");
  }
  assert.equal(kube.sessions.length, 1);
  await upstream.close(0);
});

test("leaving the body's loop resets the stream", async () => {
  await using kube = await serveHttp2((stream) => {
    stream.respond({ ":status": 200 });
    stream.write("half");
  });
  const upstream = open(kube.origin);
  for await (const _chunk of (await upstream.request(watch("/"))).body) break;
  await until(() => kube.streams[0]?.closed === true, "the reset");
  await upstream.close(0);
});

for (const how of ["stream", "connection"] as const) {
  test(`a body over HTTP/2 throws where its ${how} breaks`, async () => {
    await using kube = await serveHttp2((stream) => {
      stream.respond({ ":status": 200 });
      stream.write("half");
      setTimeout(() => how === "stream" ? stream.destroy(new Error("broken")) : kube.sockets[0]?.destroy(), 30);
    });
    const upstream = open(kube.origin);
    const response = await upstream.request(watch("/"));
    await assert.rejects(text(response), { name: "UpstreamError", failure: "broken", sent: true });
    await upstream.close(0);
  });
}

test("after the connection broke the next watch gets a new one", async () => {
  await using kube = await serveHttp2((stream, path) => {
    stream.respond({ ":status": 200 });
    stream.write(path);
  });
  const upstream = open(kube.origin);
  const response = await upstream.request(watch("/1"));
  kube.sockets[0]?.destroy();
  await assert.rejects(text(response), { failure: "broken" });
  assert.equal(await first(await upstream.request(watch("/2"))), "/2");
  assert.equal(kube.sessions.length, 2);
  await upstream.close(0);
});

test("after a GOAWAY running streams go on and new ones get a new connection", async () => {
  await using kube = await serveHttp2((stream, path) => {
    stream.respond({ ":status": 200 });
    stream.write(path);
  });
  const upstream = open(kube.origin);
  const running = await upstream.request(watch("/1"));
  assert.equal(await first(running), "/1");
  kube.sessions[0]?.close();
  await new Promise((wake) => setTimeout(wake, 50));
  assert.equal(await first(await upstream.request(watch("/2"))), "/2");
  assert.equal(kube.sessions.length, 2);
  kube.streams[0]?.end("end");
  assert.equal(await text(running), "end");
  await upstream.close(0);
});

test("an answer that has come in its whole length is complete where its connection ends in the place of its end", async () => {
  for (const length of [4, 5]) {
    await using kube = await serveHttp2((stream) => {
      stream.respond({ ":status": 200, "content-length": String(length) });
      stream.write("text");
      setTimeout(() => kube.sessions[0]?.destroy(), 20);
    });
    const upstream = open(kube.origin);
    const reading = text(await upstream.request(watch("/1")));
    if (length === 4) assert.equal(await reading, "text");
    else await assert.rejects(reading, { name: "UpstreamError", failure: "broken" });
    await upstream.close(0);
  }
});

test("a PING finds a peer that is gone without a word, and breaks its streams as timeout", async () => {
  await using kube = await serveHttp2((stream) => {
    stream.respond({ ":status": 200 });
    stream.write("half");
  });
  // A relay that swallows: both connections stay open, nothing passes any more.
  let swallow = false;
  const relay = net.createServer((socket) => {
    const onward = net.connect(kube.port, "127.0.0.1");
    socket.on("data", (chunk) => swallow || onward.write(chunk)).on("error", () => {}).on(
      "close",
      () => onward.destroy(),
    );
    onward.on("data", (chunk) => swallow || socket.write(chunk)).on("error", () => {}).on(
      "close",
      () => socket.destroy(),
    );
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const address = relay.address();
  assert.ok(typeof address === "object" && address !== null);
  const upstream = open(`https://127.0.0.1:${address.port}`, { pingIntervalMs: 100, pingTimeoutMs: 100 });
  const response = await upstream.request(watch("/"));
  assert.equal(await first(response), "half");
  // Longer than interval and timeout: the answered PINGs keep it alive.
  await new Promise((wake) => setTimeout(wake, 400));
  swallow = true;
  await assert.rejects(text(response), { name: "UpstreamError", failure: "timeout" });
  await upstream.close(0);
  relay.close();
});

test("watches fall back to HTTP/1.1 where the server speaks nothing else", async () => {
  const server = https.createServer(certificate, (request, response) => response.end(request.httpVersion));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const upstream = open(`https://127.0.0.1:${address.port}`);
  for (const path of ["/1", "/2"]) assert.equal(await text(await upstream.request(watch(path))), "1.1");
  await upstream.close(0);
  server.closeAllConnections();
  server.close();
});

test("Upstream.close breaks watches off after its time", async () => {
  await using kube = await serveHttp2((stream) => {
    stream.respond({ ":status": 200 });
    stream.write("half");
  });
  const upstream = open(kube.origin);
  const reading = text(await upstream.request(watch("/")));
  const broken = assert.rejects(reading, { name: "UpstreamError", failure: "closed" });
  await upstream.close(50);
  await broken;
  await until(() => kube.sockets.every((socket) => socket.destroyed || socket.closed), "the end of the connection");
});
