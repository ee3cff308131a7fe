import { type FrameListOptions, listFrame, type ListHead, ListSplitter } from "../kube/list_codec.ts";
import {
  type ObjectMeta,
  readObjectMeta,
  type TypeMeta,
  typeMetaPrefix,
  withoutTypeMeta,
  withResourceVersion,
  withTypeMeta,
} from "../kube/object_meta.ts";
import type { StatusError } from "../kube/status.ts";
import {
  bookmarkObject,
  type BookmarkOptions,
  EVENT_END,
  eventPrefix,
  frameError,
  frameEvent,
  WatchDecoder,
  type WatchFrame,
} from "../kube/watch_codec.ts";

/** How objects are written one after the other without making anything of each. Shared: nobody changes its bytes. */
export interface Framing {
  /** Before each. */
  readonly lead: Uint8Array;
  /** Bytes at the beginning of each that are left out. */
  readonly skip: number;
  /** Behind each. */
  readonly tail: Uint8Array;
  /** Whether an object can be written so. */
  fits(object: Uint8Array): boolean;
}

/** A list without its items. */
export type ListFrameOptions = Omit<FrameListOptions, "items">;

/** What a list is made of around its items. */
export interface ListFrame {
  readonly start: Uint8Array;
  /** Of stored objects, the first apart from those that follow: a built-in list has them without their type. */
  readonly first: Framing;
  readonly next: Framing;
  /** What an object becomes that does not fit, behind a separator unless it is the first. */
  item(stored: Uint8Array, first: boolean): Uint8Array;
  readonly end: Uint8Array;
}

/**
 * One encoding of objects, lists and watches, handled as bytes (R17, R18). The encoding is part of a collection's key:
 * nothing else of the replica knows it.
 */
export interface Codec {
  readonly name: string;
  /** Of objects and lists. */
  readonly mediaType: string;
  /** Of watches. */
  readonly watchMediaType: string;
  listSplitter(): { push(chunk: Uint8Array): readonly Uint8Array[]; end(): ListHead };
  watchDecoder(): { push(chunk: Uint8Array): readonly WatchFrame[]; readonly incomplete: boolean };
  readMeta(object: Uint8Array): ObjectMeta;
  /** The stored form: with `kind` and `apiVersion` in front, and bytes of its own, no view of a chunk. */
  stored(object: Uint8Array, type: TypeMeta): Uint8Array;
  withResourceVersion(object: Uint8Array, resourceVersion: string): Uint8Array;
  listFrame(list: ListFrameOptions & { readonly itemKind: string }): ListFrame;
  frameEvent(type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK", object: Uint8Array): Uint8Array;
  /** The same for many objects. */
  eventFraming(type: "ADDED"): Framing;
  bookmarkObject(options: BookmarkOptions): Uint8Array;
  frameError(error: StatusError): Uint8Array;
}

const comma = Uint8Array.of(0x2c);

/** JSON, the canonical form (R12). */
export const jsonCodec: Codec = {
  name: "json",
  mediaType: "application/json",
  watchMediaType: "application/json",
  listSplitter: () => new ListSplitter(),
  watchDecoder: () => new WatchDecoder(),
  readMeta: readObjectMeta,
  stored: (object, type) => {
    const typed = withTypeMeta(object, { apiVersion: type.apiVersion, kind: type.kind });
    return typed === object ? new Uint8Array(object) : typed; // a Buffer's `slice` would be a view
  },
  withResourceVersion,
  listFrame: (list) => {
    const [start, end] = listFrame(list);
    return { start, end, ...(list.custom === true ? customItems : builtInItems(list.apiVersion, list.itemKind)) };
  },
  frameEvent,
  eventFraming: (type) => ({ lead: eventPrefix(type), skip: 0, tail: EVENT_END, fits: endsWithBrace }),
  bookmarkObject,
  frameError,
};

const none = new Uint8Array();
const openBrace = Uint8Array.of(0x7b);
const commaAndOpenBrace = Uint8Array.of(0x2c, 0x7b);
const always = () => true;

const customItems: Pick<ListFrame, "first" | "next" | "item"> = {
  first: { lead: none, skip: 0, tail: none, fits: always },
  next: { lead: comma, skip: 0, tail: none, fits: always },
  item: separated,
};

/** Nearly all stored objects begin with their type, which is then cut off without a look at the rest. */
function builtInItems(apiVersion: string, kind: string): Pick<ListFrame, "first" | "next" | "item"> {
  const prefix = typeMetaPrefix({ apiVersion, kind });
  const fits = (stored: Uint8Array) => startsWith(stored, prefix);
  return {
    first: { lead: openBrace, skip: prefix.length, tail: none, fits },
    next: { lead: commaAndOpenBrace, skip: prefix.length, tail: none, fits },
    item: (stored, first) => separated(withoutTypeMeta(stored), first),
  };
}

function separated(item: Uint8Array, first: boolean): Uint8Array {
  if (first) return item;
  const bytes = new Uint8Array(item.length + 1);
  bytes.set(comma);
  bytes.set(item, 1);
  return bytes;
}

/** An object that was an answer's body ends with a line feed: in an event it may not. */
function endsWithBrace(object: Uint8Array): boolean {
  return object[object.length - 1] === 0x7d;
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  for (let index = 0; index < prefix.length; index++) if (bytes[index] !== prefix[index]) return false;
  return true;
}
