import { keyOf, matches, type SimQuery, type SimState } from "./sim_objects.ts";

/** One write. A deletion's state is the last one, at the revision of the deletion. */
export interface Change {
  readonly revision: number;
  readonly deleted: boolean;
  readonly state: SimState;
  readonly previous: SimState | undefined;
}

/** What a write makes of an object; version and uid are etcd's to give. */
export type Draft = Omit<SimState, "version" | "uid" | "key">;

/** One history: what was written from the beginning on, up to a restore. */
interface Epoch {
  readonly log: Change[];
  /** The same, object by object. */
  readonly byKey: Map<string, Change[]>;
  readonly states: Set<SimState>;
}

const firstRevision = 1_000;

/**
 * etcd with one revision for all that is written, and the memory of everything that ever was, for the checks: each restore
 * begins a new epoch, whose history shares its beginning with the one before.
 */
export class SimEtcd {
  readonly #epochs: Epoch[] = [{ log: [], byKey: new Map(), states: new Set() }];
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #byUid = new Map<string, SimState[]>();
  readonly #ends: number[] = [];
  /** The revisions that the restores went back to. */
  readonly #forks: number[] = [];
  #objects = new Map<string, SimState>();
  #revision = firstRevision;
  #compacted = 0;
  #uids = 0;

  get revision(): number {
    return this.#revision;
  }
  /** Revisions below it cannot be read any more. */
  get compacted(): number {
    return this.#compacted;
  }
  /** The number of the epoch that is written now. */
  get epoch(): number {
    return this.#epochs.length - 1;
  }

  get(key: string): SimState | undefined {
    return this.#objects.get(key);
  }

  all(): SimState[] {
    return [...this.#objects.values()];
  }

  put(draft: Draft): SimState {
    const key = keyOf(draft);
    const previous = this.#objects.get(key);
    const uid = previous?.uid ?? `uid-${++this.#uids}`;
    const state: SimState = { ...draft, key, uid, version: ++this.#revision };
    this.#objects.set(key, state);
    const states = this.#byUid.get(uid);
    if (states === undefined) this.#byUid.set(uid, [state]);
    else states.push(state);
    this.#append({ revision: state.version, deleted: false, state, previous });
    return state;
  }

  remove(key: string): SimState | undefined {
    const previous = this.#objects.get(key);
    if (previous === undefined) return undefined;
    this.#objects.delete(key);
    const state = { ...previous, version: ++this.#revision };
    this.#append({ revision: state.version, deleted: true, state, previous });
    return state;
  }

  /** Forgets what was before `revision`. */
  compact(revision: number): void {
    this.#compacted = Math.max(this.#compacted, Math.min(revision, this.#revision));
  }

  /** Goes back to a backup of `revision`: what came after never was. */
  restore(revision: number): void {
    const kept = this.#current.log.filter((change) => change.revision <= revision);
    this.#ends.push(this.#revision);
    this.#forks.push(revision);
    this.#epochs.push({ log: [], byKey: new Map(), states: new Set() });
    this.#objects = new Map();
    for (const change of kept) {
      this.#note(change);
      if (change.deleted) this.#objects.delete(change.state.key);
      else this.#objects.set(change.state.key, change.state);
    }
    this.#revision = revision;
    this.#compacted = Math.min(this.#compacted, revision);
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The changes above `revision` of the epoch that is written now. */
  changesAfter(revision: number): Change[] {
    const { log } = this.#current;
    return log.slice(log.findLastIndex((change) => change.revision <= revision) + 1);
  }

  /** What a query selected at a revision of an epoch. */
  selectedAt(query: SimQuery, at: { readonly epoch: number; readonly revision: number }): Map<string, SimState> {
    const selected = new Map<string, SimState>();
    for (const [key, changes] of this.#epochs[at.epoch]?.byKey ?? []) {
      if (changes[0]?.state.resource !== query.resource) continue;
      const last = changes.findLast(({ revision }) => revision <= at.revision);
      if (last !== undefined && !last.deleted && matches(query, last.state)) selected.set(key, last.state);
    }
    return selected;
  }

  /** Every state that an object of this uid ever had, in any epoch. */
  statesOf(uid: string): readonly SimState[] {
    return this.#byUid.get(uid) ?? [];
  }

  /** The epochs in which the object was written like that. */
  epochsOf(state: SimState): number[] {
    return this.#epochs.length === 1 ? [0] : this.#epochs.flatMap(({ states }, at) => states.has(state) ? [at] : []);
  }

  /** The revision at which an epoch ended, or stands. */
  lastRevision(epoch: number): number {
    return epoch === this.epoch ? this.#revision : this.#ends[epoch] ?? 0;
  }

  /** Whether a position of an epoch is one that a later restore has undone. */
  isUndone(epoch: number, revision: number): boolean {
    return this.#forks.slice(epoch).some((fork) => fork < revision);
  }

  /** All that was written in an epoch. */
  changes(epoch: number): readonly Change[] {
    return this.#epochs[epoch]?.log ?? [];
  }

  get #current(): Epoch {
    const current = this.#epochs.at(-1);
    if (current === undefined) throw new TypeError("There is no epoch");
    return current;
  }

  #note(change: Change): void {
    const { log, byKey, states } = this.#current;
    log.push(change);
    if (!change.deleted) states.add(change.state);
    const changes = byKey.get(change.state.key);
    if (changes === undefined) byKey.set(change.state.key, [change]);
    else changes.push(change);
  }

  #append(change: Change): void {
    this.#note(change);
    for (const listener of [...this.#listeners]) listener(change);
  }
}
