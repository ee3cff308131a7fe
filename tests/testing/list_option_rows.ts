/**
 * What a read with these options is answered: first the status, with the reason where it is none of 2xx, then where the
 * answer comes from, then what it shows: names; `+` where a list has a further page; of a watch `.` for the bookmark that
 * ends the initial events and `!410` for an ERROR event.
 */
export interface ListOptionRow {
  readonly read: "get" | "get absent" | "list" | "watch";
  /** `OLD` stands for the version of `c`, `NOW` for that of `e`, `AHEAD` for one that is not yet, `TOKEN` for a first page's. */
  readonly query: string;
  readonly online: string;
  /** @default {as online, but of the replica} */
  readonly offline?: string;
}

/** The objects of the table: `a`, `b` and `c` are there when the hub begins to hold them, `d` and `e` come later. */
export const firstNames: readonly string[] = ["a", "b", "c"];
export const laterNames: readonly string[] = ["d", "e"];

const all = "a b c d e";
const wrongMatch = ["Newest", "exact"];
const noVersion = ["abc", "-1", "1.5", "18446744073709551616"];

/** "Semantics for get and list" of the API concepts page: the parameter `resourceVersion` of a get. */
export const getRows: readonly ListOptionRow[] = [
  { read: "get", query: "", online: "200 cloud a" },
  { read: "get", query: "resourceVersion=", online: "200 cloud a" },
  { read: "get", query: "resourceVersion=0", online: "200 replica a" },
  { read: "get", query: "resourceVersion=OLD", online: "200 replica a" },
  { read: "get", query: "resourceVersion=NOW", online: "200 replica a" },
  { read: "get", query: "resourceVersion=AHEAD", online: "504 Timeout" },
  { read: "get", query: "resourceVersion=0&resourceVersionMatch=Exact", online: "200 replica a" },
  ...noVersion.map((version): ListOptionRow => ({ read: "get", query: `resourceVersion=${version}`, online: "500" })),
  { read: "get absent", query: "", online: "404 NotFound" },
  { read: "get absent", query: "resourceVersion=0", online: "404 NotFound" },
  { read: "get absent", query: "resourceVersion=NOW", online: "404 NotFound" },
  { read: "get absent", query: "resourceVersion=AHEAD", online: "504 Timeout" },
];

/** The table "resourceVersionMatch and paging parameters for list", row by row, column by column. */
export const listRows: readonly ListOptionRow[] = [
  // resourceVersionMatch unset, limit unset
  { read: "list", query: "", online: `200 cloud ${all}` },
  { read: "list", query: "resourceVersion=0", online: `200 replica ${all}` },
  { read: "list", query: "resourceVersion=OLD", online: `200 replica ${all}` },
  { read: "list", query: "resourceVersion=NOW", online: `200 replica ${all}` },
  { read: "list", query: "resourceVersion=AHEAD", online: "504 Timeout" },
  // limit=n, continue unset
  { read: "list", query: "limit=2", online: "200 cloud a b +" },
  { read: "list", query: "limit=2&resourceVersion=0", online: `200 replica ${all}` },
  { read: "list", query: "limit=2&resourceVersion=OLD", online: "200 cloud a b +", offline: "410 Expired" },
  { read: "list", query: "limit=3&resourceVersion=OLD", online: "200 cloud a b c", offline: "410 Expired" },
  { read: "list", query: "limit=2&resourceVersion=AHEAD", online: "504 Timeout", offline: "410 Expired" },
  // limit=n, continue=TOKEN
  { read: "list", query: "limit=2&continue=TOKEN", online: "200 cloud c d +", offline: "410 Expired" },
  {
    read: "list",
    query: "limit=2&continue=TOKEN&resourceVersion=0",
    online: "200 cloud c d e",
    offline: "410 Expired",
  },
  { read: "list", query: "limit=2&continue=TOKEN&resourceVersion=NOW", online: "400 BadRequest" },
  { read: "list", query: "continue=TOKEN", online: "200 cloud c d e", offline: "410 Expired" },
  { read: "list", query: "continue=a.b", online: "400 BadRequest" },
  { read: "list", query: "continue=a.b&resourceVersion=abc", online: "400 BadRequest" },
  // resourceVersionMatch=Exact
  { read: "list", query: "resourceVersionMatch=Exact", online: "422 Invalid" },
  { read: "list", query: "resourceVersionMatch=Exact&resourceVersion=0", online: "422 Invalid" },
  {
    read: "list",
    query: "resourceVersionMatch=Exact&resourceVersion=OLD",
    online: "200 cloud a b c",
    offline: "410 Expired",
  },
  {
    read: "list",
    query: "resourceVersionMatch=Exact&resourceVersion=AHEAD",
    online: "504 Timeout",
    offline: "410 Expired",
  },
  { read: "list", query: "resourceVersionMatch=Exact&limit=2", online: "422 Invalid" },
  { read: "list", query: "resourceVersionMatch=Exact&limit=2&resourceVersion=0", online: "422 Invalid" },
  {
    read: "list",
    query: "resourceVersionMatch=Exact&limit=2&resourceVersion=OLD",
    online: "200 cloud a b +",
    offline: "410 Expired",
  },
  // resourceVersionMatch=NotOlderThan
  { read: "list", query: "resourceVersionMatch=NotOlderThan", online: "422 Invalid" },
  { read: "list", query: "resourceVersionMatch=NotOlderThan&resourceVersion=0", online: `200 replica ${all}` },
  { read: "list", query: "resourceVersionMatch=NotOlderThan&resourceVersion=OLD", online: `200 replica ${all}` },
  { read: "list", query: "resourceVersionMatch=NotOlderThan&resourceVersion=AHEAD", online: "504 Timeout" },
  { read: "list", query: "resourceVersionMatch=NotOlderThan&limit=2", online: "422 Invalid" },
  { read: "list", query: "resourceVersionMatch=NotOlderThan&limit=2&resourceVersion=0", online: `200 replica ${all}` },
  { read: "list", query: "resourceVersionMatch=NotOlderThan&limit=2&resourceVersion=OLD", online: "200 replica a b +" },
  { read: "list", query: "resourceVersionMatch=NotOlderThan&limit=2&resourceVersion=AHEAD", online: "504 Timeout" },
];

const wrongTokens = [
  `{"v":"meta.k8s.io/v2","rv":5,"start":"a"}`,
  `{"rv":5,"start":"a"}`,
  `{"v":"meta.k8s.io/v1","start":"a"}`,
  `{"v":"meta.k8s.io/v1","rv":5}`,
  `{"v":"meta.k8s.io/v1","rv":5,"start":"../a"}`,
  `{"v":"meta.k8s.io/v1","rv":5,"start":"a//b"}`,
].map((token) => btoa(token).replaceAll("=", ""));

/** Combinations that the page calls invalid beside those of the table, and values that are none. */
export const wrongListRows: readonly ListOptionRow[] = [
  { read: "list", query: "resourceVersionMatch=Exact&continue=TOKEN", online: "422 Invalid" },
  { read: "list", query: "resourceVersionMatch=NotOlderThan&continue=TOKEN&resourceVersion=0", online: "422 Invalid" },
  ...wrongMatch.flatMap((match): ListOptionRow[] => [
    { read: "list", query: `resourceVersionMatch=${match}`, online: "422 Invalid" },
    { read: "list", query: `resourceVersionMatch=${match}&resourceVersion=0`, online: "422 Invalid" },
  ]),
  ...["abcde", "eyJ2IjoxfQ==", ...wrongTokens].map((token): ListOptionRow => ({
    read: "list",
    query: `continue=${token}`,
    online: "400 BadRequest",
  })),
  { read: "list", query: "sendInitialEvents=true", online: "422 Invalid" },
  { read: "list", query: "sendInitialEvents=false&resourceVersion=0", online: "422 Invalid" },
  ...noVersion.map((version): ListOptionRow => ({
    read: "list",
    query: `resourceVersion=${version}`,
    online: "400 BadRequest",
  })),
  { read: "list", query: "limit=x", online: "400 BadRequest" },
  { read: "list", query: "limit=0", online: `200 cloud ${all}` },
  { read: "list", query: "limit=-1", online: `200 cloud ${all}` },
  { read: "list", query: "timeoutSeconds=x", online: "400 BadRequest" },
  { read: "list", query: "labelSelector=a+b", online: "400 BadRequest" },
  { read: "list", query: "labelSelector=a%3D-", online: "400 BadRequest" },
  { read: "list", query: "fieldSelector=metadata.name", online: "400 BadRequest" },
  { read: "list", query: "fieldSelector=spec.nodeName%3Da", online: "400 BadRequest" },
  { read: "list", query: "fieldSelector=spec.nodeName%3Da&resourceVersion=0", online: "400 BadRequest" },
  { read: "list", query: "fieldSelector=type!%3DOpaque&resourceVersion=0", online: "200 replica" },
  { read: "list", query: "fieldSelector=metadata.name%3Db&resourceVersion=0", online: "200 replica b" },
];

const watchList = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
const noEvents = "sendInitialEvents=false&resourceVersionMatch=NotOlderThan";

/** The table "resourceVersion for watch", and "Streaming lists" with its wrong combinations. */
export const watchRows: readonly ListOptionRow[] = [
  { read: "watch", query: "", online: `200 replica ${all}` },
  { read: "watch", query: "allowWatchBookmarks=true", online: `200 replica ${all} .` },
  { read: "watch", query: "resourceVersion=0", online: `200 replica ${all}` },
  { read: "watch", query: "resourceVersion=OLD", online: "200 replica d e" },
  { read: "watch", query: "resourceVersion=NOW", online: "200 replica" },
  { read: "watch", query: "resourceVersion=AHEAD", online: "200 replica" },
  ...noVersion.map((version): ListOptionRow => ({ read: "watch", query: `resourceVersion=${version}`, online: "500" })),
  { read: "watch", query: "limit=2&continue=TOKEN&resourceVersion=NOW", online: "200 replica" },
  // resourceVersionMatch without sendInitialEvents
  { read: "watch", query: "resourceVersionMatch=NotOlderThan", online: "422 Invalid" },
  { read: "watch", query: "resourceVersionMatch=NotOlderThan&resourceVersion=NOW", online: "422 Invalid" },
  { read: "watch", query: "resourceVersionMatch=Exact&resourceVersion=NOW", online: "422 Invalid" },
  { read: "watch", query: "resourceVersionMatch=Newest&resourceVersion=NOW", online: "422 Invalid" },
  // sendInitialEvents=true
  { read: "watch", query: "sendInitialEvents=true", online: "422 Invalid" },
  { read: "watch", query: "sendInitialEvents=true&resourceVersion=0", online: "422 Invalid" },
  {
    read: "watch",
    query: "sendInitialEvents=true&resourceVersionMatch=Exact&resourceVersion=NOW",
    online: "422 Invalid",
  },
  { read: "watch", query: `${watchList}&continue=TOKEN`, online: "422 Invalid" },
  { read: "watch", query: watchList, online: `200 replica ${all}` },
  { read: "watch", query: `${watchList}&allowWatchBookmarks=true`, online: `200 replica ${all} .` },
  { read: "watch", query: `${watchList}&allowWatchBookmarks=true&resourceVersion=0`, online: `200 replica ${all} .` },
  { read: "watch", query: `${watchList}&allowWatchBookmarks=true&resourceVersion=OLD`, online: `200 replica ${all} .` },
  { read: "watch", query: `${watchList}&allowWatchBookmarks=true&resourceVersion=NOW`, online: `200 replica ${all} .` },
  {
    read: "watch",
    query: `${watchList}&allowWatchBookmarks=true&resourceVersion=AHEAD`,
    online: "200 cloud !504",
  },
  // sendInitialEvents=false
  { read: "watch", query: "sendInitialEvents=false", online: "422 Invalid" },
  { read: "watch", query: "sendInitialEvents=false&resourceVersion=NOW", online: "422 Invalid" },
  { read: "watch", query: `${noEvents}&resourceVersion=0`, online: "200 replica" },
  { read: "watch", query: noEvents, online: "200 replica" },
  { read: "watch", query: `${noEvents}&resourceVersion=OLD`, online: "200 replica d e" },
  { read: "watch", query: `${noEvents}&resourceVersion=NOW`, online: "200 replica" },
  { read: "watch", query: "labelSelector=a+b", online: "400 BadRequest" },
  { read: "watch", query: "fieldSelector=spec.nodeName%3Da", online: "400 BadRequest" },
];

/** The hub's log begins with its collection, the API server's with its own start. */
export const tooOldRows: readonly ListOptionRow[] = [
  { read: "watch", query: "resourceVersion=1", online: "200 replica !410" },
  { read: "watch", query: `${noEvents}&resourceVersion=1`, online: "200 replica !410" },
  { read: "watch", query: `${watchList}&resourceVersion=1`, online: `200 replica ${all}` },
];

export const allRows: readonly ListOptionRow[] = [...getRows, ...listRows, ...wrongListRows, ...watchRows];

/** What takes the place of the words in a row's query. */
export interface RowValues {
  readonly OLD: string;
  readonly NOW: string;
  readonly AHEAD: string;
  readonly TOKEN: string;
}

/** The path with which a row is asked, of a collection's path. A watch ends after a second. */
export function pathOfRow({ read, query }: ListOptionRow, collection: string, values: RowValues): string {
  const filled = query.replaceAll(/\b(OLD|NOW|AHEAD|TOKEN)\b/g, (word) => values[word as keyof RowValues]); // one of them
  const name = read === "get" ? "/a" : read === "get absent" ? "/none" : "";
  const watch = read === "watch" ? ["watch=1", "timeoutSeconds=1"] : [];
  return `${collection}${name}?${[...watch, ...(filled === "" ? [] : [filled])].join("&")}`;
}

/** What a row's read is answered while the link is cut. */
export function offlineOf({ online, offline }: ListOptionRow): string {
  return offline ?? online.replace(" cloud", " replica");
}

/** An answer as rows write it; `source` is the hub's `X-Holdfast-Source`. */
export function describeAnswer(
  { read }: ListOptionRow,
  answer: { readonly status: number; readonly text: string; readonly source?: string },
): string {
  const { status, text, source } = answer;
  const parts = status === 200 ? shown(read, text) : [reasonOf(text)];
  return [String(status), ...(status === 200 && source !== undefined ? [source] : []), ...parts].join(" ").trim();
}

interface Named {
  readonly metadata: { readonly name?: string; readonly continue?: string; readonly annotations?: object };
  readonly items?: readonly Named[];
  readonly reason?: string;
  readonly code?: number;
}

function shown(read: ListOptionRow["read"], text: string): readonly string[] {
  if (read === "watch") return text.split("\n").filter((line) => line !== "").flatMap(shownEvent);
  const { metadata, items = [] } = parse(text);
  if (read !== "list") return [metadata.name ?? ""];
  return [...items.map((item) => item.metadata.name ?? ""), ...(metadata.continue ? ["+"] : [])];
}

function shownEvent(line: string): readonly string[] {
  const { type, object } = JSON.parse(line) as { readonly type: string; readonly object: Named }; // not checked
  if (type === "ERROR") return [`!${object.code}`];
  if (type === "BOOKMARK") return object.metadata.annotations === undefined ? [] : ["."];
  return [object.metadata.name ?? ""];
}

function reasonOf(text: string): string {
  return text.startsWith("{") ? parse(text).reason ?? "" : text;
}

function parse(text: string): Named {
  return JSON.parse(text) as Named; // not checked: an assertion on what is not there fails
}
