import { constants, type Http2ServerRequest, type ServerHttp2Stream } from "node:http2";
import type { RawHeaders, Sink } from "../../src/platform/bytes.ts";
import type { Peer } from "../../src/platform/exchange.ts";
import { toUpstreamError } from "./errors.ts";
import { clientGone, isBodiless, StreamExchange } from "./exchange.ts";
import { ignoreError } from "./ignore_error.ts";
import { type BodyPatience, createPatientSource } from "./patient_source.ts";
import { headerValue, toHttp2Headers, withoutPseudoHeaders } from "./raw_headers.ts";
import { BodilessSink, StreamSink } from "./sink.ts";
import { createSource, EMPTY_SOURCE } from "./source.ts";

const { HTTP2_HEADER_STATUS, NGHTTP2_NO_ERROR } = constants;

export interface Http2ExchangeOptions {
  readonly request: Http2ServerRequest;
  readonly peer: Peer;
  readonly patience: BodyPatience;
}

/** The exchange of a request that came over HTTP/2. */
export function createHttp2Exchange({ request, peer, patience }: Http2ExchangeOptions): StreamExchange {
  const { stream } = request;
  request.on("error", ignoreError);
  stream.on("error", ignoreError);
  const exchange: StreamExchange = new StreamExchange({
    method: request.method,
    rawPath: request.url,
    rawHeaders: fieldsOf(request),
    body: stream.endAfterHeaders
      ? EMPTY_SOURCE
      : createPatientSource(requestBody(request), { ...patience, isAnswered: () => exchange.answered, cut }),
    peer,
    upgrade: false,
    answerer: {
      respond: (status, _reason, rawHeaders) => respond(stream, { status, rawHeaders, method: request.method }),
    },
  });
  stream.once("close", () => {
    const complete = stream.writableFinished && (stream.rstCode ?? NGHTTP2_NO_ERROR) === NGHTTP2_NO_ERROR;
    if (!complete) exchange.abort(clientGone());
  });
  return exchange;

  function cut(reason: Error): void {
    exchange.abort(reason);
    reset(stream);
  }
}

/** As an HTTP/1.1 request would have had them: with a Host, and with a word on its body where it has one. */
function fieldsOf(request: Http2ServerRequest): RawHeaders {
  const fields = withoutPseudoHeaders(request.rawHeaders);
  if (headerValue(fields, "host") === undefined && request.authority !== "") fields.unshift("host", request.authority);
  const unsized = !request.stream.endAfterHeaders && headerValue(fields, "content-length") === undefined;
  if (unsized) fields.push("transfer-encoding", "chunked");
  return fields;
}

function requestBody(request: Http2ServerRequest): ReturnType<typeof createSource> {
  return createSource(request, {
    complete: () => !request.stream.aborted,
    leave: () => void request.resume(),
    toError: (cause) => toUpstreamError(cause ?? new Error("The client broke off its request"), { sent: true }),
  });
}

function respond(
  stream: ServerHttp2Stream,
  head: { readonly status: number; readonly rawHeaders: RawHeaders; readonly method: string },
): Sink {
  const bodiless = isBodiless(head.method, head.status);
  const destroy = () => reset(stream);
  if (!stream.destroyed && !stream.closed) {
    const headers = { [HTTP2_HEADER_STATUS]: head.status, ...toHttp2Headers(head.rawHeaders) };
    stream.respond(headers, { endStream: bodiless });
  }
  const sink = new StreamSink(stream, { destroy });
  if (!bodiless) return sink;
  return new BodilessSink({ closed: sink.closed, end: () => sink.end(), destroy });
}

/** `close` with an error code would end the body first, as if it were whole; `destroy` with an error sends RST_STREAM alone. */
function reset(stream: ServerHttp2Stream): void {
  if (!stream.destroyed) stream.destroy(new Error("The answer was broken off"));
}
