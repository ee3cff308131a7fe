import { html } from "hono/html";
import type { LinkState } from "../../cloud/link.ts";
import type { HubStatus } from "../hub_status.ts";
import { ago, badge, countWords, durationSince, type Html, lasting, table } from "./parts.ts";
import { linkMoods } from "./state_moods.ts";
import { timeLines } from "./time_line_graph.ts";

const maxChangesShown = 30;

const verdicts: Readonly<Record<LinkState, readonly [word: string, meaning: string]>> = {
  online: ["Online", "The cloud answers."],
  offline: ["Offline", "The cloud is out of reach. The replica answers."],
  unknown: ["Not known yet", "The link is being checked."],
};

/** Whether the cloud is in reach, and was in the last hour. */
export function linkPart(status: HubStatus, nowMs: number): Html {
  const { link } = status;
  const [word, meaning] = link.workingMode === "cloud"
    ? ["Passing through", "This hub keeps nothing and does not check the link."]
    : verdicts[link.state];
  return html`<section class="card verdict ${
    link.workingMode === "cloud" ? "quiet" : linkMoods[link.state]
  }" aria-labelledby="link">
<h2 id="link">Link to the cloud</h2>
<p class="word" role="status"><span class="lamp" aria-hidden="true"></span><strong>${word}.</strong> ${meaning}</p>
<p class="since">For ${lasting(link.since, nowMs)}: ${link.reason}</p>
${link.workingMode === "cloud" ? "" : timeLines(status, nowMs)}
</section>`;
}

/** The API servers, and the node's lease. */
export function backendsPart({ link, lease }: HubStatus, nowMs: number): Html {
  return html`${
    table({
      caption: "What the checks of each API server said last",
      columns: [
        { name: "API server", cell: ({ address }) => html`<span class="code">${address}</span>` },
        { name: "State", cell: ({ state }) => badge(state, linkMoods[state]) },
        { name: "For", cell: ({ since }) => lasting(since, nowMs) },
        { name: "In flight", isNumber: true, cell: ({ inFlight }) => inFlight },
        { name: "Last check", cell: ({ reason }) => reason },
      ],
      rows: link.backends,
    })
  }
${lease === undefined ? "" : html`<p class="note">${leaseWords(lease, nowMs)}</p>`}`;
}

function leaseWords(
  { alive, kubeletRenewedAt, renewedAt, failure }: NonNullable<HubStatus["lease"]>,
  nowMs: number,
): string {
  const kubelet = kubeletRenewedAt === undefined
    ? "kubelet has not renewed it through this hub"
    : `kubelet renewed it ${durationSince(kubeletRenewedAt, nowMs)} ago${alive ? "" : ", so the hub lets it lapse"}`;
  const cloud = renewedAt === undefined ? "" : `; the cloud took it ${durationSince(renewedAt, nowMs)} ago`;
  return `The node's lease: ${kubelet}${cloud}.${failure === undefined ? "" : ` It cannot be renewed: ${failure}`}`;
}

/** What the link and its API servers were, newest first. */
export function changesPart({ history: { changes, dropped }, link }: HubStatus, nowMs: number): Html {
  // The only API server has the link's own state.
  const shown = link.backends.length > 1 ? changes : changes.filter(({ address }) => address === undefined);
  return html`${
    table({
      caption: "What the link and its API servers were in the last hour, newest first",
      columns: [
        { name: "When", cell: ({ at }) => ago(at, nowMs) },
        {
          name: "What",
          cell: ({ address }) => address === undefined ? "the link" : html`<span class="code">${address}</span>`,
        },
        { name: "State", cell: ({ state }) => badge(state, linkMoods[state]) },
        { name: "Why", cell: ({ reason }) => reason },
      ],
      rows: shown.toReversed().slice(0, maxChangesShown),
    })
  }${
    dropped === 0 ? "" : html`<p class="note">${countWords(dropped, "earlier change")} had to go for want of room.</p>`
  }`;
}
