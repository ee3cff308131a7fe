import { badRequest } from "./status.ts";

const ESCAPE = /%(?![0-9A-Fa-f]{2})/;

/**
 * Decodes a raw path as Go's net/url does: before it is split, so that `%2F` is a slash. Bytes that are no UTF-8
 * become U+FFFD.
 *
 * @throws StatusError 400 for a `%` without two hexadecimal digits, or a control character
 */
export function decodePath(rawPath: string): string {
  const bad = ESCAPE.exec(rawPath);
  if (bad !== null) throw badRequest(`invalid URL escape ${JSON.stringify(rawPath.slice(bad.index, bad.index + 3))}`);
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x1f\x7f]/.test(rawPath)) throw badRequest("net/url: invalid control character in URL");
  return decodeEscapes(rawPath);
}

/** Reads a query as Go's net/url does: a pair with a semicolon or a bad escape does not count, a key alone is empty. */
export function parseQuery(rawQuery: string): URLSearchParams {
  const query = new URLSearchParams();
  for (const pair of rawQuery.split("&")) {
    if (pair === "" || pair.includes(";") || ESCAPE.test(pair)) continue;
    const equals = pair.indexOf("=");
    const key = equals < 0 ? pair : pair.slice(0, equals);
    const value = equals < 0 ? "" : pair.slice(equals + 1);
    query.append(decodeEscapes(key.replaceAll("+", " ")), decodeEscapes(value.replaceAll("+", " ")));
  }
  return query;
}

function decodeEscapes(text: string): string {
  // HTTP servers hand out raw bytes beyond ASCII as characters of their value.
  // deno-lint-ignore no-control-regex
  if (!text.includes("%") && /^[\x00-\x7f]*$/.test(text)) return text;
  const bytes: number[] = [];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x25) {
      bytes.push(Number.parseInt(text.slice(index + 1, index + 3), 16));
      index += 2;
    } else if (code <= 0xff) {
      bytes.push(code);
    } else {
      const character = String.fromCodePoint(text.codePointAt(index) ?? 0);
      bytes.push(...new TextEncoder().encode(character));
      index += character.length - 1;
    }
  }
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
}
