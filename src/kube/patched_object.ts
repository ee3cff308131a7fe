import { notUnderstood, PatchRefusal } from "./patch_refusal.ts";
import { isEmpty, JsonMembers, jsonTypeOf, rawEqual, type RawJson, textOf } from "./raw_json.ts";
import { settlePodStatus } from "./patched_pod_status.ts";

/** What a patch may change of a kind, at one endpoint. */
interface Target {
  /** Members of the object beside `metadata`. */
  readonly members: readonly string[];
  /** Members of `metadata`. */
  readonly metadata: readonly string[];
  /** What the API server does with the object after the patch. */
  readonly settle?: (held: JsonMembers, patched: JsonMembers) => void;
}

const METADATA: readonly string[] = ["labels", "annotations", "finalizers", "ownerReferences"];

const TARGETS: ReadonlyMap<string, Target> = new Map<string, Target>([
  ["v1 Node status", { members: ["status"], metadata: METADATA, settle: settleNode }],
  ["v1 Pod status", { members: ["status"], metadata: METADATA, settle: settlePod }],
  ["v1 Event ", {
    members: [
      ...["action", "count", "firstTimestamp", "lastTimestamp", "message", "reason", "reportingComponent"],
      ...["reportingInstance", "series", "type"],
    ],
    metadata: METADATA,
  }],
  // All else of one is immutable (kubernetes pkg/apis/core/validation/events.go, ValidateEventUpdate).
  ["events.k8s.io/v1 Event ", { members: ["series"], metadata: METADATA }],
]);

/** Members of `metadata` that no update changes, whatever it says (apiserver registry/rest/update.go, BeforeUpdate). */
const KEPT: readonly string[] = ["generation", "creationTimestamp"];
/** Those that an update which says nothing of them keeps. */
const KEPT_IF_MISSING: readonly string[] = [
  "uid",
  "resourceVersion",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
];
const PRECONDITIONS: readonly string[] = ["uid", "resourceVersion"];
/** Maps, which Go leaves out where they are empty, as it does lists; an empty struct it writes. */
const EMPTY_MAPS: readonly string[] = ["labels", "annotations", "capacity", "allocatable", "allocatedResources"];

/**
 * What the API server makes of an object after it has applied a patch: what an update can't change stays, what the kind's
 * strategy fills in is filled in, what is empty goes.
 *
 * @throws PatchRefusal where it would refuse the object, or where the patch reaches beyond what is known here
 */
export function settlePatched(held: RawJson, patched: RawJson, subresource: string): RawJson {
  if (jsonTypeOf(patched) !== "object") throw new PatchRefusal("fails", "The patch leaves no object");
  const [before, after] = [new JsonMembers(held), new JsonMembers(patched)];
  const name = `${textOf(before.get("apiVersion"))} ${textOf(before.get("kind"))} ${subresource}`;
  const target = TARGETS.get(name);
  if (target === undefined) throw notUnderstood(`patches of ${name} are the API server's to apply`);
  settleMetadata(before, after, target.metadata);
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    if (key !== "metadata" && !target.members.includes(key)) refuseChange(before, after, key);
  }
  target.settle?.(before, after);
  return after.bytes();
}

function settleMetadata(held: JsonMembers, patched: JsonMembers, mutable: readonly string[]): void {
  const before = membersAt(held, "metadata");
  const after = membersAt(patched, "metadata");
  for (const key of [...KEPT, ...KEPT_IF_MISSING]) keep(before, after, key);
  for (const key of PRECONDITIONS) {
    if (rawEqual(before.get(key), after.get(key))) continue;
    throw new PatchRefusal("conflict", `The patch is for another ${key} than what is held`);
  }
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    if (!mutable.includes(key)) refuseChange(before, after, key);
  }
  omitEmpty(after);
  patched.set("metadata", after.bytes());
}

function keep(before: JsonMembers, after: JsonMembers, key: string): void {
  const held = before.get(key);
  if (held === undefined) {
    if (KEPT.includes(key) || after.present(key) === undefined) after.delete(key);
  } else if (KEPT.includes(key) || after.present(key) === undefined) after.set(key, held);
}

function refuseChange(before: JsonMembers, after: JsonMembers, key: string): void {
  if (rawEqual(before.present(key), after.present(key))) return;
  throw notUnderstood(`a change of ${key} is the API server's to make`);
}

/** The members of a member; none where it is missing. */
function membersAt(object: JsonMembers, key: string): JsonMembers {
  const value = object.present(key);
  if (value === undefined) return new JsonMembers(EMPTY);
  if (jsonTypeOf(value) !== "object") throw new PatchRefusal("fails", `The patch leaves ${key} no object`);
  return new JsonMembers(value);
}

const EMPTY: RawJson = new TextEncoder().encode("{}");

function omitEmpty(members: JsonMembers): void {
  for (const key of members.keys()) {
    const value = members.present(key);
    const omitted = value === undefined ||
      (isEmpty(value) && (jsonTypeOf(value) === "array" || EMPTY_MAPS.includes(key)));
    if (omitted) members.delete(key);
  }
}

function settleNode(held: JsonMembers, patched: JsonMembers): void {
  const status = membersAt(patched, "status");
  // The dynamic kubelet configuration is gone: what is new of it is dropped (registry/core/node/strategy.go).
  if (membersAt(held, "status").present("config") === undefined) status.delete("config");
  omitEmpty(status);
  patched.set("status", status.bytes());
}

function settlePod(held: JsonMembers, patched: JsonMembers): void {
  const status = membersAt(patched, "status");
  settlePodStatus(membersAt(held, "status"), status);
  omitEmpty(status);
  patched.set("status", status.bytes());
  // Old kubelets spoilt them (registry/core/pod/strategy.go, podStatusStrategy).
  const metadata = membersAt(patched, "metadata");
  const owners = membersAt(held, "metadata").get("ownerReferences");
  if (owners === undefined) metadata.delete("ownerReferences");
  else metadata.set("ownerReferences", owners);
  patched.set("metadata", metadata.bytes());
}
