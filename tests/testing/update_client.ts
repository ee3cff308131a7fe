import net from "node:net";

/** How an exchange on a connection of its own went, as the bytes say. */
export interface Outcome {
  /** `complete`: a whole answer, and the connection ended properly. `refused`: nobody took the connection, or it was cut before any byte of an answer. */
  readonly how: "complete" | "refused" | "broken";
  readonly status: number;
  readonly text: string;
  /** When it was begun and when it was over, in milliseconds of `performance.now()`. */
  readonly beganAt: number;
  readonly endedAt: number;
}

/** Asks once, on a connection of its own, and reads to the end: of a watch that is when the server ends it. */
export function askOnce(port: number, path: string): Promise<Outcome> {
  const beganAt = performance.now();
  return new Promise((resolve) => {
    const socket = net.connect({ host: "127.0.0.1", port });
    let text = "";
    let broke = false;
    socket.on("connect", () => socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`));
    socket.on("data", (chunk: Uint8Array) => text += new TextDecoder().decode(chunk));
    socket.on("error", () => broke = true);
    socket.on("close", () => {
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
      const how = text === "" ? "refused" : !broke && isComplete(text) ? "complete" : "broken";
      resolve({ how, status, text, beganAt, endedAt: performance.now() });
    });
  });
}

/** The answers to requests one after the other on connections that are kept, as client-go keeps them. */
export class KeptConnection {
  readonly #port: number;
  #socket: net.Socket | undefined;
  /** How often one was found closed under a request, before any byte of its answer: such a request is sent again. */
  repeated = 0;

  constructor(port: number) {
    this.#port = port;
  }

  async ask(path: string): Promise<Outcome> {
    const isNew = this.#socket === undefined;
    const outcome = await this.#askOnce(path);
    if (outcome.how !== "refused" || isNew) return outcome;
    this.repeated++;
    return await this.#askOnce(path);
  }

  close(): void {
    this.#socket?.destroy();
  }

  #connect(): net.Socket {
    const socket = net.connect({ host: "127.0.0.1", port: this.#port });
    return socket.on("error", () => undefined).on("end", () => socket.destroy());
  }

  #askOnce(path: string): Promise<Outcome> {
    const beganAt = performance.now();
    return new Promise((resolve) => {
      const socket = this.#socket ??= this.#connect();
      let text = "";
      const settle = (how: Outcome["how"]): void => {
        socket.off("data", onData).off("close", onClose);
        const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
        if (how !== "complete" || /^connection: close/im.test(text)) {
          socket.destroy();
          this.#socket = undefined;
        }
        resolve({ how, status, text, beganAt, endedAt: performance.now() });
      };
      const onData = (chunk: Uint8Array): void => {
        text += new TextDecoder().decode(chunk);
        if (isComplete(text)) settle("complete");
      };
      const onClose = (): void => settle(text === "" ? "refused" : "broken");
      socket.on("data", onData).on("close", onClose);
      if (socket.destroyed) onClose();
      else socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    });
  }
}

/** Whether an answer ends as its head says that it does. */
function isComplete(text: string): boolean {
  const at = text.indexOf("\r\n\r\n");
  if (at < 0) return false;
  const [head, body] = [text.slice(0, at), text.slice(at + 4)];
  if (/^transfer-encoding: chunked/im.test(head)) return body.endsWith("0\r\n\r\n");
  const length = /^content-length: (\d+)/im.exec(head)?.[1];
  return length !== undefined && new TextEncoder().encode(body).length === Number(length);
}
