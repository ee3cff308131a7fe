import assert from "node:assert/strict";
import { sleep, waitFor } from "../driver/wait.ts";
import type { Asker } from "./asker.ts";
import { type History, lineOf, type Selection, textOf } from "./history.ts";
import { collectionPath, type KubeJson } from "./kinds.ts";
import { type RecordedEvent, type StateByKey, stateOf, WatchRecord } from "./watch_record.ts";

const RETRY_MS = 200;

export interface InformerOptions extends Selection {
  readonly asker: Asker;
  readonly mode: "list and watch" | "WatchList";
  /** Above every version that there is now. */
  readonly now: () => bigint;
}

interface Began {
  readonly record: WatchRecord;
  /** Where it began; missing for a state of its own. */
  readonly from: bigint | undefined;
}

/** What client-go's reflector does: list and watch, or only watch, go on from the position, begin anew after a 410. */
export class Informer {
  readonly name: string;
  /** How often it had to begin anew. */
  relists = 0;
  /** How often a watch ended, or could not be had. */
  ends = 0;
  readonly #options: InformerOptions;
  readonly #query: string;
  readonly #began: Began[] = [];
  readonly #done: Promise<void>;
  #state: StateByKey = new Map();
  #position: bigint | undefined;
  #closed = false;
  #wake: () => void = () => {};

  constructor(options: InformerOptions) {
    this.#options = options;
    const { kind, namespace, selector, mode } = options;
    const query = new URLSearchParams();
    if (selector.labelSelector !== undefined) query.set("labelSelector", selector.labelSelector);
    if (selector.fieldSelector !== undefined) query.set("fieldSelector", selector.fieldSelector);
    this.#query = `${collectionPath(kind, namespace)}?${query}`;
    this.name = `${mode}, ${this.#query}`;
    this.#done = this.#run();
  }

  /** Waits until it has exactly what the API server has at a version. */
  async converge(history: History, version: bigint, limitMs: number): Promise<void> {
    const wanted = [...history.stateAt(this.#options, version).values()].map((one) => `${one.key}@${one.version}`)
      .sort();
    await waitFor(`${this.name} to have ${wanted.join()}`, limitMs, (seen) => {
      const current = this.#began.at(-1)?.record;
      const state = current === undefined || current.ended !== undefined ? this.#state : current.state;
      const has = [...state.values()].map((one) => `${one.key}@${one.version}`).sort();
      seen({ position: String(this.#position), ended: current?.ended, relists: this.relists, has });
      return has.join() === wanted.join();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    await this.#done;
  }

  /**
   * Compares all that it got with the API server's history: every watch was a sequence without a gap.
   *
   * @param mayFold whether the hub may have been told by a list what it missed
   * @returns how many events there were
   */
  check(history: History, { mayFold }: { readonly mayFold: boolean }): number {
    let count = 0;
    for (const { record, from } of this.#began) {
      try {
        checkWatch(history, this.#options, { record, from, mayFold });
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        throw new Error(`${this.name}, from ${from}: ${message}`, { cause: error });
      }
      count += record.events.length;
    }
    return count;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      if (this.#position === undefined && this.#options.mode === "list and watch" && !await this.#list()) {
        await sleep(RETRY_MS);
        continue;
      }
      await this.#watch();
      if (!this.#closed) await sleep(RETRY_MS);
    }
  }

  async #list(): Promise<boolean> {
    const answer = await this.#options.asker.ask({ path: `${this.#query}&resourceVersion=0` });
    if (answer.status !== 200 || answer.ended !== "end") return false;
    // Status 200: a list, to be compared with the history.
    const { metadata, items } = JSON.parse(answer.text) as {
      readonly metadata: { readonly resourceVersion: string };
      readonly items: readonly KubeJson[];
    };
    this.#state = stateOf(items);
    this.#position = BigInt(metadata.resourceVersion);
    return true;
  }

  /** One watch, until it ends. */
  async #watch(): Promise<void> {
    const from = this.#position;
    const start = from === undefined
      ? "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
      : `&resourceVersion=${from}`;
    const path = `${this.#query}&watch=true&allowWatchBookmarks=true${start}`;
    const record = new WatchRecord(this.#options.asker, path, {
      changed: () => this.#wake(),
      now: this.#options.now,
      ...(from === undefined ? {} : { from, state: this.#state }),
    });
    this.#began.push({ record, from });
    while (!this.#closed && record.ended === undefined) await new Promise<void>((resolve) => this.#wake = resolve);
    record.close();
    this.ends++;
    if (record.errorCode === 410) {
      this.relists++;
      this.#position = undefined;
    } else if (from !== undefined || record.stateVersion !== undefined) {
      this.#state = record.state;
      this.#position = record.position;
    }
  }
}

function checkWatch(
  history: History,
  selection: Selection,
  { record, from, mayFold }: Began & { readonly mayFold: boolean },
): void {
  assert.deepEqual(record.faults, []);
  assert.ok(record.errorCode === undefined || record.errorCode === 410, `ERROR ${record.errorCode}`);
  const events = record.events.slice(record.stateEvents);
  const began = from ?? record.stateVersion;
  if (began === undefined) {
    // It broke off before its state was complete.
    for (const { key, version, text } of record.events) {
      assert.ok(
        history.changes(selection.kind, key, { above: version - 1n, upTo: version }).some(({ object }) =>
          textOf(object) === text
        ),
      );
    }
    return;
  }
  if (from === undefined) {
    const state = [...history.stateAt(selection, began).values()].map(({ key, version }) => `${key}@${version}`).sort();
    const told = record.events.slice(0, record.stateEvents).map(({ key, version }) => `${key}@${version}`).sort();
    assert.deepEqual(told, state, `the state at ${began}`);
  }
  if (mayFold) return checkFolded(history, selection, { events, began });
  const last = events.at(-1)?.version ?? 0n;
  assert.deepEqual(events.map(lineOf), history.events(selection, began, last).map(lineOf));
}

/**
 * Where a list has told the hub what it missed, several changes of one object are one event, and a deletion has some version
 * between the last one known and the list's, which may be below its true one (R7). Each event is true all the same: what it
 * tells had happened when it came.
 */
function checkFolded(
  history: History,
  selection: Selection,
  { events, began }: { readonly events: readonly RecordedEvent[]; readonly began: bigint },
): void {
  const known = new Map([...history.stateAt(selection, began)].map(([key, { version }]) => [key, version]));
  for (const { type, key, uid, version, text, notAfter } of events) {
    if (type !== "DELETED") {
      const change = history.find(selection.kind, uid, String(version));
      assert.ok(
        change && !change.gone && selection.selector.selects(change.object),
        `${type} ${key}@${version} is not true`,
      );
      assert.equal(text, textOf(change.object));
      known.set(key, version);
      continue;
    }
    const range = { above: known.get(key) ?? 0n, upTo: notAfter };
    const left = history.changes(selection.kind, key, range).some(({ gone, object }) =>
      gone || !selection.selector.selects(object)
    );
    assert.ok(left, `DELETED ${key}@${version} is not true`);
    known.delete(key);
  }
}
