import type { ResourceEpoch } from "../../src/replica/collection.ts";
import { ObjectRows } from "../../src/replica/object_rows.ts";
import { RowBatch } from "../../src/replica/row_batch.ts";
import { createFakeClock, type FakeClock } from "./fake_clock.ts";
import { createFaultyStore, type FaultyStore } from "./faulty_store.ts";
import { silentLogger } from "./lone_replica.ts";

export interface LoneRows {
  readonly store: FaultyStore;
  readonly clock: FakeClock;
  readonly batch: RowBatch;
  readonly rows: ObjectRows;
}

/** Rows of objects in a store of their own. */
export function loneRows(options: { readonly memoryMaxBytes?: number } = {}): LoneRows {
  const { memoryMaxBytes = 1_000_000 } = options;
  const clock = createFakeClock();
  const store = createFaultyStore();
  const batch = new RowBatch({ store, clock, logger: silentLogger });
  return { store, clock, batch, rows: new ObjectRows(batch, memoryMaxBytes) };
}

/** For a collection whose resource never begins another epoch. */
export const oneEpoch: ResourceEpoch = { epoch: 0, highestVersion: () => "0", beginEpoch: () => undefined };
