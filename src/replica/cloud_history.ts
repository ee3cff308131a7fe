import type { Query } from "../kube/resources.ts";
import type { Clock } from "../platform/clock.ts";
import type { Collection } from "./collection.ts";

/** What the cloud said its version was is not news any more after this. */
const maxAgeMs = 5_000;

interface SharedVersion {
  /** Monotonic milliseconds. */
  readonly askedAt: number;
  readonly resourceVersion: string;
}

export interface VersionQuestion {
  /** What was found out before then does not count. Monotonic milliseconds. */
  readonly since: number;
  readonly ask: () => Promise<string>;
  readonly signal: AbortSignal;
}

/**
 * What the reflectors know together of the cloud's history: at which version it is, asked once after a cut for all
 * collections of a resource (R19), and how often it was found to have gone back to an earlier one (a restored etcd, another
 * cluster behind the name). Versions of before that may mean something else now, also where the cloud has passed them.
 */
export class CloudHistory {
  readonly #clock: Clock;
  readonly #restored: () => void;
  readonly #versions = new Map<string, SharedVersion>();
  readonly #asking = new Map<string, Promise<unknown>>();
  readonly #followers = new Map<Collection, () => void>();
  #restores = 0;

  /** @param restored called when a restore was found */
  constructor(clock: Clock, restored: () => void = () => undefined) {
    this.#clock = clock;
    this.#restored = restored;
  }

  get restores(): number {
    return this.#restores;
  }

  /** Takes back how many were known to a collection that the store held. */
  resume(restores: number): void {
    this.#restores = Math.max(this.#restores, restores);
  }

  /** The version at which the cloud is, as this or another collection of the resource asked it. */
  async version(query: Query, { since, ask, signal }: VersionQuestion): Promise<string> {
    const key = `${query.group}/${query.resource}`;
    for (;;) {
      const known = this.#versions.get(key);
      const oldest = Math.max(since, this.#clock.monotonic() - maxAgeMs);
      if (known !== undefined && known.askedAt >= oldest) return known.resourceVersion;
      const asking = this.#asking.get(key);
      if (asking === undefined) break;
      await settled(asking, signal);
    }
    const askedAt = this.#clock.monotonic();
    const asking = ask();
    this.#asking.set(key, asking);
    try {
      const resourceVersion = await asking;
      this.#versions.set(key, { askedAt, resourceVersion });
      return resourceVersion;
    } finally {
      this.#asking.delete(key);
    }
  }

  /** Whether no restore was found since the collection was last found to be what the cloud has. */
  isVerified(collection: Collection): boolean {
    return collection.resourceEpoch === this.#restores;
  }

  /**
   * Notes that the cloud has left the history of a collection, or of what lies beside the collections. Where no restore was
   * known that explains it, all others are told: they may have gone on from a version that has another past now.
   */
  left(collection: Collection | undefined): void {
    if (collection !== undefined && !this.isVerified(collection)) return;
    this.#restores += 1;
    this.#versions.clear();
    this.#restored();
    for (const [other, restored] of [...this.#followers]) if (other !== collection) restored();
  }

  /** Calls back when another collection's reflector has found a restore. @returns how to stop that */
  follow(collection: Collection, restored: () => void): () => void {
    this.#followers.set(collection, restored);
    return () => {
      if (this.#followers.get(collection) === restored) this.#followers.delete(collection);
    };
  }
}

/** Waits until a promise has settled. @throws the signal's reason */
function settled(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (how: () => void) => {
      signal.removeEventListener("abort", aborted);
      how();
    };
    const aborted = () => finish(() => reject(signal.reason));
    signal.addEventListener("abort", aborted);
    promise.then(() => finish(resolve), () => finish(resolve));
    if (signal.aborted) aborted();
  });
}
