import type { Codec } from "./codec.ts";
import type { LogEvent } from "./event_log.ts";
import type { ObjectFilter } from "./object_filter.ts";
import type { HeldObject } from "./object_rows.ts";
import type { ObjectReader } from "./overlays.ts";
import type { View } from "./view.ts";

/** An event whose object is made already. */
export interface ShownEvent {
  readonly type: LogEvent["type"];
  readonly object: Uint8Array;
  readonly resourceVersion: string;
}

/** Whether a filter may change anything of an event. */
export function concernsEvent(filter: ObjectFilter, { held, before }: LogEvent): boolean {
  return filter.concerns(held.meta) || (before !== undefined && filter.concerns(before.meta));
}

/**
 * An event as a filter's client gets it: an object that begins to be shown is ADDED, one that ends DELETED with the last
 * state that was shown.
 *
 * @param reader of objects as they are shown to all
 * @returns nothing where it does not concern the client
 * @throws StoreError, MissingRowError, StatusError
 */
export async function filteredEvent(
  { type, held, before, resourceVersion }: LogEvent,
  { filter, codec, reader }: { readonly filter: ObjectFilter; readonly codec: Codec; readonly reader: ObjectReader },
): Promise<ShownEvent | undefined> {
  const shown = async (object: HeldObject) => filter.show(object.meta, await reader.read(object));
  const last = before?.meta.uid === held.meta.uid ? before : held; // another one has gone before
  const had = type === "ADDED" ? undefined : await shown(last);
  const has = type === "DELETED" ? undefined : await shown(held);
  const object = has ?? (type === "DELETED" && had !== undefined ? await shown(held) ?? had : had);
  if (object === undefined) return undefined;
  return {
    type: has === undefined ? "DELETED" : had === undefined ? "ADDED" : "MODIFIED",
    object: codec.withResourceVersion(object, resourceVersion),
    resourceVersion,
  };
}

export interface RefilterOptions {
  readonly view: View;
  /** By which the client was answered so far; `unknown` where another hub, or nobody, knows. */
  readonly before: ObjectFilter | "unknown" | undefined;
  readonly after: ObjectFilter | undefined;
  /** Of objects as they are shown to all. */
  readonly reader: ObjectReader;
  readonly isGone: (held: HeldObject) => boolean;
}

/**
 * What a client has to be sent when another filter counts: what it sees otherwise now. Deletions come last, at the
 * collection's version, everything else at the version that it has (R6).
 *
 * @throws StoreError, MissingRowError, StatusError
 */
export async function refiltered({ view, before, after, reader, isGone }: RefilterOptions): Promise<ShownEvent[]> {
  const { collection } = view;
  const changes: ShownEvent[] = [];
  const deletions: ShownEvent[] = [];
  for (const held of collection.objects()) {
    const { meta } = held;
    const isConcerned = before === "unknown" || before?.concerns(meta) === true || after?.concerns(meta) === true;
    if (!isConcerned || isGone(held) || !await view.sees(held)) continue;
    const object = await reader.read(held);
    const had = before === "unknown" || before === undefined ? object : before.show(meta, object);
    const has = after === undefined ? object : after.show(meta, object);
    if (has !== undefined && (before === "unknown" || had === undefined || !areSame(had, has))) {
      const type = had === undefined ? "ADDED" : "MODIFIED";
      changes.push({ type, object: has, resourceVersion: meta.resourceVersion });
    } else if (has === undefined && had !== undefined) {
      const { resourceVersion } = collection;
      const last = collection.codec.withResourceVersion(had, resourceVersion);
      deletions.push({ type: "DELETED", object: last, resourceVersion });
    }
  }
  return [...changes, ...deletions];
}

function areSame(one: Uint8Array, other: Uint8Array): boolean {
  return one === other || (one.length === other.length && one.every((byte, at) => byte === other[at]));
}
