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
  /** uid and version to the state. */
  readonly states: Map<string, SimState>;
}

/** A past that was asked for, with the number of changes that led to it. */
interface Checkpoint {
  readonly epoch: number;
  readonly revision: number;
  readonly objects: ReadonlyMap<string, SimState>;
  readonly length: number;
}

const firstRevision = 1_000;

/**
 * etcd with one revision for all that is written, and the memory of everything that ever was, for the checks: each restore
 * begins a new epoch, whose history shares its beginning with the one before.
 */
export class SimEtcd {
  readonly #epochs: Epoch[] = [{ log: [], states: new Map() }];
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #byUid = new Map<string, SimState[]>();
  readonly #checkpoints: Checkpoint[] = [];
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
    this.#current.states.set(`${uid}@${state.version}`, state);
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
    const log = this.#current.log.filter((change) => change.revision <= revision);
    const states = new Map([...this.#current.states].filter(([, state]) => state.version <= revision));
    this.#objects = new Map(this.stateAt(this.epoch, revision));
    this.#ends.push(this.#revision);
    this.#forks.push(revision);
    this.#epochs.push({ log, states });
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

  /** All objects as they were at a revision of an epoch. Not to be changed. */
  stateAt(epoch: number, revision: number): ReadonlyMap<string, SimState> {
    const log = this.#epochs[epoch]?.log ?? [];
    const known = this.#checkpoints.findLast((point) => point.epoch === epoch && point.revision <= revision);
    if (known?.revision === revision) return known.objects;
    const objects = new Map(known?.objects);
    for (let at = known?.length ?? 0; at < log.length; at++) {
      const change = log[at];
      if (change === undefined || change.revision > revision) {
        this.#remember({ epoch, revision, objects, length: at });
        return objects;
      }
      if (change.deleted) objects.delete(change.state.key);
      else objects.set(change.state.key, change.state);
    }
    if (revision < this.lastRevision(epoch)) this.#remember({ epoch, revision, objects, length: log.length });
    return objects;
  }

  /** What a query selected at a revision of an epoch. */
  selectedAt(query: SimQuery, at: { readonly epoch: number; readonly revision: number }): Map<string, SimState> {
    const selected = new Map<string, SimState>();
    for (const [key, state] of this.stateAt(at.epoch, at.revision)) if (matches(query, state)) selected.set(key, state);
    return selected;
  }

  /** Every state that an object of this uid ever had, in any epoch. */
  statesOf(uid: string): readonly SimState[] {
    return this.#byUid.get(uid) ?? [];
  }

  /** The epochs in which the object was written like that. */
  epochsOf(state: SimState): number[] {
    const key = `${state.uid}@${state.version}`;
    return this.#epochs.flatMap(({ states }, index) => states.get(key) === state ? [index] : []);
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

  #remember(point: Checkpoint): void {
    this.#checkpoints.push(point);
    this.#checkpoints.sort((a, b) => a.revision - b.revision);
    if (this.#checkpoints.length > 64) this.#checkpoints.splice(this.#checkpoints.length % 2, 1);
  }

  get #current(): Epoch {
    const current = this.#epochs.at(-1);
    if (current === undefined) throw new TypeError("There is no epoch");
    return current;
  }

  #append(change: Change): void {
    this.#current.log.push(change);
    for (const listener of [...this.#listeners]) listener(change);
  }
}
