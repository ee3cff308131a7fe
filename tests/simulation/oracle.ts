import type { Clock } from "../../src/platform/clock.ts";
import type { Change, SimEtcd } from "./sim_etcd.ts";
import { type Mark, markOf, NodeTruth } from "./node_truth.ts";
import { itemText, matches, memberAt, membersOf, objectText, type SimQuery, type SimState } from "./sim_objects.ts";

/** Something that a reader must never have seen. */
export interface Violation {
  /** Of the design's section 4, or a word for what it lists no number for. */
  readonly rule: string;
  readonly atMs: number;
  readonly message: string;
}

interface Shown {
  readonly sequence: number;
  readonly version: number;
  readonly state: SimState;
  readonly deleted: boolean;
  /** Only a label selector's query has shown it: when it leaves that, the hub holds it no more. */
  selected: boolean;
}

/** A LIST's answer, or the state at the end of a WatchList's initial events. */
export interface StateAnswer {
  readonly query: SimQuery;
  readonly revision: number;
  readonly states: ReadonlyMap<string, SimState>;
  /** It carried an `Age`: what is newer may be mixed in (R2). */
  readonly stale: boolean;
  /** Names that may be newer than the rest. */
  readonly ahead?: ReadonlySet<string>;
  /** The epoch below which this reader must not be led back. */
  readonly fromEpoch: number;
}

/** A request whose answer must not be behind what was shown before it. */
export interface BehindRequest {
  readonly sequence: number;
  readonly where: string;
  /** Its answer carried an `Age`. */
  readonly stale: boolean;
}

/** What a live answer may lag behind the cloud: a connection that swallows everything is noticed after 15 s, and more than one may follow. */
const liveLagMs = 90_000;

/** Knows all that the cloud ever was, and what the hub has shown of it, and says where an answer cannot be true. */
export class Oracle {
  readonly violations: Violation[] = [];
  /** What the node has written. */
  readonly truth: NodeTruth;
  readonly #etcd: SimEtcd;
  readonly #clock: Clock;
  readonly #ignored: readonly string[];
  readonly #shown = new Map<string, Shown[]>();
  readonly #changedAt = new Map<Change, number>();
  /** Every state that ever was, by the very bytes in which the cloud gives it. */
  readonly #byText = new Map<string, SimState>();
  #epochSince = 0;
  #sequence = 0;
  #restoredAt = 0;
  #hasForgotten = false;

  /** @param ignored rules whose violations are not noted */
  constructor(etcd: SimEtcd, clock: Clock, ignored: readonly string[] = []) {
    this.#ignored = ignored;
    this.#etcd = etcd;
    this.#clock = clock;
    this.truth = new NodeTruth(etcd, (rule, message) => this.fail(rule, message));
    etcd.onChange((change) => {
      this.#changedAt.set(change, clock.monotonic());
      if (!change.deleted) this.#byText.set(objectText(change.state), change.state);
    });
  }

  /** The number of what was shown last: an answer must not go behind what was shown before its request. */
  get sequence(): number {
    return this.#sequence;
  }

  fail(rule: string, message: string): void {
    if (!this.#ignored.includes(rule)) this.violations.push({ rule, atMs: this.#clock.monotonic(), message });
  }

  /** Whether a position is one that a restore has undone since. */
  isUndone(epoch: number, position: number): boolean {
    return this.#etcd.isUndone(epoch, position);
  }

  /** Whether a hub has ended: it knows no more of a deletion that it has shown than what its collections hold. */
  get hasForgotten(): boolean {
    return this.#hasForgotten;
  }

  /** What the hub kept in memory of what it had shown is gone. */
  forget(): void {
    this.#hasForgotten = true;
    this.#shown.clear();
    this.truth.forget();
  }

  /** A new epoch began. */
  restored(): void {
    this.#epochSince = this.#clock.monotonic();
    this.#restoredAt = this.#sequence;
    this.truth.restored();
  }

  /** The state that is written like this, to the byte; nothing where none is. */
  known(text: string): SimState | undefined {
    return this.#byText.get(text);
  }

  /** The state of that uid and version, whatever else is told of it. */
  stateOf(object: unknown): SimState | undefined {
    const uid = memberAt(object, ["metadata", "uid"]);
    const version = memberAt(object, ["metadata", "resourceVersion"]);
    if (typeof uid !== "string") return undefined;
    return this.#etcd.statesOf(uid).find((known) => String(known.version) === version);
  }

  /** The state that parsed JSON shows; nothing, and a violation, where the cloud never had it. */
  recognise(object: unknown, where: string): SimState | undefined {
    const uid = memberAt(object, ["metadata", "uid"]);
    const version = memberAt(object, ["metadata", "resourceVersion"]);
    const text = JSON.stringify(object);
    const states = typeof uid === "string" ? this.#etcd.statesOf(uid) : [];
    const state = states.find((known) =>
      String(known.version) === version && (objectText(known) === text || itemText(known) === text)
    );
    const shown = state ?? this.#overlaid(object, text);
    if (shown === undefined) this.fail("R17", `${where}: the cloud never had ${text}`);
    return shown;
  }

  /**
   * The state over which a write of the node lies. All else is the cloud's: of that version or, where less was held of it
   * when the node wrote, of a later one.
   */
  #overlaid(object: unknown, text: string): SimState | undefined {
    const uid = memberAt(object, ["metadata", "uid"]);
    const version = Number(memberAt(object, ["metadata", "resourceVersion"]));
    const states = typeof uid === "string" ? this.#etcd.statesOf(uid) : [];
    const under = states.filter((state) => state.version === version);
    const [first] = under;
    const members = first === undefined ? undefined : membersOf(first.resource, object);
    const mark = markOf(members);
    if (members === undefined || mark === undefined || mark.uid !== uid || !this.truth.wasIssued(mark)) {
      return undefined;
    }
    const isLaidOver = ({ content, labels }: SimState) =>
      under.some((state) => {
        const laid = { ...state, content, labels, members };
        return [objectText(laid), itemText(laid)].some((one) => one === text || sameMembers(one, object));
      });
    // After a restore a version may be that of two states.
    const own = under.findLast(isLaidOver);
    if (own !== undefined) return own;
    return states.some((state) => state.version > version && isLaidOver(state)) ? under.at(-1) : undefined;
  }

  /** The state whose deletion, or leaving of a query, parsed JSON shows: an earlier one at a version of its own. */
  recogniseDeleted(object: unknown, where: string): SimState | undefined {
    const uid = memberAt(object, ["metadata", "uid"]);
    const version = Number(memberAt(object, ["metadata", "resourceVersion"]));
    const text = JSON.stringify(object);
    const states = typeof uid === "string" ? this.#etcd.statesOf(uid) : [];
    const state = states.findLast((known) => known.version <= version && objectText(known, version) === text);
    if (state === undefined) this.fail("R17", `${where}: the cloud never had ${text}`);
    return state;
  }

  /**
   * Checks that a state was the cloud's at its version.
   *
   * @returns the epoch of which it is the state
   */
  checkState(answer: StateAnswer, where: string, rule: string = answer.stale ? "R11" : "state"): number {
    const { query, revision, states, fromEpoch } = answer;
    let difference: string | undefined;
    for (let epoch = this.#etcd.epoch; epoch >= fromEpoch; epoch--) {
      if (revision > this.#etcd.lastRevision(epoch)) continue;
      const expected = this.#etcd.selectedAt(query, { epoch, revision });
      const found = this.#difference(answer, { epoch, expected });
      if (found === undefined) {
        // The earliest that fits: histories share their beginnings.
        return this.#earliest(answer, epoch);
      }
      difference ??= found;
    }
    const names = [...states.values()].map(({ name, version }) => `${name}@${version}`).join(" ");
    this.fail(
      rule,
      `${where}: not the cloud's at ${revision}: ${difference ?? `no epoch from ${fromEpoch} on has it`} (${names})`,
    );
    return fromEpoch;
  }

  /** The names of which a list shows more than was at its version. */
  aheadOf(list: Pick<StateAnswer, "query" | "revision" | "states"> & { readonly epoch: number }): readonly string[] {
    const { query, revision, states, epoch } = list;
    const expected = this.#etcd.selectedAt(query, { epoch, revision });
    return [...new Set([...states.keys(), ...expected.keys()])].filter((key) => states.get(key) !== expected.get(key));
  }

  /** Notes that the hub has acknowledged a write of the node. */
  acknowledged(mark: Mark, { byCloud }: { readonly byCloud: boolean }): void {
    this.truth.acknowledged(mark, { sequence: ++this.#sequence, byCloud });
  }

  /** Notes that a reader saw a state; `selected` by a label selector's query. */
  show(state: SimState, { selected = false }: { readonly selected?: boolean } = {}): void {
    this.#note(state, { version: state.version, deleted: false, selected });
  }

  /** Notes that a reader saw an object's deletion, where the cloud has deleted it. */
  showDeleted(state: SimState, version: number, { selected = false }: { readonly selected?: boolean } = {}): void {
    const deletion = this.#etcd.changes(this.#etcd.epoch).findLast((change) =>
      change.deleted && change.state.uid === state.uid && change.revision <= version
    );
    if (deletion !== undefined) {
      this.#note(deletion.state, { version: deletion.revision, deleted: true, selected });
    }
  }

  /** Checks that what is answered of one name is not behind what was shown before the request (R5). */
  checkNotBehind(
    key: string,
    state: SimState | undefined,
    request: BehindRequest & { readonly query?: SimQuery },
  ): void {
    // What the newest held is that offline must be answered is another question than waiting for it online.
    const rule = request.stale ? "R5-offline" : "R5";
    const floor = this.#shown.get(key)?.findLast((shown) => shown.sequence <= request.sequence);
    if (floor === undefined || !this.#isCurrent(floor)) return;
    // A new epoch clears what was shown (R5).
    if (floor.sequence <= this.#restoredAt || (request.stale && this.#mayBeUnheld(floor))) return;
    const what = `${key}@${floor.version}${floor.deleted ? " deleted" : ""} was shown before`;
    if (state !== undefined) {
      if (state.version < floor.version) this.fail(rule, `${request.where}: ${key}@${state.version}, though ${what}`);
      return;
    }
    if (floor.deleted || (request.query !== undefined && !matches(request.query, floor.state))) return;
    // Offline a deletion may have been seen that a restore has undone since.
    const epochs = request.stale ? this.#etcd.epoch + 1 : 1;
    const later = Array.from({ length: epochs }, (_, back) => this.#etcd.changes(this.#etcd.epoch - back)).some(
      (changes) => changes.some((change) => change.revision > floor.version && change.state.key === key),
    );
    if (!later) this.fail(rule, `${request.where}: ${key} is missing, though ${what}`);
  }

  /** The same for all names of a query. */
  checkNoneBehind(answer: StateAnswer, request: BehindRequest): void {
    for (const key of this.#shown.keys()) {
      if (!key.startsWith(`${answer.query.resource.plural}/`)) continue;
      const state = answer.states.get(key);
      if (state !== undefined || inNamespace(answer.query, key)) {
        this.checkNotBehind(key, state, { ...request, query: answer.query });
      }
    }
  }

  /** Checks that what calls itself live was, when it was asked for, not older than a broken link can go unnoticed. */
  checkLive(
    { query, revision, askedAtMs }: Pick<StateAnswer, "query" | "revision"> & { readonly askedAtMs: number },
    where: string,
  ): void {
    const sinceMs = askedAtMs - liveLagMs;
    if (this.#epochSince > sinceMs) return;
    const missed = this.#etcd.changes(this.#etcd.epoch).findLast((change) =>
      (this.#changedAt.get(change) ?? 0) < sinceMs && touches(query, change)
    );
    if (missed === undefined || missed.revision <= revision) return;
    this.fail("live", `${where}: version ${revision} without Age, though ${missed.revision} came over 90 s ago`);
  }

  /** Checks that a name that is said to be missing has been missing at some time. */
  checkMissing(key: string, where: string): void {
    for (let epoch = 0; epoch <= this.#etcd.epoch; epoch++) {
      const changes = this.#etcd.changes(epoch).filter((change) => change.state.key === key);
      const first = changes[0];
      if (first === undefined || changes.some(({ deleted }) => deleted)) return;
      if ((this.#changedAt.get(first) ?? 0) > 0) return;
    }
    this.fail("R11", `${where}: 404 for ${key}, which has always been there`);
  }

  #note(state: SimState, what: Pick<Shown, "version" | "deleted" | "selected">): void {
    const key = state.key;
    const list = this.#shown.get(key) ?? [];
    this.#shown.set(key, list);
    const last = list.at(-1);
    if (last?.version === what.version && !what.selected) last.selected = false;
    if (last !== undefined && last.version >= what.version && this.#isCurrent(last)) return;
    list.push({ ...what, state, sequence: ++this.#sequence });
  }

  /** Whether the hub may have seen it leave the only selection that showed it: what it then holds of it is older. */
  #mayBeUnheld({ selected, deleted, version, state }: Shown): boolean {
    if (!selected) return false;
    return deleted ||
      this.#etcd.changes(this.#etcd.epoch).some((change) =>
        change.revision > version && change.state.key === state.key
      );
  }

  #isCurrent({ state, deleted, version }: Shown): boolean {
    const { epoch } = this.#etcd;
    if (!deleted) return this.#etcd.epochsOf(state).includes(epoch);
    return this.#etcd.changes(epoch).some((change) => change.revision === version && change.state === state);
  }

  #earliest(answer: StateAnswer, latest: number): number {
    const { query, revision, fromEpoch } = answer;
    for (let epoch = fromEpoch; epoch < latest; epoch++) {
      if (revision > this.#etcd.lastRevision(epoch)) continue;
      const expected = this.#etcd.selectedAt(query, { epoch, revision });
      if (this.#difference(answer, { epoch, expected }) === undefined) return epoch;
    }
    return latest;
  }

  #difference(
    { query, revision, states, stale, ahead }: StateAnswer,
    { epoch, expected }: { readonly epoch: number; readonly expected: ReadonlyMap<string, SimState> },
  ): string | undefined {
    for (const [key, state] of states) {
      if (expected.get(key) === state) continue;
      const mixedIn = (stale || ahead?.has(key) === true) && this.#isLater(state, { epoch, revision });
      if (!mixedIn) return `${key}@${state.version} in place of ${expected.get(key)?.version ?? "nothing"}`;
      if (!matches(query, state)) return `${key}@${state.version} is not selected`;
    }
    for (const [key, state] of expected) {
      if (states.has(key)) continue;
      const left = (stale || ahead?.has(key) === true) &&
        (this.#isUndoneSince(state, epoch) ||
          this.#changesAfter({ epoch, revision }).some((change) =>
            change.state.key === key && (change.deleted || !matches(query, change.state))
          ));
      if (!left) return `${key}@${state.version} is missing`;
    }
    return undefined;
  }

  /** Whether a state came after a revision of that epoch, or in a later one. */
  #isLater(state: SimState, { epoch, revision }: Moment): boolean {
    return this.#etcd.epochsOf(state).some((other) => other > epoch || (other === epoch && state.version > revision));
  }

  /** Whether a restore has undone a state of that epoch: a later epoch never had it. */
  #isUndoneSince(state: SimState, epoch: number): boolean {
    const epochs = this.#etcd.epochsOf(state);
    return epoch < this.#etcd.epoch && !epochs.includes(this.#etcd.epoch);
  }

  #changesAfter({ epoch, revision }: Moment): readonly Change[] {
    const later = Array.from({ length: this.#etcd.epoch - epoch }, (_, back) => this.#etcd.changes(epoch + 1 + back));
    return [...this.#etcd.changes(epoch).filter((change) => change.revision > revision), ...later.flat()];
  }
}

interface Moment {
  readonly epoch: number;
  readonly revision: number;
}

function touches(query: SimQuery, { state, previous }: Change): boolean {
  return matches(query, state) || (previous !== undefined && matches(query, previous));
}

/** Whether JSON text is of the same members, in whatever order. */
function sameMembers(text: string, object: unknown): boolean {
  const shown = JSON.stringify(object);
  return text.length === shown.length && sorted(JSON.parse(text)) === sorted(object);
}

function sorted(value: unknown): string {
  return JSON.stringify(
    value,
    (_, inner: unknown) =>
      typeof inner === "object" && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
  );
}

function inNamespace({ namespace }: SimQuery, key: string): boolean {
  return namespace === "" || key.split("/")[1] === namespace;
}
