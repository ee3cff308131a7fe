import assert from "node:assert/strict";
import type { Asker } from "./asker.ts";
import { type History, lineOf, type Selection } from "./history.ts";
import { collectionPath, type Dice, EVERYTHING, type Kind, KINDS, type KubeJson, LABELS, NAMESPACES } from "./kinds.ts";
import { type StateByKey, stateOf, WatchRecord } from "./watch_record.ts";

const MODES = ["from a list", "from a list", "WatchList", "from nothing", "from 0"] as const;

interface Pair extends Selection {
  readonly mode: typeof MODES[number];
  /** Where both began, where that was a version. */
  readonly from: bigint | undefined;
  readonly direct: WatchRecord;
  readonly through: WatchRecord;
}

/** Watches of the same, directly and through the hub, begun at the same time. */
export class WatchPairs {
  readonly #direct: Asker;
  readonly #through: Asker;
  readonly #dice: Dice;
  readonly #pairs: Pair[] = [];

  constructor(options: { readonly direct: Asker; readonly through: Asker; readonly dice: Dice }) {
    this.#direct = options.direct;
    this.#through = options.through;
    this.#dice = options.dice;
  }

  get size(): number {
    return this.#pairs.length;
  }

  /** One more, of something random. */
  async start(): Promise<void> {
    const dice = this.#dice;
    const kind = dice.pick(KINDS);
    const namespace = kind.namespaced && dice.chance(0.4) ? dice.pick(NAMESPACES) : "";
    const selector = dice.pick([EVERYTHING, ...LABELS, ...kind.fields]);
    const mode = dice.pick(MODES);
    const collection = collectionPath(kind, namespace);
    const query = new URLSearchParams();
    if (selector.labelSelector !== undefined) query.set("labelSelector", selector.labelSelector);
    if (selector.fieldSelector !== undefined) query.set("fieldSelector", selector.fieldSelector);
    let from: bigint | undefined;
    let state: StateByKey = new Map();
    if (mode === "from a list") {
      const version = dice.pick(["", "&resourceVersion=0"]);
      const list = await this.#through.ask({ path: `${collection}?${query}${version}` });
      assert.equal(list.status, 200, list.text);
      // Status 200: a list.
      const { metadata, items } = JSON.parse(list.text) as {
        metadata: KubeJson["metadata"];
        items: readonly KubeJson[];
      };
      from = BigInt(metadata.resourceVersion);
      state = stateOf(items);
      query.set("resourceVersion", String(from));
    } else if (mode === "from 0") query.set("resourceVersion", "0");
    else if (mode === "WatchList") {
      query.set("sendInitialEvents", "true");
      query.set("resourceVersionMatch", "NotOlderThan");
    }
    query.set("watch", "true");
    if (mode === "WatchList" || dice.chance(0.5)) query.set("allowWatchBookmarks", "true");
    const path = `${collection}?${query}`;
    const direct = new WatchRecord(this.#direct, path, { state, ...(from === undefined ? {} : { from }) });
    const through = new WatchRecord(this.#through, path, { state, ...(from === undefined ? {} : { from }) });
    this.#pairs.push({ kind, namespace, selector, mode, from, direct, through });
  }

  /** Waits until all of a kind are where the API server's own watch is. */
  async reach(history: History, kind: Kind, version: bigint): Promise<void> {
    for (const pair of this.#pairs.filter((one) => one.kind === kind)) {
      const state = [...history.stateAt(pair, version).values()].map(({ key, version: own }) => `${key}@${own}`).sort();
      for (const record of [pair.direct, pair.through]) await record.waitForState(state);
    }
  }

  check(history: History): void {
    for (const pair of this.#pairs) {
      for (const [who, record] of [["direct", pair.direct], ["hub", pair.through]] as const) {
        try {
          checkRecord(history, pair, record);
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error);
          throw new Error(`${who}, ${pair.mode}, ${record.path}: ${message}`, { cause: error });
        }
      }
    }
  }

  close(): void {
    for (const { direct, through } of this.#pairs) {
      direct.close();
      through.close();
    }
  }
}

function checkRecord(history: History, pair: Pair, record: WatchRecord): void {
  assert.deepEqual(record.faults, []);
  assert.deepEqual([record.errorCode, record.ended], [undefined, undefined]);
  const began = pair.from ?? record.stateVersion;
  const last = record.events.at(-1)?.version ?? 0n;
  const stateEvents = record.events.slice(0, record.stateEvents);
  const events = record.events.slice(record.stateEvents);
  if (pair.mode === "WatchList") {
    assert.ok(began !== undefined, "no end of the state");
    const state = [...history.stateAt(pair, began).values()];
    assert.deepEqual(
      stateEvents.map(({ type, key, version }) => `${type} ${key}@${version}`).sort(),
      state.map(({ key, version }) => `ADDED ${key}@${version}`).sort(),
    );
  }
  if (began !== undefined) {
    const expected = history.events(pair, began, last);
    assert.deepEqual(events.map(lineOf), expected.map(lineOf));
    return;
  }
  // Where the state ends is not told: each object's own events must be without a gap.
  for (const key of new Set(events.map((event) => event.key))) {
    const own = events.filter((event) => event.key === key);
    const first = own[0]?.version ?? 0n;
    const expected = history.events(pair, first, last).filter((event) => event.key === key);
    assert.deepEqual(own.slice(1).map(lineOf), expected.map(lineOf));
  }
}
