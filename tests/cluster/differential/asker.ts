import { readFileSync } from "node:fs";
import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { join } from "node:path";

export interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly accept?: string;
  readonly body?: string;
  readonly contentType?: string;
  /** After this the answer is what has come. @default {15_000} */
  readonly limitMs?: number;
}

export interface RawAnswer {
  /** 0 where no answer came. */
  readonly status: number;
  readonly contentType: string;
  readonly retryAfter: string | undefined;
  /** `X-Holdfast-Source` of a hub's answer. */
  readonly source: string | undefined;
  readonly text: string;
  /** `end`: complete. `limit`: the time was up. Else why it broke. */
  readonly ended: string;
}

/** The body of an answer with status 200 while it comes. */
export interface Follower {
  text(part: string): void;
  /** Once; the status is 0 where no answer came. */
  end(status: number, why: string): void;
}

/** Asks one server many questions over connections that are kept. */
export class Asker {
  readonly #origin: string;
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #open: (url: string, options: object, take: (incoming: IncomingMessage) => void) => ClientRequest;
  readonly #tls: object;

  /** @param server the folder of a cluster, whose admin asks its API server directly, or nothing for a plain hub */
  constructor(port: number, server?: { readonly clusterDir: string }) {
    const sockets = { keepAlive: true, maxSockets: 300 };
    this.#origin = `${server === undefined ? "http" : "https"}://127.0.0.1:${port}`;
    if (server === undefined) {
      this.#tls = {};
      this.#agent = new HttpAgent(sockets);
      this.#open = httpRequest;
    } else {
      const read = (file: string): string => readFileSync(join(server.clusterDir, file), "utf8");
      this.#tls = { ca: read("ca.crt"), cert: read("admin.crt"), key: read("admin.key") };
      this.#agent = new HttpsAgent({ ...sockets, ...this.#tls });
      this.#open = httpsRequest;
    }
  }

  /** The whole answer. Never rejects. */
  ask(asked: Asked): Promise<RawAnswer> {
    return new Promise((resolve) => {
      const seen = {
        status: 0,
        contentType: "",
        retryAfter: undefined as string | undefined,
        source: undefined as string | undefined,
      };
      let text = "";
      const settle = (ended: string): void => {
        clearTimeout(timer);
        resolve({ ...seen, text, ended });
      };
      const outgoing = this.#send(asked, (incoming) => {
        seen.status = incoming.statusCode ?? 0;
        seen.contentType = incoming.headers["content-type"] ?? "";
        seen.retryAfter = incoming.headers["retry-after"];
        const source = incoming.headers["x-holdfast-source"];
        seen.source = Array.isArray(source) ? source[0] : source;
        incoming.setEncoding("utf8").on("data", (part: string) => text += part);
        incoming.on("end", () => settle("end")).on("error", (error: Error) => settle(error.message));
        incoming.on("close", () => settle(incoming.complete ? "end" : "closed"));
      });
      outgoing.on("error", (error) => settle(error.message));
      const timer = setTimeout(() => {
        settle("limit");
        outgoing.destroy();
      }, asked.limitMs ?? 15_000);
    });
  }

  /** An answer as it comes, a watch for one. @returns how to end it */
  follow(asked: Asked, follower: Follower): () => void {
    let status = 0;
    let over = false;
    const end = (why: string): void => {
      if (over) return;
      over = true;
      follower.end(status, why);
    };
    const outgoing = this.#send(asked, (incoming) => {
      status = incoming.statusCode ?? 0;
      incoming.setEncoding("utf8").on("data", (part: string) => {
        if (!over && status === 200) follower.text(part);
      });
      incoming.on("end", () => end("end")).on("error", (error: Error) => end(error.message));
      incoming.on("close", () => end(incoming.complete ? "end" : "closed"));
    });
    outgoing.on("error", (error) => end(error.message));
    return () => {
      over = true;
      outgoing.destroy();
    };
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(asked: Asked, take: (incoming: IncomingMessage) => void): ClientRequest {
    const { method = "GET", path, accept = "application/json", body, contentType = "application/json" } = asked;
    // Without its length a DELETE's body would be taken for the next request.
    const length = Buffer.byteLength(body ?? "");
    const headers = {
      accept,
      ...(body === undefined ? {} : { "content-type": contentType, "content-length": length }),
    };
    const outgoing = this.#open(this.#origin + path, { method, agent: this.#agent, headers, ...this.#tls }, take);
    outgoing.end(body);
    return outgoing;
  }
}
