import { html } from "hono/html";
import type { HubStatus } from "../hub_status.ts";
import { badge, countWords, type Html, section } from "./parts.ts";

/** What keeps filters off, and which have failed. */
export function filtersPart({ filters }: HubStatus): Html | string {
  if (filters === undefined) return "";
  const failures = Object.entries(filters.failures);
  if (filters.problems.length + failures.length === 0) {
    return section(
      { id: "filters", title: "Filters" },
      html`<p class="none">None is off that should be on, and none has failed.</p>`,
    );
  }
  return section(
    { id: "filters", title: "Filters" },
    html`<ul class="list">
${filters.problems.map((problem) => html`<li>${badge("off", "warn")} ${problem}</li>`)}
${failures.map(([filter, count]) => html`<li>${badge("failed", "bad")} ${filter}: ${countWords(count, "time")}</li>`)}
</ul>`,
  );
}
