import type { Clock } from "../../src/platform/clock.ts";
import type { Dice } from "./dice.ts";
import type { LocalAnswer, LocalClient, WatchEvent } from "./local_client.ts";
import type { LocalExchange } from "./local_exchange.ts";
import { markOf } from "./node_truth.ts";
import { memberAt, membersOf, nodes, pods, queryPathOf, type SimQuery, type SimState } from "./sim_objects.ts";

export interface InformerOptions {
  readonly name: string;
  readonly client: LocalClient;
  readonly clock: Clock;
  readonly dice: Dice;
  readonly query: SimQuery;
  /** Asks for the state by WatchList in place of a list (KEP-3157). */
  readonly watchList: boolean;
  /** How probably it leaves in the middle of a watch, at each event. */
  readonly leaves: number;
}

const backoffMs = [800, 3_000] as const;

/** How a watch ended: go on from the position, list again, or list again without a version. */
type Outcome = "resume" | "list" | "list-newest" | "wait";

/**
 * A client-go reflector with its store: list, then watch from the list's version; on 410 list again; on a clean end resume.
 * Each answer and event is checked against what the cloud was.
 */
export class Informer {
  readonly #options: InformerOptions;
  readonly #closed = new AbortController();
  #objects = new Map<string, SimState>();
  /** By uid, the last write of the node that was shown. */
  readonly #marks = new Map<string, number>();
  /** Names of which a list that is not live has shown more than its version says (R2). */
  #ahead: ReadonlySet<string> = new Set();
  /** Where a resumed watch begins; 0 before the first list. */
  #position = 0;
  #epoch = 0;
  #newest = false;
  #undone = false;
  #exchange: LocalExchange | undefined;

  constructor(options: InformerOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }
  get query(): SimQuery {
    return this.#options.query;
  }
  /** What it believes to be there. */
  get objects(): ReadonlyMap<string, SimState> {
    return this.#objects;
  }
  get position(): number {
    return this.#position;
  }
  /** Whether its watch began at a position that a restore had undone by then. */
  get undone(): boolean {
    return this.#undone;
  }

  /** Runs until it is closed. */
  async run(): Promise<void> {
    const { clock, dice, watchList } = this.#options;
    const signal = this.#closed.signal;
    let next: Outcome = "list";
    while (!signal.aborted) {
      if (next === "list-newest") this.#newest = true;
      const listing: boolean = next === "list" || next === "list-newest";
      if (listing && !watchList) next = await this.#list();
      else next = await this.#watch(listing);
      if (signal.aborted) break;
      if (next === "wait") next = this.#listed && !listing ? "resume" : "list";
      await clock.sleep(dice.between(...backoffMs), signal).catch(() => undefined);
    }
  }

  close(): void {
    this.#closed.abort(new Error("The informer is closed"));
    this.#exchange?.leave();
  }

  /** Goes away in the middle of its watch, and comes back. */
  leave(): void {
    this.#exchange?.leave();
  }

  /** Reads no further for a while. */
  pause(ms: number): void {
    const exchange = this.#exchange;
    exchange?.pause();
    this.#options.clock.setTimer(ms, () => exchange?.resume());
  }

  /** Reads on. */
  resume(): void {
    this.#exchange?.resume();
  }

  #listed = false;

  async #list(): Promise<Outcome> {
    const { client, query } = this.#options;
    const version = this.#newest ? "" : String(this.#position);
    const rawPath = queryPathOf(query, version === "" ? {} : { resourceVersion: version });
    const answer = await client.ask({ method: "GET", rawPath });
    if (!answer.complete || answer.status !== 200) return this.#refused(answer);
    const where = `${this.name}: ${rawPath}`;
    const list = client.readList(query, answer, where);
    if (list === undefined) return "wait";
    const epoch = client.checkList(list, { query, answer, fromEpoch: this.#epoch, where });
    if (epoch === this.#epoch && list.revision < this.#position && version !== "") {
      client.oracle.fail("position", `${where}: the list is at ${list.revision}, below ${this.#position}`);
    }
    this.#epoch = epoch;
    this.#objects = new Map(list.states);
    this.#ahead = new Set(answer.stale ? client.oracle.aheadOf({ query, ...list, epoch }) : []);
    this.#position = list.revision;
    this.#newest = false;
    this.#listed = true;
    return await this.#watch(false);
  }

  #refused({ status, body }: Pick<LocalAnswer, "status" | "body">): Outcome {
    const causes = JSON.stringify(memberAt(body, ["details", "causes"]) ?? []);
    if (status === 410 || (status === 504 && causes.includes("ResourceVersionTooLarge"))) return "list-newest";
    return "wait";
  }

  #watch(initial: boolean): Promise<Outcome> {
    const { client, clock, dice, query, leaves } = this.#options;
    const state = initial
      ? {
        sendInitialEvents: "true",
        resourceVersionMatch: "NotOlderThan",
        ...(this.#newest || this.#position === 0 ? {} : { resourceVersion: String(this.#position) }),
      }
      : { resourceVersion: String(this.#position) };
    const rawPath = queryPathOf(query, {
      watch: "true",
      allowWatchBookmarks: "true",
      timeoutSeconds: String(dice.int(60, 400)),
      ...state,
    });
    const sequence = client.oracle.sequence;
    return new Promise((resolve) => {
      const undone = !initial && client.oracle.isUndone(this.#epoch, this.#position);
      let status = 0;
      let outcome: Outcome = initial ? "list" : "resume";
      const follower = new Follower({
        where: `${this.name}: ${rawPath}`,
        client,
        query,
        sequence,
        initial,
        objects: this.#objects,
        marks: this.#marks,
        ahead: this.#ahead,
        position: this.#position,
        epoch: this.#epoch,
        undone,
        askedAtMs: clock.monotonic(),
      });
      this.#undone = undone;
      this.#exchange = client.watch(rawPath, {
        head: (head) => {
          status = head.status;
          follower.stale = head.stale;
          follower.passed = head.source === "cloud";
          client.trace(() => `${this.name}: ${rawPath} -> ${status} ${head.source}${head.stale ? " stale" : ""}`);
        },
        event: (event) => {
          if (event.type === "ERROR") outcome = this.#failed(event);
          else follower.take(event);
          this.#adopt(follower);
          if (dice.chance(leaves)) this.#exchange?.leave();
        },
        end: () => {
          if (status !== 200) outcome = this.#refused({ status, body: undefined });
          else if (follower.synced && outcome === "list" && initial) outcome = "resume";
          if (status === 504 && initial) outcome = "list-newest";
          resolve(outcome);
        },
      });
    });
  }

  #failed({ object }: WatchEvent): Outcome {
    const code = memberAt(object, ["code"]);
    if (code === 410) return this.#options.watchList ? "list-newest" : "list";
    return "wait";
  }

  #adopt(follower: Follower): void {
    if (!follower.synced) return;
    this.#objects = follower.objects;
    this.#ahead = follower.ahead;
    this.#position = follower.position;
    this.#epoch = follower.epoch;
    this.#newest = false;
    this.#listed = true;
  }
}

interface FollowerOptions {
  readonly where: string;
  readonly client: LocalClient;
  readonly query: SimQuery;
  readonly sequence: number;
  readonly initial: boolean;
  readonly objects: ReadonlyMap<string, SimState>;
  readonly marks: Map<string, number>;
  readonly ahead: ReadonlySet<string>;
  readonly position: number;
  readonly epoch: number;
  readonly undone: boolean;
  /** A reader that pauses reads later what was true then. */
  readonly askedAtMs: number;
}

/**
 * Replays one watch and checks each event. What goes wrong where the watch began at a position of a history that a restore
 * has undone is a rule of its own, `epoch`: the real API server does not notice such a client.
 */
class Follower {
  readonly #options: FollowerOptions;
  readonly objects: Map<string, SimState>;
  /** Names that the list before it has shown newer than its version; their next event tells where they stand. */
  readonly ahead: Set<string>;
  position: number;
  epoch: number;
  /** Whether the state is whole: from the beginning, or from the end of the initial events. */
  synced: boolean;
  stale = false;
  /** Whether the cloud's own stream passes through: the hub keeps nothing of it. */
  passed = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.objects = new Map(options.initial ? [] : options.objects);
    this.ahead = new Set(options.initial ? [] : options.ahead);
    this.position = options.initial ? 0 : options.position;
    this.epoch = options.epoch;
    this.synced = !options.initial;
  }

  take({ type, object, state: known }: WatchEvent): void {
    if (type === "BOOKMARK") return this.#bookmark(object);
    const { client, where, query } = this.#options;
    const state = known ??
      (type === "DELETED" ? client.oracle.recogniseDeleted(object, where) : client.oracle.recognise(object, where));
    if (state === undefined) return;
    const version = known?.version ?? Number(memberAt(object, ["metadata", "resourceVersion"]));
    const event = `${where}: ${type} ${state.key}@${version}`;
    if (type !== "DELETED") this.#checkMark(state, known === undefined ? object : undefined, event);
    if (type === "MODIFIED" && version <= this.position && this.#isLaidOver(state)) return;
    if (!this.ahead.delete(state.key)) this.#checkKnown(type, state, event);
    if (type === "DELETED") this.objects.delete(state.key);
    else this.objects.set(state.key, state);
    if (!this.synced) return;
    this.#checkPosition(type, version, event);
    this.position = version;
    if (this.passed) return;
    if (type === "DELETED") client.oracle.showDeleted(state, version, { selected: query.label !== undefined });
    else client.oracle.show(state, { selected: query.label !== undefined });
  }

  /** What comes as an overlay comes, changes or goes: the object is where it was. */
  #isLaidOver(state: SimState): boolean {
    if (!this.synced || ![pods, nodes].includes(state.resource)) return false;
    const held = this.objects.get(state.key);
    if (held === state) return true;
    const isKnown = held === undefined ? this.#options.client.oracle.hasForgotten : held.uid === state.uid;
    return isKnown && this.ahead.has(state.key);
  }

  /** No older write of the node comes after a newer one, nor after one that was acknowledged before the state was asked for. */
  #checkMark(state: SimState, object: unknown, where: string): void {
    const { client, marks, sequence, undone } = this.#options;
    if (undone || ![pods, nodes].includes(state.resource)) return;
    const { truth } = client.oracle;
    if (!this.synced && !this.passed) truth.checkShown(state, { object, sequence, where, own: this.stale });
    const members = object === undefined ? state.members : membersOf(state.resource, object);
    const [number, before] = [markOf(members)?.number ?? 0, marks.get(state.uid) ?? 0];
    marks.set(state.uid, number);
    if (number >= before || this.passed || !truth.isKept(state, before)) return;
    client.oracle.fail("outbox-old", `${where} shows write ${number} after ${before}`);
  }

  /**
   * What came and went in a gap of the hub's is in no relist. Whoever is cut amid what a relist tells stands inside the gap,
   * and may be told from elsewhere that such an object is gone. (What a list lacks at its version is found by itself.)
   */
  #isFromGap(type: string, { version }: SimState): boolean {
    return type === "DELETED" && version <= this.#options.position;
  }

  #checkKnown(type: string, state: SimState, event: string): void {
    const held = this.objects.get(state.key);
    if (type === "ADDED" && held !== undefined) this.#fail("doubled", `${event}, held as ${held.uid}@${held.version}`);
    if (type !== "ADDED" && held === undefined && !this.#isFromGap(type, state)) {
      this.#fail("lost", `${event}, but nothing is held`);
    }
    if (held === undefined || held.uid === state.uid || type === "ADDED") return;
    this.#fail(type === "DELETED" ? "R9" : "lost", `${event} of ${state.uid}, held is ${held.uid}`);
  }

  /** MODIFIED may repeat the last version (the overlay), deletions of one list have one version (R7). */
  #checkPosition(type: string, version: number, event: string): void {
    if (version > this.position || (version === this.position && type !== "ADDED")) return;
    this.#fail("position", `${event} at or below ${this.position}`);
  }

  #bookmark(object: unknown): void {
    const { client, query, where, initial, sequence } = this.#options;
    const version = Number(memberAt(object, ["metadata", "resourceVersion"]));
    const ends = memberAt(object, ["metadata", "annotations", "k8s.io/initial-events-end"]) === "true";
    if (ends !== (initial && !this.synced)) this.#fail("R4", `${where}: a bookmark out of place at ${version}`);
    if (version < this.position) {
      this.#fail("position", `${where}: a bookmark at ${version}, below ${this.position}`);
    }
    const { objects: states, ahead } = this;
    const answer = { query, revision: version, states, ahead, stale: false, fromEpoch: this.epoch };
    this.epoch = client.oracle.checkState(answer, `${where}: BOOKMARK`, this.#options.undone ? "epoch" : "state");
    this.position = version;
    if (!ends) return;
    this.synced = true;
    if (!this.stale) {
      client.oracle.checkLive({ query, revision: version, askedAtMs: this.#options.askedAtMs }, where);
      client.oracle.checkNoneBehind(answer, { sequence, where, stale: false });
    }
    if (this.passed) return;
    for (const state of this.objects.values()) client.oracle.show(state, { selected: query.label !== undefined });
  }

  #fail(rule: string, message: string): void {
    const { client, undone } = this.#options;
    client.oracle.fail(undone ? "epoch" : rule, message);
  }
}
