import type { Socket } from "node:net";
import type { Clock, Timer } from "../../src/platform/clock.ts";
import type { Peer } from "../../src/platform/exchange.ts";
import type { ListenerCounts } from "../../src/platform/listener.ts";
import { ignoreError } from "./ignore_error.ts";
import { createPeer } from "./peer.ts";

export interface ConnectionsOptions {
  /** Connections at once. */
  readonly limit: number;
  /** From a connection's opening to its first request. Milliseconds. */
  readonly headersTimeoutMs: number;
  /** From the end of an answer to the next request. Milliseconds. */
  readonly idleTimeoutMs: number;
  readonly clock: Clock;
}

interface Connection {
  socket: Socket;
  peer: Peer | undefined;
  /** Answers under way, hijacked connections included. */
  active: number;
  /** When it ends where no request has begun by then. */
  idleUntil: number;
}

/** How often within a time limit it is looked who is past it. */
const looksPerLimit = 4;

/**
 * The open connections of a listener: who is at their other end, how many there are, and how they end. The runtimes' own time
 * limits do not do: Bun has none (oven-sh/bun#33061), and Deno's cut answers under way (denoland/deno#35289).
 */
export class Connections {
  /** By addresses and not by socket: a request of HTTP/2 gives only a stand-in for its socket. */
  readonly #open = new Map<string, Connection>();
  readonly #options: ConnectionsOptions;
  #closing = false;
  /** Under way, upgrades aside. */
  #answers = 0;
  #quiet: (() => void)[] = [];
  #drained: (() => void) | undefined;
  #look: Timer | undefined;
  #refused = 0;
  #slow = 0;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /**
   * Takes a new connection in. Where there are too many it takes the place of the oldest one without a request, so that
   * whoever opens connections and asks nothing keeps nobody out; where each has one under way, the new one ends.
   */
  add(socket: Socket): void {
    socket.on("error", ignoreError);
    const { limit, headersTimeoutMs, clock } = this.#options;
    if (this.#closing) return void socket.destroy();
    if (this.#open.size >= limit && !this.#makeRoom(socket)) return;
    const key = keyOf(socket);
    const idleUntil = clock.monotonic() + headersTimeoutMs;
    const connection: Connection = { socket, peer: undefined, active: 0, idleUntil };
    this.#open.set(key, connection);
    socket.once("close", () => this.#remove(key, connection));
    this.#watch();
  }

  /** A connection speaks TLS from now on: through this socket. It counts as the one that it was before. */
  secured(socket: Socket): void {
    const key = keyOf(socket);
    const connection = this.#open.get(key);
    if (connection === undefined) return this.add(socket);
    socket.on("error", ignoreError);
    connection.socket = socket;
    socket.once("close", () => this.#remove(key, connection));
  }

  /** A client was too slow with a request: its connection, or stream, is cut. */
  countSlow(): void {
    this.#slow++;
  }

  get counts(): ListenerCounts {
    return { open: this.#open.size, refused: this.#refused, slow: this.#slow };
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
        connection.idleUntil = this.#options.clock.monotonic() + this.#options.idleTimeoutMs;
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
    this.#look?.cancel();
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

  /** Ends the connection that is oldest of those without a request; where there is none, the new one. */
  #makeRoom(newest: Socket): boolean {
    this.#refused++;
    for (const [key, connection] of this.#open) {
      if (connection.active > 0) continue;
      this.#open.delete(key); // its `close` comes later
      connection.socket.destroy();
      return true;
    }
    newest.destroy();
    return false;
  }

  /** Looks from time to time for connections whose clients are too slow, while there are any. */
  #watch(): void {
    const { headersTimeoutMs, idleTimeoutMs, clock } = this.#options;
    if (this.#look !== undefined || this.#closing || this.#open.size === 0) return;
    this.#look = clock.setTimer(Math.min(headersTimeoutMs, idleTimeoutMs) / looksPerLimit, () => {
      this.#look = undefined;
      const now = clock.monotonic();
      for (const { socket, active, idleUntil } of this.#open.values()) {
        if (active > 0 || now < idleUntil) continue;
        this.#slow++;
        socket.destroy();
      }
      this.#watch();
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
