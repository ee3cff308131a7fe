import { html } from "hono/html";
import { nodeScope } from "../../identity/scope.ts";
import { queryWords } from "../../kube/query_words.ts";
import { byteWords } from "../byte_words.ts";
import type { CollectionStatus } from "../collection_status.ts";
import type { HubStatus } from "../hub_status.ts";
import { ago, badge, type Html, lasting, numberWords, table } from "./parts.ts";
import { collectionMoods } from "./state_moods.ts";

/** What the hub keeps, query by query. */
export function collectionsPart({ collections }: HubStatus, nowMs: number): Html {
  if (collections.length === 0) return html`<p class="none">Nothing is kept yet: nobody has asked.</p>`;
  return table<CollectionStatus>({
    caption: "Each is the complete state of one query, kept up to date by one watch",
    columns: [
      { name: "Query", cell: queryCell },
      { name: "State", cell: stateCell },
      { name: "For", cell: ({ since }) => lasting(since, nowMs) },
      { name: "Objects", isNumber: true, cell: ({ objects }) => numberWords(objects) },
      { name: "Size", isNumber: true, cell: ({ bytes }) => byteWords(bytes) },
      { name: "Watchers", isNumber: true, cell: ({ watchers }) => numberWords(watchers) },
      { name: "Last read", cell: ({ lastRead }) => lastRead === undefined ? "now" : ago(lastRead, nowMs) },
    ],
    rows: collections.toSorted((a, b) =>
      Number(isAbsent(a)) - Number(isAbsent(b)) || compare(queryWords(a), queryWords(b))
    ),
  });
}

function queryCell(collection: CollectionStatus): Html {
  const { resource, group, scope = nodeScope.id } = collection;
  const [, ...where] = queryWords(collection).split(" ");
  const rest = where.join(" ");
  const shown = `${rest === "-A" ? "all namespaces" : rest}${scope === nodeScope.id ? "" : ` for ${scope}`}`;
  return html`<strong>${resource}</strong>${group === "" ? "" : html`<span class="dim">.${group}</span>`}
<span class="code dim where">${shown}</span>`;
}

function stateCell(collection: CollectionStatus): Html {
  const { state, refusal } = collection;
  const mood = isAbsent(collection) ? "quiet" : collectionMoods[state];
  return html`${badge(state, mood)}${
    refusal === undefined ? "" : html`
      <span class="dim where">${refusal}</span>
    `
  }`;
}

/** Many clusters lack what the hub looks for: that nothing was ever held of it is nothing bad. */
function isAbsent({ state, resourceVersion }: CollectionStatus): boolean {
  return state === "refused" && resourceVersion === "";
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
