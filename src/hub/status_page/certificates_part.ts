import { html } from "hono/html";
import type { HubStatus, OneCertificateStatus } from "../hub_status.ts";
import { badge, durationSince, type Html, moment, section, table } from "./parts.ts";

/** Of the node's certificates, whether they serve and for how long. */
export function certificatesPart({ certificates }: HubStatus, nowMs: number): Html | string {
  if (certificates === undefined) return "";
  const { client, serving, servingDistrusted } = certificates;
  return section(
    { id: "certificates", title: "Certificates" },
    table({
      caption: "Of this node, and until when they are good",
      columns: [
        { name: "Certificate", cell: ({ name }) => html`<strong>${name}</strong>` },
        { name: "State", cell: ({ certificate }) => certificateBadge(certificate, nowMs) },
        { name: "Expires", cell: ({ certificate: { expiresAt } }) => expiry(expiresAt, nowMs) },
        { name: "Why", cell: ({ certificate: { failure }, distrusted }) => failure ?? distrusted ?? "" },
      ],
      rows: [
        { name: "client, towards the cloud", certificate: client, distrusted: undefined },
        {
          name: "serving, of the TLS port",
          certificate: serving,
          distrusted: servingDistrusted === undefined
            ? undefined
            : `Not known to be believed by pods: ${servingDistrusted}`,
        },
      ],
    }),
  );
}

function certificateBadge({ expiresAt, failure }: OneCertificateStatus, nowMs: number): Html {
  if (expiresAt !== undefined && Date.parse(expiresAt) <= nowMs) return badge("expired", "bad");
  if (failure !== undefined) return badge(expiresAt === undefined ? "missing" : "failing", "bad");
  return expiresAt === undefined ? badge("no expiry known", "quiet") : badge("good", "good");
}

function expiry(expiresAt: string | undefined, nowMs: number): Html | string {
  if (expiresAt === undefined) return "";
  const words = durationSince(expiresAt, nowMs);
  const shown = Date.parse(expiresAt) <= nowMs ? `${words} ago` : `in ${words}`;
  return moment(expiresAt, shown);
}
