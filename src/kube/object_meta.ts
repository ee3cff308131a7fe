import { type ByteRange, MemberCursor, readStringAt } from "./json_cursor.ts";
import { JsonSyntaxError, skipWhitespace } from "./json_scan.ts";

/** What the hub needs to know of an object. Texts are empty where the object lacks them. */
export interface ObjectMeta {
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
  readonly generation?: number;
  /** Whether it is annotated `k8s.io/initial-events-end: "true"`: the bookmark that ends a WatchList's initial state. */
  readonly initialEventsEnd: boolean;
}

/** The type of an object. */
export interface TypeMeta {
  readonly apiVersion: string;
  readonly kind: string;
}

export const INITIAL_EVENTS_END = "k8s.io/initial-events-end";

const NO_LABELS: Readonly<Record<string, string>> = Object.freeze({});

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Reads type and metadata without parsing the rest: of each of the three members the first, where there are several. Reading
 * ends with the last of them, so what comes behind is not checked here.
 *
 * @throws JsonSyntaxError where the bytes are no object, or a member is no string where it must be one
 */
export function readObjectMeta(object: Uint8Array): ObjectMeta {
  const meta: Mutable<ObjectMeta> = {
    apiVersion: "",
    kind: "",
    namespace: "",
    name: "",
    uid: "",
    resourceVersion: "",
    labels: NO_LABELS,
    initialEventsEnd: false,
  };
  const members = new MemberCursor(object);
  let [kind, apiVersion, metadata] = [false, false, false];
  while (!(kind && apiVersion && metadata) && members.next()) {
    if (!kind && members.keyIs("kind")) {
      meta.kind = members.commonString();
      kind = true;
    } else if (!apiVersion && members.keyIs("apiVersion")) {
      meta.apiVersion = members.commonString();
      apiVersion = true;
    } else if (!metadata && members.keyIs("metadata")) {
      readMetadata(members.enter(), meta);
      metadata = true;
    }
  }
  return meta;
}

function readMetadata(members: MemberCursor, meta: Mutable<ObjectMeta>): void {
  while (members.next()) {
    if (members.isNull) continue;
    switch (members.key()) {
      case "namespace":
        meta.namespace = members.commonString();
        break;
      case "name":
        meta.name = members.string();
        break;
      case "uid":
        meta.uid = members.string();
        break;
      case "resourceVersion":
        meta.resourceVersion = members.string();
        break;
      case "deletionTimestamp":
        meta.deletionTimestamp = members.string();
        break;
      case "generation":
        meta.generation = readNumber(members);
        break;
      case "labels":
        meta.labels = readStringMap(members.enter());
        break;
      case "annotations":
        meta.initialEventsEnd = hasInitialEventsEnd(members.enter());
    }
  }
}

function readNumber(members: MemberCursor): number {
  const number: unknown = JSON.parse(new TextDecoder().decode(members.value()));
  if (typeof number !== "number" || !Number.isFinite(number)) throw new JsonSyntaxError("Cannot read JSON: no number");
  return number;
}

function readStringMap(members: MemberCursor): Record<string, string> {
  const entries: [string, string][] = [];
  while (members.next()) entries.push([members.key(), members.commonString()]);
  return Object.fromEntries(entries);
}

function hasInitialEventsEnd(members: MemberCursor): boolean {
  while (members.next()) if (members.keyIs(INITIAL_EVENTS_END)) return members.string() === "true";
  return false;
}

/**
 * Puts `kind` and `apiVersion` in front, in this order, where they are missing. An object that has both is returned as
 * it is.
 *
 * @throws JsonSyntaxError
 */
export function withTypeMeta(object: Uint8Array, type: TypeMeta): Uint8Array {
  const present = findTypeMeta(object);
  const added: string[] = [];
  if (present.kind === undefined) added.push(`"kind":${JSON.stringify(type.kind)}`);
  if (present.apiVersion === undefined) added.push(`"apiVersion":${JSON.stringify(type.apiVersion)}`);
  if (added.length === 0) return object;
  return insertMember(object, skipWhitespace(object), added.join(","));
}

/** How objects of a type begin where their type stands in front, as the API server writes it and `withTypeMeta` puts it in. */
export function typeMetaPrefix({ kind, apiVersion }: TypeMeta): Uint8Array {
  return new TextEncoder().encode(`{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},`);
}

/** Takes `kind` and `apiVersion` off; the inverse of `withTypeMeta`, byte for byte. @throws JsonSyntaxError */
export function withoutTypeMeta(object: Uint8Array): Uint8Array {
  const { kind, apiVersion } = findTypeMeta(object);
  const cut = [kind, apiVersion].filter((range) => range !== undefined).toSorted((a, b) => b.start - a.start);
  return cut.reduce(cutMember, object);
}

/** Replaces `metadata.resourceVersion`, or puts it in where it is missing; all other bytes stay. @throws JsonSyntaxError */
export function withResourceVersion(object: Uint8Array, resourceVersion: string): Uint8Array {
  const members = new MemberCursor(object);
  while (members.next()) {
    if (!members.keyIs("metadata")) continue;
    const inner = new MemberCursor(object, members.valueStart);
    while (inner.next()) {
      if (!inner.keyIs("resourceVersion")) continue;
      return splice(object, { start: inner.valueStart, end: inner.valueEnd }, JSON.stringify(resourceVersion));
    }
    return insertMember(object, members.valueStart, `"resourceVersion":${JSON.stringify(resourceVersion)}`);
  }
  const metadata = `"metadata":{"resourceVersion":${JSON.stringify(resourceVersion)}}`;
  return insertMember(object, skipWhitespace(object), metadata);
}

function findTypeMeta(object: Uint8Array): { kind?: ByteRange; apiVersion?: ByteRange } {
  const found: { kind?: ByteRange; apiVersion?: ByteRange } = {};
  const members = new MemberCursor(object);
  while ((found.kind === undefined || found.apiVersion === undefined) && members.next()) {
    const range = { start: members.keyStart - 1, end: members.valueEnd };
    const value = readStringAt(object, { start: members.valueStart, end: members.valueEnd });
    if (value === undefined) continue;
    if (members.keyIs("kind")) found.kind ??= range;
    else if (members.keyIs("apiVersion")) found.apiVersion ??= range;
  }
  return found;
}

/** Puts a member's text behind the brace at `open`, with a comma where others follow. */
function insertMember(object: Uint8Array, open: number, text: string): Uint8Array {
  if (object[open] !== 0x7b) throw new JsonSyntaxError(`Cannot read JSON: no object at offset ${open}`);
  const empty = object[skipWhitespace(object, open + 1)] === 0x7d;
  return splice(object, { start: open + 1, end: open + 1 }, empty ? text : `${text},`);
}

function cutMember(object: Uint8Array, range: ByteRange): Uint8Array {
  const next = skipWhitespace(object, range.end);
  if (object[next] === 0x2c) return splice(object, { start: range.start, end: next + 1 }, "");
  let before = range.start - 1;
  while (before > 0 && object[before] !== 0x2c && object[before] !== 0x7b) before--;
  return splice(object, { start: object[before] === 0x2c ? before : before + 1, end: range.end }, "");
}

function splice(bytes: Uint8Array, range: ByteRange, text: string): Uint8Array {
  const inserted = new TextEncoder().encode(text);
  const result = new Uint8Array(bytes.length - (range.end - range.start) + inserted.length);
  result.set(bytes.subarray(0, range.start));
  result.set(inserted, range.start);
  result.set(bytes.subarray(range.end), range.start + inserted.length);
  return result;
}
