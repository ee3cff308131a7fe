import { isJsonObject } from "../kube/json_equal.ts";
import { JsonMembers, type RawJson, rawJson, readElements, writeElements } from "../kube/raw_json.ts";

/**
 * The bytes of a value that was changed: what is still the same object or value is written as it came, with its digits,
 * spelling and order (R17).
 *
 * @param raw that `before` was parsed from
 * @param after made from `before`
 * @throws JsonSyntaxError
 */
export function rewriteJson(
  raw: RawJson,
  { before, after }: { readonly before: unknown; readonly after: unknown },
): RawJson {
  if (Object.is(before, after)) return raw;
  if (isJsonObject(before) && isJsonObject(after)) {
    const members = new JsonMembers(raw);
    for (const key of members.keys()) if (after[key] === undefined) members.delete(key);
    for (const [key, value] of Object.entries(after)) {
      if (value === undefined) continue;
      const came = members.get(key);
      members.set(key, came === undefined ? rawJson(value) : rewriteJson(came, { before: before[key], after: value }));
    }
    return members.bytes();
  }
  return Array.isArray(before) && Array.isArray(after) ? rewriteArray(raw, before, after) : rawJson(after);
}

function rewriteArray(raw: RawJson, before: readonly unknown[], after: readonly unknown[]): RawJson {
  const came = readElements(raw);
  const known = new Map(before.map((element, at) => [element, came[at]]));
  const written = after.map((element, at) => {
    const same = Object.is(before[at], element) ? came[at] : known.get(element);
    if (same !== undefined) return same;
    const inPlace = after.length === before.length ? came[at] : undefined;
    return inPlace === undefined ? rawJson(element) : rewriteJson(inPlace, { before: before[at], after: element });
  });
  return writeElements(written);
}
