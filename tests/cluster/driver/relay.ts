import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "./ports.ts";
import { forward, type RelayGate } from "./relay_link.ts";

/**
 * `pass`; `refuse`: nobody listens, open connections are reset; `swallow`: connections are accepted, and nothing goes through
 * them or through the open ones; `reset`: connections are reset as soon as they are accepted, and the open ones;
 * `slow`: everything takes its time.
 */
export type RelayMode = "pass" | "refuse" | "swallow" | "reset" | "slow";

export interface RelayOptions {
  readonly targetPort: number;
  /** @default {a free one} */
  readonly port?: number;
}

export interface Slowness {
  /** In each direction of each connection. @default {unlimited} */
  readonly bytesPerSecond?: number;
  /** Before each piece that is passed on. @default {0} */
  readonly delayMs?: number;
  /** What is lost and sent again: each so manieth piece, in each direction of each connection. @default {none} */
  readonly lossEvery?: number;
  /** Until what was lost comes, and all that follows it there. @default {0} */
  readonly resendMs?: number;
}

export interface RelayCounts {
  /** Accepted since the start. */
  readonly connections: number;
  /** Open now. */
  readonly open: number;
  /** From the clients to the target. */
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** Starts a TCP relay on 127.0.0.1 in mode `pass`. */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const relay = new Relay({ targetPort: options.targetPort, port: options.port ?? (await freePort()) });
  await relay.open();
  return relay;
}

/** A TCP relay whose owner decides what goes through. A change of mode acts on open connections too. */
export class Relay implements RelayGate {
  readonly port: number;
  readonly #targetPort: number;
  readonly #links = new Set<Link>();
  readonly #stranded = new WeakSet<Socket>();
  #server: Server | undefined;
  #mode: RelayMode = "pass";
  #slowness: Slowness = {};
  #waiting: (() => void)[] = [];
  #connections = 0;
  #bytesUp = 0;
  #bytesDown = 0;

  constructor(options: Required<RelayOptions>) {
    this.port = options.port;
    this.#targetPort = options.targetPort;
  }

  get mode(): RelayMode {
    return this.#mode;
  }

  get slowness(): Slowness {
    return this.#mode === "slow" ? this.#slowness : {};
  }

  counts(): RelayCounts {
    const { size: open } = this.#links;
    return { connections: this.#connections, open, bytesUp: this.#bytesUp, bytesDown: this.#bytesDown };
  }

  /** Resolves when the mode holds: the port is closed, or open again. */
  async setMode(mode: RelayMode, slowness: Slowness = {}): Promise<void> {
    this.#mode = mode;
    this.#slowness = slowness;
    if (mode === "refuse" || mode === "reset") this.resetConnections();
    if (mode === "refuse") await this.#unlisten();
    else await this.open();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }

  /** Resets (RST) both sides of every open connection; the mode stays. */
  resetConnections(): void {
    for (const link of this.#links) link.reset();
  }

  /** What goes through the connections that are open now is lost for ever, whatever the mode: a NAT has forgotten them. */
  strand(): void {
    for (const { client, target } of this.#links) {
      for (const socket of [client, target]) if (socket !== undefined) this.#stranded.add(socket);
    }
  }

  async close(): Promise<void> {
    await this.setMode("refuse");
  }

  async open(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.port, "127.0.0.1", resolve);
    });
  }

  async passes(socket: Socket): Promise<void> {
    while (this.#mode === "swallow" || this.#stranded.has(socket)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  count(direction: "up" | "down", bytes: number): void {
    if (direction === "up") this.#bytesUp += bytes;
    else this.#bytesDown += bytes;
  }

  #accept(client: Socket): void {
    this.#connections++;
    client.on("error", () => client.destroy());
    if (this.#mode === "reset" || this.#mode === "refuse") {
      client.resetAndDestroy();
      return;
    }
    const link = new Link(client);
    this.#links.add(link);
    void this.#relay(link).then(() => link.closed()).finally(() => this.#links.delete(link));
  }

  async #relay(link: Link): Promise<void> {
    await this.passes(link.client);
    if (link.client.destroyed) return;
    const target = connect({ port: this.#targetPort, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    link.target = target;
    target.on("error", () => target.destroy());
    const { client } = link;
    await Promise.allSettled([
      forward({ from: client, to: target, direction: "up" }, this),
      forward({ from: target, to: client, direction: "down" }, this),
    ]);
  }

  async #unlisten(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

class Link {
  readonly client: Socket;
  target: Socket | undefined;

  constructor(client: Socket) {
    this.client = client;
    client.setNoDelay(true);
  }

  reset(): void {
    for (const socket of [this.client, this.target]) if (socket && !socket.destroyed) socket.resetAndDestroy();
  }

  async closed(): Promise<void> {
    for (const socket of [this.client, this.target]) {
      if (socket && !socket.closed) await new Promise<void>((resolve) => socket.once("close", () => resolve()));
    }
  }
}
