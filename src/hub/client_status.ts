import type { ClientTraffic } from "../cloud/traffic.ts";
import type { HubContext } from "./context.ts";
import type { AnswerCounts } from "./local_answers.ts";

/** What one client was answered on this node, and what that has cost the link; since the start. */
export interface ClientStatus {
  /** As its `User-Agent` names it. */
  readonly client: string;
  /** Requests that have ended, a watch among them once it has, by where their answer came from. */
  readonly answered: AnswerCounts;
  /** What was asked of the cloud in its name, watches included from their beginning. */
  readonly link: Omit<ClientTraffic, "client">;
}

const nothingAsked = { requests: 0, failed: 0, sentBytes: 0, receivedBytes: 0 };
const nothingAnswered = { cloud: 0, replica: 0, outbox: 0, hub: 0 };

/** The one that has received most over the link first, then the one that was answered most. */
export function clientStatuses({ cloud, answers }: HubContext): readonly ClientStatus[] {
  const answered = answers.clients();
  const asked = new Map(cloud.traffic.clients().map(({ client, ...link }) => [client, link]));
  return [...new Set([...asked.keys(), ...answered.keys()])].map((client) => ({
    client,
    answered: answered.get(client) ?? nothingAnswered,
    link: asked.get(client) ?? nothingAsked,
  })).toSorted((a, b) => b.link.receivedBytes - a.link.receivedBytes || sum(b.answered) - sum(a.answered));
}

function sum(counts: AnswerCounts): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
