import { isJsonObject, jsonEqual, type JsonObject } from "./json_equal.ts";
import { jsonPatchChangesNothing } from "./json_patch.ts";
import { contentTypeOf } from "./media_type.ts";

/** true: nothing changes; false: something does, or the API server would refuse; undefined: not understood. */
type Verdict = boolean | undefined;

/**
 * Lists that a strategic merge patch merges by a key, of the kinds whose status a kubelet patches (`patchMergeKey` in
 * k8s.io/api core/v1 types.go). A list that is not here is replaced, or its strategy is not known.
 */
const MERGE_KEYS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Node: { "status.conditions": "type", "status.addresses": "type", "metadata.ownerReferences": "uid" },
  Pod: {
    "status.conditions": "type",
    "status.podIPs": "ip",
    "status.hostIPs": "ip",
    "metadata.ownerReferences": "uid",
  },
};

const ORDER = "$setElementOrder/";

/**
 * Whether applying the patch leaves the object as it is. JSON merge patch (RFC 7386), strategic merge patch as far as
 * kubelets use it, and JSON Patch (RFC 6902) with test, add, replace and remove are understood.
 *
 * @param held the parsed object, with its `kind`
 * @param patch the parsed patch
 * @returns true where nothing changes; false where something does, or where the API server would refuse the patch
 * (another uid or resourceVersion, a test that fails); undefined where the patch is not understood
 */
export function patchChangesNothing(held: unknown, patch: unknown, contentType: string): boolean | undefined {
  switch (contentTypeOf(contentType).type) {
    case "application/merge-patch+json":
      return mergeChangesNothing(held, patch);
    case "application/strategic-merge-patch+json":
      if (!isJsonObject(held) || !isJsonObject(patch)) return undefined;
      return strategicChangesNothing(held, patch, { keys: mergeKeysOf(held), path: "" });
    case "application/json-patch+json":
      return jsonPatchChangesNothing(held, patch);
    default:
      return undefined;
  }
}

/** A member that is null counts as missing: the API server does not tell them apart. */
function mergeChangesNothing(held: unknown, patch: unknown): boolean {
  if (!isJsonObject(patch)) return jsonEqual(held, patch);
  if (!isJsonObject(held)) return false;
  return Object.entries(patch).every(([key, value]) => {
    const present = Object.hasOwn(held, key) ? held[key] : undefined;
    return value === null ? present === undefined || present === null : mergeChangesNothing(present, value);
  });
}

interface Place {
  readonly keys: Readonly<Record<string, string>>;
  /** From the object's root: `status.containerStatuses[]`. */
  readonly path: string;
}

function strategicChangesNothing(held: JsonObject, patch: JsonObject, place: Place): Verdict {
  return all(
    Object.entries(patch).map(([key, value]): Verdict => {
      if (key.startsWith(ORDER)) return orderHolds(held, { key: key.slice(ORDER.length), order: value, place });
      if (key.startsWith("$")) return undefined;
      const present = Object.hasOwn(held, key) ? held[key] : undefined;
      if (value === null) return present === undefined || present === null;
      const path = place.path === "" ? key : `${place.path}.${key}`;
      if (isJsonObject(value)) {
        if (isJsonObject(present)) return strategicChangesNothing(present, value, { ...place, path });
        return hasDirective(value) ? undefined : false;
      }
      if (Array.isArray(value)) return listChangesNothing(present, value, { ...place, path });
      return jsonEqual(present, value);
    }),
  );
}

function listChangesNothing(held: unknown, patch: readonly unknown[], place: Place): Verdict {
  const replacement = patch.filter((element) => !jsonEqual(element, { $patch: "replace" }));
  if (replacement.some(hasDirective)) return undefined;
  if (replacement.length < patch.length) return jsonEqual(held, replacement);
  if (jsonEqual(held, patch) && hasDistinctKeys(patch, place)) return true;
  const mergeKey = mergeKeyOf(place);
  // Whether the list is merged or replaced is not known for every kind: then "it changes" would be a guess.
  if (mergeKey === undefined) return isReplaced(place) ? false : undefined;
  if (!Array.isArray(held)) return patch.length === 0 ? undefined : false;
  return all(patch.map((element): Verdict => {
    if (!isJsonObject(element) || element[mergeKey] === undefined) return undefined;
    const same: unknown[] = held.filter((other: unknown) =>
      isJsonObject(other) && jsonEqual(other[mergeKey], element[mergeKey])
    );
    const [present] = same;
    if (same.length > 1) return undefined;
    return isJsonObject(present)
      ? strategicChangesNothing(present, element, { ...place, path: `${place.path}[]` })
      : false;
  }));
}

/** The order matters only where all that it names is held; it names what the patch itself adds otherwise. */
function orderHolds(held: JsonObject, { key, order, place }: { key: string; order: unknown; place: Place }): Verdict {
  const path = place.path === "" ? key : `${place.path}.${key}`;
  const list = held[key];
  const mergeKey = mergeKeyOf({ ...place, path });
  if (mergeKey === undefined || !Array.isArray(order) || !Array.isArray(list)) return undefined;
  const wanted = order.map((element: unknown) => (isJsonObject(element) ? element[mergeKey] : undefined));
  const present = list.map((element: unknown) => (isJsonObject(element) ? element[mergeKey] : undefined));
  if (wanted.includes(undefined)) return undefined;
  return jsonEqual(present.filter((value) => wanted.includes(value)), wanted);
}

/** Lists of a Pod's and a Node's status that are replaced as a whole: they have no patchStrategy. */
const REPLACED: readonly string[] = [
  "status.containerStatuses",
  "status.initContainerStatuses",
  "status.ephemeralContainerStatuses",
  "status.images",
  "status.volumesInUse",
  "status.volumesAttached",
  "status.runtimeHandlers",
];

function isReplaced(place: Place): boolean {
  return Object.keys(place.keys).length > 0 && REPLACED.includes(place.path);
}

function mergeKeysOf(held: JsonObject): Readonly<Record<string, string>> {
  return typeof held["kind"] === "string" && Object.hasOwn(MERGE_KEYS, held["kind"])
    ? MERGE_KEYS[held["kind"]] ?? {}
    : {};
}

function mergeKeyOf(place: Place): string | undefined {
  return Object.hasOwn(place.keys, place.path) ? place.keys[place.path] : undefined;
}

/** Elements of one key would be merged into one another, so that a list which equals the held one may change it. */
function hasDistinctKeys(list: readonly unknown[], place: Place): boolean {
  const mergeKey = mergeKeyOf(place);
  if (mergeKey === undefined) return true;
  const keys = list.map((element) => (isJsonObject(element) ? element[mergeKey] : undefined));
  return new Set(keys).size === keys.length;
}

function hasDirective(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasDirective);
  if (!isJsonObject(value)) return false;
  return Object.entries(value).some(([key, member]) => key.startsWith("$") || hasDirective(member));
}

/** A patch that is not understood in one place is not understood. */
function all(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes(undefined)) return undefined;
  return !verdicts.includes(false);
}
