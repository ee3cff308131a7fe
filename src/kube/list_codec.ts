import { MemberCursor, readString } from "./json_cursor.ts";
import { JsonSyntaxError, skipWhitespace } from "./json_scan.ts";
import type { TypeMeta } from "./object_meta.ts";
import { PartialValue } from "./partial_value.ts";

/** All of a list but its items. Texts are empty where it lacks them. */
export interface ListHead {
  readonly apiVersion: string;
  readonly kind: string;
  readonly resourceVersion: string;
  /** The token for the next page; empty at the last. */
  readonly continue: string;
  readonly remainingItemCount?: number;
}

/** Bytes of one item, or of one other member of the list, at most. */
export const LIST_ITEM_BYTES_MAX: number = 16 * 1024 * 1024;

const COUNTED_MEMBERS: ReadonlySet<string> = new Set(["kind", "apiVersion", "metadata", "items"]);

const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const CLOSE_BRACE = 0x7d;

/** What comes next outside of items and members' values. */
type Expectation =
  | "object"
  | "key or end"
  | "key"
  | "colon"
  | "value"
  | "items"
  | "item or end"
  | "item"
  | "after item"
  | "after value"
  | "nothing";

/**
 * Takes a list apart while it arrives, in whatever chunks. Only the item under way is buffered. `items` may stand
 * anywhere: built-in resources have it last, custom resources before `kind` and `metadata`.
 */
export class ListSplitter {
  readonly #partial = new PartialValue(LIST_ITEM_BYTES_MAX);
  #expectation: Expectation = "object";
  #key = "";
  readonly #seen = new Set<string>();
  #head: { -readonly [K in keyof ListHead]: ListHead[K] } = {
    apiVersion: "",
    kind: "",
    resourceVersion: "",
    continue: "",
  };

  /**
   * Takes the next chunk.
   *
   * @returns the items that are now complete, in order. An item that lay within the chunk is a view of it, one that
   * came in several is a copy: keep `slice()` of it where the chunk is used again, or should not be kept in memory.
   * @throws JsonSyntaxError where it is no list, or an item exceeds LIST_ITEM_BYTES_MAX
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const items: Uint8Array[] = [];
    for (let at = 0; at < chunk.length;) {
      if (this.#partial.open || this.#startsValue(chunk, at)) {
        const end = this.#partial.take(chunk, at);
        if (end < 0) break;
        at = end;
        this.#endValue(this.#partial.close(), items);
      } else {
        at = this.#punctuation(chunk, at);
      }
    }
    return items;
  }

  /** Tells that the list has ended. @throws JsonSyntaxError where it is not complete */
  end(): ListHead {
    if (this.#expectation !== "nothing") throw new JsonSyntaxError("Cannot split the list: it is cut off");
    return this.#head;
  }

  #startsValue(chunk: Uint8Array, at: number): boolean {
    const byte = chunk[at] ?? 0;
    if (isWhitespace(byte)) return false;
    switch (this.#expectation) {
      case "value":
      case "item":
      case "key":
        return true;
      case "key or end":
        return byte !== CLOSE_BRACE;
      case "item or end":
        return byte !== CLOSE_BRACKET;
      case "items":
        return byte !== OPEN_BRACKET;
      default:
        return false;
    }
  }

  #punctuation(chunk: Uint8Array, start: number): number {
    const at = skipWhitespace(chunk, start);
    if (at === chunk.length) return at;
    if (at > start) return at;
    const next = nextExpectation(this.#expectation, chunk[at] ?? 0);
    if (next === undefined) {
      throw new JsonSyntaxError(`Cannot split the list: no ${this.#expectation} where one should be`);
    }
    this.#expectation = next === "value" && this.#key === "items" ? "items" : next;
    return at + 1;
  }

  #endValue(value: Uint8Array, items: Uint8Array[]): void {
    switch (this.#expectation) {
      case "key":
      case "key or end":
        this.#key = readString(value, 0, value.length);
        this.#once(this.#key);
        this.#expectation = "colon";
        return;
      case "item":
      case "item or end":
        items.push(value);
        this.#expectation = "after item";
        return;
      case "items":
        if (value[0] !== 0x6e) throw new JsonSyntaxError("Cannot split the list: items is no array");
        break;
      default:
        this.#readMember(value);
    }
    this.#expectation = "after value";
  }

  /** Of two members that count it is not known which one was meant. */
  #once(key: string): void {
    if (!COUNTED_MEMBERS.has(key)) return;
    if (this.#seen.has(key)) throw new JsonSyntaxError(`Cannot split the list: ${key} twice`);
    this.#seen.add(key);
  }

  #readMember(value: Uint8Array): void {
    if (this.#key === "kind") this.#head.kind = readString(value, 0, value.length);
    else if (this.#key === "apiVersion") this.#head.apiVersion = readString(value, 0, value.length);
    else if (this.#key === "metadata" && value[0] === 0x7b) this.#readMetadata(value);
  }

  #readMetadata(value: Uint8Array): void {
    const members = new MemberCursor(value);
    while (members.next()) {
      if (members.keyIs("resourceVersion")) this.#head.resourceVersion = members.isNull ? "" : members.string();
      else if (members.keyIs("continue")) this.#head.continue = members.isNull ? "" : members.string();
      else if (members.keyIs("remainingItemCount") && !members.isNull) {
        this.#head.remainingItemCount = Number(new TextDecoder().decode(members.value()));
      }
    }
  }
}

function nextExpectation(expectation: Expectation, byte: number): Expectation | undefined {
  switch (expectation) {
    case "object":
      return byte === 0x7b ? "key or end" : undefined;
    case "colon":
      return byte === 0x3a ? "value" : undefined;
    case "items":
      return "item or end";
    case "item or end":
      return "after value";
    case "key or end":
      return "nothing";
    case "after item":
      return byte === COMMA ? "item" : byte === CLOSE_BRACKET ? "after value" : undefined;
    case "after value":
      return byte === COMMA ? "key" : byte === CLOSE_BRACE ? "nothing" : undefined;
    default:
      return undefined;
  }
}

function isWhitespace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Takes a whole list apart; the items are views of it. @throws JsonSyntaxError */
export function splitList(bytes: Uint8Array): { readonly head: ListHead; readonly items: Uint8Array[] } {
  const splitter = new ListSplitter();
  const items = splitter.push(bytes);
  return { head: splitter.end(), items };
}

export interface FrameListOptions extends TypeMeta {
  readonly resourceVersion: string;
  readonly items: Iterable<Uint8Array>;
  readonly continue?: string;
  readonly remainingItemCount?: number;
  /** Writes the members in the order that the API server has for custom resources: by name. @default {false} */
  readonly custom?: boolean;
}

const FRAME_BYTES = 64 * 1024;

/** A list as JSON, in pieces of 64 KiB or of one larger item; the items as they are. `kind` is the list's: `PodList`. */
export function* frameList(options: FrameListOptions): Generator<Uint8Array, void, undefined> {
  const [start, end] = options.custom === true ? customFrame(options) : builtInFrame(options);
  let parts: Uint8Array[] = [encode(start)];
  let length = start.length;
  let separator: Uint8Array | undefined;
  for (const item of options.items) {
    if (separator !== undefined) parts.push(separator);
    separator = COMMA_BYTES;
    parts.push(item);
    length += item.length + 1;
    if (length >= FRAME_BYTES) {
      yield concat(parts);
      parts = [];
      length = 0;
    }
  }
  parts.push(encode(end));
  yield concat(parts);
}

/** What stands before the items of a list and after them; between two items a comma. */
export function listFrame(options: Omit<FrameListOptions, "items">): readonly [start: Uint8Array, end: Uint8Array] {
  const [start, end] = options.custom === true ? customFrame(options) : builtInFrame(options);
  return [encode(start), encode(end)];
}

const COMMA_BYTES: Uint8Array = Uint8Array.of(COMMA);

function builtInFrame(options: Omit<FrameListOptions, "items">) {
  const { apiVersion, kind, resourceVersion, continue: token, remainingItemCount } = options;
  const metadata = {
    resourceVersion,
    ...(token ? { continue: token } : {}),
    ...(remainingItemCount ? { remainingItemCount } : {}),
  };
  const type = `"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)}`;
  return [`{${type},"metadata":${JSON.stringify(metadata)},"items":[`, "]}\n"] as const;
}

function customFrame(options: Omit<FrameListOptions, "items">) {
  const { apiVersion, kind, resourceVersion, continue: token, remainingItemCount } = options;
  const metadata = {
    continue: token ?? "",
    ...(remainingItemCount ? { remainingItemCount } : {}),
    resourceVersion,
  };
  const rest = `"kind":${JSON.stringify(kind)},"metadata":${JSON.stringify(metadata)}`;
  return [`{"apiVersion":${JSON.stringify(apiVersion)},"items":[`, `],${rest}}\n`] as const;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const only = parts[0];
  if (parts.length === 1 && only !== undefined) return only;
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
