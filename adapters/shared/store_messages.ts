import type { StoreFailure } from "../../src/platform/store.ts";
import type { PackedBatch } from "./store_batch.ts";

/** To the worker. One request is answered before the next is sent. */
export type StoreRequest =
  | { readonly kind: "commit"; readonly batches: readonly PackedBatch[] }
  | { readonly kind: "close" };

/** From the worker. */
export type StoreReply =
  /** `deferred`: there is no room to write; the file can be read alone. The worker has the lock and tries again. */
  | { readonly kind: "opened"; readonly deferred: boolean }
  /** What was deferred is open now. */
  | { readonly kind: "reopened" }
  | { readonly kind: "refused"; readonly problem: StoreProblem }
  /** One entry per batch of the request: nothing where it is committed. */
  | { readonly kind: "committed"; readonly problems: readonly (StoreProblem | undefined)[] }
  | { readonly kind: "closed" };

/** A StoreError on its way between threads. */
export interface StoreProblem {
  readonly failure: StoreFailure;
  readonly message: string;
}
