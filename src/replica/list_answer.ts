import { frameList } from "../kube/list_codec.ts";
import { withoutTypeMeta } from "../kube/object_meta.ts";
import { isBuiltinGroup } from "../kube/resources.ts";
import type { Sink } from "../platform/bytes.ts";
import type { Collection, HeldObject } from "./collection.ts";

/** Small chunks are joined up to this size: a write costs more than its bytes. */
const chunkBytes = 64 * 1024;

/**
 * Writes a collection as the list that the API server would send, from the bytes that are held (R17).
 *
 * @param items the objects, where they are not the collection's own
 */
export async function writeList(
  sink: Sink,
  collection: Collection,
  items: Iterable<HeldObject> = collection.objects(),
): Promise<void> {
  const { apiVersion, listKind, resourceVersion, query } = collection;
  const custom = !isBuiltinGroup(query.group);
  const bytes = custom ? map(items, (held) => held.bytes) : map(items, (held) => withoutTypeMeta(held.bytes));
  await writeJoined(sink, frameList({ apiVersion, kind: listKind, resourceVersion, items: bytes, custom }));
  sink.end();
}

/** Writes many small chunks as few, waiting where the reader is slow. */
export async function writeJoined(sink: Sink, chunks: Iterable<Uint8Array>): Promise<void> {
  let joined = new Uint8Array(chunkBytes);
  let length = 0;
  for (const chunk of chunks) {
    if (length + chunk.length > chunkBytes && length > 0) {
      await sink.write(joined.subarray(0, length));
      joined = new Uint8Array(chunkBytes);
      length = 0;
    }
    if (chunk.length > chunkBytes) {
      await sink.write(chunk);
      continue;
    }
    joined.set(chunk, length);
    length += chunk.length;
  }
  if (length > 0) await sink.write(joined.subarray(0, length));
}

/** Changes values one by one, as they are taken. */
export function* map<From, To>(values: Iterable<From>, change: (value: From) => To): Iterable<To> {
  for (const value of values) yield change(value);
}
