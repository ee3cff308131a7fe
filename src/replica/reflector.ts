import type { Cloud } from "../cloud/cloud.ts";
import type { Link } from "../cloud/link.ts";
import { compareVersions } from "../kube/resource_version.ts";
import { StatusError } from "../kube/status.ts";
import type { WatchFrame } from "../kube/watch_codec.ts";
import type { ByteSource } from "../platform/bytes.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import { UpstreamError } from "../platform/upstream.ts";
import { withStallLimit } from "./body.ts";
import { Carriage, type Outcome, Uncarried } from "./carriage.ts";
import type { Carriers } from "./carriers.ts";
import type { CloudHistory } from "./cloud_history.ts";
import { CloudQuery, Expired, stallMs } from "./cloud_query.ts";
import type { Collection, Snapshot } from "./collection.ts";
import { compareHistory } from "./compare_history.ts";
import { isForbidden, watchError } from "./reflector_failure.ts";
import { Refusal } from "./refusal.ts";

export interface ReflectorOptions {
  readonly collection: Collection;
  readonly cloud: Cloud;
  readonly link: Link;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Of all reflectors together. */
  readonly history: CloudHistory;
  readonly carriers: Carriers;
}

/** The cloud ends a watch after one to two times this. */
const watchTimeoutSeconds = 300;
const backoffMs = { first: 500, most: 30_000 };
/** Reconnects after a cut are spread over this (R19). */
const returnJitterMs = 1_000;
/** A round that held for so long was no failure. */
const settledMs = 5_000;
/** A resumed watch that has brought nothing more for so long has brought all that was missed. */
const confirmMs = 1_000;
/** After a cut of so long the cloud may have gone back, and have passed the held version since. */
const longCutMs = 60 * 60_000;

/** When the last round failed, or the reflector began: what the cloud said before then does not count. */
interface Broken {
  /** Monotonic milliseconds. */
  readonly at: number;
  /** What was held then: a client's own list may have moved it on since. */
  readonly resourceVersion: string;
}

/**
 * Keeps a collection up to date: the state by WatchList, or by a paged list where the cloud offers none, then a watch, over
 * and over (design, section 4). A cut link is nothing special: what is held stays, and the watch resumes from its version.
 */
export class Reflector {
  /** Resolves when it has ended: closed, or refused by the cloud. */
  readonly done: Promise<void>;
  readonly #options: ReflectorOptions;
  readonly #query: CloudQuery;
  readonly #refusal: Refusal;
  readonly #carriage: Carriage;
  readonly #closed = new AbortController();
  #round: AbortController | undefined;
  #mustList: boolean;
  /** Whether the next list begins a new epoch, whatever its version. */
  #isOther = false;
  /** Since when the cloud may be another one, or an older one. Monotonic milliseconds. */
  #broken: Broken | undefined;
  /** Whether the first event of the watch has to tell that, for the cloud lets nobody list. */
  #firstTells = false;
  /** The restores that were known when the round began to ask, and the version that was held. */
  #restores = 0;
  #asOf = "";
  #watchListRefused = false;
  /** The cloud's own version when it was asked last; missing where it could not be. */
  #cloudVersion: string | undefined;

  constructor(options: ReflectorOptions) {
    const { collection, clock } = options;
    this.#options = options;
    const { query, codec } = collection;
    // Of what was complete once its readers have something meanwhile.
    const [carrier, isBackground] = [() => this.#carriage.carrier, () => collection.synced];
    this.#query = new CloudQuery({ ...options, query, codec, carrier, isBackground });
    // What was refused in the meantime may have been made anew.
    this.#mustList = !collection.synced || collection.state === "refused";
    this.#broken = { at: clock.monotonic(), resourceVersion: collection.resourceVersion };
    this.#refusal = new Refusal({
      clock,
      granted: !this.#mustList && !collection.leave.callersOnly,
      isServed: () => this.#inRound((round) => this.#query.isServed(round)),
    });
    this.#carriage = new Carriage({ ...options, refusal: this.#refusal });
    this.done = this.#run();
  }

  /** Ends its watch to the cloud; what is held stays. */
  async close(): Promise<void> {
    this.#closed.abort(new Error("The reflector is closed"));
    await this.done;
  }

  async #run(): Promise<void> {
    const { clock, random, link, collection, history } = this.#options;
    const { signal } = this.#closed;
    const unfollow = history.follow(collection, () => this.#restored());
    let delayMs = backoffMs.first;
    let hasty = 0;
    while (!signal.aborted) {
      const startedAt = clock.monotonic();
      const outcome = await this.#reflect().then(() => "again" as const, (error: unknown) => this.#failed(error));
      if (outcome === "over" || signal.aborted) break;
      if (clock.monotonic() - startedAt >= settledMs) {
        delayMs = backoffMs.first;
        hasty = 0;
      }
      // A watch that ended and one whose version was too old go on at once, but not over and over.
      if (outcome === "again" && ++hasty <= 2) continue;
      this.#stale();
      const wasOnline = link.state === "online";
      const atLeastMs = outcome === "again" ? 0 : outcome.atLeastMs;
      const waitMs = Math.max(delayMs * (0.5 + random.float()), atLeastMs * (1 + random.float() / 2));
      await this.#carriage.wait(Math.min(waitMs, this.#refusal.remainingMs ?? waitMs), signal);
      delayMs = wasOnline ? Math.min(delayMs * 2, backoffMs.most) : backoffMs.first;
    }
    unfollow();
    this.#stale();
  }

  #stale(): void {
    if (this.#options.collection.state === "live") this.#options.collection.enter("stale");
  }

  async #failed(error: unknown): Promise<Outcome> {
    const { collection, link, logger, clock } = this.#options;
    if (this.#closed.signal.aborted) return "over";
    if (this.#carriage.isLeft) return "again";
    this.#stale();
    if (error instanceof Uncarried) return this.#carriage.uncarried();
    if (error instanceof Expired) {
      this.#mustList = true;
      return "again";
    }
    this.#broken = { at: clock.monotonic(), resourceVersion: collection.resourceVersion };
    if (error instanceof UpstreamError) link.suspect();
    logger.log("debug", "A reflector failed", {
      collection: collection.key,
      error: error instanceof Error ? error.message : String(error),
    });
    return await this.#carriage.failed(error);
  }

  /** Another reflector has found that the cloud went back, perhaps behind what this one has gone on from since. */
  #restored(): void {
    this.#round?.abort(new UpstreamError("broken", "The cloud has gone back to an earlier state", { sent: true }));
  }

  async #reflect(): Promise<void> {
    await this.#online();
    this.#carriage.begin();
    await this.#inRound(async (round) => {
      this.#round = round;
      if (!await this.#resumes(round)) {
        if (!this.#watchListRefused && await this.#watchList(round)) return;
        this.#replace(await this.#query.list(round));
      }
      await this.#watch(round);
    });
  }

  /** Waits for the link where it is cut; after the wait not all come at once (R19). */
  async #online(): Promise<void> {
    const { link, clock, random } = this.#options;
    if (link.state !== "offline") return;
    this.#stale();
    this.#refusal.interrupted();
    await link.online(this.#closed.signal);
    await clock.sleep(random.float() * returnJitterMs, this.#closed.signal);
  }

  /** Runs what asks the cloud, until the link is cut or the reflector closed. */
  async #inRound<T>(run: (round: AbortController) => Promise<T>): Promise<T> {
    const { link } = this.#options;
    this.#closed.signal.throwIfAborted();
    const round = new AbortController();
    const abort = () => round.abort(this.#closed.signal.reason);
    this.#closed.signal.addEventListener("abort", abort);
    const stop = link.onChange(() => {
      if (link.state === "offline") round.abort(new UpstreamError("broken", "The link was cut", { sent: true }));
    });
    const release = this.#carriage.hold(() => {
      round.abort(new UpstreamError("closed", "Who carried it cannot go on", { sent: true }));
    });
    try {
      return await run(round);
    } finally {
      stop();
      release();
      this.#closed.signal.removeEventListener("abort", abort);
    }
  }

  /** Whether the watch can go on from the version that is held; else the state is read anew. */
  async #resumes(round: AbortController): Promise<boolean> {
    this.#restores = this.#options.history.restores;
    this.#asOf = this.#options.collection.resourceVersion;
    if (this.#mustList) return false;
    if (this.#broken === undefined) return true;
    this.#firstTells = false;
    try {
      const found = await this.#compared(this.#broken, round);
      this.#isOther = found === "another";
      this.#mustList = found !== "same";
    } catch (error) {
      // Asked again: the first may have come of a server that was starting, and has become ready since.
      if (!isForbidden(error) || !await this.#query.version(round).then(() => false, isForbidden)) throw error;
      this.#firstTells = true;
      this.#cloudVersion = undefined;
    }
    return !this.#mustList;
  }

  /**
   * Whether the cloud still has the history of what is held: not where it is behind (a restored etcd, or another cluster
   * behind the name). Asked after each cut, before the watch resumes, which would otherwise wait at a version that is not the
   * cloud's. Where the cloud may have passed that version already, every object is compared.
   */
  async #compared(broken: Broken, round: AbortController): Promise<"same" | "another" | "unclear"> {
    const { collection, history, clock } = this.#options;
    if (!history.isVerified(collection) || clock.now() - collection.since >= longCutMs) {
      const listed = await this.#query.versions(round);
      this.#cloudVersion = listed.resourceVersion;
      // What a client's own list has moved on meanwhile may be newer than this one.
      return collection.resourceVersion === this.#asOf ? compareHistory(collection, listed) : "unclear";
    }
    const question = { since: broken.at, ask: () => this.#asked(round), signal: round.signal };
    this.#cloudVersion = await history.version(collection.query, question);
    return compareVersions(this.#cloudVersion, broken.resourceVersion) < 0 ? "another" : "same";
  }

  /** The version at which the cloud is. Of what lies beside the collections some may be of another history. */
  async #asked(round: AbortController): Promise<string> {
    const { collection: { resource } } = this.#options;
    const highest = resource.highestVersion();
    const version = await this.#query.version(round);
    if (compareVersions(version, highest) < 0) resource.beginEpoch();
    return version;
  }

  /**
   * The state and all that follows in one stream (KEP-3157).
   *
   * @returns false where the cloud does not offer that
   */
  async #watchList(round: AbortController): Promise<boolean> {
    const { collection, clock } = this.#options;
    let stream: ByteSource;
    try {
      const parameters = { sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan" };
      stream = await this.#query.watch({ ...parameters, timeoutSeconds: this.#timeoutSeconds() }, round);
    } catch (error) {
      if (!(error instanceof StatusError) || (error.code !== 422 && error.code !== 400)) throw error;
      this.#watchListRefused = true;
      return false;
    }
    const initial: Uint8Array[] = [];
    let complete = false;
    const decoder = collection.codec.watchDecoder();
    const body = withStallLimit(stream, { clock, limitMs: stallMs, round, until: () => complete });
    for await (const chunk of body) {
      for (const frame of decoder.push(chunk)) {
        if (complete) this.#take(frame);
        else complete = this.#takeInitial(frame, initial);
      }
    }
    if (!complete || decoder.incomplete) throw new UpstreamError("broken", "The watch broke off", { sent: true });
    return true;
  }

  /** @returns whether the initial state is complete with it */
  #takeInitial(frame: WatchFrame, initial: Uint8Array[]): boolean {
    const { collection } = this.#options;
    if (frame.type === "ERROR") throw watchError(frame.object);
    const meta = collection.codec.readMeta(frame.object);
    if (frame.type !== "BOOKMARK") {
      initial.push(collection.codec.stored(frame.object, meta));
      return false;
    }
    if (!meta.initialEventsEnd) return false;
    const { apiVersion, kind, resourceVersion } = meta;
    if (resourceVersion === "") {
      throw new UpstreamError("untrusted", "The state that came has no version", { sent: true });
    }
    this.#replace({ apiVersion, kind, listKind: `${kind}List`, resourceVersion, items: initial.splice(0) });
    collection.enter("live");
    return true;
  }

  #replace(snapshot: Snapshot): void {
    const { collection, history } = this.#options;
    const { epoch } = collection;
    this.#carriage.given();
    if (!this.#isOvertaken(snapshot)) collection.replace(snapshot, { newEpoch: this.#isOther });
    this.#mustList = false;
    this.#isOther = false;
    this.#firstTells = false;
    this.#cloudVersion = snapshot.resourceVersion;
    if (collection.epoch !== epoch) this.#restores = history.restores;
    this.#verified();
  }

  /** Whether a client's own list has overtaken what was asked for when the round began (R2). */
  #isOvertaken({ resourceVersion }: Snapshot): boolean {
    const { collection } = this.#options;
    return compareVersions(resourceVersion, this.#asOf) >= 0 &&
      compareVersions(resourceVersion, collection.resourceVersion) < 0;
  }

  /** The collection is what the cloud has, or will be once what was missed has come. */
  #verified(): void {
    this.#broken = undefined;
    this.#carriage.granted();
    this.#options.collection.verify(this.#restores);
  }

  async #watch(round: AbortController): Promise<void> {
    const { collection, clock } = this.#options;
    const parameters = { timeoutSeconds: this.#timeoutSeconds(), resourceVersion: collection.resourceVersion };
    const askedAt = clock.monotonic();
    const stream = await this.#query.watch(parameters, round);
    this.#carriage.granted();
    // What was missed comes first, and has no end mark: it is all there once the cloud's version is reached, or where
    // nothing has come for a while, which on a slow link is longer.
    const quietMs = confirmMs + 3 * (clock.monotonic() - askedAt);
    const quiet = clock.setTimer(quietMs, () => this.#confirmed(round));
    if (this.#isCurrent()) this.#confirmed(round);
    const decoder = collection.codec.watchDecoder();
    try {
      for await (const chunk of stream) {
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
    if (this.#cloudVersion === undefined) return false;
    return compareVersions(this.#options.collection.resourceVersion, this.#cloudVersion) >= 0;
  }

  #confirmed(round: AbortController): void {
    if (round.signal.aborted) return;
    this.#verified();
    this.#options.collection.enter("live");
  }

  #timeoutSeconds(): string {
    return String(Math.ceil(watchTimeoutSeconds * (1 + this.#options.random.float())));
  }

  #take(frame: WatchFrame): void {
    const { collection } = this.#options;
    if (frame.type === "ERROR") throw watchError(frame.object);
    if (this.#firstTells) this.#checkFirst(frame.object);
    if (frame.type === "BOOKMARK") collection.advance(collection.codec.readMeta(frame.object).resourceVersion);
    // In one history it would follow: this one is another, or something was missed. Only a complete list tells.
    else if (!collection.apply(frame.type, collection.codec.stored(frame.object, collection.head))) throw new Expired();
  }

  #checkFirst(object: Uint8Array): void {
    const { collection } = this.#options;
    this.#firstTells = false;
    if (compareVersions(collection.codec.readMeta(object).resourceVersion, collection.resourceVersion) >= 0) return;
    this.#isOther = true;
    throw new Expired();
  }
}
