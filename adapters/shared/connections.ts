import type { Socket } from "node:net";
import type { Peer } from "../../src/platform/exchange.ts";
import { ignoreError } from "./ignore_error.ts";
import { createPeer } from "./peer.ts";

interface Connection {
  readonly socket: Socket;
  peer: Peer | undefined;
  /** Answers under way, hijacked connections included. */
  active: number;
}

/** The open connections of a listener: who is at their other end, how many there are, and how they end. */
export class Connections {
  /** By addresses and not by socket: a request of HTTP/2 gives only a stand-in for its socket. */
  readonly #open = new Map<string, Connection>();
  readonly #limit: number;
  #closing = false;
  /** Under way, upgrades aside. */
  #answers = 0;
  #quiet: (() => void)[] = [];
  #drained: (() => void) | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes a new connection in, or ends it where there are too many. */
  add(socket: Socket): void {
    socket.on("error", ignoreError);
    if (this.#closing || this.#open.size >= this.#limit) return void socket.destroy();
    const key = keyOf(socket);
    const connection: Connection = { socket, peer: undefined, active: 0 };
    this.#open.set(key, connection);
    socket.once("close", () => this.#remove(key, connection));
  }

  get size(): number {
    return this.#open.size;
  }

  peer(socket: Socket): Peer {
    const connection = this.#open.get(keyOf(socket));
    if (connection === undefined) return UNKNOWN_PEER;
    return connection.peer ??= createPeer(connection.socket);
  }

  /** Counts an answer under way until `end` is called. */
  begin(socket: Socket, kind: "answer" | "upgrade" = "answer"): { end(): void } {
    const connection = this.#open.get(keyOf(socket));
    if (connection === undefined) return { end: () => {} };
    const weight = kind === "answer" ? 1 : 0;
    connection.active++;
    this.#answers += weight;
    let ended = false;
    return {
      end: () => {
        if (ended) return;
        ended = true;
        connection.active--;
        this.#answers -= weight;
        if (this.#answers === 0) { for (const resolve of this.#quiet.splice(0)) resolve(); }
        if (this.#closing && connection.active === 0) finish(connection.socket);
      },
    };
  }

  /** Answers under way; upgraded connections do not count. */
  get underWay(): number {
    return this.#answers;
  }

  /** Resolves once no answer is under way; upgraded connections do not count. */
  quiet(): Promise<void> {
    if (this.#answers === 0) return Promise.resolve();
    return new Promise((resolve) => this.#quiet.push(resolve));
  }

  /** Ends idle connections now, the others after their answers; after `graceMs` whatever is left. */
  close(graceMs: number): Promise<void> {
    this.#closing = true;
    for (const { socket, active } of this.#open.values()) if (active === 0) socket.destroy();
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#destroyAll(), graceMs);
      this.#drained = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#open.size === 0) this.#drained();
    });
  }

  #destroyAll(): void {
    for (const { socket } of this.#open.values()) socket.destroy();
  }

  #remove(key: string, connection: Connection): void {
    if (this.#open.get(key) === connection) this.#open.delete(key);
    if (this.#open.size === 0) this.#drained?.();
  }
}

/** The client went before anybody looked; it proves nothing about itself. */
const UNKNOWN_PEER: Peer = { address: "", port: 0, secure: false, uid: () => Promise.resolve(undefined) };

function keyOf(socket: Socket): string {
  try {
    return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress}`;
  } catch {
    // The stand-in of a connection of HTTP/2 throws once the connection is gone.
    return "";
  }
}

function finish(socket: Socket): void {
  socket.end(() => socket.destroy());
}
