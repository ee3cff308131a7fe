import type { HeldObject, ObjectRows } from "./object_rows.ts";
import type { PacedWriter } from "./paced_writer.ts";

export interface WriteObjectsOptions {
  /** In their order. The caller keeps their rows by a snapshot. */
  readonly objects: readonly HeldObject[];
  readonly rows: Pick<ObjectRows, "read">;
  /** Which of them are written. @default all */
  readonly sees?: (held: HeldObject) => boolean | Promise<boolean>;
  /** Writes one. @returns a promise where the reader must be waited for */
  readonly write: (bytes: Uint8Array, held: HeldObject) => Promise<void> | undefined;
}

/**
 * Writes objects one after the other, in one go as far as they are in memory and the reader has room: a turn for each
 * object would cost more than the object.
 *
 * @throws StoreError, MissingRowError
 */
export async function writeObjects(writer: Pick<PacedWriter, "gone">, options: WriteObjectsOptions): Promise<void> {
  const run = new Run(options);
  while (!writer.gone) {
    const waiting = run.go();
    if (waiting === undefined) return;
    await waiting;
  }
}

class Run {
  readonly #options: WriteObjectsOptions;
  #next = 0;

  constructor(options: WriteObjectsOptions) {
    this.#options = options;
  }

  /** @returns what must be waited for; nothing at the end */
  go(): Promise<void> | undefined {
    const { objects, rows, sees, write } = this.#options;
    for (let held = objects[this.#next]; held !== undefined; held = objects[this.#next]) {
      const seen = sees?.(held) ?? true;
      if (seen instanceof Promise) return this.#afterSight(held, seen);
      this.#next++;
      if (!seen) continue;
      const bytes = rows.read(held);
      const room = bytes instanceof Uint8Array ? write(bytes, held) : this.#afterRead(held, bytes);
      if (room !== undefined) return room;
    }
    return undefined;
  }

  async #afterSight(held: HeldObject, seen: Promise<boolean>): Promise<void> {
    const { rows, write } = this.#options;
    this.#next++;
    if (await seen) await write(await rows.read(held), held);
  }

  async #afterRead(held: HeldObject, bytes: Promise<Uint8Array>): Promise<void> {
    await this.#options.write(await bytes, held);
  }
}
