import type { Change, SimEtcd } from "./sim_etcd.ts";
import {
  events,
  memberAt,
  type Members,
  membersOf,
  nodes,
  pods,
  type SimResource,
  type SimState,
} from "./sim_objects.ts";

/** What a node has written last of one object: its uid, and which write of it that was. */
export interface Mark {
  readonly uid: string;
  readonly number: number;
}

/** What a node makes of an object's status with its n-th write: all that it writes tells of the same n. */
export function markedStatus(resource: SimResource, { uid, number }: Mark): Members {
  const reason = `${uid}:${number}`;
  const list = resource === pods
    ? { containerStatuses: [{ name: "main", restartCount: number }] }
    : { images: [{ names: ["main"], sizeBytes: number }] };
  return { conditions: [{ type: "Ready", status: number % 2 === 0 ? "True" : "False", reason }], ...list };
}

/** The number in the other place where a write tells of it. */
function countIn(members: Members | undefined): unknown {
  return memberAt(members, ["count"]) ?? memberAt(members, ["containerStatuses", "0", "restartCount"]) ??
    memberAt(members, ["images", "0", "sizeBytes"]);
}

/** Which write of the node a status or an Event shows; nothing where the node has written none of it. */
export function markOf(members: Members | undefined): Mark | undefined {
  const [uid, number] = textOf(
    memberAt(members, ["conditions", "0", "reason"]) ?? memberAt(members, ["message"]),
  ).split(":");
  return uid === undefined || number === undefined ? undefined : { uid, number: Number(number) };
}

/** Where an entry of `/v1/outbox` says that it has ended. */
interface Report {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly how: string;
}

/** An object as a reader was shown it. */
export interface Shown {
  /** Parsed JSON; missing where it is just as the cloud has it. */
  readonly object?: unknown;
  /** Of what had been shown when it was asked for. */
  readonly sequence: number;
  readonly where: string;
  /** Of a watch while cut: what went to the cloud beside its collection does not show in it. */
  readonly own?: boolean;
}

interface Acknowledged {
  readonly number: number;
  readonly byCloud: boolean;
  /** Of what was shown until then. */
  readonly sequence: number;
}

/** What the hub has acknowledged of one object. */
interface Told {
  readonly key: string;
  /** The last that the node has written, whatever became of it. */
  issued: number;
  readonly acknowledged: Acknowledged[];
}

/** How a write may end without being the last word: the cloud shows why. */
const settledOtherwise = ["gone", "replaced", "finished"];
const finished = ["Succeeded", "Failed"];

/**
 * What the node has written and the hub has acknowledged, object by object, beside what the cloud has of it: nothing of it is
 * lost, applied twice, out of order, or to another object.
 */
export class NodeTruth {
  readonly #etcd: SimEtcd;
  readonly #fail: (rule: string, message: string) => void;
  /** By uid; of Events by their names. */
  readonly #told = new Map<string, Told>();
  #restored = false;

  constructor(etcd: SimEtcd, fail: (rule: string, message: string) => void) {
    this.#etcd = etcd;
    this.#fail = fail;
    etcd.onChange((change) => this.#written(change));
  }

  /** The mark of the next write of an object. */
  next(uid: string, key: string): Mark {
    let told = this.#told.get(uid);
    if (told === undefined) this.#told.set(uid, told = { key, issued: 0, acknowledged: [] });
    return { uid, number: ++told.issued };
  }

  /** Whether the node has ever written that. */
  wasIssued({ uid, number }: Mark): boolean {
    return number <= (this.#told.get(uid)?.issued ?? 0);
  }

  acknowledged({ uid, number }: Mark, by: Omit<Acknowledged, "number">): void {
    this.#told.get(uid)?.acknowledged.push({ number, ...by });
  }

  /** What the hub kept in memory of writes that the cloud has taken is gone. */
  forget(): void {
    for (const [uid, told] of this.#told) if (this.#inCloud(uid, told) >= last(told)) told.acknowledged.length = 0;
  }

  /** What the cloud had taken of it may be undone: only what is acknowledged from now on counts. */
  restored(): void {
    this.#restored = true;
    for (const told of this.#told.values()) told.acknowledged.length = 0;
  }

  /** Checks that what is shown of an object is not older than what was acknowledged before it was asked for. */
  checkShown(state: SimState, { object, sequence, where, own = false }: Shown): void {
    const told = this.#told.get(state.uid);
    if (told === undefined) return;
    const members = object === undefined ? state.members : membersOf(state.resource, object);
    const counting = told.acknowledged.findLast((one) => one.sequence <= sequence && !(own && one.byCloud));
    const floor = counting?.number ?? 0;
    const number = markOf(members)?.number ?? 0;
    if (number > 0 && countIn(members) !== number) {
      this.#fail("outbox-torn", `${where}: ${state.key} shows ${JSON.stringify(members)}`);
    }
    if (number >= floor || !this.isOpen(state.uid, state.key)) return;
    this.#fail("outbox-old", `${where}: ${state.key} shows write ${number}, though ${floor} was acknowledged`);
  }

  /** Whether a reader that has seen that write must not see an older one: the hub has acknowledged it, and knows that it has. */
  isKept(state: SimState, number: number): boolean {
    return this.isOpen(state.uid, state.key) && last(this.#told.get(state.uid)) >= number;
  }

  /** Checks that a pod that the node has taken away had all that was acknowledged of it. */
  checkRemoved(uid: string): void {
    const told = this.#told.get(uid);
    if (told === undefined || isFinished(this.#lastOf(uid, told))) return;
    const number = this.#inCloud(uid, told);
    if (number >= last(told)) return;
    this.#fail("outbox-order", `${told.key} was deleted at write ${number}, though ${last(told)} was acknowledged`);
  }

  /** Whether what the node has written of an object must be shown: it is there and not finished. */
  isOpen(uid: string, key: string): boolean {
    const current = this.#etcd.get(key);
    return current?.uid === uid && !isFinished(current);
  }

  /** Checks, when all is healed, what became of all that was acknowledged. @param outbox what `/v1/outbox` tells */
  checkSettled(outbox: unknown): void {
    const reports = readReports(memberAt(outbox, ["settled"]));
    if (waitingIn(outbox) !== 0) this.#fail("outbox-waits", JSON.stringify(outbox) ?? "no hub runs");
    for (const { how, resource, name } of reports) {
      if (["pushed", "unchanged", ...settledOtherwise].includes(how)) continue;
      this.#fail("outbox-settled", `${resource}/${name} has ended as ${how}`);
    }
    // What was gone or had finished may be there again after a restore.
    if (!this.#restored) { for (const report of reports) this.#checkReport(report); }
    for (const [uid, told] of this.#told) {
      const number = this.#inCloud(uid, told);
      const isReported = reports.some((report) =>
        [report.uid, keyOf(report)].includes(uid) && settledOtherwise.includes(report.how)
      );
      if (number >= last(told) || isReported) continue;
      this.#fail("outbox-lost", `${told.key}: write ${last(told)} of ${uid} was acknowledged, the cloud has ${number}`);
    }
  }

  /** The object that is said to be gone is gone, and the one that is said to have finished has. */
  #checkReport({ uid, how, resource, namespace, name }: Report): void {
    const current = this.#etcd.get(keyOf({ resource, namespace, name }));
    const isThere = uid !== "" && current?.uid === uid;
    const wrong = how === "finished" ? isThere && !isFinished(current) : ["gone", "replaced"].includes(how) && isThere;
    if (wrong) this.#fail("outbox-settled", `${resource}/${name} of ${uid} is said to be ${how}`);
  }

  /** The last write that the cloud has taken of it, in whatever state it was last. */
  #inCloud(uid: string, told: Told): number {
    return markOf(this.#lastOf(uid, told)?.members)?.number ?? 0;
  }

  #lastOf(uid: string, { key }: Told): SimState | undefined {
    if (uid === key) return this.#etcd.get(key);
    return this.#etcd.statesOf(uid).findLast((state) => this.#etcd.epochsOf(state).includes(this.#etcd.epoch));
  }

  /** What the cloud takes is this object's, one write as a whole, and no older than what it had. */
  #written({ deleted, state, previous }: Change): void {
    if (deleted || ![pods, nodes, events].includes(state.resource)) return;
    const [before, after] = [markOf(previous?.members), markOf(state.members)];
    if (after === undefined || previous?.members === state.members) return;
    const what = `${state.key}: write ${after.number} of ${after.uid}`;
    if (after.uid !== (state.resource === events ? state.key : state.uid)) {
      this.#fail("outbox-foreign", `${what} went to ${state.uid}`);
    }
    if (before !== undefined && after.number < before.number) {
      this.#fail("outbox-order", `${what} came after ${before.number}`);
    }
    if (countIn(state.members) !== after.number) {
      this.#fail("outbox-torn", `${what} came with ${JSON.stringify(state.members)}`);
    }
    if (!this.wasIssued(after)) this.#fail("outbox-invented", `${what} was never written`);
    const isBack = previous !== undefined && isFinished(previous) && !isFinished(state);
    if (isBack) this.#fail("outbox-finished", `${what} took it out of ${textOf(previous.members?.["phase"])}`);
  }
}

function last(told: Told | undefined): number {
  return told?.acknowledged.at(-1)?.number ?? 0;
}

function isFinished(state: SimState | undefined): boolean {
  return state?.resource === pods && finished.includes(textOf(state.members?.["phase"]));
}

/** Empty where it is no text. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** How many objects' writes wait, as `/v1/outbox` tells. */
export function waitingIn(outbox: unknown): number {
  const waiting = memberAt(outbox, ["waiting"]);
  return Array.isArray(waiting) ? waiting.length : -1;
}

function keyOf({ resource, namespace, name }: Pick<Report, "resource" | "namespace" | "name">): string {
  return `${resource}/${namespace}/${name}`;
}

function readReports(settled: unknown): Report[] {
  if (!Array.isArray(settled)) return [];
  return settled.map((report: unknown) => {
    const text = (name: string) => textOf(memberAt(report, [name]));
    const [resource, namespace, name] = [text("resource"), text("namespace"), text("name")];
    return { resource, namespace, name, uid: text("uid"), how: text("how") };
  });
}
