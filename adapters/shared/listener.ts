import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Http2SecureServer, Http2ServerRequest, ServerHttp2Session } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex as StreamDuplex } from "node:stream";
import type {
  ExchangeHandler,
  Listen,
  Listener,
  ListenerCounts,
  ListenOptions,
  ServerTls,
} from "../../src/platform/listener.ts";
import { clock } from "./clock.ts";
import { Connections } from "./connections.ts";
import type { StreamExchange } from "./exchange.ts";
import { createHttp1Exchange } from "./http1_exchange.ts";
import { serializeHead } from "./http1_head.ts";
import { createHttp2Exchange } from "./http2_exchange.ts";
import { contextOptions, createPlainServer, createSecureServer } from "./http_server.ts";
import { ignoreError } from "./ignore_error.ts";
import type { BodyPatience } from "./patient_source.ts";
import { createUpgradeExchange } from "./upgrade_exchange.ts";
import { createWebRequest } from "./web_request.ts";
import { internalErrorResponse, writeWebResponse } from "./web_response.ts";

const DEFAULT_MAX_CONNECTIONS = 1024;
const DEFAULT_HEADERS_TIMEOUT_MS = 60_000;
const DEFAULT_IDLE_TIMEOUT_MS = 180_000;
const DEFAULT_BODY_PATIENCE_MS = 60_000;

export interface ListenerTraits {
  /** Bytes after which an answer over HTTP/1.1 in TLS is cut, where TLS sockets have no backpressure. */
  readonly http1TlsAnswerLimitBytes?: number;
}

/** Makes the Listen of one runtime. */
export function createListen(traits: ListenerTraits): Listen {
  return async (options, handler) => {
    const listener = new HttpListener(options, { handler, traits });
    await listener.open();
    return listener;
  };
}

class HttpListener implements Listener {
  readonly #options: ListenOptions;
  readonly #handler: ExchangeHandler;
  readonly #traits: ListenerTraits;
  readonly #connections: Connections;
  readonly #patience: BodyPatience;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #server: Server | Http2SecureServer;
  readonly #secure: Http2SecureServer | undefined;
  #endAnnounced = false;
  /** Resolves once the last connection has ended; nothing while it listens. */
  #ended: Promise<void> | undefined;

  constructor(options: ListenOptions, parts: { readonly handler: ExchangeHandler; readonly traits: ListenerTraits }) {
    this.#options = options;
    this.#handler = parts.handler;
    this.#traits = parts.traits;
    this.#connections = new Connections({
      limit: options.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
      headersTimeoutMs: options.headersTimeoutMs ?? DEFAULT_HEADERS_TIMEOUT_MS,
      idleTimeoutMs: options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
      clock,
    });
    const patienceMs = options.bodyPatienceMs ?? DEFAULT_BODY_PATIENCE_MS;
    this.#patience = { patienceMs, clock, gaveUp: () => this.#connections.countSlow() };
    this.#secure = options.tls === undefined ? undefined : createSecureServer(options.tls);
    this.#server = this.#secure ?? createPlainServer();
    this.#attach();
  }

  get hostname(): string {
    return this.#options.hostname;
  }

  get port(): number {
    const address = this.#server.address();
    return isAddressInfo(address) ? address.port : this.#options.port;
  }

  get counts(): ListenerCounts {
    return this.#connections.counts;
  }

  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host: this.#options.hostname, port: this.#options.port }, () => {
        this.#server.off("error", reject).on("error", ignoreError);
        resolve();
      });
    });
  }

  updateTls(tls: ServerTls): void {
    if (this.#secure === undefined) throw new TypeError("Cannot update TLS of a listener without TLS");
    this.#secure.setSecureContext(contextOptions(tls));
  }

  get underWay(): number {
    return this.#connections.underWay;
  }

  announceEnd(): void {
    this.#endAnnounced = true;
  }

  release(): Promise<void> {
    this.announceEnd();
    this.#ended ??= new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions) session.close();
    return this.#connections.quiet();
  }

  async close(graceMs: number): Promise<void> {
    void this.release();
    await this.#connections.close(graceMs);
    await this.#ended;
  }

  #attach(): void {
    const server: Server = asHttpServer(this.#server);
    // Set here, where it holds in TLS too: what is too slow Connections and PatientSource say.
    server.requestTimeout = 0;
    server.headersTimeout = 0;
    server.on("connection", (socket: Socket) => this.#onConnection(socket));
    this.#secure?.on("secureConnection", (socket: Socket) => this.#onSecured(socket));
    server.on("request", (request, response) => this.#onRequest(request, response));
    server.on("upgrade", (request, socket, head) => this.#onUpgrade(request, socket, head));
    server.on("connect", (_request: IncomingMessage, socket: StreamDuplex) => refuseConnect(socket));
    this.#secure?.on("tlsClientError", ignoreError);
    this.#secure?.on("sessionError", ignoreError);
    this.#secure?.on("session", (session) => this.#onSession(session));
  }

  #onConnection(socket: Socket): void {
    if (this.#secure === undefined) prepare(socket);
    this.#connections.add(socket);
  }

  #onSecured(socket: Socket): void {
    prepare(socket);
    this.#connections.secured(socket);
  }

  #onSession(session: ServerHttp2Session): void {
    session.on("error", ignoreError);
    this.#sessions.add(session);
    session.once("close", () => this.#sessions.delete(session));
  }

  #onRequest(request: IncomingMessage | Http2ServerRequest, response: ServerResponse): void {
    const socket = request.socket;
    if (isHttp2(request)) {
      const activity = this.#connections.begin(socket);
      request.stream.once("close", () => activity.end());
      return this.#handle(createHttp2Exchange({
        request,
        peer: this.#connections.peer(socket),
        patience: this.#patience,
      }));
    }
    const activity = this.#connections.begin(socket);
    response.once("close", () => activity.end());
    const limit = this.#secure === undefined ? undefined : this.#traits.http1TlsAnswerLimitBytes;
    this.#handle(createHttp1Exchange({
      request,
      response,
      peer: this.#connections.peer(socket),
      patience: this.#patience,
      isLast: () => this.#endAnnounced,
      ...(limit === undefined ? {} : { answerLimitBytes: limit }),
    }));
  }

  #onUpgrade(request: IncomingMessage, socket: StreamDuplex, head: Uint8Array): void {
    const activity = this.#connections.begin(request.socket, "upgrade");
    socket.once("close", () => activity.end());
    this.#handle(createUpgradeExchange({ request, socket, head, peer: this.#connections.peer(request.socket) }));
  }

  #handle(exchange: StreamExchange): void {
    void answer(exchange, this.#handler);
  }
}

/** Never rejects: whatever the handler does, the client gets an answer or a broken connection. */
async function answer(exchange: StreamExchange, handler: ExchangeHandler): Promise<void> {
  let response: Response;
  try {
    response = await handler(createWebRequest(exchange), exchange);
  } catch {
    if (exchange.answered) return exchange.breakOff();
    response = internalErrorResponse();
  }
  if (exchange.answered) return;
  try {
    await writeWebResponse(response, exchange);
  } catch {
    // The head is out already: only a broken body can say that something went wrong.
    exchange.breakOff();
  }
}

/** Without the first a client's half-close would end an upgraded connection in both directions. */
function prepare(socket: Socket): void {
  socket.allowHalfOpen = true;
  socket.setNoDelay(true);
}

function refuseConnect(socket: StreamDuplex): void {
  socket.on("error", ignoreError);
  socket.end(serializeHead("HTTP/1.1 405 Method Not Allowed", ["Content-Length", "0", "Connection", "close"]));
  socket.once("finish", () => socket.destroy());
}

function isHttp2(request: IncomingMessage | Http2ServerRequest): request is Http2ServerRequest {
  return request.httpVersionMajor === 2;
}

function isAddressInfo(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === "object" && address !== null;
}

/** A secure server with `allowHTTP1` emits the events of an HTTP/1.1 server as well; its types say less. */
function asHttpServer(server: Server | Http2SecureServer): Server {
  return server as Server;
}
