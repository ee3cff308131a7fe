import { html } from "hono/html";
import { byteWords } from "../byte_words.ts";
import type { HubStatus } from "../hub_status.ts";
import { countWords, type Html, numberWords } from "./parts.ts";

/** What there is much or little of. */
export function figures({ collections, objects, outbox, clients }: HubStatus): Html {
  const live = collections.filter(({ state }) => state === "live").length;
  const watchers = collections.reduce((sum, { watchers }) => sum + watchers, 0);
  const watched = collections.filter(({ watchers }) => watchers > 0).length;
  const answered = clients.map((client) => client.answered);
  const here = answered.reduce((sum, { replica, outbox }) => sum + replica + outbox, 0);
  const all = answered.reduce((sum, { cloud, replica, outbox, hub }) => sum + cloud + replica + outbox + hub, 0);
  const received = clients.reduce((sum, { link }) => sum + link.receivedBytes, 0);
  const asked = clients.reduce((sum, { link }) => sum + link.requests, 0);
  return html`
    <section aria-labelledby="figures">
      <h2 id="figures" class="unseen">At a glance</h2>
      <dl class="figures">
    ${figure("Collections", numberWords(collections.length), `${numberWords(live)} live`)}
    ${figure("Objects held", numberWords(objects.count), byteWords(objects.bytes))}
    ${figure("Local watches", numberWords(watchers), `of ${countWords(watched, "collection")}`)}
    ${figure("Answered here", numberWords(here), `of ${countWords(all, "request")}`)}
    ${figure("From the cloud", byteWords(received), countWords(asked, "request"))}
    ${figure(
      "Waiting writes",
      numberWords(outbox.objects),
      outbox.enabled ? byteWords(outbox.bytes ?? 0) : "none are taken",
    )}
      </dl>
    </section>
  `;
}

function figure(name: string, value: string, more: string): Html {
  return html`
    <div class="card">
      <dt>${name}</dt>
      <dd><span class="value">${value}</span> <span class="more">${more}</span></dd>
    </div>
  `;
}

/** What is not well; the link says so itself. */
export function attention({ checks }: HubStatus): Html | string {
  const failing = checks.filter(({ ok, name }) => !ok && name !== "cloud");
  if (failing.length === 0) return "";
  return html`
    <section class="attention card" aria-labelledby="attention">
      <h2 id="attention">What is not well</h2>
      <ul>${failing.map(({ name, why }) => html`<li><strong>${name}</strong> ${why}</li>`)}</ul>
    </section>
  `;
}
