import { html } from "hono/html";
import { resourceWords } from "../../kube/resource_words.ts";
import { byteWords } from "../byte_words.ts";
import type { HubStatus } from "../hub_status.ts";
import type { SettledStatus, WaitingStatus } from "../outbox_app.ts";
import { ago, badge, countWords, type Html, lasting, numberWords, table } from "./parts.ts";
import { endings } from "./state_moods.ts";

/** Writes that wait for the cloud, and what became of those that did. */
export function outboxPart({ outbox }: HubStatus, nowMs: number): Html {
  if (!outbox.enabled) return html`<p class="none">This hub takes no writes while the cloud is out of reach.</p>`;
  const { objects, bytes = 0, maxBytes = 0, refused = 0, error, waiting, settled } = outbox;
  const room = `${countWords(objects, "object")} wait${objects === 1 ? "s" : ""} for the cloud: ${
    byteWords(bytes)
  } of ${byteWords(maxBytes)}`;
  return html`<p class="note">${room}.${
    refused === 0 ? "" : ` ${countWords(refused, "write")} had to be refused for want of room.`
  }</p>
${error === undefined ? "" : html`<p class="note">It cannot be written: ${error}</p>`}
${waiting.length === 0 ? "" : waitingTable(waiting, nowMs)}
${settled.length === 0 ? "" : settledTable(settled, nowMs)}`;
}

function waitingTable(rows: readonly WaitingStatus[], nowMs: number): Html {
  return table<WaitingStatus>({
    caption: "What waits, oldest first",
    columns: [
      { name: "Object", cell: objectCell },
      { name: "What", cell: ({ kind }) => kind },
      { name: "Writes", isNumber: true, cell: ({ writes }) => numberWords(writes) },
      { name: "Waits for", cell: ({ since }) => lasting(since, nowMs) },
      {
        name: "Last try",
        cell: ({ attempts, error }) =>
          attempts === undefined
            ? ""
            : `${attempts === 1 ? "1 try" : `${numberWords(attempts)} tries`}: ${error ?? ""}`,
      },
    ],
    rows,
  });
}

function settledTable(rows: readonly SettledStatus[], nowMs: number): Html {
  return table<SettledStatus>({
    caption: "What has waited, newest first",
    columns: [
      { name: "Object", cell: objectCell },
      { name: "What", cell: ({ kind }) => kind },
      { name: "Writes", isNumber: true, cell: ({ writes }) => numberWords(writes) },
      { name: "Ended", cell: ({ settledAt }) => ago(settledAt, nowMs) },
      { name: "How", cell: ({ how, message }) => html`${badge(...endings[how])} ${message ?? ""}` },
    ],
    rows,
  });
}

function objectCell(path: WaitingStatus | SettledStatus): Html {
  const { resource, group, namespace, name } = path;
  return html`<strong title="${resourceWords(path)}">${resource}${group === "" ? "" : `.${group}`}</strong>
<span class="code dim where">${namespace === "" ? "" : `${namespace}/`}${name}</span>`;
}
