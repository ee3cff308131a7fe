import http, { type IncomingMessage, type Server, type ServerResponse } from "node:http";
import http2, { type Http2SecureServer, type Http2ServerRequest, type ServerHttp2Session } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex as StreamDuplex } from "node:stream";
import type { ExchangeHandler, Listen, Listener, ListenOptions, ServerTls } from "../../src/platform/listener.ts";
import { Connections } from "./connections.ts";
import type { StreamExchange } from "./exchange.ts";
import { createHttp1Exchange } from "./http1_exchange.ts";
import { serializeHead } from "./http1_head.ts";
import { createHttp2Exchange } from "./http2_exchange.ts";
import { ignoreError } from "./ignore_error.ts";
import { createUpgradeExchange } from "./upgrade_exchange.ts";
import { createWebRequest } from "./web_request.ts";
import { internalErrorResponse, writeWebResponse } from "./web_response.ts";

const DEFAULT_MAX_CONNECTIONS = 1024;
const MAX_HEADER_BYTES = 64 * 1024;
const HEADERS_TIMEOUT_MS = 60_000;
/** Longer than the idle time of client-go's transport (90 s): the client, not the server, ends an idle connection. */
const KEEP_ALIVE_TIMEOUT_MS = 120_000;
const MAX_STREAMS_PER_CONNECTION = 250;
/** What a client's unread streams may hold together, in the unit of the option; past it its new streams are refused. */
const MAX_HTTP2_SESSION_MEMORY_MB = 64;
const HTTP2_STREAM_WINDOW_BYTES = 1024 * 1024;

const SERVER_OPTIONS = {
  maxHeaderSize: MAX_HEADER_BYTES,
  // A watch or an upload may take for ever.
  requestTimeout: 0,
  headersTimeout: HEADERS_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
  requireHostHeader: false,
} as const;

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
    this.#connections = new Connections(options.maxConnections ?? DEFAULT_MAX_CONNECTIONS);
    this.#secure = options.tls === undefined ? undefined : createSecureServer(options.tls);
    this.#server = this.#secure ?? http.createServer(SERVER_OPTIONS);
    this.#attach();
  }

  get hostname(): string {
    return this.#options.hostname;
  }

  get port(): number {
    const address = this.#server.address();
    return isAddressInfo(address) ? address.port : this.#options.port;
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
    const opened = this.#secure === undefined ? "connection" : "secureConnection";
    server.on(opened, (socket: Socket) => {
      // Without it a client's half-close would end an upgraded connection in both directions.
      socket.allowHalfOpen = true;
      socket.setNoDelay(true);
      this.#connections.add(socket);
    });
    server.on("request", (request, response) => this.#onRequest(request, response));
    server.on("upgrade", (request, socket, head) => this.#onUpgrade(request, socket, head));
    server.on("connect", (_request: IncomingMessage, socket: StreamDuplex) => refuseConnect(socket));
    this.#secure?.on("tlsClientError", ignoreError);
    this.#secure?.on("sessionError", ignoreError);
    this.#secure?.on("session", (session) => this.#onSession(session));
    if (this.#secure !== undefined) {
      this.#secure.on("connection", (socket: Socket) => void socket.on("error", ignoreError));
    }
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
      return this.#handle(createHttp2Exchange(request, this.#connections.peer(socket)));
    }
    const activity = this.#connections.begin(socket);
    response.once("close", () => activity.end());
    const limit = this.#secure === undefined ? undefined : this.#traits.http1TlsAnswerLimitBytes;
    this.#handle(createHttp1Exchange({
      request,
      response,
      peer: this.#connections.peer(socket),
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

function createSecureServer(tls: ServerTls): Http2SecureServer {
  return http2.createSecureServer({
    ...SERVER_OPTIONS,
    ...contextOptions(tls),
    allowHTTP1: true,
    maxSessionMemory: MAX_HTTP2_SESSION_MEMORY_MB,
    requestCert: tls.clientCa !== undefined,
    // Whoever shows none, or an unknown one, is let in as nobody: see Peer.certificate.
    rejectUnauthorized: false,
    minVersion: "TLSv1.2",
    settings: {
      initialWindowSize: HTTP2_STREAM_WINDOW_BYTES,
      maxConcurrentStreams: MAX_STREAMS_PER_CONNECTION,
      maxHeaderListSize: MAX_HEADER_BYTES,
      enablePush: false,
    },
  });
}

function contextOptions(tls: ServerTls): { cert: string; key: string; ca?: string } {
  return { cert: tls.cert, key: tls.key, ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa }) };
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
