import type { Clock, Timer } from "../../src/platform/clock.ts";
import type { Change, SimEtcd } from "./sim_etcd.ts";
import { apiVersionOf, matches, objectText, type SimQuery } from "./sim_objects.ts";

/** Where a watch's frames go. */
export interface WatchSink {
  send(text: string): void;
  /** The answer is complete. */
  end(): void;
}

export interface SimWatchOptions {
  readonly etcd: SimEtcd;
  readonly clock: Clock;
  readonly query: SimQuery;
  /** 0 for any. */
  readonly version: number;
  /** The state comes first, as ADDED. */
  readonly initial: boolean;
  readonly initialEventsEnd: boolean;
  readonly bookmarks: boolean;
  readonly timeoutMs: number;
  readonly sink: WatchSink;
  readonly closed: () => void;
}

const bookmarkMs = 60_000;
/** The API server sends its last bookmark this long before the end. */
const lastBookmarkMs = 2_000;

/** One watch at the simulated API server. */
export class SimWatch {
  readonly #options: SimWatchOptions;
  readonly #timers: Timer[] = [];
  #open = true;

  constructor(options: SimWatchOptions) {
    this.#options = options;
  }

  /** @param oldest a watch from below it is too old */
  start(oldest: number): void {
    const { etcd, clock, query, version, initial, initialEventsEnd, timeoutMs } = this.#options;
    this.#timers.push(clock.setTimer(timeoutMs, () => this.#end()));
    this.#timers.push(clock.setTimer(Math.max(0, timeoutMs - lastBookmarkMs), () => this.#bookmark(false)));
    this.#bookmarkLater();
    if (initial) {
      const selected = etcd.selectedAt(query, { epoch: etcd.epoch, revision: etcd.revision });
      for (const state of selected.values()) this.#send("ADDED", objectText(state));
      if (initialEventsEnd) this.#bookmark(true);
      return;
    }
    if (version < oldest) return this.#tooOld();
    for (const change of etcd.changesAfter(version)) this.changed(change);
  }

  /** The event as this watch sees it: an object that leaves the selection is deleted, one that enters it is added. */
  changed({ revision, state, previous, deleted }: Change): void {
    const { query, version } = this.#options;
    if (!this.#open || revision <= version) return;
    const before = previous !== undefined && matches(query, previous);
    const after = !deleted && matches(query, state);
    if (after) this.#send(before ? "MODIFIED" : "ADDED", objectText(state));
    else if (before) this.#send("DELETED", objectText(previous, revision));
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const timer of this.#timers) timer.cancel();
    this.#options.closed();
  }

  #end(): void {
    this.close();
    this.#options.sink.end();
  }

  #tooOld(): void {
    const { version, etcd } = this.#options;
    const message = `too old resource version: ${version} (${etcd.revision})`;
    const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason: "Expired" };
    this.#send("ERROR", JSON.stringify({ ...status, code: 410 }));
    this.#end();
  }

  #bookmarkLater(): void {
    const { clock } = this.#options;
    this.#timers[2] = clock.setTimer(bookmarkMs, () => {
      this.#bookmark(false);
      if (this.#open) this.#bookmarkLater();
    });
  }

  #bookmark(initialEventsEnd: boolean): void {
    const { etcd, query: { resource }, version, bookmarks } = this.#options;
    if (!bookmarks || !this.#open || etcd.revision < version) return;
    const annotations = initialEventsEnd ? { annotations: { "k8s.io/initial-events-end": "true" } } : {};
    const metadata = { resourceVersion: String(etcd.revision), ...annotations };
    this.#send("BOOKMARK", JSON.stringify({ kind: resource.kind, apiVersion: apiVersionOf(resource), metadata }));
  }

  #send(type: string, object: string): void {
    if (this.#open) this.#options.sink.send(`{"type":"${type}","object":${object}}\n`);
  }
}
