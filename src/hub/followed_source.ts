import type { LookupSource } from "../filter/filter.ts";
import type { LookupTable } from "../filter/lookup_tables.ts";
import { nodeScope } from "../identity/scope.ts";
import { formatFieldSelector, parseFieldSelector } from "../kube/field_selector.ts";
import { isJsonObject, jsonEqual } from "../kube/json_equal.ts";
import { formatLabelSelector, parseLabelSelector } from "../kube/label_selector.ts";
import type { Query } from "../kube/resources.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import { StoreError } from "../platform/store.ts";
import type { Logger } from "../platform/logger.ts";
import type { Collection } from "../replica/collection.ts";
import { type HeldObject, MissingRowError } from "../replica/object_rows.ts";
import type { Replica } from "../replica/replica.ts";

export interface FollowedSourceOptions {
  readonly source: LookupSource<unknown>;
  readonly replica: Replica;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called after each change of its table or state. */
  readonly changed: () => void;
}

/** A cluster seldom learns new resources, and seldom grants what it has refused. */
const refusedAgainMs = 10 * 60_000;
/** What is not held any more, or could not be read, is fetched again. */
const lostAgainMs = 5_000;

/** A source of a lookup as a table, made of its collection and kept up to date with it. */
export class FollowedSource {
  readonly #options: FollowedSourceOptions;
  readonly #query: Query;
  #collection: Collection | undefined;
  #stop: () => void = () => undefined;
  #cursor: number | undefined;
  #table: ReadonlyMap<string, unknown> = new Map();
  #state: "waiting" | "ready" | "refused" = "waiting";
  #reading = false;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: FollowedSourceOptions) {
    this.#options = options;
    const { group, version, resource, namespace = "", labelSelector = "", fieldSelector = "" } = options.source;
    const labels = formatLabelSelector(parseLabelSelector(labelSelector));
    const fields = formatFieldSelector(parseFieldSelector(fieldSelector));
    this.#query = { group, version, resource, namespace, labelSelector: labels, fieldSelector: fields };
  }

  /** `ready` once it was complete; `refused` where the node may not read it, or the cluster does not have it. */
  get state(): "waiting" | "ready" | "refused" {
    return this.#state;
  }

  /** Whether what is held of it is being read. */
  get isReading(): boolean {
    return this.#reading;
  }

  get table(): LookupTable {
    return this.#table;
  }

  /** Begins to follow it. */
  start(): void {
    this.#begin();
  }

  close(): void {
    this.#closed = true;
    this.#leave();
  }

  #begin(): void {
    this.#leave();
    const { replica } = this.#options;
    const collection = replica.reflected(nodeScope, this.#query);
    if (collection === undefined) return this.#refused();
    const unsubscribe = collection.subscribe(() => this.#wake());
    const closeWatch = collection.openWatch(); // so that it is kept up to date, and kept
    this.#collection = collection;
    this.#stop = () => {
      unsubscribe();
      closeWatch();
    };
    this.#wake();
  }

  #leave(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#stop();
    this.#stop = () => undefined;
    this.#collection = undefined;
    this.#cursor = undefined;
  }

  #wake(): void {
    const collection = this.#collection;
    if (this.#closed || collection === undefined || this.#reading) return;
    if (!this.#isHeld(collection)) return this.#lost();
    if (collection.state === "refused") return this.#refused();
    if (!collection.synced) return;
    if (this.#cursor === collection.log.end && this.#state === "ready") return;
    this.#reading = true;
    void this.#read(collection).finally(() => this.#reading = false).then(() => this.#wake());
  }

  /** One that was dropped has nothing in it any more: that says nothing of the cluster. */
  #isHeld(collection: Collection): boolean {
    return this.#options.replica.held(nodeScope, this.#query) === collection;
  }

  #lost(): void {
    this.#leave();
    this.#again(lostAgainMs);
  }

  #refused(): void {
    this.#leave();
    this.#again(refusedAgainMs);
    this.#enter("refused", new Map());
  }

  #again(delayMs: number): void {
    this.#timer = this.#options.clock.setTimer(delayMs, () => this.#begin());
  }

  async #read(collection: Collection): Promise<void> {
    const snapshot = this.#options.replica.rows.snapshot();
    try {
      const { log } = collection;
      const known = this.#cursor !== undefined && (this.#cursor === log.end || log.at(this.#cursor) !== undefined);
      const table = known ? await this.#followed(collection) : await this.#whole(collection);
      if (collection === this.#collection && this.#isHeld(collection)) this.#enter("ready", table);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const { resource } = this.#query;
      this.#options.logger.log("error", "What filters look up cannot be read", { resource, error: message });
      if (collection !== this.#collection) return;
      if (error instanceof StoreError || error instanceof MissingRowError) {
        this.#options.replica.damaged(collection, error);
      }
      this.#lost();
    } finally {
      snapshot.release();
    }
  }

  async #whole(collection: Collection): Promise<ReadonlyMap<string, unknown>> {
    this.#cursor = collection.log.end;
    const table = new Map<string, unknown>();
    for (const held of collection.objects()) {
      const value = await this.#select(held);
      if (value !== undefined) table.set(keyOf(held), value);
    }
    return table;
  }

  async #followed({ log }: Collection): Promise<ReadonlyMap<string, unknown>> {
    let table = this.#table;
    let cursor = this.#cursor ?? log.end;
    for (let event = log.at(cursor); event !== undefined; event = log.at(++cursor)) {
      const key = keyOf(event.held);
      const value = event.type === "DELETED" ? undefined : await this.#select(event.held);
      if (jsonEqual(value, table.get(key))) continue;
      const next = new Map(table);
      if (value === undefined) next.delete(key);
      else next.set(key, value);
      table = next;
    }
    this.#cursor = cursor;
    return table;
  }

  async #select(held: HeldObject): Promise<unknown> {
    const bytes = await this.#options.replica.rows.read(held);
    const object: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isJsonObject(object) ? this.#options.source.select(object) : undefined;
  }

  #enter(state: "ready" | "refused", table: ReadonlyMap<string, unknown>): void {
    if (state === this.#state && table === this.#table) return;
    this.#state = state;
    this.#table = table;
    this.#options.changed();
  }
}

function keyOf({ meta: { namespace, name } }: HeldObject): string {
  return namespace === "" ? name : `${namespace}/${name}`;
}
