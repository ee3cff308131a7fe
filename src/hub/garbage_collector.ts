import type { Link } from "../cloud/link.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import { type ObjectPath, pathKey } from "../replica/object_path.ts";
import type { Replica } from "../replica/replica.ts";

export interface GarbageCollectorOptions {
  readonly replica: Replica;
  readonly link: Link;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly nodeName: string;
  /** From one round to the next at least; at most three times as long, so that not all nodes come at once. */
  readonly frequencyMs: number;
}

/**
 * Lets go of what the cloud no longer has, where nobody would notice: at start, once the cloud answers, the node's pods that
 * are gone; from time to time its Events, which the cloud keeps for an hour. Nothing goes while the link is cut.
 */
export class GarbageCollector {
  readonly #options: GarbageCollectorOptions;
  readonly #closing = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: GarbageCollectorOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run().catch((error: unknown) => {
      if (!this.#closing.signal.aborted) throw error;
    });
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("The hub closes"));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { link, clock, random, frequencyMs } = this.#options;
    await link.online(this.#closing.signal);
    this.#bringPodsUpToDate();
    for (;;) {
      await clock.sleep(frequencyMs * (1 + 2 * random.float()), this.#closing.signal);
      await link.online(this.#closing.signal);
      this.#dropEvents();
    }
  }

  /** A kubelet that never comes back would leave them as they were. */
  #bringPodsUpToDate(): void {
    const { replica, nodeName } = this.#options;
    for (const collection of replica.collections()) {
      const { group, resource, fieldSelector } = collection.query;
      const isOwn = group === "" && resource === "pods" && fieldSelector === `spec.nodeName=${nodeName}`;
      if (isOwn) replica.reflectors.start(collection);
    }
  }

  /** Those that were not renewed for a round; one that waits in the outbox stays. */
  #dropEvents(): void {
    const { replica, clock, logger, frequencyMs } = this.#options;
    const before = clock.now() - frequencyMs;
    const waits = (path: ObjectPath) =>
      [...replica.overlays.of(path)?.paths() ?? []].some((one) => pathKey(one) === pathKey(path));
    const old = [...replica.records.entries()].filter(([path, { savedAt }]) =>
      path.resource === "events" && ["", "events.k8s.io"].includes(path.group) && savedAt < before && !waits(path)
    );
    for (const [path] of old) replica.records.remove(path);
    if (old.length > 0) logger.log("info", "Old Events are let go", { count: old.length });
  }
}
