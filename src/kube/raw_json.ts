import { elements, MemberCursor } from "./json_cursor.ts";
import { isJsonObject, jsonEqual } from "./json_equal.ts";
import { JsonSyntaxError, skipValue, skipWhitespace } from "./json_scan.ts";
import { joinBytes } from "./joined_bytes.ts";

/** The bytes of one JSON value, without white space around it. */
export type RawJson = Uint8Array;

export type JsonType = "object" | "array" | "string" | "number" | "boolean" | "null";

const TYPES: Readonly<Record<number, JsonType>> = {
  0x7b: "object",
  0x5b: "array",
  0x22: "string",
  0x74: "boolean",
  0x66: "boolean",
  0x6e: "null",
};

interface Member {
  /** As it came, within its quotes. */
  readonly key: RawJson;
  readonly value: RawJson;
}

/**
 * The members of one JSON object, each value as the bytes that came: an object that is changed here and there keeps the
 * digits of its numbers, the spelling of its texts and the order of its members.
 */
export class JsonMembers {
  readonly #members = new Map<string, Member>();
  readonly #came: RawJson;
  #changed = false;

  /** Of members with the same key the last counts, as in Go. @throws JsonSyntaxError where it is no object */
  constructor(object: RawJson) {
    this.#came = object;
    const cursor = new MemberCursor(object);
    while (cursor.next()) {
      const key = object.subarray(cursor.keyStart - 1, cursor.keyEnd + 1);
      const name = cursor.key();
      this.#changed ||= this.#members.has(name);
      this.#members.set(name, { key, value: cursor.value() });
    }
  }

  /** The keys as they are now, in order. */
  keys(): readonly string[] {
    return [...this.#members.keys()];
  }

  has(key: string): boolean {
    return this.#members.has(key);
  }

  get(key: string): RawJson | undefined {
    return this.#members.get(key)?.value;
  }

  /** As `get`, but a member that is null counts as missing: the API server does not tell them apart. */
  present(key: string): RawJson | undefined {
    const value = this.get(key);
    return value === undefined || jsonTypeOf(value) === "null" ? undefined : value;
  }

  /** A new member comes last. */
  set(key: string, value: RawJson): void {
    const present = this.#members.get(key);
    if (present !== undefined && bytesEqual(present.value, value)) return;
    this.#members.set(key, { key: present?.key ?? rawJson(key), value });
    this.#changed = true;
  }

  delete(key: string): void {
    if (this.#members.delete(key)) this.#changed = true;
  }

  /** The object: what came, where nothing has changed. */
  bytes(): RawJson {
    if (!this.#changed) return this.#came;
    const parts: (RawJson | string)[] = [];
    for (const { key, value } of this.#members.values()) parts.push(parts.length === 0 ? "{" : ",", key, ":", value);
    return joinBytes(parts.length === 0 ? ["{}"] : [...parts, "}"]);
  }
}

/** A whole document, which is one value with white space around it at most. @throws JsonSyntaxError */
export function readDocument(bytes: Uint8Array): RawJson {
  const start = skipWhitespace(bytes);
  const end = skipValue(bytes, start);
  if (skipWhitespace(bytes, end) < bytes.length) throw new JsonSyntaxError(`Cannot read JSON: more at offset ${end}`);
  return bytes.subarray(start, end);
}

export function jsonTypeOf(value: RawJson): JsonType {
  return TYPES[value[0] ?? 0] ?? "number";
}

/** Whether it is an object without members or an array without elements. */
export function isEmpty(value: RawJson): boolean {
  const type = jsonTypeOf(value);
  return (type === "object" || type === "array") && skipWhitespace(value, 1) === value.length - 1;
}

/** The elements of an array. @throws JsonSyntaxError where it is none */
export function readElements(array: RawJson): RawJson[] {
  return Array.from(elements(array), ({ start, end }) => array.subarray(start, end));
}

export function writeElements(values: readonly RawJson[]): RawJson {
  return joinBytes(["[", ...values.flatMap((value, index) => (index === 0 ? [value] : [",", value])), "]"]);
}

/** The text of a string; undefined where the value is none. */
export function textOf(value: RawJson | undefined): string | undefined {
  const parsed = value !== undefined && jsonTypeOf(value) === "string" ? parseRaw(value) : undefined;
  return typeof parsed === "string" ? parsed : undefined;
}

export function parseRaw(value: RawJson): unknown {
  return JSON.parse(new TextDecoder().decode(value));
}

/** A value of one's own making. */
export function rawJson(value: unknown): RawJson {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Whether two values say the same: byte for byte, or as `jsonEqual` compares. */
export function rawEqual(a: RawJson | undefined, b: RawJson | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (bytesEqual(a, b)) return true;
  return jsonTypeOf(a) === jsonTypeOf(b) && jsonEqual(parseRaw(a), parseRaw(b));
}

/** As `rawEqual`, but members that are null count as missing, as they do for the API server. */
export function rawEquivalent(a: RawJson | undefined, b: RawJson | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return bytesEqual(a, b) || jsonEqual(withoutNulls(parseRaw(a)), withoutNulls(parseRaw(b)));
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isJsonObject(value)) return value;
  const present = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(present.map(([key, member]) => [key, withoutNulls(member)]));
}

/** Whether a key that begins with `$` stands anywhere in the value. */
export function hasDirective(value: RawJson): boolean {
  const type = jsonTypeOf(value);
  return (type === "object" || type === "array") && holdsDirective(parseRaw(value));
}

function holdsDirective(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsDirective);
  if (!isJsonObject(value)) return false;
  return Object.entries(value).some(([key, member]) => key.startsWith("$") || holdsDirective(member));
}

export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
