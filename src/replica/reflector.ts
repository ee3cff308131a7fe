import type { Cloud } from "../cloud/cloud.ts";
import type { Link } from "../cloud/link.ts";
import type { ListHead } from "../kube/list_codec.ts";
import { queryPath } from "../kube/query_path.ts";
import { compareVersions } from "../kube/resource_version.ts";
import { StatusError } from "../kube/status.ts";
import { readStatus } from "../kube/status_reader.ts";
import type { WatchFrame } from "../kube/watch_codec.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import { UpstreamError, type UpstreamResponse } from "../platform/upstream.ts";
import { decodedBody, readAll, withStallLimit } from "./body.ts";
import type { Collection, Snapshot } from "./collection.ts";

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
/** Reconnects after a cut are spread over this (R19). */
const returnJitterMs = 1_000;
/** A round that held for so long was no failure. */
const settledMs = 5_000;
/** How long the cloud must have refused, and nothing else, until what was granted ends (R16). */
const refusalMs = 60_000;
/** A resumed watch that has brought nothing more for so long has brought all that was missed. */
const confirmMs = 1_000;
/** A first state that stops coming for so long is given up. */
const stallMs = 30_000;
/** No Status is longer. */
const maxErrorBytes = 64 * 1024;

interface Page {
  readonly items: readonly Uint8Array[];
  readonly head: ListHead;
}

/** The cloud no longer has the events from the collection's version on. */
class Expired extends Error {}

/**
 * Keeps a collection up to date: the state by WatchList, or by a paged list where the cloud offers none, then a watch, over
 * and over (design, section 4). A cut link is nothing special: what is held stays, and the watch resumes from its version.
 */
export class Reflector {
  /** Resolves when it has ended: closed, or refused by the cloud. */
  readonly done: Promise<void>;
  readonly #options: ReflectorOptions;
  readonly #closed = new AbortController();
  #mustList = false;
  /** Whether the link may have been cut since the last event: the cloud may then be another one, or an older one. */
  #mayBeOther = true;
  #watchListRefused = false;
  /** The cloud's own version when it was asked last. */
  #cloudVersion = "0";
  /** Whether it was granted once: only then is a refusal waited out. */
  #granted: boolean;
  #refusedSince: number | undefined;

  constructor(options: ReflectorOptions) {
    this.#options = options;
    this.#granted = options.collection.synced;
    this.done = this.#run();
  }

  /** Ends its watch to the cloud; what is held stays. */
  async close(): Promise<void> {
    this.#closed.abort(new Error("The reflector is closed"));
    await this.done;
  }

  async #run(): Promise<void> {
    const { clock, random, link } = this.#options;
    const { signal } = this.#closed;
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
      this.#stale();
      const wasOnline = link.state === "online";
      await clock.sleep(delayMs * (0.5 + random.float()), signal).catch(() => undefined);
      delayMs = wasOnline ? Math.min(delayMs * 2, backoffMs.most) : backoffMs.first;
    }
    this.#stale();
  }

  #stale(): void {
    if (this.#options.collection.state === "live") this.#options.collection.enter("stale");
  }

  #failed(error: unknown): "again" | "later" | "over" {
    const { collection, link, logger } = this.#options;
    if (this.#closed.signal.aborted) return "over";
    this.#stale();
    if (!isRefusal(error)) this.#refusedSince = undefined;
    if (error instanceof Expired) {
      this.#mustList = true;
      return "again";
    }
    this.#mayBeOther = true;
    if (error instanceof UpstreamError) link.suspect();
    logger.log("debug", "A reflector failed", {
      collection: collection.key,
      error: error instanceof Error ? error.message : String(error),
    });
    return this.#refused(error) ? "over" : "later";
  }

  async #round(): Promise<void> {
    const { collection, link } = this.#options;
    await this.#online();
    const round = new AbortController();
    const abort = () => round.abort(this.#closed.signal.reason);
    this.#closed.signal.addEventListener("abort", abort);
    const stop = link.onChange(() => {
      if (link.state === "offline") round.abort(new UpstreamError("broken", "The link was cut", { sent: true }));
    });
    try {
      if (!collection.synced || this.#mustList || await this.#isNewEpoch(round)) {
        if (!this.#watchListRefused && await this.#watchList(round)) return;
        await this.#list(round);
      }
      await this.#watch(round);
    } finally {
      stop();
      this.#closed.signal.removeEventListener("abort", abort);
    }
  }

  /** Waits for the link where it is cut; after the wait not all come at once (R19). */
  async #online(): Promise<void> {
    const { link, clock, random } = this.#options;
    if (link.state !== "offline") return;
    this.#stale();
    await link.online(this.#closed.signal);
    await clock.sleep(random.float() * returnJitterMs, this.#closed.signal);
  }

  #listed(): void {
    this.#mustList = false;
    this.#mayBeOther = false;
    this.#granted = true;
    this.#refusedSince = undefined;
  }

  /**
   * Whether the cloud is behind what is held: a restored etcd, or another cluster behind the name. Asked after each cut,
   * before the watch resumes, which would otherwise wait at a version that is not the cloud's.
   */
  async #isNewEpoch(round: AbortController): Promise<boolean> {
    if (!this.#mayBeOther) return false;
    const { collection } = this.#options;
    const held = collection.resourceVersion;
    const highest = collection.resource.highestVersion();
    try {
      const { head: { resourceVersion } } = await this.#page("", { limit: 1, round });
      this.#cloudVersion = resourceVersion;
      if (compareVersions(resourceVersion, held) < 0) return true;
      // Of what lies beside the collection some is of another epoch.
      if (compareVersions(resourceVersion, highest) < 0) collection.resource.beginEpoch(resourceVersion);
      return false;
    } catch (error) {
      if (error instanceof StatusError && error.code === 403) return false; // it may watch but not list
      throw error;
    }
  }

  /**
   * The state and all that follows in one stream (KEP-3157).
   *
   * @returns false where the cloud does not offer that
   */
  async #watchList(round: AbortController): Promise<boolean> {
    const { collection } = this.#options;
    const asOf = collection.resourceVersion;
    let response: UpstreamResponse;
    try {
      response = await this.#ask(
        { ...this.#watchParameters(), sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan" },
        round,
      );
    } catch (error) {
      if (!(error instanceof StatusError) || (error.code !== 422 && error.code !== 400)) throw error;
      this.#watchListRefused = true;
      return false;
    }
    const initial: Uint8Array[] = [];
    let complete = false;
    const decoder = collection.codec.watchDecoder();
    const body = withStallLimit(response.body, {
      clock: this.#options.clock,
      limitMs: stallMs,
      round,
      until: () => complete,
    });
    for await (const chunk of body) {
      for (const frame of decoder.push(chunk)) {
        if (complete) this.#take(frame);
        else complete = this.#takeInitial(frame, { initial, asOf });
      }
    }
    if (!complete || decoder.incomplete) throw new UpstreamError("broken", "The watch broke off", { sent: true });
    return true;
  }

  /** @returns whether the initial state is complete with it */
  #takeInitial(
    frame: WatchFrame,
    { initial, asOf }: { readonly initial: Uint8Array[]; readonly asOf: string },
  ): boolean {
    const { collection } = this.#options;
    if (frame.type === "ERROR") throw watchError(frame.object);
    const meta = collection.codec.readMeta(frame.object);
    if (frame.type !== "BOOKMARK") {
      initial.push(collection.codec.stored(frame.object, meta));
      return false;
    }
    if (!meta.initialEventsEnd) return false;
    const { apiVersion, kind, resourceVersion } = meta;
    const items = initial.splice(0);
    this.#replace({ apiVersion, kind, listKind: `${kind}List`, resourceVersion, items }, asOf);
    collection.enter("live");
    return true;
  }

  async #list(round: AbortController): Promise<void> {
    const { collection } = this.#options;
    const asOf = collection.resourceVersion;
    const items: Uint8Array[] = [];
    let token = "";
    let first: ListHead | undefined;
    do {
      const { head, items: more } = await this.#page(token, { limit: pageLimit, round });
      first ??= head;
      const type = { apiVersion: first.apiVersion, kind: first.kind.replace(/List$/, "") };
      for (const item of more) items.push(collection.codec.stored(item, type));
      token = head.continue;
    } while (token !== "");
    const { apiVersion, kind, resourceVersion } = first;
    this.#replace({ apiVersion, kind: kind.replace(/List$/, ""), listKind: kind, resourceVersion, items }, asOf);
  }

  /** Takes a complete state, unless a client's own list has overtaken it since it was asked for at `asOf` (R2). */
  #replace(snapshot: Snapshot, asOf: string): void {
    const { collection } = this.#options;
    const { resourceVersion } = snapshot;
    const overtaken = collection.resourceVersion !== asOf && compareVersions(resourceVersion, asOf) >= 0 &&
      compareVersions(resourceVersion, collection.resourceVersion) < 0;
    if (!overtaken) collection.replace(snapshot);
    this.#listed();
  }

  async #page(
    token: string,
    { limit, round }: { readonly limit: number; readonly round: AbortController },
  ): Promise<Page> {
    const response = await this.#ask({ limit: String(limit), ...(token === "" ? {} : { continue: token }) }, round);
    const splitter = this.#options.collection.codec.listSplitter();
    const items: Uint8Array[] = [];
    const body = withStallLimit(response.body, { clock: this.#options.clock, limitMs: stallMs, round });
    for await (const chunk of decodedBody({ ...response, body })) items.push(...splitter.push(chunk));
    return { items, head: splitter.end() };
  }

  async #watch(round: AbortController): Promise<void> {
    const { collection, clock } = this.#options;
    const response = await this.#ask(
      { ...this.#watchParameters(), resourceVersion: collection.resourceVersion },
      round,
    );
    this.#granted = true;
    this.#refusedSince = undefined;
    // What was missed comes first, and has no end mark: it is all there once the cloud's version is reached, or where
    // nothing has come for a while.
    const quiet = clock.setTimer(confirmMs, () => this.#confirmed(round));
    if (this.#isCurrent()) this.#confirmed(round);
    const decoder = collection.codec.watchDecoder();
    try {
      for await (const chunk of response.body) {
        for (const frame of decoder.push(chunk)) this.#take(frame);
        if (this.#isCurrent()) this.#confirmed(round);
      }
    } finally {
      quiet.cancel();
    }
    if (decoder.incomplete) throw new UpstreamError("broken", "The watch broke off", { sent: true });
  }

  /** Whether all is there that the cloud had when it was asked after a cut. */
  #isCurrent(): boolean {
    return compareVersions(this.#options.collection.resourceVersion, this.#cloudVersion) >= 0;
  }

  #confirmed(round: AbortController): void {
    if (round.signal.aborted) return;
    this.#listed();
    this.#options.collection.enter("live");
  }

  #watchParameters(): Readonly<Record<string, string>> {
    const timeoutSeconds = Math.ceil(watchTimeoutSeconds * (1 + this.#options.random.float()));
    return { watch: "true", allowWatchBookmarks: "true", timeoutSeconds: String(timeoutSeconds) };
  }

  #take(frame: WatchFrame): void {
    const { collection } = this.#options;
    switch (frame.type) {
      case "BOOKMARK":
        return collection.advance(collection.codec.readMeta(frame.object).resourceVersion);
      case "ERROR":
        throw watchError(frame.object);
      case "ADDED":
      case "MODIFIED":
      case "DELETED":
        return collection.apply(frame.type, collection.codec.stored(frame.object, collection.head));
    }
  }

  async #ask(parameters: Readonly<Record<string, string>>, round: AbortController): Promise<UpstreamResponse> {
    const { cloud, collection, link } = this.#options;
    const watch = parameters["watch"] !== undefined;
    const response = await cloud.request({
      method: "GET",
      rawPath: queryPath(collection.query, parameters),
      rawHeaders: [
        "Accept",
        watch ? collection.codec.watchMediaType : collection.codec.mediaType,
        ...(watch ? [] : ["Accept-Encoding", "gzip"]),
        "User-Agent",
        "holdfast",
      ],
      signal: round.signal,
      longRunning: watch,
    });
    if (response.status === 200) return response;
    const body = await readAll(decodedBody(response), maxErrorBytes);
    if (response.status === 410) throw new Expired();
    // What comes from something that is not ready is not the cloud's word (R16).
    if (link.state === "offline") {
      throw new UpstreamError("broken", `The cloud is not ready: ${response.status}`, { sent: true });
    }
    throw readStatus(body);
  }

  /**
   * Ends a collection that the cloud refuses: at once where nothing was granted yet, for then the request itself goes to
   * the cloud and gets its answer (R1); else after a minute of nothing else (R16).
   */
  #refused(error: unknown): boolean {
    const { collection, clock } = this.#options;
    if (!(error instanceof StatusError)) return false;
    // Neither overload nor a fault of the server is a refusal.
    if (error.code >= 500 || error.code === 408 || error.code === 429) return false;
    if (this.#granted) {
      if (!isRefusal(error)) return false;
      this.#refusedSince ??= clock.monotonic();
      if (clock.monotonic() - this.#refusedSince < refusalMs) return false;
    }
    collection.enter("refused", error);
    return true;
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof StatusError && (error.code === 403 || error.code === 404);
}

function watchError(status: Uint8Array): Error {
  const error = readStatus(status);
  return error.code === 410 ? new Expired() : error;
}
