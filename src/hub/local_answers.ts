import { clientOf } from "../cloud/traffic.ts";
import type { Call, Source } from "./call.ts";

/** How many requests of one client have ended, by where their answer came from. */
export type AnswerCounts = Readonly<Record<Source, number>>;

/** Names of clients come from the clients themselves: past this they are one. */
const maxClients = 100;
const others = "other";

/** Counts what the node's clients were answered, by client as the traffic to the cloud is counted. */
export class LocalAnswers {
  readonly #clients = new Map<string, Record<Source, number>>();

  /** Notes a request that has ended; one that got no answer counts for nothing. */
  add({ exchange, status, source }: Pick<Call, "exchange" | "status" | "source">): void {
    if (status !== 0) this.#client(clientOf(exchange.rawHeaders))[source] += 1;
  }

  clients(): ReadonlyMap<string, AnswerCounts> {
    return this.#clients;
  }

  #client(name: string): Record<Source, number> {
    const known = this.#clients.get(name);
    if (known !== undefined) return known;
    if (this.#clients.size >= maxClients && name !== others) return this.#client(others);
    const counts = { cloud: 0, replica: 0, outbox: 0, hub: 0 };
    this.#clients.set(name, counts);
    return counts;
  }
}
