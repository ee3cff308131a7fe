import { waitFor } from "../driver/wait.ts";
import type { Asker } from "./asker.ts";
import { collectionPath, type Kind, type KubeJson, type Selector } from "./kinds.ts";

/** One change of an object, as the API server itself told it. */
export interface Change {
  readonly kind: Kind;
  readonly key: string;
  readonly version: bigint;
  readonly gone: boolean;
  readonly object: KubeJson;
  /** What was there of that name before. */
  readonly before: Change | undefined;
}

/** An event as a watcher of a selection has to get it. */
export interface ExpectedEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly key: string;
  readonly version: bigint;
  readonly text: string;
}

/** What a question is about. */
export interface Selection {
  readonly kind: Kind;
  /** Empty for all. */
  readonly namespace: string;
  readonly selector: Selector;
}

/** All that the API server ever had of some kinds, from a watch of its own of each. */
export class History {
  readonly #changes = new Map<string, Change[]>();
  readonly #stops: (() => void)[] = [];
  #broken: string | undefined;

  /** Begins with what there is. */
  static async follow(direct: Asker, kinds: readonly Kind[]): Promise<History> {
    const history = new History();
    for (const kind of kinds) await history.#follow(direct, kind);
    return history;
  }

  /** Resolves when everything up to a version of a kind's own object is there. */
  async reach(kind: Kind, version: bigint): Promise<void> {
    await waitFor(`the API server's own watch of ${kind.resource} to reach ${version}`, 20_000, () => {
      if (this.#broken !== undefined) throw new Error(this.#broken);
      return (this.#of(kind).at(-1)?.version ?? 0n) >= version;
    });
  }

  /** By key, those that are there at a version. */
  stateAt({ kind, namespace, selector }: Selection, version: bigint): Map<string, Change> {
    const state = new Map<string, Change>();
    for (const change of this.#of(kind)) {
      if (change.version > version) break;
      if (change.gone) state.delete(change.key);
      else state.set(change.key, change);
    }
    for (const [key, { object }] of state) {
      if (!isIn(namespace, object) || !selector.selects(object)) state.delete(key);
    }
    return state;
  }

  /** What a watcher from a version up to another has to get. */
  events(selection: Selection, from: bigint, to: bigint): ExpectedEvent[] {
    const { kind, namespace, selector } = selection;
    const events: ExpectedEvent[] = [];
    for (const { key, version, gone, object, before } of this.#of(kind)) {
      if (version <= from || version > to || !isIn(namespace, object)) continue;
      const had = before !== undefined && selector.selects(before.object);
      const has = !gone && selector.selects(object);
      if (has) events.push({ type: had ? "MODIFIED" : "ADDED", key, version, text: textOf(object) });
      // What leaves a selection is told with its last state in it, at the version at which it left.
      else if (had) {
        events.push({ type: "DELETED", key, version, text: gone ? textOf(object) : textOf(before.object, version) });
      }
    }
    return events;
  }

  /** The change of an object to this version. */
  find(kind: Kind, uid: string, version: string): Change | undefined {
    return this.#of(kind).find((one) => one.object.metadata.uid === uid && one.version === BigInt(version));
  }

  /** The changes of one name above a version, up to another. */
  changes(kind: Kind, key: string, range: { readonly above: bigint; readonly upTo: bigint }): readonly Change[] {
    return this.#of(kind).filter((one) => one.key === key && one.version > range.above && one.version <= range.upTo);
  }

  /** How many changes there were. */
  get size(): number {
    let size = 0;
    for (const changes of this.#changes.values()) size += changes.length;
    return size;
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }

  async #follow(direct: Asker, kind: Kind): Promise<void> {
    const path = collectionPath(kind, "");
    const answer = await direct.ask({ path });
    // Both are the API server's own.
    const list = JSON.parse(answer.text) as { metadata: { resourceVersion: string }; items: readonly KubeJson[] };
    this.#changes.set(kind.resource, []);
    const objects = [...list.items].sort((a, b) => Number(versionOf(a) - versionOf(b)));
    for (const object of objects) this.#take(kind, { type: "ADDED", object });
    let partial = "";
    const stop = direct.follow({ path: `${path}?watch=true&resourceVersion=${list.metadata.resourceVersion}` }, {
      text: (part) => {
        const lines = (partial + part).split("\n");
        partial = lines.pop() ?? "";
        for (const line of lines) this.#take(kind, JSON.parse(line) as { type: string; object: KubeJson });
      },
      end: (status, why) => this.#broken = `The API server's own watch of ${kind.resource} ended: ${status} ${why}`,
    });
    this.#stops.push(stop);
  }

  #take(kind: Kind, { type, object }: { readonly type: string; readonly object: KubeJson }): void {
    const changes = this.#of(kind);
    const key = keyOf(object);
    const last = changes.findLast((one) => one.key === key);
    const before = last?.gone === true ? undefined : last;
    changes.push({ kind, key, version: versionOf(object), gone: type === "DELETED", object, before });
  }

  #of(kind: Kind): Change[] {
    const changes = this.#changes.get(kind.resource);
    if (changes === undefined) throw new Error(`Nobody follows ${kind.resource}`);
    return changes;
  }
}

export function keyOf({ metadata }: KubeJson): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

export function versionOf({ metadata }: KubeJson): bigint {
  return BigInt(metadata.resourceVersion);
}

/** An object's bytes, but for type members, which lists of built-in types lack. */
export function textOf(object: KubeJson, version: bigint = versionOf(object)): string {
  const { apiVersion: _apiVersion, kind: _kind, ...rest } = object;
  return JSON.stringify({ ...rest, metadata: { ...rest.metadata, resourceVersion: String(version) } });
}

/** An event in one line, for comparisons. */
export function lineOf(
  { type, version, text }: { readonly type: string; readonly version: bigint; readonly text: string },
): string {
  return `${type} ${version} ${text}`;
}

function isIn(namespace: string, { metadata }: KubeJson): boolean {
  return namespace === "" || metadata.namespace === namespace;
}
