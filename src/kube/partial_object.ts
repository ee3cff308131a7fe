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
 * @throws JsonSyntaxError
 */
export function partialObject(object: Uint8Array, version: MetaVersion = "v1"): Uint8Array {
  const start = `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/${version}","metadata":`;
  return concat([encode(start), metadataOf(object), encode("}")]);
}

export interface FramePartialListOptions
  extends Pick<FrameListOptions, "resourceVersion" | "continue" | "remainingItemCount"> {
  /** The objects themselves. */
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
    const brackets = encode("[]}\n").length;
    yield concat([empty.subarray(0, empty.length - brackets), encode("null}\n")]);
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
  while (members.next()) if (members.keyIs("metadata")) return inOrder(members.value());
  return encode("{}");
}

function inOrder(metadata: Uint8Array): Uint8Array {
  const members = membersOf(metadata, METADATA_ORDER);
  if (isOrdered(members)) return metadata;
  return joined(members.map((member) => {
    const order = ELEMENT_ORDERS.get(member.key);
    if (order === undefined || member.value[0] !== 0x5b) return member;
    const parts = [...elements(member.value)].map(({ start, end }) =>
      joined(membersOf(member.value.subarray(start, end), order))
    );
    return { ...member, bytes: concat([encode(`"${member.key}":[`), ...separated(parts), encode("]")]) };
  }));
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
  return concat([encode("{"), ...separated(ordered.map(({ bytes }) => bytes)), encode("}")]);
}

function separated(parts: readonly Uint8Array[]): Uint8Array[] {
  return parts.flatMap((part, index) => (index === 0 ? [part] : [COMMA, part]));
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

const COMMA: Uint8Array = Uint8Array.of(0x2c);

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
