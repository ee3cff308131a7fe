import { html, raw } from "hono/html";
import type { HubStatus } from "../hub_status.ts";
import { certificatesPart } from "./certificates_part.ts";
import { clientsPart } from "./clients_part.ts";
import { collectionsPart } from "./collections_part.ts";
import { attention, figures } from "./figures.ts";
import { filtersPart } from "./filters_part.ts";
import { backendsPart, changesPart, linkPart } from "./link_parts.ts";
import { outboxPart } from "./outbox_part.ts";
import { type Html, lasting, section } from "./parts.ts";
import { pageScript } from "./script.ts";
import { pageStyle } from "./style.ts";

/** Answers with the page of a hub: complete as it is, without script too. */
export type StatusPage = (status: HubStatus, nowMs: number) => Promise<Response>;

/** Makes the page ready: all that is the same for every answer. */
export async function openStatusPage(): Promise<StatusPage> {
  const [script, style] = await Promise.all([hashOf(pageScript), hashOf(pageStyle)]);
  const headers = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    // Nothing runs and nothing counts but the one script and the one style: by their hashes.
    "Content-Security-Policy": [
      "default-src 'none'",
      `script-src '${script}'`,
      `style-src '${style}'`,
      "img-src data:",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join("; "),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
  };
  return async (status, nowMs) =>
    new Response(String(await document({ status, nowMs, made: script + style })), { headers });
}

interface DocumentParts {
  readonly status: HubStatus;
  readonly nowMs: number;
  /** Tells a page of this version from one of another. */
  readonly made: string;
}

function document({ status, nowMs, made }: DocumentParts): Html {
  const { nodeName, link } = status;
  return html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta name="holdfast-page" content="${made}">
        <noscript><meta http-equiv="refresh" content="30"></noscript>
        <title>${link.state}: ${nodeName} – Holdfast</title>
        <link rel="icon" id="icon" href="${iconOf(link.state)}">
        <style>${raw(pageStyle)}</style>
      </head>
      <body>
    <p id="notice" class="notice" role="alert" hidden></p>
    ${header(status, nowMs)}
    <main id="main">
    ${linkPart(status, nowMs)}
    ${attention(status)}
    ${figures(status)}
    ${section({ id: "backends", title: "API servers" }, backendsPart(status, nowMs))}
    ${section({ id: "collections", title: "Collections" }, collectionsPart(status, nowMs))}
    ${section({ id: "clients", title: "Clients and traffic" }, clientsPart(status))}
    ${section({ id: "outbox", title: "Outbox" }, outboxPart(status, nowMs))}
    ${certificatesPart(status, nowMs)}
    ${filtersPart(status)}
    ${section({ id: "changes", title: "Recent changes" }, changesPart(status, nowMs))}
    </main>
    ${footer(nowMs)}
    <script>${raw(pageScript)}</script>
      </body>
    </html>
  `;
}

function header({ nodeName, version, runtime, startedAt, ready }: HubStatus, nowMs: number): Html {
  return html`
    <header id="top">
      <p class="brand">Holdfast hub</p>
      <h1>${nodeName}</h1>
      <p class="about">${version} on ${runtime}, up for ${lasting(startedAt, nowMs)}${ready ? "" : ", not ready"}</p>
    </header>
  `;
}

function footer(nowMs: number): Html {
  const time = new Date(nowMs).toISOString();
  return html`
    <footer id="foot">
      <p>As of <time datetime="${time}">${time.slice(0, 19).replace("T", " ")}</time> UTC.
    <noscript><span>Loaded again every 30 seconds.</span></noscript></p>
      <nav aria-label="The same for programs"><a href="/v1/status">/v1/status</a> <a href="/v1/outbox">/v1/outbox</a>
    <a href="/readyz?verbose">/readyz?verbose</a> <a href="/metrics">/metrics</a></nav>
    </footer>
  `;
}

function iconOf(state: HubStatus["link"]["state"]): string {
  const color = { online: "#1a7f4b", offline: "#c4342b", unknown: "#707a8a" }[state];
  const circle = `<circle cx="8" cy="8" r="7" fill="${color}"/>`;
  return `data:image/svg+xml,${
    encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${circle}</svg>`)
  }`;
}

/** As a Content-Security-Policy names what it lets through. */
async function hashOf(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return `sha256-${btoa(String.fromCharCode(...digest))}`;
}
