import { html } from "hono/html";
import { byteWords } from "../byte_words.ts";
import type { ClientStatus } from "../client_status.ts";
import type { HubStatus } from "../hub_status.ts";
import { type Html, numberWords, table } from "./parts.ts";

/** Who has asked, what answered, and what that has cost the link. */
export function clientsPart({ clients }: HubStatus): Html {
  if (clients.length === 0) return html`<p class="none">Nobody has asked yet.</p>`;
  return table<ClientStatus>({
    caption:
      "Since the hub was started, by User-Agent. A request counts once it has ended; bytes are those of bodies as they travelled",
    columns: [
      { name: "Client", cell: ({ client }) => html`<strong>${client}</strong>` },
      { name: "By the replica", isNumber: true, cell: ({ answered }) => numberWords(answered.replica) },
      { name: "By the outbox", isNumber: true, cell: ({ answered }) => numberWords(answered.outbox) },
      { name: "By the cloud", isNumber: true, cell: ({ answered }) => numberWords(answered.cloud) },
      { name: "By the hub", isNumber: true, cell: ({ answered }) => numberWords(answered.hub) },
      { name: "Asked the cloud", isNumber: true, cell: ({ link }) => numberWords(link.requests) },
      { name: "Without answer", isNumber: true, cell: ({ link }) => numberWords(link.failed) },
      { name: "Sent", isNumber: true, cell: ({ link }) => byteWords(link.sentBytes) },
      { name: "Received", isNumber: true, cell: ({ link }) => byteWords(link.receivedBytes) },
    ],
    rows: clients,
  });
}
