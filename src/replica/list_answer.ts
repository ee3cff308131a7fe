import { isBuiltinGroup } from "../kube/resources.ts";
import type { Sink } from "../platform/bytes.ts";
import type { Clock } from "../platform/clock.ts";
import type { Collection, CollectionHead } from "./collection.ts";
import type { Form, FormedListMeta } from "./form.ts";
import type { HeldObject } from "./object_rows.ts";
import { writeObjects } from "./object_writer.ts";
import type { ObjectReader } from "./overlays.ts";
import { PacedWriter } from "./paced_writer.ts";

export interface ListAnswerOptions {
  readonly collection: Pick<Collection, "codec" | "query">;
  /** Of the same moment as the items. */
  readonly head: CollectionHead;
  /** The token for the next page; empty at the last. */
  readonly continue: string;
  readonly remainingItemCount?: number;
  readonly rows: ObjectReader;
  readonly clock: Clock;
  /** In the order of the list. */
  readonly items: readonly HeldObject[];
  /** Missing for objects as they are. */
  readonly form?: Form;
}

/**
 * Writes a collection as the list that the API server would send, from the bytes that are held (R17): the state at the
 * list's version, whose rows the caller keeps by a snapshot.
 *
 * @throws StoreError, MissingRowError where an object cannot be read; the answer is broken off then
 */
export async function writeList(sink: Sink, options: ListAnswerOptions): Promise<void> {
  const writer = new PacedWriter(sink, options.clock);
  try {
    if (options.form === undefined) await writePlain(writer, options);
    else await writeFormed(writer, { ...options, form: options.form });
    await writer.flush();
    if (!writer.gone) sink.end();
  } catch (error) {
    sink.destroy();
    throw error;
  }
}

async function writeFormed(writer: PacedWriter, options: ListAnswerOptions & { readonly form: Form }): Promise<void> {
  const { rows, items, form } = options;
  const objects: Uint8Array[] = [];
  for (const held of items) objects.push(await rows.read(held));
  for (const chunk of form.list(objects, metaOf(options))) await writer.push(chunk);
}

async function writePlain(writer: PacedWriter, options: ListAnswerOptions): Promise<void> {
  const { head: { apiVersion, kind, listKind }, rows, items, collection: { codec, query } } = options;
  const custom = !isBuiltinGroup(query.group);
  const frame = codec.listFrame({ apiVersion, kind: listKind, itemKind: kind, custom, ...metaOf(options) });
  await writer.push(frame.start);
  let framing = frame.first;
  const write = (bytes: Uint8Array) => {
    const first = framing === frame.first;
    const room = framing.fits(bytes) ? writer.pushFramed(framing, bytes) : writer.push(frame.item(bytes, first));
    framing = frame.next;
    return room;
  };
  await writeObjects(writer, { objects: items, rows, write });
  await writer.push(frame.end);
}

function metaOf({ head, continue: token, remainingItemCount }: ListAnswerOptions): FormedListMeta {
  const { resourceVersion } = head;
  return { resourceVersion, continue: token, ...(remainingItemCount === undefined ? {} : { remainingItemCount }) };
}
