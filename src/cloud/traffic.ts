import type { ByteSource, RawHeaders } from "../platform/bytes.ts";

/** What one client has cost the link since the start. */
export interface ClientTraffic {
  readonly client: string;
  readonly requests: number;
  /** Those that got no answer. */
  readonly failed: number;
  /** Bytes of bodies as they travelled, compressed or not. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

type Counts = { -readonly [K in keyof ClientTraffic]: ClientTraffic[K] };

/** Names of clients come from the clients themselves: past this they are one. */
const maxClients = 100;
const maxNameLength = 40;
const others = "other";

/** Counts what goes to the cloud and comes from it, by client: what stands in `User-Agent` before the first slash. */
export class Traffic {
  readonly #clients = new Map<string, Counts>();

  /** Notes a request. @returns where its bytes are counted */
  begin(rawHeaders: RawHeaders): TrafficCounter {
    const client = this.#client(clientOf(rawHeaders));
    client.requests += 1;
    return new TrafficCounter(client);
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
  readonly #counts: Counts;

  constructor(counts: Counts) {
    this.#counts = counts;
  }

  failed(): void {
    this.#counts.failed += 1;
  }

  sent(bytes: number): void {
    this.#counts.sentBytes += bytes;
  }

  /** Counts what is sent of it. */
  async *sending(body: ByteSource): ByteSource {
    for await (const chunk of body) {
      this.sent(chunk.length);
      yield chunk;
    }
  }

  /** Counts what is read. */
  async *received(body: ByteSource): ByteSource {
    for await (const chunk of body) {
      this.#counts.receivedBytes += chunk.length;
      yield chunk;
    }
  }
}

function clientOf(rawHeaders: RawHeaders): string {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() !== "user-agent") continue;
    const name = (rawHeaders[i + 1] ?? "").split("/", 1)[0]?.trim().toLowerCase() ?? "";
    if (/^[\w.+ -]+$/.test(name)) return name.slice(0, maxNameLength);
  }
  return "unknown";
}
