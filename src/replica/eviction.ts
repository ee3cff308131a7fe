import type { Link } from "../cloud/link.ts";
import { queryKey, selectedNameOf } from "../kube/resources.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Collection } from "./collection.ts";
import type { BoundPod, KeptTokens } from "./kept_tokens.ts";
import { podReferences } from "./pod_references.ts";
import type { Replica } from "./replica.ts";

export interface EvictionOptions {
  readonly replica: Replica;
  readonly link: Link;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly nodeName: string;
  readonly tokens?: KeptTokens;
  /** Keys of the queries that service accounts were granted. @default none */
  readonly grantedQueries?: () => ReadonlySet<string>;
  /** Of object bytes on disk. */
  readonly maxBytes: number;
  /** How long a collection that nobody reads is kept up to date. */
  readonly idleMs: number;
}

/** Collections at most. */
const maxCollections = 2_000;
const sweepMs = 60_000;
const hourMs = 60 * 60_000;
const dayMs = 24 * hourMs;
const podType = { group: "", version: "v1", resource: "pods" };

/**
 * Bounds what the replica holds and what it costs the cloud (R15): the watch of what nobody reads ends, the bytes of what was
 * read least recently go. Only while the link is online: what is offline cannot be fetched again.
 */
export class Eviction {
  readonly #options: EvictionOptions;
  #timer: Timer | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #dropped = 0;
  /** Since when nobody is granted what a collection holds. Milliseconds since 1970. */
  readonly #ungrantedSince = new WeakMap<Collection, number>();

  constructor(options: EvictionOptions) {
    this.#options = options;
  }

  /** Collections that had to go for want of room. */
  get dropped(): number {
    return this.#dropped;
  }

  start(): void {
    this.#timer = this.#options.clock.setTimer(sweepMs, () => {
      this.#sweeping = this.sweep().catch((error: unknown) => {
        this.#options.logger.log("error", "The sweep of the replica failed", { error: String(error) });
      });
      this.start();
    });
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    await this.#sweeping;
  }

  async sweep(): Promise<void> {
    const { link, replica, clock, idleMs, maxBytes, logger, tokens } = this.#options;
    tokens?.dropExpired();
    if (link.state !== "online") return;
    tokens?.dropOf((pod) => this.#isGone(pod));
    const now = clock.now();
    const referenced = await this.#referenced();
    const granted = this.#options.grantedQueries?.() ?? new Set<string>();
    const unread = [...replica.collections()].filter((collection) => collection.watchers === 0)
      .sort((a, b) => a.lastRead - b.lastRead);
    for (const collection of unread) {
      const crowded = replica.rows.bytes > maxBytes || replica.count > maxCollections;
      if (this.#isUngranted(collection, { now, granted })) {
        replica.drop(collection);
        continue;
      }
      if (collection.state === "refused") {
        if (crowded || now - collection.since >= hourMs) replica.drop(collection); // nobody is granted it any more (R16)
        continue;
      }
      if (this.#isPinned(collection, { now, referenced })) continue;
      const unreadMs = now - collection.lastRead;
      if (unreadMs >= idleMs) replica.reflectors.stop(collection);
      const single = selectedNameOf(collection.query.fieldSelector) !== undefined;
      // Who has made as many as it may gets room for another in place of the one that was read least recently.
      const full = crowded || (unreadMs >= idleMs && replica.isFull(collection.makerId));
      if (!full && !(single && unreadMs >= idleMs + hourMs)) continue;
      if (full) {
        this.#dropped += 1;
        logger.log("warn", "A collection is dropped for want of room", { collection: collection.key });
      }
      replica.drop(collection);
    }
  }

  /** Whether what only service accounts were given has been nobody's for an hour (R16). */
  #isUngranted(
    collection: Collection,
    { now, granted }: { readonly now: number; readonly granted: ReadonlySet<string> },
  ): boolean {
    if (!collection.leave.callersOnly || granted.has(queryKey(collection.query))) {
      this.#ungrantedSince.delete(collection);
      return false;
    }
    const since = this.#ungrantedSince.get(collection) ?? now;
    this.#ungrantedSince.set(collection, since);
    return now - since >= hourMs;
  }

  /** Whether what is up to date shows that a pod is no longer on this node. */
  #isGone({ namespace, name, uid }: BoundPod): boolean {
    const pods = this.#options.replica.of({ group: "", resource: "pods" });
    if (pods.find({ ...podType, namespace, name })?.held.meta.uid === uid) return false;
    const own = {
      ...podType,
      namespace: "",
      labelSelector: "",
      fieldSelector: `spec.nodeName=${this.#options.nodeName}`,
    };
    return pods.view(own, ({ state }) => state === "live") !== undefined;
  }

  #isPinned(
    collection: Collection,
    { now, referenced }: { readonly now: number; readonly referenced: ReadonlySet<string> },
  ): boolean {
    const { group, resource, namespace, fieldSelector } = collection.query;
    const name = selectedNameOf(fieldSelector);
    if (name === undefined) return now - collection.lastWatched < dayMs;
    if (group !== "") return false;
    return resource === "nodes" ? name === this.#options.nodeName : referenced.has(`${resource}/${namespace}/${name}`);
  }

  /** The Secrets and ConfigMaps that pods of this node use. */
  async #referenced(): Promise<Set<string>> {
    const { replica, nodeName } = this.#options;
    const names = new Set<string>();
    for (const collection of replica.collections()) {
      const { group, resource, fieldSelector } = collection.query;
      if (group !== "" || resource !== "pods" || fieldSelector !== `spec.nodeName=${nodeName}`) continue;
      for (const held of collection.objects()) {
        for (const name of podReferences(await replica.rows.read(held))) names.add(name);
      }
    }
    return names;
  }
}
