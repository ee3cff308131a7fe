import type { RawAnswer } from "./asker.ts";
import type { KubeJson } from "./kinds.ts";

/**
 * What two answers to one question must have in common. Versions that move without anything being written (those of lists
 * and bookmarks) are left out, ages of Tables too.
 */
export interface AnswerShape {
  readonly status: number;
  readonly contentType: string;
  readonly retryAfter: string | undefined;
  /** A Status, an object, or the head of a list. */
  readonly head: unknown;
  /** Of a list or Table. */
  readonly items: readonly string[];
  /** Of a watch: those that make up the state at its begin are in the order of their names. */
  readonly events: readonly string[];
}

interface WatchEventJson {
  readonly type: string;
  readonly object: KubeJson & { readonly code?: number };
}

interface ListJson extends Omit<KubeJson, "metadata"> {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly KubeJson[] | null;
  readonly rows?: readonly unknown[];
}

/** @throws SyntaxError where the answer is no JSON */
export function shapeOf(answer: RawAnswer, isWatch: boolean): AnswerShape {
  const { status, contentType, retryAfter } = answer;
  const common = { status, contentType, retryAfter };
  if (!contentType.startsWith("application/json")) return { ...common, head: answer.text, items: [], events: [] };
  if (isWatch && status === 200) return { ...common, head: answer.ended, items: [], events: eventShapes(answer.text) };
  const body = JSON.parse(answer.text) as ListJson; // compared as it is
  if (status !== 200) return { ...common, head: withoutMovingVersions(body), items: [], events: [] };
  const { items, rows, metadata, ...head } = body;
  if (items === undefined && rows === undefined) return { ...common, head: body, items: [], events: [] };
  const { resourceVersion: _version, continue: token, ...rest } = metadata ?? {};
  return {
    ...common,
    head: { ...head, metadata: rest, hasMore: (token ?? "") !== "" },
    items: (rows ?? items ?? []).map((item) => withoutAges(JSON.stringify(item))),
    events: [],
  };
}

/** The `continue` token of a list, where it has one. */
export function tokenOf(answer: RawAnswer): string {
  if (answer.status !== 200 || !answer.contentType.startsWith("application/json")) return "";
  return (JSON.parse(answer.text) as ListJson).metadata?.continue ?? "";
}

function eventShapes(text: string): string[] {
  const shapes: string[] = [];
  const initial: string[] = [];
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const { type, object } = JSON.parse(line) as WatchEventJson; // of the API server, or to be found different from it
    if (type === "ADDED") initial.push(`ADDED ${withoutAges(JSON.stringify(object))}`);
    else {
      shapes.push(...initial.splice(0).sort());
      if (type !== "BOOKMARK") shapes.push(withoutAges(`${type} ${JSON.stringify(withoutMovingVersions(object))}`));
      else if (object.metadata?.annotations !== undefined) shapes.push(bookmarkShape(object));
    }
  }
  return [...shapes, ...initial.sort()];
}

function bookmarkShape(object: KubeJson): string {
  const { apiVersion, kind, metadata: { resourceVersion: _moves, ...metadata }, ...rest } = object;
  return `BOOKMARK ${JSON.stringify({ apiVersion, kind, metadata, ...rest })}`;
}

/** The API server's messages name its own version of the moment. */
function withoutMovingVersions(status: unknown): unknown {
  const text = JSON.stringify(status).replaceAll(/current: \d+/g, "current: N").replaceAll(
    /(old resource version: \d+) \(\d+\)/g,
    "$1 (N)",
  );
  return JSON.parse(text);
}

/** Cells of Tables that say how long ago something was. */
function withoutAges(text: string): string {
  return text.replaceAll(/"\d+(?:s|m(?:\d+s)?|h(?:\d+m)?)"/g, '"AGE"');
}
