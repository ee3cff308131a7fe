import type { RawHeaders } from "../../src/platform/bytes.ts";

/** The head of an answer of HTTP/1.1. */
export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  readonly rawHeaders: RawHeaders;
}

const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/;
/** RFC 9110 5.6.2 */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// deno-lint-ignore no-control-regex
const FORBIDDEN = /[\0\r\n]/;

/**
 * Writes a start line and its fields, each as it is, in ISO 8859-1 as HTTP/1.1 does.
 *
 * @throws TypeError where a line would break the message up
 */
export function serializeHead(startLine: string, rawHeaders: RawHeaders): Uint8Array {
  let text = checked(startLine);
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    text += `\r\n${checked(rawHeaders[index] ?? "")}: ${checked(rawHeaders[index + 1] ?? "")}`;
  }
  text += "\r\n\r\n";
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}

/** @throws TypeError where a field would break the message up. Deno's `writeHead` would notice too late. */
export function checkFields(rawHeaders: RawHeaders): void {
  for (const text of rawHeaders) checked(text);
}

/**
 * Reads a status line and its fields.
 *
 * @throws SyntaxError where it is none
 */
export function parseHead(bytes: Uint8Array): AnswerHead {
  const [statusLine = "", ...lines] = decodeLatin1(bytes).split("\r\n");
  const match = STATUS_LINE.exec(statusLine);
  if (match === null) throw new SyntaxError("The answer does not begin with a status line of HTTP/1.1");
  const rawHeaders: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0));
    if (!TOKEN.test(name)) throw new SyntaxError("The answer has a malformed header field");
    rawHeaders.push(name, line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, ""));
  }
  return { status: Number(match[1]), reason: match[2] ?? "", rawHeaders };
}

function checked(line: string): string {
  if (FORBIDDEN.test(line)) throw new TypeError("Cannot send a header field with a line break");
  return line;
}

function decodeLatin1(bytes: Uint8Array): string {
  // TextDecoder's "latin1" is windows-1252.
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
