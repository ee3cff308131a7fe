/** How the page looks: from a phone's width on, in the light and in the dark. Every colour of text has a contrast of 4.5 at least. */
export const pageStyle: string = `
:root {
  color-scheme: light dark;
  --ground: #f3f5f8;
  --card: #ffffff;
  --line: #dde2ea;
  --text: #182030;
  --dim: #566074;
  --link: #0b57b0;
  --good: #10693c;
  --good-ground: #dcf3e6;
  --good-bar: #35a870;
  --warn: #7d4c00;
  --warn-ground: #fdeecb;
  --warn-bar: #e0a020;
  --bad: #a4231c;
  --bad-ground: #fce3e1;
  --bad-bar: #d8453b;
  --quiet-ground: #e8ebf0;
  --quiet-bar: #cdd4de;
  --shadow: 0 1px 2px rgb(24 32 48 / 6%), 0 4px 16px rgb(24 32 48 / 5%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0d1118;
    --card: #161c26;
    --line: #283140;
    --text: #e8edf5;
    --dim: #9dabc0;
    --link: #83b8ff;
    --good: #6fdaa4;
    --good-ground: #12362a;
    --good-bar: #2f9e6b;
    --warn: #f0c264;
    --warn-ground: #3b2f10;
    --warn-bar: #c48f22;
    --bad: #ff9d95;
    --bad-ground: #45201f;
    --bad-bar: #d8544b;
    --quiet-ground: #232c39;
    --quiet-bar: #343f50;
    --shadow: none;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  max-width: 76rem;
  margin: 0 auto;
  padding: 1.5rem 1.25rem 2.5rem;
  background: var(--ground);
  color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  overflow-wrap: anywhere;
}
a { color: var(--link); }
a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
h1, h2, p, ul, dl, dd { margin: 0; }
h1 { font-size: 1.75rem; line-height: 1.2; letter-spacing: -0.01em; }
h2 { font-size: 1.1rem; margin-bottom: 0.6rem; }
section { margin-top: 2rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 0.75rem; }
.brand {
  flex-basis: 100%;
  color: var(--dim);
  font-size: 0.8rem;
  font-weight: 600;
  letter-spacing: 0.08em;
  text-transform: uppercase;
}
.about, .dim, .since, .summary, .note, .none, caption, .more, .scale, .line-name { color: var(--dim); }
.about, .since, .summary, .note, caption, .more { font-size: 0.9rem; }
.code { font: 0.875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 0.75rem; box-shadow: var(--shadow); }
.notice {
  position: sticky;
  top: 0.5rem;
  z-index: 1;
  margin-bottom: 1rem;
  padding: 0.7rem 1rem;
  border: 1px solid var(--bad-bar);
  border-radius: 0.6rem;
  background: var(--bad-ground);
  color: var(--bad);
  font-weight: 600;
}
.lost main { opacity: 0.55; }

.verdict { margin-top: 1.25rem; padding: 1.25rem; border-top: 4px solid var(--quiet-bar); }
.verdict.good { border-top-color: var(--good-bar); }
.verdict.warn { border-top-color: var(--warn-bar); }
.verdict.bad { border-top-color: var(--bad-bar); }
.verdict h2 { color: var(--dim); font-size: 0.9rem; font-weight: 600; margin-bottom: 0.25rem; }
.word { font-size: 1.25rem; line-height: 1.35; }
.verdict.good .word strong { color: var(--good); }
.verdict.bad .word strong { color: var(--bad); }
.lamp {
  display: inline-block;
  width: 0.7em;
  height: 0.7em;
  margin-right: 0.45em;
  border-radius: 50%;
  background: var(--quiet-bar);
}
.good .lamp { background: var(--good-bar); box-shadow: 0 0 0 0.22em var(--good-ground); }
.bad .lamp { background: var(--bad-bar); box-shadow: 0 0 0 0.22em var(--bad-ground); border-radius: 0.1em; }
.lines { margin-top: 1.1rem; }
.line-name { font-size: 0.85rem; margin-top: 0.5rem; }
.line { display: block; width: 100%; height: 1.75rem; border-radius: 0.35rem; background: var(--quiet-ground); }
.bar { fill: var(--quiet-bar); }
.bar.good { fill: var(--good-bar); }
.bar.warn { fill: var(--warn-bar); }
.bar.bad { fill: var(--bad-bar); }
.bar.unrecorded { fill: var(--quiet-ground); }
.scale { display: flex; justify-content: space-between; margin-top: 0.3rem; font-size: 0.8rem; }
.summary { margin-top: 0.5rem; }

.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: 0.75rem; }
.figures > div { padding: 0.8rem 1rem; }
.figures dt { color: var(--dim); font-size: 0.85rem; }
.figures dd { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 0.5rem; }
.more { flex-basis: 100%; }
.value { font-size: 1.5rem; font-weight: 650; line-height: 1.3; font-variant-numeric: tabular-nums; }
main > section:nth-of-type(2) { margin-top: 1rem; }
.attention { padding: 1rem 1.25rem; border-left: 4px solid var(--warn-bar); }
.attention ul { padding-left: 1.1rem; }
.attention + section { margin-top: 1rem; }
.list { padding: 0; list-style: none; }
.list li { padding: 0.2rem 0; }

table {
  width: 100%;
  border: 1px solid var(--line);
  border-radius: 0.75rem;
  border-spacing: 0;
  background: var(--card);
  box-shadow: var(--shadow);
  font-size: 0.925rem;
  font-variant-numeric: tabular-nums;
}
caption { text-align: left; padding-bottom: 0.5rem; }
table + table { margin-top: 1.25rem; }
th, td { padding: 0.5rem 0.75rem; text-align: left; vertical-align: baseline; font-weight: 400; }
th:first-child, td:first-child { padding-left: 1.1rem; }
th:last-child, td:last-child { padding-right: 1.1rem; }
time { white-space: nowrap; }
thead th { white-space: nowrap; color: var(--dim); font-size: 0.825rem; font-weight: 600; }
tbody th, tbody td { border-top: 1px solid var(--line); }
thead th:first-child { width: 36%; }
.number { text-align: right; white-space: nowrap; }
td.nothing { color: var(--dim); }
.where { display: block; }
.note, .none { margin: 0.6rem 0; }
.badge {
  display: inline-block;
  padding: 0.05rem 0.55rem;
  border-radius: 1rem;
  background: var(--quiet-ground);
  color: var(--text);
  font-size: 0.825rem;
  font-weight: 600;
  white-space: nowrap;
}
.badge.good { background: var(--good-ground); color: var(--good); }
.badge.warn { background: var(--warn-ground); color: var(--warn); }
.badge.bad { background: var(--bad-ground); color: var(--bad); }
footer {
  display: flex;
  flex-wrap: wrap;
  justify-content: space-between;
  gap: 0.4rem 1.5rem;
  margin-top: 2.5rem;
  padding-top: 1rem;
  border-top: 1px solid var(--line);
  color: var(--dim);
  font-size: 0.875rem;
}
nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; }

@media (max-width: 48rem) {
  body { padding: 1rem 0.85rem 2rem; }
  h1 { font-size: 1.45rem; }
  .verdict { padding: 1rem; }
  .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0.6rem; }
  .figures > div { padding: 0.65rem 0.8rem; }
  .more { flex-basis: 100%; }
.value { font-size: 1.3rem; }
  table, tbody, tr, td, tbody th, caption { display: block; }
  table { border: 0; background: none; box-shadow: none; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr {
    margin-bottom: 0.6rem;
    padding: 0.7rem 0.9rem;
    border: 1px solid var(--line);
    border-radius: 0.75rem;
    background: var(--card);
    box-shadow: var(--shadow);
  }
  tbody th, tbody td, tbody th:first-child, tbody td:last-child { padding: 0; border: 0; }
  tbody th { margin-bottom: 0.3rem; }
  tbody td { display: flex; justify-content: space-between; gap: 1rem; padding: 0.12rem 0; text-align: right; white-space: normal; }
  tbody td::before { content: attr(data-label); content: attr(data-label) / ""; flex: none; color: var(--dim); text-align: left; }
  td.nothing { display: none; }
}
@media (forced-colors: active) {
  .badge { border: 1px solid; }
  .lamp, .bar { forced-color-adjust: none; }
}
@media print {
  :root { --ground: #fff; }
}
`;
