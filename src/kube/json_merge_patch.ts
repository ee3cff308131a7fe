import { JsonMembers, jsonTypeOf, type RawJson, readElements, writeElements } from "./raw_json.ts";
import { notUnderstood } from "./patch_refusal.ts";

/** Objects and lists in one another; those of the API have far fewer. */
const DEPTH_MAX = 32;

/**
 * Applies a JSON merge patch (RFC 7396) as the API server does: what it leaves alone keeps its bytes, what it adds is
 * without members that are null, within lists too.
 *
 * @throws PatchRefusal where the patch is too deep
 * @throws JsonSyntaxError
 */
export function applyJsonMergePatch(held: RawJson, patch: RawJson): RawJson {
  return merged(held, patch, 0);
}

function merged(held: RawJson | undefined, patch: RawJson, depth: number): RawJson {
  if (held === undefined || jsonTypeOf(held) !== "object") return withoutNulls(patch, depth);
  if (jsonTypeOf(patch) !== "object") return patch;
  const result = new JsonMembers(held);
  const changes = new JsonMembers(patch);
  for (const key of changes.keys()) {
    const value = changes.present(key);
    if (value === undefined) result.delete(key);
    else result.set(key, merged(result.present(key), value, deeper(depth)));
  }
  return result.bytes();
}

function withoutNulls(value: RawJson, depth: number): RawJson {
  const type = jsonTypeOf(value);
  if (type === "array") {
    const elements = readElements(value);
    const left = elements.map((element) => withoutNulls(element, deeper(depth)));
    return left.every((element, index) => element === elements[index]) ? value : writeElements(left);
  }
  if (type !== "object") return value;
  const members = new JsonMembers(value);
  for (const key of members.keys()) {
    const present = members.present(key);
    if (present === undefined) members.delete(key);
    else members.set(key, withoutNulls(present, deeper(depth)));
  }
  return members.bytes();
}

function deeper(depth: number): number {
  if (depth >= DEPTH_MAX) throw notUnderstood(`it is more than ${DEPTH_MAX} levels deep`);
  return depth + 1;
}
