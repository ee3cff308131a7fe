import assert from "node:assert/strict";
import http2 from "node:http2";
import { test } from "node:test";
import { clock } from "../../adapters/shared/clock.ts";
import { createListen } from "../../adapters/shared/listener.ts";
import type { ChildProgram } from "../testing/child_program.ts";
import { addresses, type ProgramCloud, startHub, withCloud } from "../testing/hub_program.ts";
import { giveServingCertificate } from "../testing/serving_certificate.ts";
import { connectWire } from "../testing/wire.ts";

const watch = "/api/v1/pods?watch=true&resourceVersion=0";

async function startPort(program: ChildProgram): Promise<number> {
  return Number(new URL((await addresses(program)).proxy).port);
}

const send = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

for (
  const [what, flags] of [
    ["of the replica", []],
    ["that pass through", ["--working-mode=cloud"]],
  ] as const
) {
  test(`holdfast hub that is stopped ends watches ${what} properly, and refuses who comes`, () =>
    withCloud(async (cloud) => {
      const program = startHub(cloud, flags);
      const port = await startPort(program);
      const wire = await connectWire(port);
      wire.send(send(watch));
      await wire.untilText('"ADDED"');
      program.kill("SIGTERM");
      assert.match(await wire.untilClosed(), /\n\r\n0\r\n\r\n$/);
      assert.equal(wire.ended, true);
      wire.destroy();
      await assert.rejects(connectWire(port), /ECONNREFUSED|ECONNRESET/);
      assert.equal((await program.ended).exitCode, 0);
    }));
}

test("holdfast hub that is stopped ends the streams of its events properly, and does not wait for them", () =>
  withCloud(async (cloud) => {
    const program = startHub(cloud);
    const wire = await connectWire(Number(new URL((await addresses(program)).status).port));
    wire.send(send("/v1/events"));
    await wire.untilText("event: status");
    program.kill("SIGTERM");
    assert.match(await wire.untilClosed(), /\n\n\r\n0\r\n\r\n$/);
    wire.destroy();
    assert.equal((await program.ended).exitCode, 0);
  }));

test("holdfast hub that is stopped ends watches over HTTP/2 with END_STREAM", () =>
  withCloud(async (cloud) => {
    await giveServingCertificate(cloud);
    const program = startHub(cloud);
    await program.waitForError("Hub listens with TLS");
    const port = Number(/Hub listens with TLS.* port=(\d+)/.exec(program.errors())?.[1]);
    const node = await cloud.authority.issue({ commonName: "system:node:node-1", organizations: ["system:nodes"] });
    const session = http2.connect(`https://127.0.0.1:${port}`, { ca: cloud.ca, cert: node.cert, key: node.key });
    session.on("error", () => undefined);
    const stream = session.request({ ":path": watch });
    let text = "";
    stream.on("data", (chunk: Uint8Array) => text += new TextDecoder().decode(chunk));
    let isEnded = false;
    stream.on("end", () => isEnded = true);
    const closed = new Promise<number>((resolve) => stream.on("close", () => resolve(stream.rstCode ?? 0)));
    await new Promise<void>((resolve) => stream.once("data", () => resolve()));
    program.kill("SIGTERM");
    assert.equal(await closed, 0);
    assert.deepEqual([isEnded, text.endsWith("\n")], [true, true]);
    session.close();
    assert.equal((await program.ended).exitCode, 0);
  }));

test("holdfast hub that is stopped lets an answer under way end, and ends within its grace where one does not", () =>
  withCloud(async (cloud) => {
    const slow = await listenSlowly(cloud);
    for (const [path, isWhole] of [["/slow/1000", true], ["/slow/600000", false]] as const) {
      const program = startHub({ ...cloud, listener: slow });
      const wire = await connectWire(await startPort(program));
      wire.send(send(path));
      await wire.untilText("begun");
      const stoppedAt = performance.now();
      program.kill("SIGTERM");
      await wire.until(({ closed, ended }) => closed || ended, "the end").catch(() => undefined);
      assert.equal(wire.text.endsWith("0\r\n\r\n"), isWhole);
      assert.equal((await program.ended).exitCode, 0);
      const tookMs = performance.now() - stoppedAt;
      assert.ok(isWhole ? tookMs > 500 && tookMs < 5_000 : tookMs >= 4_500 && tookMs < 12_000, `${tookMs}`);
      wire.destroy();
    }
    await slow.close(0);
  }));

/** An API server whose `/slow/N` takes N ms from its first byte to its last. */
async function listenSlowly({ server, authority }: ProgramCloud) {
  const tls = await authority.issue({ commonName: "kube-apiserver", names: ["127.0.0.1", "localhost"] });
  return await createListen({})(
    { hostname: "127.0.0.1", port: 0, tls: { ...tls, clientCa: authority.caPem } },
    (request, exchange) => {
      const delayMs = /^\/slow\/(\d+)/.exec(exchange.rawPath)?.[1];
      if (delayMs === undefined) return server.handle(request, exchange);
      const sink = exchange.respond(200, "OK", ["Content-Type", "text/plain"]);
      void sink.write(new TextEncoder().encode("begun"));
      clock.setTimer(Number(delayMs), () => sink.end());
      return new Response(null);
    },
  );
}
