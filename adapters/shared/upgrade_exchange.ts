import type { IncomingMessage } from "node:http";
import type { Duplex as StreamDuplex } from "node:stream";
import type { RawHeaders, Sink } from "../../src/platform/bytes.ts";
import type { Peer } from "../../src/platform/exchange.ts";
import { ChunkedSink } from "./chunked_sink.ts";
import { SocketDuplex } from "./duplex.ts";
import { clientGone, isBodiless, StreamExchange } from "./exchange.ts";
import { serializeHead } from "./http1_head.ts";
import { ignoreError } from "./ignore_error.ts";
import { headerValue } from "./raw_headers.ts";
import { BodilessSink } from "./sink.ts";
import { EMPTY_SOURCE } from "./source.ts";

export interface UpgradeExchangeOptions {
  readonly request: IncomingMessage;
  readonly socket: StreamDuplex;
  readonly head: Uint8Array;
  readonly peer: Peer;
}

/** The exchange of a request with `Upgrade`: the runtime has let go of its socket, so a plain answer is framed here. */
export function createUpgradeExchange(options: UpgradeExchangeOptions): StreamExchange {
  const { request, socket } = options;
  socket.on("error", ignoreError);
  let taken = false;
  const method = request.method ?? "GET";
  const exchange = new StreamExchange({
    method,
    rawPath: request.url ?? "/",
    rawHeaders: request.rawHeaders,
    body: EMPTY_SOURCE,
    peer: options.peer,
    upgrade: true,
    answerer: {
      respond: (status, reason, rawHeaders) => respond(socket, { status, reason, rawHeaders, method }),
      hijack: () => {
        taken = true;
        return { socket: new SocketDuplex(socket), head: options.head };
      },
    },
  });
  socket.once("close", () => {
    if (!taken && !socket.writableFinished) exchange.abort(clientGone());
  });
  return exchange;
}

interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  readonly rawHeaders: RawHeaders;
  readonly method: string;
}

/** Writes an answer that is no 101 and ends the connection with it: nothing can follow an upgrade that was refused. */
function respond(socket: StreamDuplex, head: AnswerHead): Sink {
  const fields = [...head.rawHeaders];
  const bodiless = isBodiless(head.method, head.status);
  const sized = headerValue(fields, "content-length") !== undefined;
  const chunked = !bodiless && !sized;
  if (chunked && headerValue(fields, "transfer-encoding") === undefined) fields.push("Transfer-Encoding", "chunked");
  if (headerValue(fields, "connection") === undefined) fields.push("Connection", "close");
  const duplex = new SocketDuplex(socket);
  void duplex.write(serializeHead(`HTTP/1.1 ${head.status} ${head.reason}`, fields));
  // Nobody reads the socket any more: without this its close would never be seen.
  socket.resume();
  const end = () => {
    duplex.end();
    socket.once("finish", () => socket.destroy());
  };
  if (bodiless) return new BodilessSink({ closed: duplex.closed, end, destroy: () => duplex.destroy() });
  return new ChunkedSink(duplex, { chunked, end });
}
