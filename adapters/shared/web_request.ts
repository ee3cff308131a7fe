import type { ByteSource } from "../../src/platform/bytes.ts";
import type { Exchange } from "../../src/platform/exchange.ts";
import { headerFields } from "./raw_headers.ts";

/** What a Host header may look like for a URL to be made of it (RFC 3986 3.2.2, without user information). */
const HOST = /^(?:[\w.~%-]+|\[[\dA-Fa-f:.]+\])(?::\d*)?$/;
const FALLBACK_HOST = "localhost";
/** Methods with which Request takes no body, or does not exist at all (Fetch standard). */
const WITHOUT_BODY: ReadonlySet<string> = new Set(["GET", "HEAD"]);
const FORBIDDEN: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

/** A Request for the router: URL, method and headers as they came, all else made at first use. Never throws for odd input. */
export function createWebRequest(exchange: Exchange): Request {
  // Its prototype chain ends at Request's and every property a handler may ask for is defined below.
  return new LazyRequest(exchange) as unknown as Request;
}

/** The URL of an exchange; an unusable Host is replaced, since nobody decides anything by it here. */
function requestUrl(exchange: Exchange): string {
  const scheme = exchange.peer.secure ? "https" : "http";
  const host = exchange.header("host");
  const path = exchange.rawPath.startsWith("/") ? exchange.rawPath : `/${exchange.rawPath}`;
  if (host !== undefined && HOST.test(host)) {
    const url = parseUrl(`${scheme}://${host}${path}`);
    if (url !== undefined) return url;
  }
  return parseUrl(`${scheme}://${FALLBACK_HOST}${path}`) ?? `${scheme}://${FALLBACK_HOST}/`;
}

function parseUrl(text: string): string | undefined {
  return URL.canParse(text) ? new URL(text).href : undefined;
}

const PASSED_ON = [
  "bodyUsed",
  "cache",
  "credentials",
  "destination",
  "integrity",
  "keepalive",
  "mode",
  "redirect",
  "referrer",
  "referrerPolicy",
  "body",
] as const;
const METHODS = ["arrayBuffer", "blob", "bytes", "clone", "formData", "json", "text"] as const;

class LazyRequest {
  readonly #exchange: Exchange;
  #url: string | undefined;
  #headers: Headers | undefined;
  #real: Request | undefined;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  get method(): string {
    return this.#exchange.method;
  }

  get url(): string {
    return this.#url ??= requestUrl(this.#exchange);
  }

  get headers(): Headers {
    return this.#headers ??= toHeaders(this.#exchange);
  }

  get signal(): AbortSignal {
    return this.#exchange.signal;
  }

  static real(request: LazyRequest): Request {
    return request.#real ??= createReal(request.#exchange, { url: request.url, headers: request.headers });
  }
}

for (const name of PASSED_ON) {
  Object.defineProperty(LazyRequest.prototype, name, {
    get(this: LazyRequest) {
      return LazyRequest.real(this)[name];
    },
  });
}
for (const name of METHODS) {
  Object.defineProperty(LazyRequest.prototype, name, {
    value(this: LazyRequest) {
      return LazyRequest.real(this)[name]();
    },
  });
}
// `instanceof Request` holds.
Object.setPrototypeOf(LazyRequest.prototype, Request.prototype);

function toHeaders(exchange: Exchange): Headers {
  const headers = new Headers();
  for (const [name, value] of headerFields(exchange.rawHeaders)) {
    try {
      headers.append(name, value);
    } catch {
      // A field that Headers refuses is still in rawHeaders, where whoever passes it on takes it from.
    }
  }
  return headers;
}

function createReal(exchange: Exchange, parts: { readonly url: string; readonly headers: Headers }): Request {
  const method = FORBIDDEN.has(exchange.method.toUpperCase()) ? "GET" : exchange.method;
  const init: RequestInit & { duplex?: "half" } = { method, headers: parts.headers, signal: exchange.signal };
  if (!WITHOUT_BODY.has(method)) {
    init.body = toStream(exchange.body);
    init.duplex = "half";
  }
  return new Request(parts.url, init);
}

function toStream(source: ByteSource): ReadableStream<Uint8Array<ArrayBuffer>> {
  const iterator = source[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const result = await iterator.next();
      // The copy is the stream's own: a chunk may be a view into a shared buffer of the runtime.
      if (result.done !== true) controller.enqueue(new Uint8Array(result.value));
      else controller.close();
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}
