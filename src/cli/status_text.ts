import { byteWords } from "../hub/byte_words.ts";
import type { CollectionStatus } from "../hub/collection_status.ts";
import type { OneCertificateStatus } from "../hub/hub_status.ts";
import type { SettledStatus } from "../hub/outbox_app.ts";
import { queryWords } from "../kube/query_words.ts";
import { resourceWords } from "../kube/resource_words.ts";
import { humanDuration } from "../kube/table/human_duration.ts";
import { printable, textTable } from "./cache_output.ts";
import type { ShownStatus } from "./status_answer.ts";

interface TextTable {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A hub as `holdfast status` prints it: what it is, what is not well, then tables of what there is any of. */
export function statusText(status: ShownStatus, nowMs: number): string {
  const since = (time: string) => humanDuration(Math.abs(nowMs - Date.parse(time)));
  const { nodeName, version, runtime, startedAt, link, objects } = status;
  const head = [
    `${nodeName}: ${link.state} for ${since(link.since)} (${link.reason})`,
    `holdfast ${version} on ${runtime}, up for ${since(startedAt)}${status.ready ? "" : ", not ready"}; holds ${
      objects.count === 1 ? "1 object" : `${objects.count} objects`
    }, ${byteWords(objects.bytes)}`,
  ];
  const tables = [
    backends(status, since),
    notWell(status),
    collections(status, since),
    clients(status),
    waiting(status, since),
    settled(status, since),
    certificates(status, nowMs),
  ].filter(({ rows }) => rows.length > 0);
  const parts = [head.map((line) => `${printable(line)}\n`).join("")];
  return [...parts, ...tables.map(({ header, rows }) => textTable(header, rows))].join("\n");
}

type Since = (time: string) => string;

function backends({ link }: ShownStatus, since: Since): TextTable {
  return {
    header: ["API SERVER", "STATE", "FOR", "IN FLIGHT", "LAST CHECK"],
    rows: link.backends.map((one) => [one.address, one.state, since(one.since), String(one.inFlight), one.reason]),
  };
}

/** The link is told above. */
function notWell({ checks }: ShownStatus): TextTable {
  const failing = checks.filter(({ ok, name }) => !ok && name !== "cloud");
  return { header: ["NOT WELL", "WHY"], rows: failing.map(({ name, why }) => [name, why]) };
}

function collections({ collections }: ShownStatus, since: Since): TextTable {
  const named = ({ scope, ...query }: CollectionStatus) =>
    scope === undefined ? queryWords(query) : `${queryWords(query)} (${scope})`;
  return {
    header: ["COLLECTION", "STATE", "FOR", "OBJECTS", "SIZE", "WATCHERS", "LAST READ", "WHY"],
    rows: collections.map((one) => [
      named(one),
      one.state,
      since(one.since),
      String(one.objects),
      byteWords(one.bytes),
      String(one.watchers),
      one.lastRead === undefined ? "now" : since(one.lastRead),
      one.refusal ?? "",
    ]).toSorted(([a = ""], [b = ""]) => a < b ? -1 : 1),
  };
}

function clients({ clients }: ShownStatus): TextTable {
  return {
    header: ["CLIENT", "BY REPLICA", "BY OUTBOX", "BY CLOUD", "BY HUB", "ASKED CLOUD", "FAILED", "SENT", "RECEIVED"],
    rows: clients.map(({ client, answered, link }) => [
      client,
      ...[answered.replica, answered.outbox, answered.cloud, answered.hub, link.requests, link.failed].map(String),
      byteWords(link.sentBytes),
      byteWords(link.receivedBytes),
    ]),
  };
}

function waiting({ outbox }: ShownStatus, since: Since): TextTable {
  return {
    header: ["WAITS FOR THE CLOUD", "WHAT", "WRITES", "SINCE", "LAST TRY"],
    rows: outbox.waiting.map((one) => [
      objectWords(one),
      one.kind,
      String(one.writes),
      since(one.since),
      one.error ?? "",
    ]),
  };
}

function settled({ outbox }: ShownStatus, since: Since): TextTable {
  return {
    header: ["HAS WAITED", "WHAT", "WRITES", "ENDED", "HOW"],
    rows: outbox.settled.map((one) => [
      objectWords(one),
      one.kind,
      String(one.writes),
      since(one.settledAt),
      one.message === undefined ? one.how : `${one.how}: ${one.message}`,
    ]),
  };
}

function objectWords(path: Pick<SettledStatus, "group" | "version" | "resource" | "namespace" | "name">): string {
  return `${resourceWords(path)} ${path.namespace === "" ? "" : `${path.namespace}/`}${path.name}`;
}

function certificates({ certificates }: ShownStatus, nowMs: number): TextTable {
  const row = (name: string, { expiresAt, failure }: OneCertificateStatus, why = "") => {
    const ahead = expiresAt === undefined ? undefined : Date.parse(expiresAt) - nowMs;
    const expires = ahead === undefined
      ? ""
      : ahead > 0
      ? `in ${humanDuration(ahead)}`
      : `${humanDuration(-ahead)} ago`;
    return [name, expires, failure ?? why];
  };
  if (certificates === undefined) return { header: [], rows: [] };
  const { client, serving, servingDistrusted } = certificates;
  return {
    header: ["CERTIFICATE", "EXPIRES", "WHY"],
    rows: [
      row("client", client),
      row("serving", serving, servingDistrusted === undefined ? "" : `not known to be believed: ${servingDistrusted}`),
    ],
  };
}
