import { internalError } from "../kube/status.ts";
import type { Query } from "../kube/resources.ts";
import type { HeldObject } from "../replica/object_rows.ts";
import type { ObjectReader } from "../replica/overlays.ts";
import type { Call } from "./call.ts";
import type { HubContext } from "./context.ts";

/** Held objects as a request's client gets them. */
export interface ShownItems {
  /** Those that are shown, in their order. */
  readonly items: readonly HeldObject[];
  /** Reads them as they are shown. */
  readonly rows: ObjectReader;
}

/**
 * What of some held objects a request's client gets: with what waits in the outbox laid over them, then through its filters.
 * A filter that fails does so here, before anything is answered.
 *
 * @throws StoreError, MissingRowError, StatusError
 */
export async function shownItems(
  { replica, filters }: HubContext,
  call: Call,
  { query, items }: { readonly query: Query; readonly items: readonly HeldObject[] },
): Promise<ShownItems> {
  const reader = replica.overlays.of(query)?.reader(replica.rows) ?? replica.rows;
  const filter = filters?.of(call)?.now();
  if (filter === undefined) return { items, rows: reader };
  const shown: HeldObject[] = [];
  for (const held of items) {
    if (!filter.concerns(held.meta) || filter.show(held.meta, await reader.read(held)) !== undefined) shown.push(held);
  }
  const changed = (held: HeldObject, bytes: Uint8Array) => {
    const object = filter.show(held.meta, bytes);
    if (object === undefined) throw internalError("An object that is not shown any more has changed while it was read");
    return object;
  };
  return {
    items: shown,
    rows: {
      read: (held) => {
        const read = reader.read(held);
        return read instanceof Uint8Array ? changed(held, read) : read.then((bytes) => changed(held, bytes));
      },
    },
  };
}
