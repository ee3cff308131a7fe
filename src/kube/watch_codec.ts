import { BOOKMARK_MEMBERS } from "./bookmark_members.ts";
import { MemberCursor } from "./json_cursor.ts";
import { JsonSyntaxError, skipWhitespace } from "./json_scan.ts";
import { INITIAL_EVENTS_END, type TypeMeta } from "./object_meta.ts";
import { PartialValue } from "./partial_value.ts";
import { statusBody, type StatusError } from "./status.ts";

export type WatchEventType = "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";

/** One event of a watch; the object's bytes as they were sent. */
export interface WatchFrame {
  readonly type: WatchEventType;
  readonly object: Uint8Array;
}

/** Bytes of one event at most. */
export const WATCH_FRAME_BYTES_MAX: number = 16 * 1024 * 1024;

const EVENT_TYPES: readonly WatchEventType[] = ["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"];

interface Prefix {
  readonly type: WatchEventType;
  readonly bytes: Uint8Array;
}

/** How the API server begins the events of each type. */
const PREFIXES: readonly Prefix[] = EVENT_TYPES.map((type) => ({ type, bytes: encode(`{"type":"${type}","object":`) }));

/** What stands behind the object in an event. Shared: nobody changes it. */
export const EVENT_END: Uint8Array = encode("}\n");

/** Takes a watch's events apart while they arrive, in whatever chunks. */
export class WatchDecoder {
  readonly #partial = new PartialValue(WATCH_FRAME_BYTES_MAX);

  /** Whether an event has begun and not ended: the stream broke off if it ends now. */
  get incomplete(): boolean {
    return this.#partial.open;
  }

  /**
   * Takes the next chunk.
   *
   * @returns the events that are now complete, in order. An object that lay within the chunk is a view of it, one that
   * came in several is a copy: keep `slice()` of it where the chunk is used again, or should not be kept in memory.
   * @throws JsonSyntaxError where it is no event, or exceeds WATCH_FRAME_BYTES_MAX
   */
  push(chunk: Uint8Array): WatchFrame[] {
    const frames: WatchFrame[] = [];
    for (let at = 0;;) {
      if (!this.#partial.open) at = skipWhitespace(chunk, at);
      if (at >= chunk.length) return frames;
      at = this.#partial.take(chunk, at);
      if (at < 0) return frames;
      const commas = this.#partial.outerCommas;
      frames.push(readFrame(this.#partial.close(), commas));
    }
  }
}

function readFrame(frame: Uint8Array, commas: number): WatchFrame {
  for (const { type, bytes } of PREFIXES) {
    // Two members, and the known first one with its comma: what lies between is the object.
    if (commas === 1 && startsWith(frame, bytes)) {
      return { type, object: trimEnd(frame.subarray(skipWhitespace(frame, bytes.length), frame.length - 1)) };
    }
  }
  return readAnyFrame(frame);
}

function readAnyFrame(frame: Uint8Array): WatchFrame {
  let type: WatchEventType | undefined;
  let object: Uint8Array | undefined;
  const members = new MemberCursor(frame);
  while (members.next()) {
    if (members.keyIs("type")) type = eventType(members.string());
    else if (members.keyIs("object")) object = members.value();
  }
  if (type === undefined || object === undefined) {
    throw new JsonSyntaxError("Cannot read the watch event: it has no type or no object");
  }
  return { type, object };
}

function eventType(text: string): WatchEventType {
  const type = EVENT_TYPES.find((known) => known === text);
  if (type === undefined) {
    throw new JsonSyntaxError(`Cannot read the watch event: unknown type ${JSON.stringify(text)}`);
  }
  return type;
}

/** An event as the API server frames it, with a line feed at its end. */
export function frameEvent(type: WatchEventType, object: Uint8Array): Uint8Array {
  const prefix = eventPrefix(type);
  // Clients that read line by line: an object that was an answer's body ends with a line feed.
  const trimmed = trimEnd(object);
  const frame = new Uint8Array(prefix.length + trimmed.length + EVENT_END.length);
  frame.set(prefix);
  frame.set(trimmed, prefix.length);
  frame.set(EVENT_END, prefix.length + trimmed.length);
  return frame;
}

/** What stands before the object in an event of a type. Shared: nobody changes it. */
export function eventPrefix(type: WatchEventType): Uint8Array {
  for (const prefix of PREFIXES) if (prefix.type === type) return prefix.bytes;
  return encode(`{"type":"${type}","object":`);
}

export interface BookmarkOptions extends TypeMeta {
  readonly resourceVersion: string;
  /** Annotates it as the end of a WatchList's initial events (KEP-3157). */
  readonly initialEventsEnd?: boolean;
}

/** A bookmark event. */
export function frameBookmark(options: BookmarkOptions): Uint8Array {
  return frameEvent("BOOKMARK", bookmarkObject(options));
}

/** A bookmark's object, with the empty members that the API server of 1.36 gives it for the commonly watched kinds. */
export function bookmarkObject(options: BookmarkOptions): Uint8Array {
  const { apiVersion, kind, resourceVersion } = options;
  const annotations = options.initialEventsEnd === true ? { annotations: { [INITIAL_EVENTS_END]: "true" } } : {};
  const json = JSON.stringify({ kind, apiVersion, metadata: { resourceVersion, ...annotations } });
  const members = BOOKMARK_MEMBERS.get(`${apiVersion} ${kind}`) ?? "";
  return encode(`${json.slice(0, -1)}${members}}`);
}

/** An ERROR event with the Status; the watch ends after it. */
export function frameError(error: StatusError): Uint8Array {
  return frameEvent("ERROR", statusBody(error));
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (bytes.length < prefix.length) return false;
  for (let index = 0; index < prefix.length; index++) if (bytes[index] !== prefix[index]) return false;
  return true;
}

function trimEnd(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0) {
    const byte = bytes[end - 1];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    end--;
  }
  return end === bytes.length ? bytes : bytes.subarray(0, end);
}
