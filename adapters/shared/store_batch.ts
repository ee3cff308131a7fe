import type { StoreBatch } from "../../src/platform/store.ts";

/** A batch as one buffer that can be moved to the worker: values may be views of large buffers, which a clone would copy whole. */
export type PackedBatch = ArrayBuffer;

/** What a packed batch does, in its order; the bytes are views of the buffer. */
export interface UnpackedBatch {
  readonly removePrefix: readonly Uint8Array[];
  readonly remove: readonly Uint8Array[];
  /** Key, value, key, value … */
  readonly put: readonly Uint8Array[];
}

const LENGTH_BYTES = 4;

/** Copies a batch into one buffer: three lists, each its count, then its items, each its length and bytes. */
export function packBatch(batch: StoreBatch): PackedBatch {
  const encoder = new TextEncoder();
  const lists = [
    (batch.removePrefix ?? []).map((prefix) => encoder.encode(prefix)),
    (batch.remove ?? []).map((key) => encoder.encode(key)),
    (batch.put ?? []).flatMap(([key, value]) => [encoder.encode(key), value]),
  ];
  const items = lists.flat();
  const buffer = new ArrayBuffer(
    items.reduce((sum, item) => sum + LENGTH_BYTES + item.length, lists.length * LENGTH_BYTES),
  );
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  let offset = 0;
  const writeLength = (length: number): void => {
    view.setUint32(offset, length);
    offset += LENGTH_BYTES;
  };
  for (const list of lists) {
    writeLength(list.length);
    for (const item of list) {
      writeLength(item.length);
      bytes.set(item, offset);
      offset += item.length;
    }
  }
  return buffer;
}

/** Reads what `packBatch` wrote. */
export function unpackBatch(packed: PackedBatch): UnpackedBatch {
  const view = new DataView(packed);
  let offset = 0;
  const readLength = (): number => {
    offset += LENGTH_BYTES;
    return view.getUint32(offset - LENGTH_BYTES);
  };
  const readList = (): Uint8Array[] =>
    Array.from({ length: readLength() }, () => {
      const length = readLength();
      offset += length;
      return new Uint8Array(packed, offset - length, length);
    });
  return { removePrefix: readList(), remove: readList(), put: readList() };
}
