import type { ByteSource, Duplex, RawHeaders } from "../platform/bytes.ts";

/** What one client has cost the link since the start. */
export interface ClientTraffic {
  readonly client: string;
  readonly requests: number;
  /** Those that got no answer. */
  readonly failed: number;
  /** Bytes of bodies as they travelled, compressed or not, and of upgraded connections (exec, port-forward). */
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** What is counted of a client. */
export type Counted = Exclude<keyof ClientTraffic, "client">;

type Counts = { -readonly [K in keyof ClientTraffic]: ClientTraffic[K] };

/** Names of clients come from the clients themselves: past this they are one. */
const maxClients = 100;
const maxNameLength = 40;
const others = "other";

/** Counts what goes to the cloud and comes from it, by client as `clientOf` names it. */
export class Traffic {
  /** Called with each thing that is counted. */
  counted: (client: string, what: Counted, amount: number) => void = () => {};
  readonly #clients = new Map<string, Counts>();

  /** Notes a request. @returns where its bytes are counted */
  begin(rawHeaders: RawHeaders): TrafficCounter {
    const counts = this.#client(clientOf(rawHeaders));
    const add = (what: Counted, amount: number) => {
      counts[what] += amount;
      this.counted(counts.client, what, amount);
    };
    add("requests", 1);
    return new TrafficCounter(add);
  }

  /** By client, the one that has received most first. */
  clients(): readonly ClientTraffic[] {
    return [...this.#clients.values()].toSorted((a, b) => b.receivedBytes - a.receivedBytes);
  }

  #client(name: string): Counts {
    const known = this.#clients.get(name);
    if (known !== undefined) return known;
    if (this.#clients.size >= maxClients && name !== others) return this.#client(others);
    const client = { client: name, requests: 0, failed: 0, sentBytes: 0, receivedBytes: 0 };
    this.#clients.set(name, client);
    return client;
  }
}

/** One request's share. */
export class TrafficCounter {
  readonly #add: (what: Counted, amount: number) => void;

  constructor(add: (what: Counted, amount: number) => void) {
    this.#add = add;
  }

  failed(): void {
    this.#add("failed", 1);
  }

  received(bytes: number): void {
    this.#add("receivedBytes", bytes);
  }

  /** Counts what is read of a body. */
  async *reading(body: ByteSource): ByteSource {
    for await (const chunk of body) {
      this.received(chunk.length);
      yield chunk;
    }
  }

  /** Counts what goes through a connection in both directions. */
  through(socket: Duplex): Duplex {
    const { releases } = socket;
    return {
      source: this.reading(socket.source),
      write: (chunk) => {
        this.#add("sentBytes", chunk.length);
        return socket.write(chunk);
      },
      end: () => socket.end(),
      destroy: () => socket.destroy(),
      closed: socket.closed,
      ...(releases === undefined ? {} : { releases }),
    };
  }

  /** Counts what is sent of a body. */
  sending(body: ByteSource | Uint8Array): ByteSource | Uint8Array {
    if (!(body instanceof Uint8Array)) return this.#sending(body);
    this.#add("sentBytes", body.length);
    return body;
  }

  async *#sending(body: ByteSource): ByteSource {
    for await (const chunk of body) {
      this.#add("sentBytes", chunk.length);
      yield chunk;
    }
  }
}

/** The client's name: what stands in its `User-Agent` before the first slash; `unknown` where that is no name. */
export function clientOf(rawHeaders: RawHeaders): string {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() !== "user-agent") continue;
    const name = (rawHeaders[i + 1] ?? "").split("/", 1)[0]?.trim().toLowerCase() ?? "";
    if (/^[\w.+ -]+$/.test(name)) return name.slice(0, maxNameLength);
  }
  return "unknown";
}
