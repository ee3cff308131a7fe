import { type FrameListOptions, listFrame, type ListHead, ListSplitter } from "../kube/list_codec.ts";
import {
  type ObjectMeta,
  readObjectMeta,
  type TypeMeta,
  withoutTypeMeta,
  withResourceVersion,
  withTypeMeta,
} from "../kube/object_meta.ts";
import type { StatusError } from "../kube/status.ts";
import {
  bookmarkObject,
  type BookmarkOptions,
  frameError,
  frameEvent,
  WatchDecoder,
  type WatchFrame,
} from "../kube/watch_codec.ts";

/** A list without its items. */
export type ListFrameOptions = Omit<FrameListOptions, "items">;

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
  /** An item of a built-in list, which has neither. */
  listed(stored: Uint8Array): Uint8Array;
  withResourceVersion(object: Uint8Array, resourceVersion: string): Uint8Array;
  /** What stands before the items of a list, between two and after them. */
  listFrame(
    list: ListFrameOptions,
  ): { readonly start: Uint8Array; readonly separator: Uint8Array; readonly end: Uint8Array };
  frameEvent(type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK", object: Uint8Array): Uint8Array;
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
    return typed === object ? object.slice() : typed;
  },
  listed: withoutTypeMeta,
  withResourceVersion,
  listFrame: (list) => {
    const [start, end] = listFrame(list);
    return { start, separator: comma, end };
  },
  frameEvent,
  bookmarkObject,
  frameError,
};
