import net, { type Server, type Socket } from "node:net";
import tls from "node:tls";

/** A connection of a test, seen as the bytes on it. */
export class Wire {
  readonly socket: Socket;
  /** Set once the other side has ended its direction properly. */
  ended = false;
  /** Set once the connection is closed in both directions. */
  closed = false;
  #received: Uint8Array[] = [];
  readonly #checks = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("data", (chunk: Uint8Array) => {
      this.#received.push(chunk);
      this.#check();
    });
    socket.on("end", () => {
      this.ended = true;
      this.#check();
    });
    socket.on("close", () => {
      this.closed = true;
      this.#check();
    });
  }

  /** What has come so far, as ISO 8859-1. */
  get text(): string {
    return Buffer.concat(this.#received).toString("latin1");
  }

  send(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** Half-closes. */
  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Resolves with the text as soon as `reached` holds. */
  async until(reached: (wire: Wire) => boolean, what: string): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      const settle = (seen: boolean) => {
        clearTimeout(timer);
        this.#checks.delete(check);
        const received = JSON.stringify(this.text.slice(0, 500));
        if (seen) resolve();
        else {reject(
            new Error(
              `Not seen${this.closed ? "" : " within 5 s"}: ${what}; received ${this.text.length} bytes, ${received}`,
            ),
          );}
      };
      const check = () => {
        if (reached(this)) settle(true);
        else if (this.closed) settle(false);
      };
      const timer = setTimeout(() => settle(false), 5_000);
      this.#checks.add(check);
      check();
    });
    return this.text;
  }

  untilText(part: string): Promise<string> {
    return this.until((wire) => wire.text.includes(part), `the text ${JSON.stringify(part)}`);
  }

  untilClosed(): Promise<string> {
    return this.until((wire) => wire.ended || wire.closed, "the end of the connection");
  }

  #check(): void {
    for (const check of [...this.#checks]) check();
  }
}

export interface WireTls {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Connects to 127.0.0.1; half-close is allowed. */
export async function connectWire(port: number, secure?: WireTls): Promise<Wire> {
  const socket = secure === undefined
    ? net.connect({ host: "127.0.0.1", port, allowHalfOpen: true })
    : tls.connect({ host: "127.0.0.1", port, ...secure, ALPNProtocols: ["http/1.1"], ...{ allowHalfOpen: true } });
  const wire = new Wire(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once(secure === undefined ? "connect" : "secureConnect", () => resolve());
    socket.once("error", reject);
  });
  return wire;
}

export interface WireServer extends Disposable {
  readonly port: number;
  readonly wires: readonly Wire[];
  /** Resolves with the connection of this number (from 0) once it is there. */
  accepted(index: number): Promise<Wire>;
}

/** A server that does nothing but accept; `onWire` may talk. */
export async function serveWires(
  onWire: (wire: Wire) => void,
  secure?: { readonly cert: string; readonly key: string },
): Promise<WireServer> {
  const wires: Wire[] = [];
  const waiters = new Set<() => void>();
  const accept = (socket: Socket) => {
    const wire = new Wire(socket);
    wires.push(wire);
    onWire(wire);
    for (const wake of [...waiters]) wake();
  };
  const server: Server = secure === undefined
    ? net.createServer({ allowHalfOpen: true }, accept)
    : tls.createServer({ ...secure, ...{ allowHalfOpen: true } }, accept);
  if (secure !== undefined) server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The server has no port");
  return {
    port: address.port,
    wires,
    accepted: async (index) => {
      while (wires[index] === undefined) await new Promise<void>((resolve) => waiters.add(resolve));
      return wires[index];
    },
    [Symbol.dispose]() {
      for (const wire of wires) wire.destroy();
      // Not waited for: on Deno a connection whose handshake failed would be waited for in vain.
      server.close();
    },
  };
}
