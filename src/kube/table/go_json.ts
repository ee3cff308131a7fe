import { isJsonObject } from "../json_equal.ts";

/** JSON as Go writes it: safe within HTML and JavaScript. @param value without bigints in it, but may be one */
export function goJson(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The same of a value with integers as bigints, whose objects are Go's maps: their members are sorted. */
export function goJsonOfMaps(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goJsonOfMaps).join(",")}]`;
  if (!isJsonObject(value)) return goJson(value);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${goJson(key)}:${goJsonOfMaps(member)}`).join(",")}}`;
}
