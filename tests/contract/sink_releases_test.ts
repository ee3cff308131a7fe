import assert from "node:assert/strict";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import type { Readable } from "node:stream";
import { test } from "node:test";
import type { ExchangeHandler } from "../../src/platform/listener.ts";
import { createAuthority } from "../testing/certificates.ts";
import { type Deferred, deferred } from "../testing/deferred.ts";
import { network } from "../testing/network.ts";

const authority = await createAuthority();
const tls = await authority.issue({ commonName: "server", names: ["127.0.0.1"] });
const chunkBytes = 64 * 1024;
const chunks = 250;

/** Writes numbered chunks, all from one piece of memory. */
function writeOver(waits: Deferred<void>): ExchangeHandler {
  return async (_request, exchange) => {
    const sink = exchange.respond(200, "OK", []);
    assert.equal(sink.releases, true);
    let memory = new Uint8Array(chunkBytes);
    for (let number = 0; number < chunks; number++) {
      const room = sink.write(memory.fill(number));
      if (room === undefined) {
        memory = new Uint8Array(chunkBytes); // what was written may still be looked at
        continue;
      }
      waits.resolve();
      await room;
    }
    waits.resolve();
    sink.end();
    return new Response();
  };
}

interface Client {
  readonly what: string;
  readonly secure: boolean;
  get(port: number): Promise<{ readonly body: Readable; close(): void }>;
}

const clients: readonly Client[] = [
  {
    what: "HTTP/1.1",
    secure: false,
    get: (port) =>
      new Promise((resolve) => {
        http.get({ port, host: "127.0.0.1" }, (body) => resolve({ body, close: () => body.destroy() }));
      }),
  },
  {
    what: "HTTP/1.1 in TLS",
    secure: true,
    get: (port) =>
      new Promise((resolve) => {
        https.get({ port, host: "127.0.0.1", ca: authority.caPem }, (body) => {
          resolve({ body, close: () => body.destroy() });
        });
      }),
  },
  {
    what: "HTTP/2",
    secure: true,
    get: (port) => {
      const session = http2.connect(`https://127.0.0.1:${port}`, { ca: authority.caPem });
      const stream = session.request({ ":path": "/" });
      return new Promise((resolve) => {
        stream.once("response", () => resolve({ body: stream, close: () => session.destroy() }));
      });
    },
  },
];

for (const { what, secure, get } of clients) {
  test(`Sink.releases: memory of a write that has found room may be written over, ${what}`, async () => {
    const waits = deferred<void>();
    const options = { hostname: "127.0.0.1", port: 0, ...(secure ? { tls } : {}) };
    const listener = await network.listen(options, writeOver(waits));
    const { body, close } = await get(listener.port);
    try {
      await waits.promise;
      let at = 0;
      for await (const piece of body as AsyncIterable<Uint8Array>) { // no encoding is set: bytes
        const wrong = piece.findIndex((byte, index) => byte !== Math.floor((at + index) / chunkBytes));
        assert.equal(wrong, -1, `byte ${at + wrong}`);
        at += piece.length;
        await new Promise((resolve) => setImmediate(resolve)); // slower than the writer
      }
      assert.equal(at, chunks * chunkBytes);
    } finally {
      close();
      await listener.close(0);
    }
  });
}
