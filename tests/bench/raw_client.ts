/**
 * The client of the bench: raw sockets of Bun, which cost less than any server that they measure, and no more of HTTP than
 * to find the bytes of a body.
 */
export interface RawConnection {
  /** Sends a GET. The connection is for one after the other. */
  get(path: string): void;
  close(): void;
}

export interface OpenConnectionOptions {
  readonly port: number;
  /** Called with the bytes of bodies, in pieces as they come; `last` where they end the answer. */
  readonly received: (piece: Uint8Array, last: boolean) => void;
  /** Called when an answer's head has come. */
  readonly began?: () => void;
  /** Called where the server answers with another status than 200, or ends the connection. */
  readonly failed: (error: Error) => void;
}

/** What is used of Bun's own sockets: its types are not part of this compilation. */
interface BunSockets {
  connect(options: {
    readonly hostname: string;
    readonly port: number;
    readonly socket: {
      data(socket: BunSocket, bytes: Uint8Array): void;
      close(socket: BunSocket): void;
      error(socket: BunSocket, error: Error): void;
    };
  }): Promise<BunSocket>;
}

interface BunSocket {
  write(text: string): number;
  end(): void;
}

/** @throws where it does not run on Bun, or nobody listens */
export async function openConnection(options: OpenConnectionOptions): Promise<RawConnection> {
  const bun = (globalThis as { readonly Bun?: BunSockets }).Bun; // there or not: checked
  if (bun === undefined) throw new Error("The bench itself runs on Bun: npm run bench");
  const { port, failed } = options;
  const body = new BodyReader(options);
  const socket = await bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_socket, bytes) => body.push(bytes),
      close: () => failed(new Error("The server has ended the connection")),
      error: (_socket, error) => failed(error),
    },
  });
  return {
    get: (path) =>
      void socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: application/json\r\n\r\n`),
    close: () => socket.end(),
  };
}

/** Sends one GET on a connection of its own. @returns the bytes of the body and the milliseconds to its first and last */
export async function readOnce(port: number, path: string): Promise<RawAnswer> {
  const reader = await RawReader.open(port);
  const answer = await reader.read(path);
  reader.close();
  return answer;
}

export interface RawAnswer {
  readonly bytes: number;
  readonly firstMs: number;
  readonly ms: number;
}

/** Reads whole answers, one after the other, on one connection. */
export class RawReader {
  #connection: RawConnection | undefined;
  #startedAt = 0;
  #bytes = 0;
  #firstMs = 0;
  #done: (answer: RawAnswer) => void = () => undefined;
  #failed: (error: Error) => void = () => undefined;

  static async open(port: number): Promise<RawReader> {
    const reader = new RawReader();
    reader.#connection = await openConnection({
      port,
      received: (piece, last) => reader.#take(piece, last),
      failed: (error) => reader.#failed(error),
    });
    return reader;
  }

  read(path: string): Promise<RawAnswer> {
    this.#bytes = 0;
    this.#startedAt = performance.now();
    this.#connection?.get(path);
    return new Promise((resolve, reject) => {
      this.#done = resolve;
      this.#failed = reject;
    });
  }

  close(): void {
    this.#connection?.close();
  }

  #take(piece: Uint8Array, last: boolean): void {
    const ms = performance.now() - this.#startedAt;
    if (this.#bytes === 0) this.#firstMs = ms;
    this.#bytes += piece.length;
    if (last) this.#done({ bytes: this.#bytes, firstMs: this.#firstMs, ms });
  }
}

const CR = 0x0d;
const LF = 0x0a;

/** Finds the bodies in a stream of answers, chunked or of a given length. Looks at nothing but heads and chunk sizes. */
class BodyReader {
  readonly #options: OpenConnectionOptions;
  /** Of the head, or of a chunk's line. */
  #line = "";
  #state: "head" | "size" | "chunk" | "chunk end" | "sized" = "head";
  #left = 0;

  constructor(options: OpenConnectionOptions) {
    this.#options = options;
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#state === "chunk" || this.#state === "sized") {
        const end = Math.min(bytes.length, at + this.#left);
        this.#left -= end - at;
        const last = this.#state === "sized" && this.#left === 0;
        const piece = bytes.subarray(at, end);
        if (this.#left === 0) this.#state = last ? "head" : "chunk end";
        this.#options.received(piece, last);
        at = end;
      } else {
        at = this.#lineBytes(bytes, at);
      }
    }
  }

  #lineBytes(bytes: Uint8Array, start: number): number {
    let at = start;
    while (at < bytes.length && bytes[at] !== LF) at++;
    for (let byte = start; byte < at; byte++) {
      if (bytes[byte] !== CR) this.#line += String.fromCharCode(bytes[byte] ?? 0);
    }
    if (at === bytes.length) return at;
    this.#endLine();
    return at + 1;
  }

  #endLine(): void {
    if (this.#state === "head") {
      if (!this.#line.endsWith("\n")) {
        this.#line += "\n"; // an empty line ends the head
        return;
      }
      const head = this.#line;
      this.#line = "";
      this.#takeHead(head);
      return;
    }
    const line = this.#line;
    this.#line = "";
    if (this.#state === "chunk end") {
      this.#state = "size";
      return;
    }
    this.#left = Number.parseInt(line, 16);
    if (this.#left > 0) {
      this.#state = "chunk";
      return;
    }
    // The empty line behind the last chunk reads as one before the next head.
    this.#state = "head";
    this.#options.received(new Uint8Array(), true);
  }

  #takeHead(head: string): void {
    const status = /^\n*HTTP\/1\.1 (\d+)/.exec(head)?.[1];
    if (status !== "200") throw new Error(`The server answered: ${head.trim()}`);
    const length = /^content-length: *(\d+)/im.exec(head)?.[1];
    this.#state = length === undefined ? "size" : "sized";
    this.#options.began?.();
    this.#left = Number(length ?? 0);
  }
}
