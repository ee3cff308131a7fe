import { html } from "hono/html";
import { humanDuration } from "../../kube/table/human_duration.ts";
import { historyMs } from "../../cloud/link_history.ts";
import type { HistoryChange, HubStatus } from "../hub_status.ts";
import { type Segment, timeLine } from "../time_line.ts";
import { durationSince, type Html } from "./parts.ts";
import { linkMoods } from "./state_moods.ts";

/** Of the width, in percent: shorter ones would not be seen. */
const narrowest = 0.4;
const moodOrder = ["quiet", "good", "warn", "bad"];

/** The last hour of the link, and of each API server where there are several, as bars and in words. */
export function timeLines({ history: { changes }, link: { backends } }: HubStatus, nowMs: number): Html {
  const addresses = backends.length > 1 ? backends.map(({ address }) => address) : [];
  const window = { fromMs: nowMs - historyMs, toMs: nowMs };
  const lineOf = (address?: string) => timeLine(changes.filter((change) => change.address === address), window);
  const link = lineOf();
  return html`<div class="lines">
${addresses.length > 0 ? html`<p class="line-name">The link</p>` : ""}
${graph("The link", link)}
${
    addresses.map((address) =>
      html`<p class="line-name">${address}</p>
${graph(address, lineOf(address))}`
    )
  }
<div class="scale" aria-hidden="true"><span>1 h ago</span><span>45 min</span><span>30 min</span><span>15 min</span><span>now</span></div>
</div>
<p class="summary">${summary(link, changes.filter(({ address }) => address === undefined), nowMs)}</p>`;
}

function graph(name: string, segments: readonly Segment[]): Html {
  // What is worse lies on top: a short cut is wider than it was.
  const drawn = segments.toSorted((a, b) =>
    moodOrder.indexOf(linkMoods[a.state]) - moodOrder.indexOf(linkMoods[b.state])
  );
  return html`<svg class="line" role="img" aria-label="${name} in the last hour: ${shares(segments)}">${
    drawn.map((segment) => bar(segment, segments[0]?.fromMs ?? 0))
  }</svg>`;
}

function bar({ state, fromMs, toMs }: Segment, startMs: number): Html {
  const percent = (ms: number) => ms / historyMs * 100;
  const width = Math.max(percent(toMs - fromMs), narrowest);
  const x = Math.min(percent(fromMs - startMs), 100 - width);
  const times = `${state} for ${humanDuration(toMs - fromMs)}`;
  return html`
    <rect class="bar ${linkMoods[state]} ${state}" x="${x.toFixed(2)}%" width="${width.toFixed(2)}%" height="100%">
      <title>${times}</title>
    </rect>
  `;
}

/** `online 58m, offline 2m`. */
function shares(segments: readonly Segment[]): string {
  const sums = new Map<string, number>();
  for (const { state, fromMs, toMs } of segments) sums.set(state, (sums.get(state) ?? 0) + toMs - fromMs);
  return [...sums].map(([state, ms]) => `${state} ${humanDuration(ms)}`).join(", ");
}

function summary(segments: readonly Segment[], changes: readonly HistoryChange[], nowMs: number): string {
  const recorded = segments.filter(({ state }) => state !== "unrecorded");
  const since = recorded[0]?.fromMs ?? nowMs;
  const time = since > nowMs - historyMs + 1_000
    ? `In the ${humanDuration(nowMs - since)} that are recorded`
    : "In the last hour";
  const cuts = segments.filter(({ state }) => state === "offline");
  if (cuts.length === 0) return `${time} the link was never cut.`;
  const cutMs = cuts.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  const last = changes.findLast(({ state }, at) => state === "online" && changes[at - 1]?.state === "offline");
  const count = ["", "once", "twice"][cuts.length] ?? `${cuts.length} times`;
  const back = segments.at(-1)?.state === "offline"
    ? "It is cut now."
    : last === undefined
    ? ""
    : `It came back ${durationSince(last.at, nowMs)} ago.`;
  return `${time} the link was cut ${count}, ${humanDuration(cutMs)} in all. ${back}`;
}
