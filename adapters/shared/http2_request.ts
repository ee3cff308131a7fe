import { type ClientHttp2Stream, constants } from "node:http2";
import type { ByteSource } from "../../src/platform/bytes.ts";
import { UpstreamError, type UpstreamRequest, type UpstreamResponse } from "../../src/platform/upstream.ts";
import { toUpstreamError } from "./errors.ts";
import { ignoreError } from "./ignore_error.ts";
import { fromHttp2Headers, withoutPseudoHeaders } from "./raw_headers.ts";
import { sendBody } from "./request_body.ts";
import { createSource } from "./source.ts";

const { HTTP2_HEADER_STATUS, NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = constants;

/** What a request's caller and its pool share with it over all its attempts. */
export interface Flight {
  /** Aborted, with an UpstreamError as its reason, when the request has to end. */
  readonly signal: AbortSignal;
  /** Called when an answer has ended. */
  readonly landed: () => void;
}

export interface Http2RequestOptions {
  readonly request: UpstreamRequest;
  readonly flight: Flight;
  readonly resolve: (response: UpstreamResponse) => void;
  readonly reject: (error: Error) => void;
  /** Called when something came in. */
  readonly touch: () => void;
}

/** The server has not looked at the request: it may be sent again elsewhere (RFC 9113 8.7). */
export class RefusedStream extends Error {
  override readonly name = "RefusedStream";
  readonly reason: UpstreamError;

  constructor(reason: UpstreamError) {
    super(reason.message);
    this.reason = reason;
  }
}

/** One request on a stream of its own. */
export class Http2Request {
  readonly #stream: ClientHttp2Stream;
  readonly #options: Http2RequestOptions;
  #answered = false;
  #failure: UpstreamError | undefined;

  constructor(stream: ClientHttp2Stream, options: Http2RequestOptions) {
    this.#stream = stream;
    this.#options = options;
    const { signal } = options.flight;
    signal.addEventListener("abort", this.#onAbort, { once: true });
    stream.on("error", ignoreError);
    stream.once("error", (error) => this.#broke(error));
    stream.once("response", (headers, _flags, rawHeaders?: unknown) => this.#onResponse(headers, rawHeaders));
    stream.once("close", () => {
      signal.removeEventListener("abort", this.#onAbort);
      this.#broke(new Error("The stream was closed before an answer came"));
      if (this.#answered) options.flight.landed();
    });
    if (options.request.body !== undefined) {
      sendBody(stream, options.request, (error) => this.fail(toUpstreamError(error, { sent: true })));
    }
    if (signal.aborted) this.#onAbort();
  }

  /** Ends it with this error, wherever it stands. */
  fail(error: UpstreamError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    if (!this.#answered) this.#options.reject(error);
    this.#cancel();
  }

  #onAbort = (): void => this.fail(toUpstreamError(this.#options.flight.signal.reason, { sent: true }));

  #onResponse(headers: Readonly<Record<string, unknown>>, rawHeaders: unknown): void {
    if (this.#failure !== undefined) return;
    this.#answered = true;
    this.#options.touch();
    const status = Number(headers[HTTP2_HEADER_STATUS]);
    // Of what is not sent to a HEAD, or has not changed, the length is told too.
    const length = this.#options.request.method === "HEAD" || status === 304 ? undefined : headers["content-length"];
    const body = this.#body();
    this.#options.resolve({
      status,
      reason: "",
      rawHeaders: isStringList(rawHeaders) ? withoutPseudoHeaders(rawHeaders) : fromHttp2Headers(headers),
      body: typeof length === "string" ? ofLength(body, Number(length)) : body,
    });
  }

  #body(): ByteSource {
    const source = createSource(this.#stream, {
      // Where the connection is lost the runtimes report an end all the same; the code alone tells.
      complete: () => (this.#stream.rstCode ?? NGHTTP2_NO_ERROR) === NGHTTP2_NO_ERROR,
      leave: () => this.#cancel(),
      toError: (cause) => this.#failure ?? toUpstreamError(cause ?? new Error("The answer broke off"), { sent: true }),
    });
    return { [Symbol.asyncIterator]: () => touching(source[Symbol.asyncIterator](), this.#options.touch) };
  }

  #broke(error: Error): void {
    if (this.#answered || this.#failure !== undefined) return;
    const refused = this.#stream.rstCode === NGHTTP2_REFUSED_STREAM;
    this.#failure = refused
      ? new UpstreamError("broken", "The server refused the stream", { sent: false, cause: error })
      : toUpstreamError(error, { sent: true });
    this.#options.reject(refused ? new RefusedStream(this.#failure) : this.#failure);
  }

  #cancel(): void {
    if (this.#stream.destroyed) return;
    this.#stream.close(NGHTTP2_CANCEL);
    this.#stream.destroy();
  }
}

function touching(iterator: AsyncIterator<Uint8Array>, touch: () => void): AsyncIterator<Uint8Array> {
  return {
    next: () => {
      touch();
      return iterator.next();
    },
    return: () => iterator.return?.() ?? Promise.resolve({ done: true, value: undefined }),
  };
}

/**
 * Who has all that was announced misses nothing, and who has less does (RFC 9113 8.1.1), whatever becomes of the stream: with
 * a server that goes away it breaks on Deno (2.9) in the place of its end, and elsewhere may end where it breaks.
 */
async function* ofLength(source: ByteSource, length: number): ByteSource {
  let received = 0;
  try {
    for await (const chunk of source) {
      received += chunk.length;
      yield chunk;
    }
  } catch (error) {
    if (received !== length) throw error;
  }
  if (received < length) throw new UpstreamError("broken", "The answer broke off before its length", { sent: true });
}

function isStringList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
