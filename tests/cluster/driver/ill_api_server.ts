import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { Agent, request as httpsRequest } from "node:https";
import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

export interface IllApiServerOptions {
  /** The cluster's folder. */
  readonly dir: string;
  readonly apiPort: number;
  /** Whose certificate goes with each request, `node-1`. */
  readonly identity: string;
}

/** What is answered to everything that is asked meanwhile, `/readyz` included. */
export interface IllAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
}

/**
 * The API server over HTTP/2 and HTTP/1.1, with its own certificate, as long as nothing ails it; then it gives one answer to
 * every new request. What was begun before goes on.
 */
export class IllApiServer {
  /** What it gives in place of the API server's own answers. */
  answer: IllAnswer | undefined;
  /** How far the time that it tells is ahead of the API server's. */
  aheadMs = 0;
  readonly #options: IllApiServerOptions;
  readonly #server: ReturnType<typeof createSecureServer>;
  readonly #agent: Agent;

  constructor(options: IllApiServerOptions) {
    const read = (file: string): string => readFileSync(join(options.dir, file), "utf8");
    const { identity } = options;
    this.#options = options;
    this.#agent = new Agent({ ca: read("ca.crt"), cert: read(`${identity}.crt`), key: read(`${identity}.key`) });
    this.#server = createSecureServer(
      { allowHTTP1: true, cert: read("apiserver.crt"), key: read("apiserver.key") },
      (incoming, outgoing) => this.#serve(incoming, outgoing),
    );
    this.#server.on("sessionError", () => undefined).on("tlsClientError", () => undefined); // the relay cuts connections
  }

  /** @returns its port on 127.0.0.1 */
  async listen(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    // A server that listens on a port has such an address.
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    this.#agent.destroy();
  }

  #serve(incoming: Http2ServerRequest, outgoing: Http2ServerResponse): void {
    incoming.on("error", () => undefined);
    outgoing.on("error", () => undefined);
    const { answer } = this;
    if (answer === undefined) return this.#pass(incoming, outgoing);
    const { status, contentType, body } = answer;
    incoming.resume();
    outgoing.writeHead(status, { "content-type": contentType });
    outgoing.end(body);
  }

  #pass(incoming: Http2ServerRequest, outgoing: Http2ServerResponse): void {
    const { method, url: path } = incoming;
    const headers = Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => !name.startsWith(":")));
    const request = httpsRequest({
      method,
      path,
      headers,
      host: "127.0.0.1",
      port: this.#options.apiPort,
      agent: this.#agent,
    });
    const broken = (): void => {
      request.destroy();
      outgoing.stream?.destroy();
    };
    request.on("error", broken).on("response", (answer) => {
      const date = new Date(Date.parse(answer.headers.date ?? "") + this.aheadMs).toUTCString();
      outgoing.writeHead(answer.statusCode ?? 502, { ...endToEnd(answer), ...(this.aheadMs === 0 ? {} : { date }) });
      answer.on("error", broken).pipe(outgoing);
    });
    outgoing.on("close", () => request.destroy());
    incoming.pipe(request);
  }
}

/** HTTP/2 has no headers of a connection. */
function endToEnd({ headers }: IncomingMessage): OutgoingHttpHeaders {
  const { connection: _connection, "transfer-encoding": _encoding, "keep-alive": _alive, ...kept } = headers;
  return kept;
}
