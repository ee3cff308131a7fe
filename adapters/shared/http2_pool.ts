import type { ClientCredentials, UpstreamRequest, UpstreamResponse } from "../../src/platform/upstream.ts";
import { abortedError } from "./errors.ts";
import type { Flights } from "./flights.ts";
import { type Http2Connection, openHttp2Connection } from "./http2_connection.ts";
import { type Flight, RefusedStream } from "./http2_request.ts";
import { closedError } from "./http1_upstream.ts";
import type { Origin } from "./origin.ts";

/** With the usual 100 streams each: more watches than a node of Kubernetes' largest supported size has. */
const MAX_CONNECTIONS = 32;
/** How long a server is taken to speak only HTTP/1.1 before it is asked again. */
const HTTP1_ONLY_MS = 5 * 60_000;
const MAX_ATTEMPTS = 3;

/** The HTTP/2 connections of one generation: as few as the server's limit of streams allows. */
export class Http2Pool {
  readonly #origin: Origin;
  readonly #credentials: ClientCredentials;
  readonly #flights: Flights;
  readonly #connections = new Set<Http2Connection>();
  readonly #waiters = new Set<() => void>();
  readonly #stop = new AbortController();
  #opening: Promise<void> | undefined;
  #http1OnlyUntilMs = 0;

  constructor(origin: Origin, options: { readonly credentials: ClientCredentials; readonly flights: Flights }) {
    this.#origin = origin;
    this.#credentials = options.credentials;
    this.#flights = options.flights;
  }

  /** @returns nothing where the server speaks only HTTP/1.1. @throws UpstreamError */
  async request(request: UpstreamRequest): Promise<UpstreamResponse | undefined> {
    const { signal } = request;
    const controller = new AbortController();
    const breakOff = () => controller.abort(signal.aborted ? abortedError(signal, { sent: true }) : closedError());
    const end = this.#flights.begin(breakOff);
    const landed = () => {
      end();
      signal.removeEventListener("abort", breakOff);
    };
    signal.addEventListener("abort", breakOff, { once: true });
    if (signal.aborted) breakOff();
    try {
      const response = await this.#send(request, { signal: controller.signal, landed });
      if (response === undefined) landed();
      return response;
    } catch (error) {
      landed();
      throw error instanceof RefusedStream ? error.reason : error;
    }
  }

  destroy(): void {
    this.#stop.abort();
    for (const connection of this.#connections) connection.destroy();
    this.#connections.clear();
  }

  async #send(request: UpstreamRequest, flight: Flight): Promise<UpstreamResponse | undefined> {
    for (let attempt = 1;; attempt++) {
      const connection = await this.#take(flight.signal);
      if (connection === undefined) return undefined;
      try {
        return await connection.request(request, flight);
      } catch (error) {
        const replayable = request.body === undefined || request.body instanceof Uint8Array;
        if (!(error instanceof RefusedStream) || !replayable || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  /** A connection with a place reserved on it. */
  async #take(signal: AbortSignal): Promise<Http2Connection | undefined> {
    while (true) {
      signal.throwIfAborted();
      if (performance.now() < this.#http1OnlyUntilMs) return undefined;
      for (const connection of this.#connections) if (connection.reserve()) return connection;
      if (this.#connections.size >= MAX_CONNECTIONS) await raceAbort(this.#change(), signal);
      else await raceAbort(this.#opening ??= this.#open(), signal);
    }
  }

  async #open(): Promise<void> {
    try {
      const options = { origin: this.#origin, credentials: this.#credentials, signal: this.#stop.signal };
      const connection = await openHttp2Connection(options);
      if (connection === undefined) this.#http1OnlyUntilMs = performance.now() + HTTP1_ONLY_MS;
      else this.#add(connection);
    } finally {
      this.#opening = undefined;
    }
  }

  #add(connection: Http2Connection): void {
    if (this.#stop.signal.aborted) return connection.destroy();
    this.#connections.add(connection);
    connection.changed = () => this.#onChange(connection);
    if (!connection.usable) this.#onChange(connection);
  }

  #onChange(connection: Http2Connection): void {
    // A connection that takes no new streams stays until the last of its own has ended.
    if (connection.streams === 0 && (!connection.usable || this.#connections.size > 1)) {
      this.#connections.delete(connection);
      connection.destroy();
    }
    for (const wake of [...this.#waiters]) wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiters.delete(wake);
        resolve();
      };
      this.#waiters.add(wake);
    });
  }
}

function raceAbort(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
