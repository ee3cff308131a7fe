import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type ApiClient, directClient } from "./api_client.ts";

/** A request of a client with its whole body, and what the API server answered to it. */
export interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly status: number;
  readonly answer: Uint8Array<ArrayBuffer>;
  /** The object as it was just before a PATCH; empty for other methods. */
  readonly before: string;
}

export interface RecordingProxyOptions {
  /** The cluster's folder. */
  readonly dir: string;
  readonly apiPort: number;
  /** Whose certificate goes with each request, `node-1`. */
  readonly identity: string;
  /** Whether a request is kept; the others pass. */
  readonly wants: (method: string, path: string) => boolean;
}

/** A plain server in front of the API server, which answers in JSON what may be JSON, and keeps what is wanted. */
export class RecordingProxy {
  readonly records: Recorded[] = [];
  readonly #options: RecordingProxyOptions;
  readonly #server = createServer((incoming, outgoing) => void this.#serve(incoming, outgoing));
  readonly #agent: Agent;
  /** A node may patch its events, but not read them. */
  readonly #admin: ApiClient;

  constructor(options: RecordingProxyOptions) {
    this.#options = options;
    this.#admin = directClient({ dir: options.dir, port: options.apiPort });
    const read = (file: string): string => readFileSync(join(options.dir, file), "utf8");
    const { identity } = options;
    this.#agent = new Agent({ ca: read("ca.crt"), cert: read(`${identity}.crt`), key: read(`${identity}.key`) });
  }

  /** @returns its address, `http://127.0.0.1:PORT` */
  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    // A server that listens on a port has such an address.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#agent.destroy();
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = "GET", url: path = "/" } = incoming;
    const headers = { ...incoming.headers, accept: "application/json", "accept-encoding": "identity" };
    try {
      if (!this.#options.wants(method, path)) {
        const answer = await this.#send({ method, path, headers }, incoming);
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
        outgoing.once("close", () => answer.destroy());
        return;
      }
      const body = await bytesOf(incoming);
      const before = method === "PATCH" ? await this.#object(path) : "";
      const answer = await this.#send({ method, path, headers }, body);
      const bytes = await bytesOf(answer);
      const contentType = incoming.headers["content-type"] ?? "";
      this.records.push({ method, path, contentType, body, before, status: answer.statusCode ?? 0, answer: bytes });
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      outgoing.end(bytes);
    } catch (error) {
      outgoing.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async #object(path: string): Promise<string> {
    const [object = ""] = path.split("?");
    return (await this.#admin(object.replace(/\/status$/, ""))).text;
  }

  async #send(
    options: { method: string; path: string; headers: NodeJS.Dict<string | string[]> },
    body: IncomingMessage | Uint8Array,
  ): Promise<IncomingMessage> {
    const { apiPort: port } = this.#options;
    const request = httpsRequest({
      ...options,
      host: "127.0.0.1",
      port,
      agent: this.#agent,
    });
    return await new Promise((resolve, reject) => {
      request.once("response", resolve).once("error", reject);
      if (body instanceof Uint8Array) request.end(body);
      else body.pipe(request);
    });
  }
}

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
}
