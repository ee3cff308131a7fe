/** A durable, ordered key-value store. Keys are ordered by their UTF-8 bytes. */
export interface Store {
  /** Sees every commit that has resolved. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** All rows whose key starts with `prefix`, in order of keys; reads in pages, so that a large store is never in memory at once. */
  list(prefix: string): AsyncIterable<readonly [key: string, value: Uint8Array]>;
  /** The keys of `list`, without reading the values. */
  keys(prefix: string): AsyncIterable<string>;
  /**
   * Applies a batch whole or not at all: first the prefixes, then the keys are removed, then the rows are put.
   * Resolves once it is as durable as the store was opened for. Batches are applied in the order of the calls.
   * The batch is copied before this returns.
   *
   * @throws StoreError; nothing of the batch is applied then
   */
  commit(batch: StoreBatch): Promise<void>;
  /** Ends after the commits under way. */
  close(): Promise<void>;
}

/** Changes that are applied together. */
export interface StoreBatch {
  readonly put?: readonly (readonly [key: string, value: Uint8Array])[];
  readonly remove?: readonly string[];
  readonly removePrefix?: readonly string[];
}

/** Where a store lies and what its commits survive. */
export interface OpenStoreOptions {
  /** The file; its folder is made (0700) where missing. */
  readonly path: string;
  /** `full`: a resolved commit survives power loss. `normal`: it survives the process, the last ones may not survive power loss. */
  readonly durability: "full" | "normal";
  /**
   * Opens a file beside its writer, as another process may: it must be there, commits are refused, and all that is read is
   * the state at the opening. @default {false}
   */
  readonly readOnly?: boolean;
  /**
   * With `readOnly`: nobody has it open, so that nothing needs to be made beside the file. What somebody writes meanwhile may
   * be read in part. @default {false}
   */
  readonly alone?: boolean;
  /**
   * Begins anew: what lies there, which was found `corrupt`, is first moved to `<path>.damaged`, in place of what was moved
   * there before. @default {false}
   */
  readonly setAside?: boolean;
}

/** Opens a store, made where missing. @throws StoreError */
export type OpenStore = (options: OpenStoreOptions) => Promise<Store>;

/** Why a store failed: no room, damaged, in use by another process, closed, anything else. */
export type StoreFailure = "full" | "corrupt" | "locked" | "closed" | "failed";

/** The store could not do what was asked of it. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly failure: StoreFailure;

  constructor(failure: StoreFailure, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.failure = failure;
  }
}
