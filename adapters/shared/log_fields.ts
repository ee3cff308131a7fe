/** What is written of a value: plain JSON, bounded in depth and length. */
export type LogValue = null | boolean | number | string | readonly LogValue[] | { readonly [name: string]: LogValue };

export const LOG_TEXT_LENGTH_MAX = 4_096;
export const LOG_ITEMS_MAX = 64;
const LOG_DEPTH_MAX = 4;

const REDACTED = "[redacted]";
const SECRET_NAME = /(authorization|token|password|secret|cookie|credential|credentials|privatekey|clientkey|apikey)$/;
const BEARER = /\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi;
const JSON_WEB_TOKEN = /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g;

/** Makes fields fit for a log line: credentials by name and by form are taken out, errors are opened, bytes only counted. */
export function readableFields(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, LogValue>> {
  return readableObject(fields, 0);
}

/** Takes bearer credentials and JSON Web Tokens out of a text and cuts it at LOG_TEXT_LENGTH_MAX. */
export function redactText(text: string): string {
  const cut = text.length > LOG_TEXT_LENGTH_MAX ? `${text.slice(0, LOG_TEXT_LENGTH_MAX)}…` : text;
  return cut.replace(BEARER, `$1 ${REDACTED}`).replace(JSON_WEB_TOKEN, REDACTED);
}

function readableObject(object: object, depth: number): { readonly [name: string]: LogValue } {
  const readable: Record<string, LogValue> = {};
  for (const [name, value] of Object.entries(object).slice(0, LOG_ITEMS_MAX)) {
    if (value === undefined) continue;
    readable[name] = isSecretName(name) ? REDACTED : readableValue(value, depth + 1);
  }
  return readable;
}

function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name.toLowerCase().replaceAll(/[-_.]/g, ""));
}

function readableValue(value: unknown, depth: number): LogValue {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "string") return redactText(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object") return `[${typeof value}]`;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth > LOG_DEPTH_MAX) return "[nested]";
  if (value instanceof Error) return readableError(value, depth);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof URL) return redactText(value.href);
  if (Array.isArray(value)) return value.slice(0, LOG_ITEMS_MAX).map((item) => readableValue(item, depth + 1));
  return readableObject(value, depth);
}

function readableError(error: Error, depth: number): LogValue {
  const cause = error.cause === undefined ? {} : { cause: readableValue(error.cause, depth + 1) };
  return { ...readableObject(error, depth), name: error.name, message: redactText(error.message), ...cause };
}
