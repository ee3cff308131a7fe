import { JsonSyntaxError, skipWhitespace, ValueScanner } from "./json_scan.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Goes through the members of one object, or the elements of one array, in order. Offsets are those of the bytes given.
 *
 * ```ts
 * const members = new MemberCursor(bytes, 0);
 * while (members.next()) if (members.keyIs("metadata")) use(bytes, members.valueStart, members.valueEnd);
 * ```
 */
export class MemberCursor {
  /** Of the key, within its quotes. */
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  #valueEnd = -1;
  readonly #bytes: Uint8Array;
  #at: number;
  #first = true;
  #done = false;
  #entered: MemberCursor | undefined;

  /** @throws JsonSyntaxError where no object begins at `start` */
  constructor(bytes: Uint8Array, start = 0) {
    this.#bytes = bytes;
    const open = skipWhitespace(bytes, start);
    if (bytes[open] !== OPEN_BRACE) throw new JsonSyntaxError(`Cannot read JSON: no object at offset ${open}`);
    this.#at = open + 1;
  }

  /** Offset after the object; missing until `next` has been false. */
  get end(): number | undefined {
    return this.#done ? this.#at : undefined;
  }

  /** Of the value; found when it is asked for. @throws JsonSyntaxError where the value has no end */
  get valueEnd(): number {
    if (this.#valueEnd < 0) this.#valueEnd = this.#skip(this.valueStart);
    return this.#valueEnd;
  }

  /** The members of the value, which must be an object. Reading them to their end spares reading the value again. */
  enter(): MemberCursor {
    this.#entered = new MemberCursor(this.#bytes, this.valueStart);
    return this.#entered;
  }

  /** Goes to the next member; false after the last. @throws JsonSyntaxError */
  next(): boolean {
    if (this.#done) return false;
    const bytes = this.#bytes;
    let at = this.#first ? skipWhitespace(bytes, this.#at) : skipWhitespace(bytes, this.#behindValue());
    if (bytes[at] === CLOSE_BRACE) {
      this.#at = at + 1;
      this.#done = true;
      return false;
    }
    if (!this.#first) at = skipWhitespace(bytes, after(bytes, at, COMMA));
    this.#first = false;
    if (bytes[at] !== QUOTE) throw new JsonSyntaxError(`Cannot read JSON: no key at offset ${at}`);
    this.keyStart = at + 1;
    at = this.#skip(at);
    this.keyEnd = at - 1;
    this.valueStart = skipWhitespace(bytes, after(bytes, skipWhitespace(bytes, at), COLON));
    this.#valueEnd = -1;
    this.#entered = undefined;
    return true;
  }

  /** Whether the key is this one; `key` is ASCII without characters that JSON escapes. */
  keyIs(key: string): boolean {
    if (equalsAscii(this.#bytes, { start: this.keyStart, end: this.keyEnd }, key)) return true;
    // With escapes in it a key is longer, and still the same.
    return this.keyEnd - this.keyStart > key.length && this.#keyIsEscaped() && this.key() === key;
  }

  key(): string {
    return readCommonString(this.#bytes, this.keyStart - 1, this.keyEnd + 1);
  }

  /** The value, which must be a string. @throws JsonSyntaxError */
  string(): string {
    return readString(this.#bytes, this.valueStart, this.valueEnd);
  }

  /** The same of one that comes again and again. */
  commonString(): string {
    return readCommonString(this.#bytes, this.valueStart, this.valueEnd);
  }

  /** The value's bytes: a view. */
  value(): Uint8Array {
    return this.#bytes.subarray(this.valueStart, this.valueEnd);
  }

  /** Whether the value is `null`. */
  get isNull(): boolean {
    return this.#bytes[this.valueStart] === 0x6e;
  }

  #keyIsEscaped(): boolean {
    for (let at = this.keyStart; at < this.keyEnd; at++) if (this.#bytes[at] === BACKSLASH) return true;
    return false;
  }

  #behindValue(): number {
    return this.#entered?.end ?? this.valueEnd;
  }

  #skip(start: number): number {
    skipper.reset();
    const end = skipper.scan(this.#bytes, start);
    if (end >= 0) return end;
    skipper.finish();
    return this.#bytes.length;
  }
}

/** Of all cursors: each use is over before the next begins. */
const skipper = new ValueScanner();

/** The range of one value. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** The elements of the array at `start`, in order. @throws JsonSyntaxError where there is no complete array */
export function* elements(bytes: Uint8Array, start = 0): Generator<ByteRange, void, undefined> {
  const scanner = new ValueScanner();
  let at = after(bytes, skipWhitespace(bytes, start), OPEN_BRACKET);
  at = skipWhitespace(bytes, at);
  if (bytes[at] === CLOSE_BRACKET) return;
  for (;;) {
    const begin = skipWhitespace(bytes, at);
    scanner.reset();
    const end = scanner.scan(bytes, begin);
    if (end < 0) throw new JsonSyntaxError("Cannot read JSON: it ends within an array");
    yield { start: begin, end };
    at = skipWhitespace(bytes, end);
    if (bytes[at] === CLOSE_BRACKET) return;
    at = after(bytes, at, COMMA);
  }
}

/** The string whose quotes are the first and the last byte of the range. @throws JsonSyntaxError where it is none */
export function readString(bytes: Uint8Array, start: number, end: number): string {
  if (bytes[start] !== QUOTE || end - start < 2) throw new JsonSyntaxError("Cannot read JSON: no string");
  for (let at = start + 1; at < end - 1; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === BACKSLASH || byte >= 0x80) return readAnyString(bytes, start, end);
  }
  return asciiText(bytes, { start: start + 1, end: end - 1 });
}

/**
 * The same of a string that comes again and again, as keys, kinds and namespaces do: the same text is made once, which
 * spares time and memory.
 */
function readCommonString(bytes: Uint8Array, start: number, end: number): string {
  if (bytes[start] !== QUOTE || end - start < 2 || end - start > commonLength) return readString(bytes, start, end);
  let hash = end - start;
  for (let at = start + 1; at < end - 1; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === BACKSLASH || byte >= 0x80) return readString(bytes, start, end);
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  const slot = hash & (commonTexts.length - 1);
  const known = commonTexts[slot];
  if (known !== undefined && equalsAscii(bytes, { start: start + 1, end: end - 1 }, known)) return known;
  return commonTexts[slot] = readString(bytes, start, end);
}

/** Texts that were read last, by their hash: one that has another's place is made anew each time, no more. */
const commonTexts: (string | undefined)[] = Array.from({ length: 1024 });
/** Of a text that is kept, with its quotes. */
const commonLength = 66;

/** Eight characters at once: one by one they cost more, most of all in memory. */
function asciiText(bytes: Uint8Array, { start, end }: ByteRange): string {
  let text = "";
  let at = start;
  for (; at + 8 <= end; at += 8) {
    text += String.fromCharCode(
      bytes[at] ?? 0,
      bytes[at + 1] ?? 0,
      bytes[at + 2] ?? 0,
      bytes[at + 3] ?? 0,
      bytes[at + 4] ?? 0,
      bytes[at + 5] ?? 0,
      bytes[at + 6] ?? 0,
      bytes[at + 7] ?? 0,
    );
  }
  for (; at < end; at++) text += String.fromCharCode(bytes[at] ?? 0);
  return text;
}

/** The string of the value at `start`; missing where the value is no string. */
export function readStringAt(bytes: Uint8Array, range: ByteRange): string | undefined {
  return bytes[range.start] === QUOTE ? readString(bytes, range.start, range.end) : undefined;
}

function readAnyString(bytes: Uint8Array, start: number, end: number): string {
  const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(start, end)));
  if (typeof parsed !== "string") throw new JsonSyntaxError("Cannot read JSON: no string");
  return parsed;
}

function equalsAscii(bytes: Uint8Array, { start, end }: ByteRange, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let index = 0; index < text.length; index++) {
    if (bytes[start + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

function after(bytes: Uint8Array, at: number, byte: number): number {
  if (bytes[at] === byte) return at + 1;
  throw new JsonSyntaxError(`Cannot read JSON: no '${String.fromCharCode(byte)}' at offset ${at}`);
}
