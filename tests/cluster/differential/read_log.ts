import assert from "node:assert/strict";
import type { Asker, RawAnswer } from "./asker.ts";
import { type Change, type History, keyOf, type Selection, textOf, versionOf } from "./history.ts";
import { collectionPath, type Dice, EVERYTHING, type Kind, type KubeJson, LABELS, NAMES, NAMESPACES } from "./kinds.ts";

/** What the hub has shown of one object at most. */
interface Shown {
  readonly version: bigint;
  /** Which answer that was, for messages. */
  readonly by: string;
}

/** What must hold of an answer, by what was known when it was asked. */
interface Asked extends Selection {
  /** Of a GET. */
  readonly name: string | undefined;
  readonly path: string;
  /** The answer is of no older version. */
  readonly notBefore: bigint;
  /** By key of this kind, the newest version that the hub had shown (R5). */
  readonly shown: ReadonlyMap<string, Shown>;
  /** How many deletions had been shown. */
  readonly deletions: number;
}

interface Read extends Asked {
  /** When it was answered, in milliseconds; for messages. */
  readonly at: number;
  readonly answer: RawAnswer;
  /** Nothing above this version had been written when the answer was there. */
  readonly notAfter: bigint;
}

export interface ReadLogOptions {
  readonly hub: Asker;
  readonly dice: Dice;
  readonly kinds: readonly Kind[];
  /** The version of the last write that was answered. */
  readonly acknowledged: () => bigint;
}

/** An answer may be there a moment before those of the writes that it shows. */
export const IN_FLIGHT = 100n;

/** Random reads through the hub, which are judged when the API server's whole history is known. */
export class ReadLog {
  readonly #options: ReadLogOptions;
  readonly #reads: Read[] = [];
  readonly #shown = new Map<string, Map<string, Shown>>();
  /** The uids of objects that were shown to be gone, by their order. */
  readonly #gone = new Map<string, number>();

  constructor(options: ReadLogOptions) {
    this.#options = options;
    for (const { resource } of options.kinds) this.#shown.set(resource, new Map());
  }

  /** How many reads were answered so by that source. */
  count(status: number, source?: string): number {
    return this.#reads.filter(({ answer }) =>
      answer.status === status && (source === undefined || answer.source === source)
    ).length;
  }

  /** How many answers there were of each kind, for messages. */
  summary(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { answer, name } of this.#reads) {
      const what = `${name === undefined ? "list" : "get"} ${answer.status} ${answer.source} ${
        answer.ended === "end" ? "" : "broken"
      }`.trim();
      counts[what] = (counts[what] ?? 0) + 1;
    }
    return counts;
  }

  /** Asks one thing after the other. */
  async runUntil(over: () => boolean): Promise<void> {
    while (!over()) await this.ask();
  }

  /** A random read. */
  async ask(): Promise<void> {
    const asked = this.#question();
    const answer = await this.#options.hub.ask({ path: asked.path });
    const read = { ...asked, at: performance.now(), answer, notAfter: this.#options.acknowledged() + IN_FLIGHT };
    this.#reads.push(read);
    if (answer.status !== 200 || answer.ended !== "end") return;
    const by = `${read.path} (${answer.source}, ${Math.round(performance.now())})`;
    for (const object of objectsOf(read)) this.show(read.kind, object, by);
  }

  /** Notes what the hub has shown to somebody. */
  show(kind: Kind, object: KubeJson, by: string): void {
    const shown = this.#shown.get(kind.resource);
    const [key, version] = [keyOf(object), versionOf(object)];
    if (shown !== undefined && version > (shown.get(key)?.version ?? 0n)) shown.set(key, { version, by });
  }

  /** Notes that the hub has shown the end of an object. */
  showGone(uid: string): void {
    this.#gone.set(uid, this.#gone.size);
  }

  #question(): Asked {
    const { dice, kinds, acknowledged } = this.#options;
    const kind = dice.pick(kinds);
    const now = acknowledged();
    const shown = new Map(this.#shown.get(kind.resource));
    const isGet = dice.chance(0.4);
    const namespace = kind.namespaced && (isGet || dice.chance(0.5)) ? dice.pick(NAMESPACES) : "";
    const name = isGet ? dice.pick(NAMES) : undefined;
    const selector = isGet ? EVERYTHING : dice.pick([EVERYTHING, ...LABELS, ...kind.fields]);
    const query = new URLSearchParams();
    if (selector.labelSelector !== undefined) query.set("labelSelector", selector.labelSelector);
    if (selector.fieldSelector !== undefined) query.set("fieldSelector", selector.fieldSelector);
    const version = dice.pick(["", "", "0", "0", String(now)]);
    if (version !== "") query.set("resourceVersion", version);
    if (version === String(now) && !isGet && dice.chance(0.5)) query.set("resourceVersionMatch", "NotOlderThan");
    const collection = collectionPath(kind, namespace);
    const path = `${name === undefined ? collection : `${collection}/${name}`}?${query}`;
    // Version 0 is any version; what the hub has shown binds it all the same.
    const notBefore = version === "0" ? 0n : now;
    return { kind, namespace, selector, name, path, notBefore, shown, deletions: this.#gone.size };
  }

  #checkGone(read: Read): void {
    if (read.answer.status !== 200 || read.answer.ended !== "end") return;
    for (const object of objectsOf(read)) {
      const gone = this.#gone.get(object.metadata.uid) ?? Number.POSITIVE_INFINITY;
      assert.ok(gone >= read.deletions, `${keyOf(object)} ${object.metadata.uid} was shown to be gone`);
    }
  }

  /**
   * Compares every answer with the API server's history.
   *
   * @param online whether the link was never cut: then nothing may be refused, and no list may be a mixture of versions
   */
  check(history: History, { online }: { readonly online: boolean }): void {
    for (const read of this.#reads) {
      try {
        checkRead(history, read, online);
        this.#checkGone(read);
      } catch (error) {
        const { status, source, ended, text } = read.answer;
        const message = error instanceof Error ? error.message : String(error);
        const about = `${read.path} (${
          Math.round(read.at)
        }) at ${read.notBefore}…${read.notAfter}: ${status} ${source} ${ended}`;
        throw new Error(`${about}: ${message}\n${text.slice(0, 1500)}`, { cause: error });
      }
    }
  }
}

function checkRead(history: History, read: Read, online: boolean): void {
  const { answer, name } = read;
  if (!online) {
    // Out of reach, or broken off in the middle of the cloud's answer: nothing was said.
    if ([503, 504].includes(answer.status) || answer.status === 0) return;
    if (answer.ended !== "end") return assert.equal(answer.source, "cloud");
  }
  assert.equal(answer.ended, "end");
  if (name === undefined) {
    assert.equal(answer.status, 200);
    checkList(history, read, online);
  } else if (answer.status === 404) checkAbsence(history, read, online);
  else {
    assert.equal(answer.status, 200);
    checkObject(history, read, online);
  }
}

function checkList(history: History, read: Read, online: boolean): void {
  const version = listVersion(read);
  if (online || read.answer.source === "cloud") assert.ok(version >= read.notBefore, `at ${version}, too old`);
  const items = new Map(objectsOf(read).map((object) => [keyOf(object), object]));
  const state = history.stateAt(read, version);
  for (const [key, object] of items) {
    const change = assertReal(history, read.kind, object);
    if (change.version > version) {
      // While cut what is known newer of single objects lies over the collection.
      assert.ok(!online && read.answer.source === "replica", `${key} is newer than the list at ${version}`);
    } else assert.equal(state.get(key)?.version, change.version, `${key} in the list at ${version}`);
  }
  for (const [key, { version: had }] of state) {
    if (items.has(key)) continue;
    const later = history.changes(read.kind, key, { above: had, upTo: read.notAfter });
    const left = later.some((one) => one.version > version && (one.gone || !read.selector.selects(one.object)));
    const isFine = !online && read.answer.source === "replica" && left;
    assert.ok(isFine, `${key}@${had} is not in the list at ${version}; ${describe(history, read, key)}`);
  }
  // What such a list shows while cut is its own last state, whatever else was shown.
  if (!online && read.selector.isOpaque) return;
  for (const [key, { version: shown, by }] of read.shown) {
    const held = items.get(key);
    if (held === undefined ? isOnceUnselected(history, read, { key, version: shown }) : versionOf(held) >= shown) {
      continue;
    }
    const has = held?.metadata.resourceVersion ?? "nothing";
    assert.fail(
      `${key} was shown at ${shown} by ${by}, the list is at ${version} and has ${has}; ${
        describe(history, read, key)
      }`,
    );
  }
}

/** Whether there was a moment, not before a version, at which it was not selected. */
function isOnceUnselected(
  history: History,
  read: Read,
  { key, version }: { readonly key: string; readonly version: bigint },
): boolean {
  if (!history.stateAt(read, version).has(key)) return true;
  return history.changes(read.kind, key, { above: version, upTo: read.notAfter })
    .some(({ gone, object }) => gone || !isSelected(read, object));
}

function describe(history: History, read: Read, key: string): string {
  const changes = history.changes(read.kind, key, { above: 0n, upTo: read.notAfter }).map(
    ({ version, gone, object }) => {
      const what = gone ? "gone" : isSelected(read, object) ? "selected" : "not selected";
      return `${version} ${what} ${object.metadata.uid.slice(0, 4)}`;
    },
  );
  return `its changes: ${changes.join(", ")}`;
}

function isSelected({ namespace, selector }: Read, object: KubeJson): boolean {
  return (namespace === "" || object.metadata.namespace === namespace) && selector.selects(object);
}

function checkObject(history: History, read: Read, online: boolean): void {
  const [object] = objectsOf(read);
  assert.ok(object);
  const { version } = assertReal(history, read.kind, object);
  const key = keyOf(object);
  const { version: shown, by } = read.shown.get(key) ?? { version: 0n, by: "" };
  assert.ok(version >= shown, `${key}@${version} was shown at ${shown} before by ${by}`);
  if (!online && read.answer.source !== "cloud") return;
  const later = history.changes(read.kind, key, { above: version, upTo: read.notBefore });
  assert.equal(later.length, 0, `${key}@${version} is older than ${later.at(-1)?.version}`);
}

/** There was a moment, not before what was shown or asked for, at which there was no such object. */
function checkAbsence(history: History, read: Read, online: boolean): void {
  const { kind, namespace, name, shown, notBefore, notAfter } = read;
  const key = `${namespace}/${name}`;
  const since = online || read.answer.source === "cloud" ? notBefore : 0n;
  const { version: seen, by } = shown.get(key) ?? { version: 0n, by: "" };
  const floor = seen > since ? seen : since;
  const selection = { kind, namespace, selector: EVERYTHING };
  const was = history.stateAt(selection, floor).has(key);
  const gone = history.changes(kind, key, { above: floor, upTo: notAfter }).some((one) => one.gone);
  assert.ok(!was || gone, `${key} was there from ${floor} on, shown at ${seen} by ${by}`);
}

/** An object that the API server had, byte for byte. */
function assertReal(history: History, kind: Kind, object: KubeJson): Change {
  const { uid, resourceVersion } = object.metadata;
  const change = history.find(kind, uid, resourceVersion);
  assert.ok(change && !change.gone, `the API server never had ${keyOf(object)} ${uid}@${resourceVersion}`);
  assert.equal(textOf(object), textOf(change.object));
  return change;
}

function listVersion({ answer }: Read): bigint {
  return BigInt((JSON.parse(answer.text) as { metadata: { resourceVersion: string } }).metadata.resourceVersion);
}

/** @throws AssertionError where the answer has no objects with metadata */
function objectsOf({ answer, name, path }: Pick<Read, "answer" | "name" | "path">): readonly KubeJson[] {
  // Each is looked at in the next line.
  const body = JSON.parse(answer.text) as (KubeJson & { readonly items?: readonly KubeJson[] }) | null;
  const objects = name === undefined ? body?.items : [body];
  const isWhole = objects?.every((object) => typeof object?.metadata?.uid === "string");
  assert.ok(isWhole, `${path}: ${answer.status} ${answer.source} ${answer.text.slice(0, 500)}`);
  return objects as readonly KubeJson[];
}
