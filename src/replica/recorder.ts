import { isNode, type Scope } from "../identity/scope.ts";
import { splitList } from "../kube/list_codec.ts";
import { jsonCodec } from "./codec.ts";
import { type Query, queryKey } from "../kube/resources.ts";
import { compareVersions } from "../kube/resource_version.ts";
import type { Replica } from "./replica.ts";

/** What was asked, of which an answer is recorded. */
export interface Recordable {
  readonly verb: string;
  /** Of the request; empty for none. */
  readonly namespace: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  /** Of a list: its query, and whether its answer is a first page. */
  readonly query?: Query;
  readonly continue?: string;
  /** Of a list of the newest: the highest version that was held when it was asked. One below it is of a new epoch. */
  readonly notOlderThan?: string;
}

/** Pages of lists that are not complete yet, all together; past it the oldest list is forgotten. */
const maxOpenListBytes = 32 * 1024 * 1024;

interface OpenList {
  readonly resourceVersion: string;
  readonly items: readonly Uint8Array[];
  readonly bytes: number;
}

/** Takes what the cloud's answers to clients show into the replica (R2). */
export class Recorder {
  readonly #replica: Replica;
  readonly #now: () => number;
  readonly #openLists = new Map<string, OpenList>();

  constructor(replica: Replica, now: () => number) {
    this.#replica = replica;
    this.#now = now;
  }

  /** Whether the answer to it may be kept: objects and lists, of a write too, but of no subresource with another kind than its resource's. */
  static wants(asked: Recordable): boolean {
    if (asked.subresource !== "" && asked.subresource !== "status") return false;
    return ["get", "list", "create", "update", "patch", "delete"].includes(asked.verb);
  }

  /**
   * Takes a complete answer of the cloud with status 200, 201 or 202.
   *
   * @param scope to whom it was given
   * @param body plain JSON
   * @throws StatusError where it is malformed; nothing is changed then
   */
  take(scope: Scope, asked: Recordable, body: Uint8Array): void {
    if (asked.verb === "list") this.#list(scope, asked, body);
    else this.#object(scope, asked, body);
  }

  #object(scope: Scope, asked: Recordable, body: Uint8Array): void {
    const meta = jsonCodec.readMeta(body);
    if (meta.kind === "Status") {
      if (asked.verb === "delete") this.#deleted(asked, body);
      return;
    }
    // Reviews and the like have no name: there is nothing that a later read could ask for.
    if (meta.name === "" || meta.resourceVersion === "") return;
    const path = { ...asked, namespace: meta.namespace, name: meta.name };
    if (asked.verb === "delete" && isGone(body)) return this.#replica.of(path).shownGone(path, meta);
    this.#replica.records.put(path, { bytes: body, savedAt: this.#now(), callersOnly: !isNode(scope) });
    this.#replica.of(path).shown({ meta, bytes: body });
  }

  /** `details` name what is gone for good: the record of that uid ends. */
  #deleted(asked: Recordable, body: Uint8Array): void {
    const status: unknown = JSON.parse(new TextDecoder().decode(body));
    const details: unknown = isObject(status) && status.status === "Success" ? status.details : undefined;
    if (!isObject(details) || typeof details.name !== "string" || typeof details.uid !== "string") return;
    this.#replica.of(asked).shownGone({ ...asked, name: details.name }, { uid: details.uid });
  }

  /** A complete list syncs its collection; the pages of one are put together first (R8). */
  #list(scope: Scope, asked: Recordable, body: Uint8Array): void {
    const { query, notOlderThan = "0" } = asked;
    if (query === undefined) return;
    const { head, items } = splitList(body);
    if (compareVersions(head.resourceVersion, notOlderThan) < 0) {
      this.#replica.of(query).beginEpoch();
    }
    // A token says only where to go on, not in which list: those of two queries may be the same.
    const openKey = (token: string) => `${scope.id} ${queryKey(query)} ${token}`;
    const before = this.#before(asked.continue ? openKey(asked.continue) : "");
    if (before === "unknown") return;
    const all = [...(before?.items ?? []), ...items];
    if (head.continue !== "") {
      const resourceVersion = before?.resourceVersion ?? head.resourceVersion;
      this.#keepOpen(openKey(head.continue), { resourceVersion, items: all });
      return;
    }
    const type = { apiVersion: head.apiVersion, kind: head.kind.replace(/List$/, "") };
    this.#replica.listed(scope, query, {
      ...type,
      listKind: head.kind,
      resourceVersion: before?.resourceVersion ?? head.resourceVersion,
      items: all.map((item) => jsonCodec.stored(item, type)),
    });
  }

  /** @param key empty for a first page */
  #before(key: string): OpenList | "unknown" | undefined {
    if (key === "") return undefined;
    const open = this.#openLists.get(key);
    this.#openLists.delete(key);
    return open ?? "unknown";
  }

  #keepOpen(key: string, { resourceVersion, items }: Omit<OpenList, "bytes">): void {
    const bytes = items.reduce((sum, item) => sum + item.length, 0);
    // Copies: a view, as a Buffer's `slice` is one, would keep the whole answer in memory.
    this.#openLists.set(key, { resourceVersion, items: items.map((item) => new Uint8Array(item)), bytes });
    let all = 0;
    for (const list of this.#openLists.values()) all += list.bytes;
    for (const [oldest, list] of this.#openLists) {
      if (all <= maxOpenListBytes) break;
      this.#openLists.delete(oldest);
      all -= list.bytes;
    }
  }
}

/**
 * Whether the object in a delete's answer is its last state (pods, Services and others are answered so): a deletion that
 * is still to come has set its timestamp, and a grace period or finalizers (apiserver registry/rest/delete.go).
 */
function isGone(body: Uint8Array): boolean {
  const object: unknown = JSON.parse(new TextDecoder().decode(body));
  const metadata = isObject(object) ? object.metadata : undefined;
  if (!isObject(metadata) || metadata.deletionTimestamp === undefined) return true;
  const finalizers: unknown = metadata.finalizers ?? [];
  return metadata.deletionGracePeriodSeconds === 0 && Array.isArray(finalizers) && finalizers.length === 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
