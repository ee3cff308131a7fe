/** Parsed JSON that is an object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether it is a JSON object: neither null nor an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Whether two parsed JSON values say the same. Members may stand in any order; whole numbers beyond 2^53, of which
 * parsing has lost digits, are never the same.
 */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (typeof a === "number") return a === b && (!Number.isInteger(a) || Number.isSafeInteger(a));
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((element, index) => jsonEqual(element, b[index]));
  }
  if (isJsonObject(a)) {
    if (!isJsonObject(b)) return false;
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && jsonEqual(a[key], b[key]));
  }
  return a === b;
}
