import { notUnderstood, PatchRefusal } from "./patch_refusal.ts";
import {
  hasDirective,
  isEmpty,
  JsonMembers,
  type JsonType,
  jsonTypeOf,
  rawEqual,
  type RawJson,
  readElements,
  textOf,
  writeElements,
} from "./raw_json.ts";
import { deleteScalars, type ListRules, mergeList, mergeOrderedList } from "./strategic_merge_patch_lists.ts";
import type { MergeStrategies, MergeStrategy } from "./strategic_merge_patch_strategies.ts";

const ORDER = "$setElementOrder/";
const DELETED = "$deleteFromPrimitiveList/";
const RETAINED = "$retainKeys";
/** Objects and lists in one another; those of the API have far fewer. */
const DEPTH_MAX = 32;

interface Place {
  readonly strategies: MergeStrategies;
  /** From the object's root, `status.conditions[]`; empty for the root. */
  readonly path: string;
  readonly depth: number;
}

/**
 * Applies a strategic merge patch as the API server does (apimachinery util/strategicpatch, `StrategicMergeMapPatch`).
 * What it leaves alone keeps its bytes. A member that is null, where the API server would write it as null or leave it
 * out as its type asks, may stand or be missing here.
 *
 * @param held an object, as it came from the API server
 * @param patch an object
 * @returns `held` itself where nothing changes
 * @throws PatchRefusal
 * @throws JsonSyntaxError
 */
export function applyStrategicMergePatch(held: RawJson, patch: RawJson, strategies: MergeStrategies): RawJson {
  if (jsonTypeOf(patch) !== "object") throw new PatchRefusal("malformed", "Cannot apply the patch: it is no object");
  if (new JsonMembers(patch).has("$patch")) throw notUnderstood("$patch for the whole object");
  return mergeObject(held, patch, { strategies, path: "", depth: 0 });
}

function mergeObject(held: RawJson, patch: RawJson, place: Place): RawJson {
  const changes = new JsonMembers(patch);
  if (changes.has("$patch")) return directedObject(changes, place);
  const result = new JsonMembers(held);
  retainKeys(result, changes);
  for (const key of changes.keys().filter((one) => one.startsWith(ORDER))) {
    orderList(result, changes, at(place, key.slice(ORDER.length)));
    changes.delete(key);
  }
  for (const key of changes.keys().filter((one) => one.startsWith(DELETED))) {
    deleteFromList(result, changes, at(place, key.slice(DELETED.length)));
    changes.delete(key);
  }
  for (const key of changes.keys()) mergeMember(result, changes, at(place, key));
  return result.bytes();
}

/** A member of an object, and where it stands. */
interface Member {
  readonly key: string;
  readonly place: Place;
}

function at(place: Place, key: string): Member {
  const path = place.path === "" ? key : `${place.path}.${key}`;
  return { key, place: { ...place, path, depth: deeper(place.depth) } };
}

function deeper(depth: number): number {
  if (depth >= DEPTH_MAX) throw notUnderstood(`it is more than ${DEPTH_MAX} levels deep`);
  return depth + 1;
}

/** `$patch: replace` and `delete` of an object; the rest of a deleted one says nothing. */
function directedObject(changes: JsonMembers, place: Place): RawJson {
  const directive = textOf(changes.get("$patch"));
  if (directive !== "replace" && directive !== "delete") throw notUnderstood(`$patch ${directive} of ${place.path}`);
  for (const key of changes.keys()) if (key === "$patch" || directive === "delete") changes.delete(key);
  const replaced = changes.bytes();
  for (const key of changes.keys()) checkKeys(changes.get(key) ?? replaced, at(place, key).place);
  // Of a map's value Go makes an empty one, of a struct's member nothing.
  if (!rawEqual(added(replaced, place), replaced)) throw notUnderstood(`null in ${place.path}, which is replaced`);
  return replaced;
}

function retainKeys(result: JsonMembers, changes: JsonMembers): void {
  const directive = changes.get(RETAINED);
  if (directive === undefined) return;
  if (jsonTypeOf(directive) !== "array") throw notUnderstood("$retainKeys is no list");
  const retained = new Set(readElements(directive).map(textOf));
  changes.delete(RETAINED);
  for (const key of changes.keys()) {
    const counts = changes.present(key) !== undefined && !key.startsWith(ORDER) && !key.startsWith(DELETED);
    if (counts && !retained.has(key)) throw notUnderstood(`$retainKeys lacks ${key}`);
  }
  for (const key of result.keys()) if (!retained.has(key)) result.delete(key);
}

function orderList(result: JsonMembers, changes: JsonMembers, { key, place }: Member): void {
  const order = listOf(changes.get(ORDER + key), place) ?? [];
  const held = listOf(heldAt(result, key), place);
  const patch = listOf(changes.get(key), place);
  const merged = mergeOrderedList({ held, patch, order }, rulesOf(place));
  if (merged !== undefined) result.set(key, writeElements(merged));
  changes.delete(key);
}

function deleteFromList(result: JsonMembers, changes: JsonMembers, { key, place }: Member): void {
  const deleted = listOf(changes.get(DELETED + key), place) ?? [];
  const held = listOf(result.present(key), place);
  const added = listOf(changes.present(key), place) ?? [];
  // Go goes through the members in no order: a scalar that is added and deleted may be there or not.
  if (deleteScalars(added, deleted).length < added.length) {
    throw notUnderstood(`${place.path} is added to and deleted from`);
  }
  if (held === undefined) return;
  const left = deleteScalars(held, deleted);
  if (left.length < held.length) result.set(key, writeElements(left));
}

function mergeMember(result: JsonMembers, changes: JsonMembers, { key, place }: Member): void {
  if (key.startsWith("$")) throw notUnderstood(`${key} is no known directive`);
  const value = changes.present(key);
  const present = heldAt(result, key);
  if (value === undefined) result.delete(key);
  else if (present === undefined) {
    checkKeys(value, place);
    result.set(key, added(value, place));
  } else result.set(key, mergedValue(present, value, place));
}

/** What is held of a member. An empty map or list is none to Go. */
function heldAt(members: JsonMembers, key: string): RawJson | undefined {
  const value = members.present(key);
  return value === undefined || isEmpty(value) ? undefined : value;
}

function mergedValue(held: RawJson, patch: RawJson, place: Place): RawJson {
  const type = jsonTypeOf(patch);
  if (type !== jsonTypeOf(held) && (isContainer(type) || isContainer(jsonTypeOf(held)))) {
    throw notUnderstood(`${place.path} is of another type than what is held`);
  }
  if (type === "object") return isReplaced(place) ? replacement(patch, place) : mergeObject(held, patch, place);
  return type === "array" ? mergedArray(held, patch, place) : patch;
}

function isContainer(type: JsonType): boolean {
  return type === "object" || type === "array";
}

function isReplaced({ strategies, path }: Place): boolean {
  return strategyAt(strategies, path) === "atomic";
}

function mergedArray(held: RawJson, patch: RawJson, place: Place): RawJson {
  const strategy = strategyAt(place.strategies, place.path);
  if (strategy === "atomic") return rawEqual(held, patch) ? held : replacement(patch, place);
  const patchElements = readElements(patch);
  if (strategy === undefined && rawEqual(held, patch) && staysWhateverTheStrategy(patchElements)) return held;
  return writeElements(mergeList(readElements(held), patchElements, rulesOf(place)).elements);
}

/** The same list again changes nothing, but where two of its elements may be merged into one. */
function staysWhateverTheStrategy(list: readonly RawJson[]): boolean {
  if (list.some(hasDirective)) return false;
  const texts = list.map(textOf);
  return list.length < 2 || (!texts.includes(undefined) && new Set(texts).size === texts.length);
}

function replacement(patch: RawJson, place: Place): RawJson {
  if (hasDirective(patch)) throw notUnderstood(`a directive in ${place.path}, which is replaced as a whole`);
  return patch;
}

/** A value as it is taken where nothing is held: without members that are null, and elements that are marked with `$patch`. */
function added(value: RawJson, { path, depth }: Pick<Place, "path" | "depth">): RawJson {
  const type = jsonTypeOf(value);
  const inner = { path, depth: isContainer(type) ? deeper(depth) : depth };
  if (type === "array") {
    const elements = readElements(value);
    const left = elements.filter((one) => !isMarked(one)).map((one) => added(one, inner));
    return left.length === elements.length && left.every((one, index) => one === elements[index])
      ? value
      : writeElements(left);
  }
  if (type !== "object") return value;
  const members = new JsonMembers(value);
  for (const key of members.keys()) {
    // Whether Go takes such an object or drops it is a matter of its types: of some there always is one.
    if (key.startsWith("$")) throw notUnderstood(`${key} in ${path}, of which nothing is held`);
    const present = members.present(key);
    if (present === undefined) members.delete(key);
    else members.set(key, added(present, inner));
  }
  return members.bytes();
}

/** The elements of a list that is merged must be told apart from the beginning. */
function checkKeys(list: RawJson, place: Place): void {
  const strategy = strategyAt(place.strategies, place.path);
  if (typeof strategy !== "object") return;
  for (const element of listOf(list, place) ?? []) {
    const isObject = jsonTypeOf(element) === "object";
    if (isObject && (isMarked(element) || textOf(new JsonMembers(element).get(strategy.by)) !== undefined)) continue;
    throw notUnderstood(`an element of ${place.path} has no ${strategy.by}`);
  }
}

function isMarked(element: RawJson): boolean {
  return jsonTypeOf(element) === "object" && new JsonMembers(element).has("$patch");
}

function rulesOf(place: Place): ListRules {
  const strategy = strategyAt(place.strategies, place.path);
  if (strategy === undefined || strategy === "atomic") {
    throw notUnderstood(`whether ${place.path} is merged is not known`);
  }
  const element: Place = { ...place, path: `${place.path}[]`, depth: deeper(place.depth) };
  return { strategy, path: place.path, merge: (held, patch) => mergeObject(held, patch, element) };
}

function strategyAt(strategies: MergeStrategies, path: string): MergeStrategy | undefined {
  return Object.hasOwn(strategies, path) ? strategies[path] : undefined;
}

function listOf(value: RawJson | undefined, { path }: Place): RawJson[] | undefined {
  if (value === undefined) return undefined;
  if (jsonTypeOf(value) !== "array") throw notUnderstood(`${path} is no list`);
  return readElements(value);
}
