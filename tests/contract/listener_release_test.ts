import assert from "node:assert/strict";
import net from "node:net";
import { test } from "node:test";
import { HeldPorts } from "../../src/cli/held_ports.ts";
import { clock } from "../../adapters/shared/clock.ts";
import type { Exchange } from "../../src/platform/exchange.ts";
import type { Sink } from "../../src/platform/bytes.ts";
import { createAuthority } from "../testing/certificates.ts";
import { deferred } from "../testing/deferred.ts";
import { network } from "../testing/network.ts";
import { connectWire } from "../testing/wire.ts";

const address = { hostname: "127.0.0.1", port: 0 };
const encode = (text: string) => new TextEncoder().encode(text);
const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: "127.0.0.1", port });
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

/** Begins an answer that the test ends. */
function answering(started: (sink: Sink) => void) {
  return (_request: Request, exchange: Exchange): Response => {
    if (exchange.rawPath !== "/slow") return new Response("ok");
    const sink = exchange.respond(200, "OK", ["Content-Type", "text/plain", "Transfer-Encoding", "chunked"]);
    void sink.write(encode("begun"));
    started(sink);
    return new Response(null);
  };
}

test("Listener.announceEnd has answers say that they are the last, and goes on listening", async () => {
  const listener = await network.listen(address, () => new Response("ok"));
  const before = await connectWire(listener.port);
  before.send(request("/"));
  assert.doesNotMatch(await before.untilText("ok"), /connection: close/i);
  listener.announceEnd();
  before.send(request("/"));
  await before.until(({ text }) => /connection: close[^]*ok/i.test(text), "the last answer");
  const next = await connectWire(listener.port);
  next.send(request("/"));
  assert.match(await next.untilText("ok"), /connection: close/i);
  for (const wire of [before, next]) wire.destroy();
  await listener.close(0);
});

test("Listener.release refuses who comes, leaves the port to another, and resolves behind the last answer", async () => {
  const begun = deferred<Sink>();
  const listener = await network.listen(address, answering(begun.resolve));
  const { port } = listener;
  const wire = await connectWire(port);
  wire.send(request("/slow"));
  const sink = await begun.promise;
  await wire.untilText("begun");
  let isQuiet = false;
  const quiet = listener.release().then(() => isQuiet = true);
  assert.equal(await connects(port), false);
  const successor = await network.listen({ ...address, port }, () => new Response("successor"));
  const next = await connectWire(port);
  next.send(request("/"));
  await next.untilText("successor");
  assert.equal(isQuiet, false);
  void sink.write(encode("ended"));
  sink.end();
  await quiet;
  const closed = listener.close(1_000);
  assert.match(await wire.untilClosed(), /ended\r\n0\r\n\r\n$/);
  await closed;
  next.destroy();
  await successor.close(0);
});

test("Listener.release does not wait for a connection that was upgraded, and leaves it open", async () => {
  const listener = await network.listen(address, (_request, exchange) => {
    const { socket } = exchange.hijack();
    void socket.write(encode("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"));
    const echo = async (): Promise<void> => {
      for await (const chunk of socket.source) void socket.write(chunk.slice());
    };
    void echo().catch(() => undefined); // the listener breaks it off in the end
    return new Response(null);
  });
  const wire = await connectWire(listener.port);
  wire.send("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
  await wire.untilText("101");
  await listener.release();
  wire.send("still here");
  await wire.untilText("still here");
  await listener.close(0);
  await wire.untilClosed();
});

test("HeldPorts hold a request over TLS, and answer it with the certificate that it came by", async () => {
  const authority = await createAuthority();
  const tls = { ...await authority.issue({ commonName: "held", names: ["127.0.0.1"] }), clientCa: authority.caPem };
  const free = await network.listen(address, () => new Response());
  const { port } = free;
  await free.close(0);
  const held = { hostname: "127.0.0.1", port, tls };
  const ports = await HeldPorts.open([held], { listen: network.listen, clock, holdMs: 5_000, maxConnections: 16 });
  const wire = await connectWire(port, { ca: authority.caPem });
  wire.send(request("/"));
  const listener = ports.take(held)?.serve(held, () => new Response("served"));
  assert.match(await wire.untilText("served"), /^HTTP\/1\.1 200/);
  wire.destroy();
  await listener?.close(0);
});
