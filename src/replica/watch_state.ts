import type { Form } from "./form.ts";
import type { ObjectFilter } from "./object_filter.ts";
import type { HeldObject, ObjectRows } from "./object_rows.ts";
import { writeObjects } from "./object_writer.ts";
import type { ObjectReader } from "./overlays.ts";
import type { PacedWriter } from "./paced_writer.ts";
import type { View } from "./view.ts";

export interface WatchStateOptions {
  readonly view: View;
  readonly rows: ObjectRows;
  /** Of objects as they are shown to all. */
  readonly reader: ObjectReader;
  readonly filter: ObjectFilter | undefined;
  readonly form: Form | undefined;
}

/** Writes the state of a view as ADDED events: that with which a watch begins. @throws StoreError, MissingRowError, StatusError */
export async function writeState(writer: PacedWriter, options: WatchStateOptions): Promise<void> {
  const { view, rows, reader, filter, form } = options;
  const { codec } = view.collection;
  const framing = codec.eventFraming("ADDED");
  const writeShown = (object: Uint8Array, { meta: { resourceVersion } }: HeldObject) =>
    form === undefined && framing.fits(object)
      ? writer.pushFramed(framing, object)
      : writer.push(codec.frameEvent("ADDED", form?.object(object, resourceVersion) ?? object));
  const write = filter === undefined ? writeShown : (object: Uint8Array, held: HeldObject) => {
    const shown = filter.show(held.meta, object);
    return shown === undefined ? undefined : writeShown(shown, held);
  };
  const sees = view.whole ? {} : { sees: (held: HeldObject) => view.sees(held) };
  const snapshot = rows.snapshot();
  try {
    await writeObjects(writer, { objects: view.collection.objects(), rows: reader, write, ...sees });
  } finally {
    snapshot.release();
  }
}
