import { notUnderstood } from "./patch_refusal.ts";
import {
  JsonMembers,
  type JsonType,
  jsonTypeOf,
  rawEquivalent,
  type RawJson,
  rawJson,
  readDocument,
  readElements,
  textOf,
  writeElements,
} from "./raw_json.ts";
import { type MergeStrategies, mergeStrategiesOf } from "./strategic_merge_patch_strategies.ts";

/** Three states of one Pod or Node, as JSON with `kind` and `apiVersion`. */
export interface StatusStates {
  /** As it was held before the writes that wait. */
  readonly base: Uint8Array;
  /** With the writes that wait. */
  readonly pending: Uint8Array;
  /** As the cloud has it now. */
  readonly fresh: Uint8Array;
}

/**
 * What is to be pushed, as a strategic merge patch of the status, or why nothing is:
 *
 * - `unchanged`: the cloud has all of it already
 * - `replaced`: the cloud's object has another uid
 * - `finished`: the cloud's pod has succeeded or failed meanwhile, and stays so
 */
export type Rebased = { readonly patch: Uint8Array } | { readonly settled: "unchanged" | "replaced" | "finished" };

/**
 * Conditions that kubelet writes. Of a node that is silent the cloud sets some of them itself (kube-controller-manager
 * nodelifecycle): on those the node's own word counts, whether it has changed since or not.
 */
const KUBELET_CONDITIONS: Readonly<Record<string, readonly string[]>> = {
  Node: ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"],
  Pod: [
    ...["PodScheduled", "Ready", "Initialized", "ContainersReady", "PodReadyToStartContainers"],
    ...["PodResizeInProgress", "PodResizePending", "AllContainersRestarting"],
  ],
};

/** What a node may write of its objects' metadata through their status. */
const METADATA: readonly string[] = ["labels", "annotations", "finalizers", "ownerReferences"];
const FINISHED: readonly string[] = ["Succeeded", "Failed"];

interface Place {
  readonly strategies: MergeStrategies;
  readonly own: readonly string[];
  readonly path: string;
}

interface Values {
  readonly base: RawJson | undefined;
  readonly pending: RawJson | undefined;
  readonly fresh: RawJson | undefined;
}

/**
 * Makes the patch that brings what this node has changed, and nothing else, onto the object as the cloud has it now. It
 * holds the uid as precondition. Lists that are merged are named element by element, or replaced where their order
 * matters; a condition is always sent whole, so that none is half the node's and half the cloud's.
 *
 * @throws PatchRefusal where a list has changed on both sides of which it is not known how it is merged
 * @throws JsonSyntaxError
 */
export function rebaseStatus(states: StatusStates): Rebased {
  const read = (object: Uint8Array): JsonMembers => new JsonMembers(readDocument(object));
  const [base, pending, fresh] = [read(states.base), read(states.pending), read(states.fresh)];
  const uid = membersOf(pending.present("metadata"))?.present("uid");
  if (!rawEquivalent(uid, membersOf(fresh.present("metadata"))?.present("uid"))) return { settled: "replaced" };
  const [kind, phase, freshPhase] = [textOf(pending.get("kind")) ?? "", phaseOf(pending), phaseOf(fresh)];
  if (kind === "Pod" && FINISHED.includes(freshPhase) && phase !== freshPhase) return { settled: "finished" };
  const place: Place = {
    strategies: mergeStrategiesOf(textOf(pending.get("apiVersion")) ?? "", kind),
    own: KUBELET_CONDITIONS[kind] ?? [],
    path: "",
  };
  const changes = new JsonMembers(rawJson({}));
  for (const key of ["metadata", "status"]) {
    const values = { base: base.present(key), pending: pending.present(key), fresh: fresh.present(key) };
    const change = objectChange(values, at(place, key));
    if (change !== undefined) changes.set(key, change);
  }
  if (changes.keys().length === 0) return { settled: "unchanged" };
  const metadata = new JsonMembers(changes.get("metadata") ?? rawJson({}));
  if (uid !== undefined) metadata.set("uid", uid);
  changes.set("metadata", metadata.bytes());
  return { patch: changes.bytes() };
}

function phaseOf(object: JsonMembers): string {
  return textOf(membersOf(object.present("status"))?.get("phase")) ?? "";
}

function at(place: Place, key: string): Place {
  return { ...place, path: place.path === "" ? key : `${place.path}.${key}` };
}

/** The patch of an object; undefined where there is nothing to change. */
function objectChange(values: Values, place: Place): RawJson | undefined {
  const [base, pending, fresh] = [membersOf(values.base), membersOf(values.pending), membersOf(values.fresh)];
  const changes = new JsonMembers(rawJson({}));
  const keys = new Set([...base?.keys() ?? [], ...pending?.keys() ?? []]);
  for (const key of place.path === "metadata" ? METADATA : keys) {
    const member = { base: base?.present(key), pending: pending?.present(key), fresh: fresh?.present(key) };
    addChange(changes, key, { values: member, place: at(place, key) });
  }
  return changes.keys().length === 0 ? undefined : changes.bytes();
}

function addChange(changes: JsonMembers, key: string, { values, place }: { values: Values; place: Place }): void {
  const { base, pending, fresh } = values;
  if (rawEquivalent(pending, fresh)) return;
  const type = typeOf(pending ?? base);
  if (type === "array") return addListChange(changes, key, { values, place });
  if (type === "object" && pending !== undefined && typeOf(fresh) === "object") {
    const change = objectChange(values, place);
    if (change !== undefined) changes.set(key, change);
  } else if (!rawEquivalent(base, pending)) changes.set(key, pending ?? NULL);
}

const NULL: RawJson = rawJson(null);

function addListChange(changes: JsonMembers, key: string, { values, place }: { values: Values; place: Place }): void {
  const { strategies, path } = place;
  const strategy = Object.hasOwn(strategies, path) ? strategies[path] : undefined;
  const changed = !rawEquivalent(values.base, values.pending);
  if (strategy === "set") {
    if (changed) addSetChange(changes, key, values);
  } else if (typeof strategy === "object" && !ORDERED.includes(path)) {
    const elements = elementChanges(values, { by: strategy.by, place });
    if (elements.length > 0) changes.set(key, writeElements(elements));
  } else if (changed) changes.set(key, wholeList(values, path, strategy));
}

/** Lists whose first element means more than the others, or in which two may have the same key. */
const ORDERED: readonly string[] = ["status.addresses", "status.podIPs", "status.hostIPs"];

function wholeList({ pending, fresh }: Values, path: string, strategy: unknown): RawJson {
  if (pending === undefined) return NULL;
  if (strategy === "atomic" || fresh === undefined) return pending;
  if (strategy === undefined) throw notUnderstood(`whether ${path} is merged is not known`);
  return writeElements([rawJson({ $patch: "replace" }), ...readElements(pending)]);
}

function addSetChange(changes: JsonMembers, key: string, { base, pending, fresh }: Values): void {
  const [before, after, now] = [textsOf(base), textsOf(pending), textsOf(fresh)];
  const added = after.filter((one) => !before.includes(one) && !now.includes(one));
  const deleted = before.filter((one) => !after.includes(one) && now.includes(one));
  if (added.length > 0) changes.set(key, rawJson(added));
  if (deleted.length > 0) changes.set(`$deleteFromPrimitiveList/${key}`, rawJson(deleted));
}

function textsOf(list: RawJson | undefined): string[] {
  return list === undefined ? [] : readElements(list).map(textOf).filter((text) => text !== undefined);
}

/** The elements that this node has changed, or whose word on them counts, where the cloud has them otherwise. */
function elementChanges(values: Values, { by, place }: { by: string; place: Place }): RawJson[] {
  const [base, pending, fresh] = [byKey(values.base, by), byKey(values.pending, by), byKey(values.fresh, by)];
  const changes: RawJson[] = [];
  for (const [identity, element] of pending) {
    const own = place.path === "status.conditions" && place.own.includes(identity);
    if (rawEquivalent(element, fresh.get(identity)) || (!own && rawEquivalent(element, base.get(identity)))) continue;
    changes.push(wholeElement(element, fresh.get(identity)));
  }
  for (const identity of base.keys()) {
    if (!pending.has(identity) && fresh.has(identity)) changes.push(rawJson({ $patch: "delete", [by]: identity }));
  }
  return changes;
}

/** The element, and null for what it lacks and the cloud's has, so that nothing of the cloud's is left in it. */
function wholeElement(element: RawJson, fresh: RawJson | undefined): RawJson {
  const members = new JsonMembers(element);
  for (const key of membersOf(fresh)?.keys() ?? []) if (!members.has(key)) members.set(key, NULL);
  return members.bytes();
}

function byKey(list: RawJson | undefined, by: string): Map<string, RawJson> {
  const elements = list === undefined ? [] : readElements(list);
  return new Map(elements.map((element) => [textOf(membersOf(element)?.get(by)) ?? "", element]));
}

function membersOf(value: RawJson | undefined): JsonMembers | undefined {
  return typeOf(value) === "object" && value !== undefined ? new JsonMembers(value) : undefined;
}

function typeOf(value: RawJson | undefined): JsonType | undefined {
  return value === undefined ? undefined : jsonTypeOf(value);
}
