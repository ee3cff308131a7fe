import { type ClientRequest, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { waitFor } from "./wait.ts";

/** On the TLS port of a hub, as a service account. */
export interface WatchAs {
  /** PEM. */
  readonly ca: string;
  readonly token: string;
}

export interface PlainWatchOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Who watches. @default whoever the plain port takes one for */
  readonly as?: WatchAs;
}

/** A watch over HTTP/1.1, as kubelet holds many: one connection each. */
export class PlainWatch {
  /** Lines as they came, each an event. */
  readonly events: string[] = [];
  /** Why it has ended, where it has. */
  ended: string | undefined;
  readonly #path: string;
  readonly #request: ClientRequest;
  #partial = "";

  constructor(port: number, path: string, { headers: further = {}, as }: PlainWatchOptions = {}) {
    this.#path = path;
    const headers = { accept: "application/json", ...further };
    this.#request = as === undefined
      ? httpRequest(`http://127.0.0.1:${port}${path}`, { agent: false, headers })
      : httpsRequest(`https://127.0.0.1:${port}${path}`, {
        agent: false,
        ca: as.ca,
        headers: { ...headers, authorization: `Bearer ${as.token}` },
      });
    this.#request.on("error", (error) => this.ended ??= error.message);
    this.#request.on("response", (answer) => {
      if (answer.statusCode !== 200) this.ended ??= `status ${answer.statusCode}`;
      answer.setEncoding("utf8").on("data", (text: string) => this.#take(text));
      answer.on("error", (error) => this.ended ??= error.message).on(
        "end",
        () => this.ended ??= "the end of the answer",
      );
    });
    this.#request.end();
  }

  async waitForEvent(what: string, limitMs: number, matches: (event: string) => boolean): Promise<string> {
    return await waitFor(`${what} in the watch of ${this.#path}`, limitMs, (seen) => {
      seen({ ended: this.ended, last: this.events.at(-1) });
      return this.events.find(matches);
    });
  }

  close(): void {
    this.#request.destroy();
  }

  #take(text: string): void {
    const lines = (this.#partial + text).split("\n");
    this.#partial = lines.pop() ?? "";
    this.events.push(...lines);
  }
}
