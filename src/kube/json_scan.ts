/** The bytes are no JSON. A SyntaxError of its own, so that it is never taken for a fault of the program. */
export class JsonSyntaxError extends SyntaxError {
  override readonly name = "JsonSyntaxError";
}

/** Containers in one another, as in Go's encoding/json. */
export const JSON_DEPTH_MAX = 10_000;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

// What may come next. Strings, numbers and literals are states too, so that a scan can stop within one of them.
const VALUE = 0;
const VALUE_OR_END = 1;
const KEY = 2;
const KEY_OR_END = 3;
const AFTER_KEY = 4;
const AFTER_VALUE = 5;
const IN_STRING = 6;
const IN_ESCAPE = 7;
const IN_UNICODE = 8;
const IN_LITERAL = 9;
const IN_NUMBER = 10;
const DONE = 11;

// Steps of RFC 8259's number grammar; those from INTEGER_ZERO on may be the last.
const MINUS = 0;
const POINT = 1;
const EXPONENT = 2;
const EXPONENT_SIGN = 3;
const INTEGER_ZERO = 4;
const INTEGER = 5;
const FRACTION = 6;
const EXPONENT_DIGITS = 7;

const LITERALS: Readonly<Record<number, string>> = { 0x74: "true", 0x66: "false", 0x6e: "null" };

/**
 * Finds the end of one JSON value that may come in any number of chunks, checking all of its syntax. It keeps no bytes;
 * its memory is one byte for each open container, and its stack does not grow with them.
 */
export class ValueScanner {
  #state = VALUE;
  #depth = 0;
  /** 1 for an object, 0 for an array, by depth. */
  #containers = new Uint8Array(64);
  /** Whether the string under way is a key. */
  #isKey = false;
  #literal = "";
  /** Position in a literal, or count of hexadecimal digits. */
  #progress = 0;
  #number = INTEGER;
  #commas = 0;

  /** Commas directly within the value: its members or elements but one. */
  get outerCommas(): number {
    return this.#commas;
  }

  /** Whether a value is under way. A number is until `finish` or a byte that is no part of it. */
  get started(): boolean {
    return this.#state !== VALUE || this.#depth > 0;
  }

  /** Begins anew with the next value. */
  reset(): void {
    this.#state = VALUE;
    this.#depth = 0;
    this.#commas = 0;
  }

  /**
   * Reads from `start` on.
   *
   * @returns the offset after the value's last byte; -1 where `bytes` end before it does
   * @throws JsonSyntaxError
   */
  scan(bytes: Uint8Array, start = 0): number {
    const end = bytes.length;
    let at = start;
    while (at < end) {
      at = this.#state === IN_STRING ? this.#strings(bytes, at) : this.#step(bytes, at);
      if (this.#state === DONE) return at;
    }
    return -1;
  }

  /**
   * Reads on from within a string, and through the strings that follow it with nothing but punctuation between: most of
   * an object's bytes are read here, without a turn through the states for each byte.
   */
  #strings(bytes: Uint8Array, start: number): number {
    const inObject = this.#depth > 0 && this.#containers[this.#depth - 1] === 1;
    let isKey = this.#isKey;
    let at = start;
    for (;;) {
      at = skipPlain(bytes, at);
      if (bytes[at] !== QUOTE) break;
      at++;
      if (isKey && bytes[at] === COLON && bytes[at + 1] === QUOTE) {
        isKey = false;
        at += 2;
      } else if (!isKey && this.#depth > 0 && bytes[at] === COMMA && bytes[at + 1] === QUOTE) {
        if (this.#depth === 1) this.#commas++;
        isKey = inObject;
        at += 2;
      } else {
        if (isKey) this.#state = AFTER_KEY;
        else this.#endValue();
        return at;
      }
    }
    this.#isKey = isKey;
    return at < bytes.length ? this.#stringByte(bytes[at] ?? 0, at) : at;
  }

  /** Tells that no more bytes come. @throws JsonSyntaxError where the value is not complete; a number may be */
  finish(): void {
    const complete = this.#state === DONE ||
      (this.#state === IN_NUMBER && this.#depth === 0 && this.#number >= INTEGER_ZERO);
    if (!complete) throw new JsonSyntaxError("Cannot read JSON: it ends within a value");
    this.#state = DONE;
  }

  /** Reads one byte, or one run of them that needs no state between; returns the offset after it. */
  #step(bytes: Uint8Array, at: number): number {
    const byte = bytes[at] ?? 0;
    switch (this.#state) {
      case IN_ESCAPE:
      case IN_UNICODE:
        return this.#escapeByte(byte, at);
      case IN_NUMBER:
        return this.#numberBytes(bytes, at);
      case IN_LITERAL:
        return this.#literalByte(byte, at);
    }
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return at + 1;
    switch (this.#state) {
      case AFTER_VALUE:
        return this.#afterValue(byte, at);
      case AFTER_KEY:
        if (byte !== COLON) throw unexpected(byte, at, "after a key");
        this.#state = VALUE;
        return at + 1;
      case KEY:
      case KEY_OR_END:
        return this.#keyStart(byte, at);
      default:
        return this.#valueStart(byte, at);
    }
  }

  #valueStart(byte: number, at: number): number {
    if (byte === QUOTE) {
      this.#isKey = false;
      this.#state = IN_STRING;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      this.#open(byte === OPEN_BRACE ? 1 : 0);
    } else if (byte === CLOSE_BRACKET && this.#state === VALUE_OR_END) {
      this.#close();
    } else if (byte === 0x2d || isDigit(byte)) {
      this.#state = IN_NUMBER;
      this.#number = byte === 0x2d ? MINUS : byte === 0x30 ? INTEGER_ZERO : INTEGER;
    } else {
      const literal = LITERALS[byte];
      if (literal === undefined) throw unexpected(byte, at, "where a value should begin");
      this.#literal = literal;
      this.#progress = 1;
      this.#state = IN_LITERAL;
    }
    return at + 1;
  }

  #keyStart(byte: number, at: number): number {
    if (byte === QUOTE) {
      this.#isKey = true;
      this.#state = IN_STRING;
    } else if (byte === CLOSE_BRACE && this.#state === KEY_OR_END) {
      this.#close();
    } else {
      throw unexpected(byte, at, "where a key should begin");
    }
    return at + 1;
  }

  #afterValue(byte: number, at: number): number {
    const inObject = this.#containers[this.#depth - 1] === 1;
    if (byte === COMMA) {
      if (this.#depth === 1) this.#commas++;
      this.#state = inObject ? KEY : VALUE;
    } else if (byte === (inObject ? CLOSE_BRACE : CLOSE_BRACKET)) {
      this.#close();
    } else {
      throw unexpected(byte, at, inObject ? "after a member" : "after an element");
    }
    return at + 1;
  }

  /** A byte of a string that is neither plain nor its end. */
  #stringByte(byte: number, at: number): number {
    if (byte !== BACKSLASH) throw unexpected(byte, at, "in a string");
    this.#state = IN_ESCAPE;
    return at + 1;
  }

  #escapeByte(byte: number, at: number): number {
    if (this.#state === IN_UNICODE) {
      if (!isHexadecimal(byte)) throw unexpected(byte, at, "in an escape");
      if (++this.#progress === 4) this.#state = IN_STRING;
    } else if (byte === 0x75) {
      this.#progress = 0;
      this.#state = IN_UNICODE;
    } else {
      // " \ / b f n r t
      const known = byte === QUOTE || byte === BACKSLASH || byte === 0x2f || byte === 0x62 || byte === 0x66 ||
        byte === 0x6e || byte === 0x72 || byte === 0x74;
      if (!known) throw unexpected(byte, at, "in an escape");
      this.#state = IN_STRING;
    }
    return at + 1;
  }

  #numberBytes(bytes: Uint8Array, start: number): number {
    for (let at = start; at < bytes.length; at++) {
      const next = nextNumberStep(this.#number, bytes[at] ?? 0);
      if (next < 0) {
        if (this.#number < INTEGER_ZERO) throw unexpected(bytes[at] ?? 0, at, "in a number");
        this.#endValue();
        return at;
      }
      this.#number = next;
    }
    return bytes.length;
  }

  #literalByte(byte: number, at: number): number {
    if (byte !== this.#literal.charCodeAt(this.#progress)) throw unexpected(byte, at, `in ${this.#literal}`);
    if (++this.#progress === this.#literal.length) this.#endValue();
    return at + 1;
  }

  #open(container: 0 | 1): void {
    if (this.#depth === JSON_DEPTH_MAX) throw new JsonSyntaxError("Cannot read JSON: it exceeds the maximal depth");
    if (this.#depth === this.#containers.length) {
      const larger = new Uint8Array(this.#containers.length * 4);
      larger.set(this.#containers);
      this.#containers = larger;
    }
    this.#containers[this.#depth++] = container;
    this.#state = container === 1 ? KEY_OR_END : VALUE_OR_END;
  }

  #close(): void {
    this.#depth--;
    this.#endValue();
  }

  #endValue(): void {
    this.#state = this.#depth === 0 ? DONE : AFTER_VALUE;
  }
}

function skipPlain(bytes: Uint8Array, start: number): number {
  const end = bytes.length;
  let at = start;
  while (at < end) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE || byte === BACKSLASH || byte < 0x20) break;
    at++;
  }
  return at;
}

function nextNumberStep(step: number, byte: number): number {
  if (isDigit(byte)) {
    if (step === INTEGER || step === FRACTION || step === EXPONENT_DIGITS) return step;
    if (step === MINUS) return byte === 0x30 ? INTEGER_ZERO : INTEGER;
    if (step === POINT) return FRACTION;
    return step === INTEGER_ZERO ? -1 : EXPONENT_DIGITS;
  }
  if (byte === 0x2e) return step === INTEGER_ZERO || step === INTEGER ? POINT : -1;
  if (byte === 0x65 || byte === 0x45) {
    return step === INTEGER_ZERO || step === INTEGER || step === FRACTION ? EXPONENT : -1;
  }
  if (byte === 0x2b || byte === 0x2d) return step === EXPONENT ? EXPONENT_SIGN : -1;
  return -1;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isHexadecimal(byte: number): boolean {
  return isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
}

function unexpected(byte: number, at: number, place: string): JsonSyntaxError {
  const shown = byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `byte 0x${byte.toString(16)}`;
  return new JsonSyntaxError(`Cannot read JSON: ${shown} at offset ${at} ${place}`);
}

/**
 * The offset after the value that begins at `start`, or after white space there.
 *
 * @throws JsonSyntaxError where there is no complete value
 */
export function skipValue(bytes: Uint8Array, start = 0): number {
  const scanner = new ValueScanner();
  const end = scanner.scan(bytes, start);
  if (end >= 0) return end;
  scanner.finish();
  return bytes.length;
}

/** The offset of the first byte from `start` on that is no white space; the length where there is none. */
export function skipWhitespace(bytes: Uint8Array, start = 0): number {
  let at = start;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    at++;
  }
  return at;
}
