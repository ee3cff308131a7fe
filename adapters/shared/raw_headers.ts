import type { RawHeaders } from "../../src/platform/bytes.ts";

/** Gives name and value of each field in turn. */
export function* headerFields(rawHeaders: RawHeaders): Generator<readonly [name: string, value: string]> {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    yield [rawHeaders[index] ?? "", rawHeaders[index + 1] ?? ""];
  }
}

/** The value of a field, duplicates joined with ", ". `name` in lower case. */
export function headerValue(rawHeaders: RawHeaders, name: string): string | undefined {
  let joined: string | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const candidate = rawHeaders[index];
    if (candidate === undefined || candidate.length !== name.length || candidate.toLowerCase() !== name) continue;
    const value = rawHeaders[index + 1] ?? "";
    joined = joined === undefined ? value : `${joined}, ${value}`;
  }
  return joined;
}

/** Fields that belong to one connection of HTTP/1.1 and are malformed in HTTP/2 (RFC 9113 8.2.2), and Host (8.3.1). */
const HTTP1_ONLY: ReadonlySet<string> = new Set([
  "connection",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** A field list as the header object of `node:http2`: lower-case names, duplicates as arrays, nothing that HTTP/2 forbids. */
export function toHttp2Headers(rawHeaders: RawHeaders): Record<string, string | string[]> {
  // An object without a prototype: no field name can reach one.
  const headers = Object.create(null) as Record<string, string | string[]>;
  for (const [name, value] of headerFields(rawHeaders)) {
    const lower = name.toLowerCase();
    if (lower.startsWith(":") || HTTP1_ONLY.has(lower) || (lower === "te" && value.trim() !== "trailers")) continue;
    const before = headers[lower];
    if (before === undefined) headers[lower] = value;
    else if (typeof before === "string") headers[lower] = [before, value];
    else before.push(value);
  }
  return headers;
}

/** The field list of an HTTP/2 message without pseudo headers. */
export function withoutPseudoHeaders(rawHeaders: RawHeaders): string[] {
  const fields: string[] = [];
  for (const [name, value] of headerFields(rawHeaders)) if (!name.startsWith(":")) fields.push(name, value);
  return fields;
}

/** The field list of a header object, for runtimes that give no raw list. */
export function fromHttp2Headers(headers: Readonly<Record<string, unknown>>): string[] {
  const fields: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(":")) continue;
    for (const one of Array.isArray(value) ? value : [value]) fields.push(name, String(one));
  }
  return fields;
}
