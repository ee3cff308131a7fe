import assert from "node:assert/strict";
import { connect, createServer, type Server, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { type Relay, startRelay } from "./driver/relay.ts";
import { freePort } from "./driver/ports.ts";
import { sleep, waitFor, within } from "./driver/wait.ts";

const SILENCE_MS = 300;

describe("Relay", () => {
  let echo: Server;
  let relay: Relay;
  const upstream = new Set<Socket>();

  before(async () => {
    const port = await freePort();
    echo = createServer({ allowHalfOpen: true }, (socket) => {
      upstream.add(socket);
      socket.on("error", () => socket.destroy()).on("close", () => upstream.delete(socket));
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => echo.listen(port, "127.0.0.1", resolve));
    relay = await startRelay({ targetPort: port });
  });

  after(async () => {
    await relay.close();
    echo.close();
  });

  it("passes bytes and half-close on and counts them", async () => {
    await relay.setMode("pass");
    const counted = relay.counts();
    const client = await Client.open(relay.port);
    const big = new Uint8Array(3_000_000).fill(7);
    client.socket.end(big);
    await waitFor("the end of the echo", 5_000, () => client.ended);
    assert.equal(client.bytes, big.length);
    const counts = relay.counts();
    assert.equal(counts.bytesUp - counted.bytesUp, big.length);
    assert.equal(counts.bytesDown - counted.bytesDown, big.length);
    assert.equal(counts.connections - counted.connections, 1);
    await waitFor("the connection to be closed", 2_000, () => relay.counts().open === 0);
  });

  it("refuse resets open connections, refuses new ones, and pass listens on the same port again", async () => {
    const client = await Client.open(relay.port);
    await client.echoes("before");
    await relay.setMode("refuse");
    assert.equal(await client.end(), "ECONNRESET");
    await assert.rejects(Client.open(relay.port), { code: "ECONNREFUSED" });
    await waitFor("the target's side to be closed", 2_000, () => upstream.size === 0);
    await relay.setMode("pass");
    const again = await Client.open(relay.port);
    await again.echoes("after");
    again.socket.destroy();
  });

  it("swallow holds open and new connections without an answer, and pass delivers what was held", async () => {
    const open = await Client.open(relay.port);
    await open.echoes("before");
    await relay.setMode("swallow");
    const accepted = await Client.open(relay.port);
    const [was, wasNew] = [open.bytes, accepted.bytes];
    open.socket.write("held");
    accepted.socket.write("held");
    await sleep(SILENCE_MS);
    assert.deepEqual([open.bytes, accepted.bytes, open.ended], [was, wasNew, false]);
    await relay.setMode("pass");
    await waitFor("what was held", 2_000, () => open.bytes === was + 4 && accepted.bytes === 4);
    open.socket.destroy();
    accepted.socket.destroy();
  });

  it("swallow tells the target nothing of a client that has gone", async () => {
    const client = await Client.open(relay.port);
    await client.echoes("before");
    await relay.setMode("swallow");
    client.socket.resetAndDestroy();
    await sleep(SILENCE_MS);
    assert.equal(upstream.size, 1);
    await relay.setMode("pass");
    await waitFor("the target to hear of it", 2_000, () => upstream.size === 0);
  });

  it("strand loses what goes through open connections for ever, and leaves new ones alone", async () => {
    const client = await Client.open(relay.port);
    await client.echoes("before");
    relay.strand();
    const was = client.bytes;
    client.socket.write("lost");
    const other = await Client.open(relay.port);
    await other.echoes("new");
    await sleep(SILENCE_MS);
    assert.deepEqual([client.bytes, client.ended], [was, false]);
    client.socket.destroy();
    other.socket.destroy();
  });

  it("reset resets open and new connections", async () => {
    const client = await Client.open(relay.port);
    await client.echoes("before");
    await relay.setMode("reset");
    assert.equal(await client.end(), "ECONNRESET");
    const connection = await Client.open(relay.port).catch((error: { code: string }) => error.code);
    assert.equal(typeof connection === "string" ? connection : await connection.end(), "ECONNRESET");
    await relay.setMode("pass");
  });

  it("slow limits bytes per second in each direction", async () => {
    await relay.setMode("slow", { bytesPerSecond: 10_000 });
    const client = await Client.open(relay.port);
    const began = performance.now();
    client.socket.write(new Uint8Array(5_000));
    await waitFor("the echo", 5_000, () => client.bytes === 5_000);
    const tookMs = performance.now() - began;
    assert.ok(tookMs > 450 && tookMs < 2_500, `took ${tookMs} ms`);
    await relay.setMode("pass");
    client.socket.destroy();
  });
});

class Client {
  readonly socket: Socket;
  bytes = 0;
  ended = false;
  readonly #closed: Promise<string>;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Uint8Array) => this.bytes += chunk.length);
    socket.on("end", () => this.ended = true);
    this.#closed = new Promise((resolve) => {
      socket.once("error", (error: Error & { code?: string }) => resolve(error.code ?? error.message));
      socket.once("close", () => resolve("closed"));
    });
  }

  static open(port: number): Promise<Client> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new Client(socket));
      });
    });
  }

  async echoes(text: string): Promise<void> {
    const want = this.bytes + text.length;
    this.socket.write(text);
    await waitFor(`the echo of ${text}`, 2_000, () => this.bytes === want);
  }

  /** The error's code, or `closed`. */
  end(): Promise<string> {
    return within(this.#closed, 2_000, "the end of the connection");
  }
}
