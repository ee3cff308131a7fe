import { html } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import { humanDuration } from "../../kube/table/human_duration.ts";

/** A piece of the page. What is put into it as text is escaped. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

/** How well something is: `quiet` says nothing about that. */
export type Mood = "good" | "warn" | "bad" | "quiet";

export interface Column<Row> {
  readonly name: string;
  readonly isNumber?: boolean;
  /** The first column's cell names the row. */
  readonly cell: (row: Row) => Html | string | number;
}

export interface TableOptions<Row> {
  /** What the table shows, in one line. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
}

/** Rows that are shown at most; the JSON has them all. */
const maxRows = 200;

/** A part of the page under a heading of its own. */
export function section({ id, title }: { readonly id: string; readonly title: string }, content: unknown): Html {
  return html`<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
${content}
</section>`;
}

/** A table that is a list of cards where the screen is narrow: roles keep it a table for whoever has it read out. */
export function table<Row>({ caption, columns, rows }: TableOptions<Row>): Html {
  const more = rows.length - maxRows;
  return html`
    <table role="table">
      <caption>${caption}</caption>
      <thead role="rowgroup">
        <tr role="row">${columns.map(headCell)}</tr>
      </thead>
      <tbody role="rowgroup">
    ${rows.slice(0, maxRows).map((row) =>
      html`
        <tr role="row">${columns.map((column, at) => cell(column, row, at))}</tr>
      `
    )}</tbody>
    </table>${more > 0 ? html`<p class="none">And ${more} more: see <a href="/v1/status">/v1/status</a>.</p>` : ""}
  `;
}

function headCell<Row>({ name, isNumber = false }: Column<Row>): Html {
  return html`<th role="columnheader" scope="col" class="${isNumber ? "number" : ""}">${name}</th>`;
}

function cell<Row>({ name, isNumber = false, cell: of }: Column<Row>, row: Row, at: number): Html {
  const value = of(row);
  if (at === 0) return html`<th role="rowheader" scope="row">${value}</th>`;
  // Where rows are cards, what is nothing is left out.
  const isNothing = typeof value !== "object" && ["", "0", "0 B"].includes(String(value));
  const classes = [...(isNumber ? ["number"] : []), ...(isNothing ? ["nothing"] : [])];
  return html`<td role="cell" data-label="${name}" class="${classes.join(" ")}">${value}</td>`;
}

export function badge(words: string, mood: Mood): Html {
  return html`<span class="badge ${mood}">${words}</span>`;
}

/** For how long something has been so. @param time RFC 3339 */
export function lasting(time: string, nowMs: number): Html {
  return moment(time, durationSince(time, nowMs));
}

/** How long ago something was. @param time RFC 3339 */
export function ago(time: string, nowMs: number): Html {
  return moment(time, `${durationSince(time, nowMs)} ago`);
}

/** A time in the words that its reader wants to know of it. */
export function moment(time: string, words: string): Html {
  return html`<time datetime="${time}" title="${time}">${words}</time>`;
}

/** How long a time is ago, or still ahead. */
export function durationSince(time: string, nowMs: number): string {
  return humanDuration(Math.abs(nowMs - Date.parse(time)));
}

/** `1 object`, `1,204 objects`. */
export function countWords(count: number, noun: string): string {
  return `${numberWords(count)} ${noun}${count === 1 ? "" : "s"}`;
}

export function numberWords(count: number): string {
  return count.toLocaleString("en-US");
}
