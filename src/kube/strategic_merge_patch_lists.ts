import { notUnderstood } from "./patch_refusal.ts";
import { JsonMembers, jsonTypeOf, parseRaw, type RawJson, rawJson, textOf } from "./raw_json.ts";
import type { MergeStrategy } from "./strategic_merge_patch_strategies.ts";

/** A list that is merged: `by` a member of its elements, or of scalars. */
type MergedList = Exclude<MergeStrategy, "atomic">;

/** How elements of one list are told apart and merged. */
export interface ListRules {
  readonly strategy: MergedList;
  /** For messages. */
  readonly path: string;
  /** Merges an element of the patch into the held one. */
  readonly merge: (held: RawJson, patch: RawJson) => RawJson;
}

interface Merged {
  readonly elements: readonly RawJson[];
  /** What `$setElementOrder` takes for the order in which the server has them. */
  readonly serverOrder: readonly RawJson[];
}

/**
 * Merges a list of a patch into the held one, as `mergeSlice` of apimachinery's strategicpatch: what the patch names comes
 * in its order, all else in the held order, each element of the patch in front of what it can't be compared with.
 *
 * @throws PatchRefusal
 */
export function mergeList(held: readonly RawJson[], patch: readonly RawJson[], rules: ListRules): Merged {
  if (held.length === 0 && patch.length === 0) return { elements: held, serverOrder: held };
  return rules.strategy === "set" ? mergeSets(held, patch, rules) : mergeObjects(held, patch, rules);
}

function mergeSets(held: readonly RawJson[], patch: readonly RawJson[], rules: ListRules): Merged {
  if (new Set(held.map((one) => identityOf(one, rules))).size < held.length) {
    throw notUnderstood(`${rules.path} holds one value twice`);
  }
  const merged = withoutDuplicates([...held, ...patch], rules);
  return { elements: inOrder(merged, { wanted: patch, server: held, rules }), serverOrder: held };
}

/** The last element takes the place of one that stood there before: so does Go, and it can be seen in the order. */
function withoutDuplicates(scalars: readonly RawJson[], rules: ListRules): RawJson[] {
  const left = [...scalars];
  const same = (a: RawJson | undefined, b: RawJson | undefined): boolean =>
    a !== undefined && b !== undefined && identityOf(a, rules) === identityOf(b, rules);
  for (let at = 0; at < left.length; at++) {
    for (let other = at + 1; other < left.length; other++) {
      if (!same(left[at], left[other])) continue;
      const last = left.pop();
      if (last !== undefined && other < left.length) left[other] = last;
      other--;
    }
  }
  return left;
}

function mergeObjects(held: readonly RawJson[], patch: readonly RawJson[], rules: ListRules): Merged {
  const { kept, added, replaced } = applyDirectives(held, patch, rules);
  const elements = [...kept];
  for (const element of added) {
    const at = indexIn(elements, element, rules);
    const present = elements[at];
    if (present === undefined) elements.push(withoutListDirectives(element));
    else elements[at] = rules.merge(present, element);
  }
  // Where elements were deleted, Go appends into the array that the old list still is: its first places are taken.
  const deleted = replaced ? 0 : held.length - kept.length;
  const serverOrder = replaced ? held : [...kept, ...elements.slice(kept.length, kept.length + deleted)];
  return { elements: inOrder(elements, { wanted: replaced ? [] : added, server: kept, rules }), serverOrder };
}

interface Directed {
  readonly kept: readonly RawJson[];
  readonly added: readonly RawJson[];
  readonly replaced: boolean;
}

/** Takes elements with `$patch` out of the patch, and does what they say. */
function applyDirectives(held: readonly RawJson[], patch: readonly RawJson[], rules: ListRules): Directed {
  for (const element of held) identityOf(element, rules);
  let kept = held;
  let replaced = false;
  const added: RawJson[] = [];
  for (const element of patch) {
    const directive = directiveOf(element, rules);
    if (directive === undefined) added.push(element);
    else if (directive === "replace") replaced = true;
    else if (directive === "delete") {
      const gone = identityOf(element, rules);
      kept = kept.filter((one) => identityOf(one, rules) !== gone);
    } else throw notUnderstood(`$patch ${directive} in ${rules.path}`);
  }
  for (const element of added) identityOf(element, rules);
  return replaced ? { kept: added.map(withoutListDirectives), added: [], replaced } : { kept, added, replaced };
}

function directiveOf(element: RawJson, { path }: ListRules): string | undefined {
  if (jsonTypeOf(element) !== "object") throw notUnderstood(`an element of ${path} is no object`);
  const directive = new JsonMembers(element).get("$patch");
  if (directive === undefined) return undefined;
  return textOf(directive) ?? "that is no text";
}

/** An element that is new is taken as it is; what is directed in it has nothing to work on. */
function withoutListDirectives(element: RawJson): RawJson {
  const members = new JsonMembers(element);
  for (const key of members.keys()) {
    if (!key.startsWith("$")) continue;
    if (!DIRECTIVES.some((prefix) => key === prefix || key.startsWith(`${prefix}/`))) throw notUnderstood(key);
    members.delete(key);
  }
  return members.bytes();
}

const DIRECTIVES: readonly string[] = ["$retainKeys", "$setElementOrder", "$deleteFromPrimitiveList"];

/** What tells an element apart. @throws PatchRefusal where nothing does */
function identityOf(element: RawJson, { strategy, path }: ListRules): string {
  const text = strategy === "set"
    ? textOf(element)
    : jsonTypeOf(element) === "object"
    ? textOf(new JsonMembers(element).get(strategy.by))
    : undefined;
  if (text !== undefined) return text;
  throw notUnderstood(`an element of ${path} has no ${strategy === "set" ? "text" : strategy.by}`);
}

interface Order {
  readonly wanted: readonly RawJson[];
  readonly server: readonly RawJson[];
  readonly rules: ListRules;
}

/** Elements that are wanted, in that order, among the others, in the server's. */
function inOrder(elements: readonly RawJson[], { wanted, server, rules }: Order): RawJson[] {
  const wantedKeys = new Set(wanted.map((one) => identityOf(one, rules)));
  const isWanted = (one: RawJson): boolean => wantedKeys.has(identityOf(one, rules));
  const named = sortedBy(elements.filter(isWanted), wanted, rules);
  const others = sortedBy(elements.filter((one) => !isWanted(one)), server, rules);
  const result: RawJson[] = [];
  while (named.length > 0 && others.length > 0) {
    const [first, other] = [named[0], others[0]];
    const at = first === undefined ? -1 : indexIn(server, first, rules);
    const otherAt = other === undefined ? -1 : indexIn(server, other, rules);
    result.push(...(at >= 0 && otherAt >= 0 && otherAt < at ? others : named).splice(0, 1));
  }
  return [...result, ...named, ...others];
}

function sortedBy(elements: readonly RawJson[], order: readonly RawJson[], rules: ListRules): RawJson[] {
  const placed = elements.map((element) => ({ element, at: indexIn(order, element, rules) }));
  if (placed.length > 1 && placed.some(({ at }) => at < 0)) {
    throw notUnderstood(`the order of ${rules.path} is not determined`);
  }
  return placed.toSorted((a, b) => a.at - b.at).map(({ element }) => element);
}

function indexIn(elements: readonly RawJson[], element: RawJson, rules: ListRules): number {
  const identity = identityOf(element, rules);
  return elements.findIndex((one) => identityOf(one, rules) === identity);
}

/** A list of a patch with the order in which it wants the elements. */
interface OrderedLists {
  readonly held: readonly RawJson[] | undefined;
  readonly patch: readonly RawJson[] | undefined;
  readonly order: readonly RawJson[];
}

/**
 * Merges a list for which the patch has a `$setElementOrder/…`.
 *
 * @returns undefined where there is no list to order
 * @throws PatchRefusal
 */
export function mergeOrderedList(
  { held, patch, order }: OrderedLists,
  rules: ListRules,
): readonly RawJson[] | undefined {
  checkOrder(patch ?? [], order, rules);
  if (held === undefined && patch === undefined) return undefined;
  if ((held ?? []).length + (patch ?? []).length === 0) throw notUnderstood(`${rules.path} is ordered, but empty`);
  const { elements, serverOrder } = mergedFor(held, patch, rules);
  return inOrder(elements, { wanted: order, server: serverOrder, rules });
}

function mergedFor(
  held: readonly RawJson[] | undefined,
  patch: readonly RawJson[] | undefined,
  rules: ListRules,
): Merged {
  if (held !== undefined && patch !== undefined) return mergeList(held, patch, rules);
  if (held !== undefined) return { elements: held, serverOrder: held };
  const added = (patch ?? []).filter((one) => rules.strategy === "set" || directiveOf(one, rules) === undefined);
  const elements = rules.strategy === "set" ? added : added.map(withoutListDirectives);
  return { elements, serverOrder: [] };
}

/** What the patch sets must stand in the order that it wants, and in that order; Go lets no `$patch: replace` come last. */
function checkOrder(patch: readonly RawJson[], order: readonly RawJson[], rules: ListRules): void {
  if (patch.length === 0 || order.length === 0) return;
  const named = patch.map((one) => (rules.strategy === "set" ? undefined : directiveOf(one, rules)));
  const left = patch.filter((_, index) => named[index] !== "delete");
  let at = 0;
  for (const wanted of order) {
    while (at < left.length && rules.strategy !== "set" && directiveOf(left[at] ?? wanted, rules) !== undefined) at++;
    const next = left[at];
    if (next === undefined) return;
    if (identityOf(next, rules) === identityOf(wanted, rules)) at++;
  }
  if (at < left.length) throw notUnderstood(`the order of ${rules.path} is not the one of $setElementOrder`);
}

/** The held scalars without those of a `$deleteFromPrimitiveList/…`. */
export function deleteScalars(held: readonly RawJson[], deleted: readonly RawJson[]): RawJson[] {
  const gone = new Set(deleted.map(scalarKey));
  return held.filter((one) => !gone.has(scalarKey(one)));
}

function scalarKey(scalar: RawJson): string {
  const type = jsonTypeOf(scalar);
  if (type === "object" || type === "array") throw notUnderstood("$deleteFromPrimitiveList of what is no scalar");
  return new TextDecoder().decode(rawJson(parseRaw(scalar)));
}
