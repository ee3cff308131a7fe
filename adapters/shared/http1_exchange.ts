import type { IncomingMessage, ServerResponse } from "node:http";
import type { RawHeaders, Sink } from "../../src/platform/bytes.ts";
import type { Peer } from "../../src/platform/exchange.ts";
import { toUpstreamError } from "./errors.ts";
import { clientGone, isBodiless, StreamExchange } from "./exchange.ts";
import { checkFields } from "./http1_head.ts";
import { ignoreError } from "./ignore_error.ts";
import { LimitedSink } from "./limited_sink.ts";
import { type BodyPatience, createPatientSource } from "./patient_source.ts";
import { headerValue } from "./raw_headers.ts";
import { BodilessSink, StreamSink } from "./sink.ts";
import { createSource, EMPTY_SOURCE } from "./source.ts";

export interface Http1ExchangeOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly peer: Peer;
  readonly patience: BodyPatience;
  /** Whether an answer that begins now is the last on its connection. */
  readonly isLast: () => boolean;
  /** Bytes after which an answer is cut. Default: none. */
  readonly answerLimitBytes?: number;
}

/** The exchange of a request that came over HTTP/1.1 and asks for no upgrade. */
export function createHttp1Exchange(options: Http1ExchangeOptions): StreamExchange {
  const { request, response } = options;
  request.on("error", ignoreError);
  response.on("error", ignoreError);
  const exchange: StreamExchange = new StreamExchange({
    method: request.method ?? "GET",
    rawPath: request.url ?? "/",
    rawHeaders: request.rawHeaders,
    body: hasBody(request)
      ? createPatientSource(requestBody(request), { ...options.patience, isAnswered: () => exchange.answered, cut })
      : EMPTY_SOURCE,
    peer: options.peer,
    upgrade: false,
    answerer: { respond: (status, reason, rawHeaders) => respond({ status, reason, rawHeaders }) },
  });
  response.once("close", () => {
    if (!response.writableFinished) exchange.abort(clientGone());
  });
  return exchange;

  function cut(reason: Error): void {
    exchange.abort(reason);
    // Not the response: on Bun (1.4) its head would still be sent, as if all had gone well.
    request.socket.destroy();
  }

  function respond(head: { status: number; reason: string; rawHeaders: RawHeaders }): Sink {
    checkFields(head.rawHeaders);
    const last = options.isLast() && headerValue(head.rawHeaders, "connection") === undefined;
    response.writeHead(head.status, head.reason, [...head.rawHeaders, ...(last ? ["Connection", "close"] : [])]);
    const sink = new StreamSink(response, { destroy: () => response.destroy() });
    flushSoon(response, sink);
    if (isBodiless(exchange.method, head.status)) {
      return new BodilessSink({ closed: sink.closed, end: () => sink.end(), destroy: () => sink.destroy() });
    }
    if (options.answerLimitBytes === undefined) return sink;
    return new LimitedSink(sink, {
      limitBytes: options.answerLimitBytes,
      reached: (error) => exchange.abort(error),
    });
  }
}

/** A body that is there at once travels in the same packet as the head; a watch without an event yet does not wait for one. */
function flushSoon(response: ServerResponse, sink: StreamSink): void {
  setImmediate(() => {
    // After a write the head is out already, and on Deno (2.9, in TLS) what is written next would be held back.
    if (!sink.started && !response.destroyed) response.flushHeaders();
  });
}

/** RFC 9112 6.3: a request without either field has no body. */
function hasBody(request: IncomingMessage): boolean {
  const { headers } = request;
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}

function requestBody(request: IncomingMessage): ReturnType<typeof createSource> {
  return createSource(request, {
    complete: () => request.complete,
    // Destroying the request would take its answer along: what is left of it is read and dropped.
    leave: () => void request.resume(),
    toError: (cause) => toUpstreamError(cause ?? new Error("The client broke off its request"), { sent: true }),
  });
}
