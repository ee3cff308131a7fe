import type { Cloud } from "../cloud/cloud.ts";
import type { Link } from "../cloud/link.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import type { Carriers } from "./carriers.ts";
import type { CloudHistory } from "./cloud_history.ts";
import type { Collection } from "./collection.ts";
import { Reflector } from "./reflector.ts";

export interface ReflectorsOptions {
  readonly cloud: Cloud;
  readonly link: Link;
  readonly history: CloudHistory;
  readonly carriers: Carriers;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A refusal is kept for the first, doubling to the second (design, section 4: the Node authorizer lags behind). */
const refusalMs = { first: 1_000, most: 30_000 };
const maxRefusals = 1_000;

interface Refused {
  readonly until: number;
  readonly keptMs: number;
}

/** The reflectors of all collections, one each (R19). */
export class Reflectors {
  readonly #options: ReflectorsOptions;
  readonly #running = new Map<Collection, Reflector>();
  readonly #refusals = new Map<string, Refused>();
  #closed = false;

  constructor(options: ReflectorsOptions) {
    this.#options = options;
  }

  runs(collection: Collection): boolean {
    return this.#running.has(collection);
  }

  /** Whether the cloud has refused this query so recently that it is not asked again: the request itself goes there. */
  isRefused(key: string): boolean {
    const refusal = this.#refusals.get(key);
    return refusal !== undefined && this.#options.clock.monotonic() < refusal.until;
  }

  start(collection: Collection): void {
    if (this.#closed || this.#running.has(collection)) return;
    const reflector = new Reflector({ ...this.#options, collection });
    this.#running.set(collection, reflector);
    void reflector.done.then(() => this.#ended(collection, reflector));
  }

  /** Ends the watch to the cloud; what the collection holds stays. */
  stop(collection: Collection): void {
    const reflector = this.#running.get(collection);
    this.#running.delete(collection);
    void reflector?.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    const running = [...this.#running.values()];
    this.#running.clear();
    await Promise.all(running.map((reflector) => reflector.close()));
  }

  #ended(collection: Collection, reflector: Reflector): void {
    if (this.#running.get(collection) === reflector) this.#running.delete(collection);
    if (collection.state !== "refused") {
      this.#refusals.delete(collection.key);
      return;
    }
    const before = this.#refusals.get(collection.key);
    const keptMs = before === undefined ? refusalMs.first : Math.min(before.keptMs * 2, refusalMs.most);
    if (this.#refusals.size >= maxRefusals) this.#refusals.clear();
    this.#refusals.set(collection.key, { until: this.#options.clock.monotonic() + keptMs, keptMs });
  }
}
