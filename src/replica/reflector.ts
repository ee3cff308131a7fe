import type { Cloud } from "../cloud/cloud.ts";
import type { Link } from "../cloud/link.ts";
import { type ListHead, ListSplitter } from "../kube/list_codec.ts";
import { readObjectMeta, type TypeMeta, withTypeMeta } from "../kube/object_meta.ts";
import { compareVersions } from "../kube/resource_version.ts";
import { queryPath } from "../kube/query_path.ts";
import { StatusError } from "../kube/status.ts";
import { readStatus } from "../kube/status_reader.ts";
import { WatchDecoder, type WatchFrame } from "../kube/watch_codec.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import { UpstreamError, type UpstreamResponse } from "../platform/upstream.ts";
import type { Collection, Snapshot } from "./collection.ts";
import { decodedBody, readAll } from "./body.ts";

export interface ReflectorOptions {
  readonly collection: Collection;
  readonly cloud: Cloud;
  readonly link: Link;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Objects per page of a list (R8). */
const pageLimit = 500;
/** The cloud ends a watch after one to two times this. */
const watchTimeoutSeconds = 300;
const backoffMs = { first: 500, most: 30_000 };
/** A round that held for so long was no failure. */
const settledMs = 5_000;
/** How long the cloud must have refused, and nothing else, until what was granted ends (R16). */
const refusalMs = 60_000;
/** No Status is longer. */
const maxErrorBytes = 64 * 1024;

interface Page {
  readonly items: readonly Uint8Array[];
  readonly head: ListHead;
}

/** The cloud no longer has the events from the collection's version on. */
class Expired extends Error {}

/**
 * Keeps a collection up to date: list, then watch, over and over (design, section 4). A cut link is nothing special: what
 * is held stays, and the watch resumes from its version.
 */
export class Reflector {
  readonly #options: ReflectorOptions;
  readonly #closed = new AbortController();
  readonly #done: Promise<void>;
  #mustList = false;
  /** Whether it was granted once: only then is a refusal waited out. */
  #granted: boolean;
  #refusedSince: number | undefined;

  constructor(options: ReflectorOptions) {
    this.#options = options;
    this.#granted = options.collection.synced;
    this.#done = this.#run();
  }

  /** Ends its watch to the cloud; what is held stays. */
  async close(): Promise<void> {
    this.#closed.abort(new Error("The reflector is closed"));
    await this.#done;
  }

  get closed(): boolean {
    return this.#closed.signal.aborted;
  }

  async #run(): Promise<void> {
    const { collection, clock, random, link } = this.#options;
    const signal = this.#closed.signal;
    let delayMs = backoffMs.first;
    let hasty = 0;
    while (!signal.aborted) {
      const startedAt = clock.monotonic();
      const outcome = await this.#round().then(() => "again" as const, (error: unknown) => this.#failed(error));
      if (outcome === "over" || signal.aborted) break;
      if (clock.monotonic() - startedAt >= settledMs) {
        delayMs = backoffMs.first;
        hasty = 0;
      }
      // A watch that ended and one whose version was too old go on at once, but not over and over.
      if (outcome === "again" && ++hasty <= 2) continue;
      const wasOnline = link.state === "online";
      // Jitter spreads the reconnects of many collections and of many nodes (R19).
      await clock.sleep(delayMs * (0.5 + random.float()), signal).catch(() => undefined);
      delayMs = wasOnline ? Math.min(delayMs * 2, backoffMs.most) : backoffMs.first;
    }
    if (collection.state === "live") collection.enter("stale");
  }

  #failed(error: unknown): "again" | "later" | "over" {
    const { collection, link, logger } = this.#options;
    if (this.closed) return "over";
    if (collection.state === "live") collection.enter("stale");
    if (error instanceof Expired) {
      this.#mustList = true;
      return "again";
    }
    if (error instanceof UpstreamError) link.suspect();
    logger.log("debug", "A reflector failed", {
      collection: collection.key,
      error: error instanceof Error ? error.message : String(error),
    });
    return this.#refused(error) ? "over" : "later";
  }

  async #round(): Promise<void> {
    const { collection, link } = this.#options;
    const round = new AbortController();
    const abort = () => round.abort(this.#closed.signal.reason);
    this.#closed.signal.addEventListener("abort", abort);
    const stop = link.onChange(() => {
      if (link.state === "offline") round.abort(new UpstreamError("broken", "The link was cut", { sent: true }));
    });
    try {
      if (collection.synced) await link.online(this.#closed.signal);
      if (!collection.synced || this.#mustList || await this.#isNewEpoch(round.signal)) await this.#list(round.signal);
      this.#mustList = false;
      await this.#watch(round.signal);
    } finally {
      stop();
      this.#closed.signal.removeEventListener("abort", abort);
    }
  }

  /**
   * Whether the cloud is behind what is held: a restored etcd, or another cluster behind the name. Asked before each
   * resumed watch, which would otherwise wait at a version that is not the cloud's.
   */
  async #isNewEpoch(signal: AbortSignal): Promise<boolean> {
    const { collection } = this.#options;
    try {
      const { head } = await this.#page("", 1, signal);
      return compareVersions(head.resourceVersion, collection.resourceVersion) < 0;
    } catch (error) {
      if (error instanceof StatusError && error.code === 403) return false; // it may watch but not list
      throw error;
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const items: Uint8Array[] = [];
    let next = "";
    let first: Snapshot | undefined;
    do {
      const page = await this.#page(next, pageLimit, signal);
      items.push(...page.items);
      next = page.head.continue;
      first ??= {
        apiVersion: page.head.apiVersion,
        kind: page.head.kind.replace(/List$/, ""),
        listKind: page.head.kind,
        resourceVersion: page.head.resourceVersion,
        items,
      };
    } while (next !== "");
    const { apiVersion, kind } = first;
    this.#options.collection.replace({ ...first, items: items.map((item) => owned(item, { apiVersion, kind })) });
  }

  async #page(token: string, limit: number, signal: AbortSignal): Promise<Page> {
    const response = await this.#ask({ limit: String(limit), ...(token === "" ? {} : { continue: token }) }, signal);
    const splitter = new ListSplitter();
    const items: Uint8Array[] = [];
    for await (const chunk of decodedBody(response)) for (const item of splitter.push(chunk)) items.push(item);
    return { items, head: splitter.end() };
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { collection, random } = this.#options;
    const timeoutSeconds = Math.ceil(watchTimeoutSeconds * (1 + random.float()));
    const response = await this.#ask({
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: collection.resourceVersion,
      timeoutSeconds: String(timeoutSeconds),
    }, signal);
    this.#refusedSince = undefined;
    this.#granted = true;
    collection.enter("live");
    const decoder = new WatchDecoder();
    for await (const chunk of response.body) {
      for (const frame of decoder.push(chunk)) this.#take(frame);
    }
  }

  #take(frame: WatchFrame): void {
    const { collection } = this.#options;
    switch (frame.type) {
      case "BOOKMARK":
        collection.advance(readObjectMeta(frame.object).resourceVersion);
        return;
      case "ERROR": {
        const error = readStatus(frame.object);
        if (error.code === 410) throw new Expired();
        throw error;
      }
      case "ADDED":
      case "MODIFIED":
      case "DELETED":
        collection.apply(frame.type, owned(frame.object, collection));
    }
  }

  async #ask(parameters: Readonly<Record<string, string>>, signal: AbortSignal): Promise<UpstreamResponse> {
    const { cloud, collection, link } = this.#options;
    const watch = parameters.watch !== undefined;
    const response = await cloud.request({
      method: "GET",
      rawPath: queryPath(collection.query, parameters),
      rawHeaders: [
        "Accept",
        "application/json",
        ...(watch ? [] : ["Accept-Encoding", "gzip"]),
        "User-Agent",
        "holdfast",
      ],
      signal,
      longRunning: watch,
    });
    if (response.status === 200) return response;
    const body = await readAll(decodedBody(response), maxErrorBytes);
    if (response.status === 410) throw new Expired();
    // What a portal on the way answers is no answer of the cloud.
    const error = readStatus(body);
    if (link.state === "offline") {
      throw new UpstreamError("broken", `The cloud is not ready: ${response.status}`, { sent: true });
    }
    throw error;
  }

  /**
   * Ends a collection that the cloud refuses: at once where nothing was granted yet, for then the request itself goes to
   * the cloud and gets its answer (R1); else after a minute of nothing else (R16).
   */
  #refused(error: unknown): boolean {
    const { collection, clock } = this.#options;
    if (!(error instanceof StatusError)) return false;
    if (this.#granted) {
      if (error.code !== 403 && error.code !== 404) return false;
      this.#refusedSince ??= clock.monotonic();
      if (clock.monotonic() - this.#refusedSince < refusalMs) return false;
    }
    collection.enter("refused", error);
    return true;
  }
}

/** An object with its type and bytes of its own: a view would keep the whole chunk that it came in. */
function owned(object: Uint8Array, type: TypeMeta): Uint8Array {
  const typed = withTypeMeta(object, { apiVersion: type.apiVersion, kind: type.kind });
  return typed === object ? object.slice() : typed;
}
