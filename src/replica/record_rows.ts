import type { Logger } from "../platform/logger.ts";
import type { Store } from "../platform/store.ts";
import { decodeHeld, encodeHeld, readRows } from "./collection_rows.ts";
import type { HeldRecord } from "./records.ts";
import type { RowBatch } from "./row_batch.ts";

export interface RecordRowsOptions {
  readonly store: Store;
  readonly batch: RowBatch;
  readonly logger: Logger;
}

export const recordPrefix = "r|";

/** Records in the store, `r|<group>/<version>/<resource>/<namespace>/<name>` each: time, epoch and whose in a line, then the object's row. */
export class RecordRows {
  readonly #options: RecordRowsOptions;

  constructor(options: RecordRowsOptions) {
    this.#options = options;
  }

  /** @param record nothing where it ends */
  save(key: string, record: HeldRecord | undefined): void {
    this.#options.batch.set(recordPrefix + key, record === undefined ? undefined : encodeRecord(record));
  }

  /** Reads all records by their keys. One that does not open is dropped. @throws StoreError */
  async load(): Promise<readonly (readonly [key: string, record: HeldRecord])[]> {
    const { batch } = this.#options;
    const { rows, corrupt } = await readRows(this.#options, recordPrefix);
    const records: (readonly [string, HeldRecord])[] = [];
    for (const [row, value] of rows) {
      const record = decodeRecord(value);
      if (record === undefined) batch.set(row, undefined);
      else records.push([row.slice(recordPrefix.length), record]);
    }
    for (const row of corrupt) batch.set(row, undefined);
    return records;
  }
}

function encodeRecord(record: HeldRecord): Uint8Array {
  const held = encodeHeld(record);
  const head = new TextEncoder().encode(`${record.savedAt} ${record.epoch}${record.callersOnly ? " 1" : ""}\n`);
  const row = new Uint8Array(head.length + held.length);
  row.set(head);
  row.set(held, head.length);
  return row;
}

/** @returns nothing where the value is no record */
export function decodeRecord(row: Uint8Array): HeldRecord | undefined {
  const end = row.indexOf(10);
  const held = decodeHeld(row.subarray(end + 1));
  const [savedAt = NaN, epoch = 0, callersOnly = 0] = new TextDecoder().decode(row.subarray(0, end)).split(" ").map(
    Number,
  );
  if (held === undefined || !Number.isFinite(savedAt) || !Number.isInteger(epoch)) return undefined;
  return { ...held, savedAt, epoch, callersOnly: callersOnly !== 0 };
}
