import http, { type Server } from "node:http";
import http2, { type Http2SecureServer } from "node:http2";
import type { ServerTls } from "../../src/platform/listener.ts";

const MAX_HEADER_BYTES = 64 * 1024;
/** Longer than the idle time of client-go's transport (90 s): the client, not the server, ends an idle connection. */
const KEEP_ALIVE_TIMEOUT_MS = 120_000;
const MAX_STREAMS_PER_CONNECTION = 250;
/** What a client's unread streams may hold together, in the unit of the option; past it its new streams are refused. */
const MAX_HTTP2_SESSION_MEMORY_MB = 64;
const HTTP2_STREAM_WINDOW_BYTES = 1024 * 1024;

const SERVER_OPTIONS = {
  maxHeaderSize: MAX_HEADER_BYTES,
  keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
  requireHostHeader: false,
} as const;

/** Answers HTTP/1.1. */
export function createPlainServer(): Server {
  return http.createServer(SERVER_OPTIONS);
}

/** Answers in TLS, HTTP/1.1 and HTTP/2. */
export function createSecureServer(tls: ServerTls): Http2SecureServer {
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

/** What of it the runtime takes. */
export function contextOptions(tls: ServerTls): { cert: string; key: string; ca?: string } {
  return { cert: tls.cert, key: tls.key, ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa }) };
}
