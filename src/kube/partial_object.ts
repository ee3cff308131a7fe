import { joinBytes } from "./joined_bytes.ts";
import { elements, MemberCursor } from "./json_cursor.ts";
import { frameList, type FrameListOptions } from "./list_codec.ts";

/** Of meta.k8s.io, as the client's Accept names it. */
export type MetaVersion = "v1" | "v1beta1";

/** In the order in which the API server writes them: that of Go's ObjectMeta. Custom resources are kept by name. */
const METADATA_ORDER: readonly string[] = [
  "name",
  "generateName",
  "namespace",
  "selfLink",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "labels",
  "annotations",
  "ownerReferences",
  "finalizers",
  "managedFields",
];

/** Members of ObjectMeta whose elements have an order of their own. */
const ELEMENT_ORDERS: ReadonlyMap<string, readonly string[]> = new Map([
  ["ownerReferences", ["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"]],
  ["managedFields", ["manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1", "subresource"]],
]);

interface Member {
  readonly key: string;
  readonly rank: number;
  /** With its key. */
  readonly bytes: Uint8Array;
  readonly value: Uint8Array;
}

/**
 * An object as `PartialObjectMetadata`, byte for byte as kube-apiserver 1.36 sends it. Events of a watch hold the same,
 * bookmarks included (see `frameEvent`).
 *
 * @param object with its `kind` before its metadata, as it is stored: some kinds differ
 * @throws JsonSyntaxError
 */
export function partialObject(object: Uint8Array, version: MetaVersion = "v1"): Uint8Array {
  const start = `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/${version}","metadata":`;
  return joinBytes([start, metadataOf(object), "}"]);
}

export interface FramePartialListOptions
  extends Pick<FrameListOptions, "resourceVersion" | "continue" | "remainingItemCount"> {
  /** The objects themselves, as of `partialObject`. */
  readonly items: Iterable<Uint8Array>;
  /** @default {v1} */
  readonly version?: MetaVersion;
}

/** Objects as `PartialObjectMetadataList`, in pieces as of `frameList`; without any, `items` is null. */
export function* framePartialList(options: FramePartialListOptions): Generator<Uint8Array, void, undefined> {
  const { items, version = "v1", ...head } = options;
  const iterator = items[Symbol.iterator]();
  const first = iterator.next();
  const type = { kind: "PartialObjectMetadataList", apiVersion: `meta.k8s.io/${version}` };
  if (first.done) {
    const [empty = new Uint8Array()] = frameList({ ...head, ...type, items: [] });
    const brackets = "[]}\n".length;
    yield joinBytes([empty.subarray(0, empty.length - brackets), "null}\n"]);
    return;
  }
  yield* frameList({ ...head, ...type, items: partials(first.value, iterator) });

  function* partials(object: Uint8Array, rest: Iterator<Uint8Array>): Generator<Uint8Array, void, undefined> {
    yield partialObject(object, version);
    for (let next = rest.next(); !next.done; next = rest.next()) yield partialObject(next.value, version);
  }
}

function metadataOf(object: Uint8Array): Uint8Array {
  const members = new MemberCursor(object);
  let kind = "";
  let sorted = false;
  while (members.next()) {
    if (members.keyIs("kind")) kind = members.string();
    // Members sorted by name, as in all custom resources; what Go writes of a struct begins with the kind.
    if (members.keyIs("apiVersion") && kind === "") sorted = true;
    if (!members.keyIs("metadata")) continue;
    if (kind === "DaemonSet") return withoutGeneration(members.value());
    return sorted || kind === "" ? inOrder(members.value()) : members.value();
  }
  return new TextEncoder().encode("{}");
}

/** Put into DaemonSets when they leave the API server as such (apps/v1 conversion), so not into their metadata. */
const TEMPLATE_GENERATION = "deprecated.daemonset.template.generation";

function withoutGeneration(metadata: Uint8Array): Uint8Array {
  const members = membersOf(metadata, METADATA_ORDER).flatMap((member) => {
    if (member.key !== "annotations") return [member];
    const annotations = membersOf(member.value, []).filter(({ key }) => key !== TEMPLATE_GENERATION);
    if (annotations.length === 0) return [];
    return [{ ...member, bytes: joinBytes([`"annotations":`, joined(annotations)]) }];
  });
  return joined(members);
}

function inOrder(metadata: Uint8Array): Uint8Array {
  const members = membersOf(metadata, METADATA_ORDER);
  return isOrdered(members) ? metadata : joined(members.map(withOrderedElements));
}

function withOrderedElements(member: Member): Member {
  const order = ELEMENT_ORDERS.get(member.key);
  if (order === undefined || member.value[0] !== 0x5b) return member;
  const parts = [...elements(member.value)].map(({ start, end }) =>
    joined(membersOf(member.value.subarray(start, end), order))
  );
  return { ...member, bytes: joinBytes([`"${member.key}":[`, ...separated(parts), "]"]) };
}

function membersOf(object: Uint8Array, order: readonly string[]): Member[] {
  const found: Member[] = [];
  const members = new MemberCursor(object);
  while (members.next()) {
    const key = members.key();
    const rank = order.indexOf(key);
    found.push({
      key,
      rank: rank < 0 ? order.length : rank,
      bytes: object.subarray(members.keyStart - 1, members.valueEnd),
      value: members.value(),
    });
  }
  return found;
}

function isOrdered(members: readonly Member[]): boolean {
  return members.every(({ rank }, index) => rank >= (members[index - 1]?.rank ?? 0));
}

function joined(members: readonly Member[]): Uint8Array {
  const ordered = members.toSorted((a, b) => a.rank - b.rank);
  return joinBytes(["{", ...separated(ordered.map(({ bytes }) => bytes)), "}"]);
}

function separated(parts: readonly Uint8Array[]): (Uint8Array | string)[] {
  return parts.flatMap((part, index) => (index === 0 ? [part] : [",", part]));
}
