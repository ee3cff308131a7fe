import { encodeCloudContinue, readContinue } from "../../src/kube/continue_token.ts";
import { applyPatch, type PatchRequest } from "../../src/kube/patch.ts";
import { PatchRefusal } from "../../src/kube/patch_refusal.ts";
import type { Clock } from "../../src/platform/clock.ts";
import type { SimEtcd } from "./sim_etcd.ts";
import {
  contentOf,
  events,
  keyOf,
  listText,
  memberAt,
  membersOf,
  objectText,
  type SimQuery,
  type SimResource,
  simResources,
  type SimState,
} from "./sim_objects.ts";
import { SimWatch, type WatchSink } from "./sim_watch.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A request as it arrives at the API server. */
export interface SimRequest {
  readonly method: string;
  /** Path and query. */
  readonly rawPath: string;
  readonly body: string;
  readonly contentType: string;
  /** The hub asks by itself, not for a client. */
  readonly own: boolean;
  /** Of who asks; missing for the node. */
  readonly token?: string;
}

/** A whole answer. */
export interface SimAnswer {
  readonly status: number;
  readonly body: string;
  readonly rawHeaders?: readonly string[];
}

export interface SimApiServerOptions {
  /** A longer page is cut, so that short lists too have several. */
  readonly pageMax: number;
  /** Whether it knows WatchList (KEP-3157). */
  readonly watchList: boolean;
}

const noWatchList = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled";

/** What is asked, as this server reads it from a path. */
interface Asked {
  readonly query: SimQuery;
  /** Empty for a collection. */
  readonly name: string;
  readonly subresource: string;
  readonly parameters: URLSearchParams;
}

/**
 * An API server in front of the simulated etcd, as the real one writes: reads by the resource version tables of the API
 * concepts page, pages at the state of the first one, a watch cache that begins anew with each start.
 */
export class SimApiServer {
  readonly #etcd: SimEtcd;
  readonly #clock: Clock;
  readonly #pageMax: number;
  readonly #watchList: boolean;
  readonly #watches = new Set<SimWatch>();
  /** What each path asks for: many are asked again and again. */
  readonly #asked = new Map<string, Asked | undefined>();
  /** Watches from below it are too old: what came before this server's start is not in its cache. */
  #cacheStart: number;

  constructor(etcd: SimEtcd, clock: Clock, options: SimApiServerOptions) {
    this.#pageMax = options.pageMax;
    this.#watchList = options.watchList;
    this.#etcd = etcd;
    this.#clock = clock;
    this.#cacheStart = etcd.revision;
    etcd.onChange((change) => {
      for (const watch of [...this.#watches]) watch.changed(change);
    });
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  /** A watch from below it is too old. */
  get oldest(): number {
    return Math.max(this.#cacheStart, this.#etcd.compacted);
  }

  /** Starts anew: watches end (the network breaks their connections), the watch cache is what etcd holds now. */
  restart(): void {
    for (const watch of [...this.#watches]) watch.close();
    this.#cacheStart = this.#etcd.revision;
  }

  /** Forgets what it could have resumed a watch from. */
  compact(): void {
    this.#etcd.compact(this.#etcd.revision);
    this.#cacheStart = this.#etcd.revision;
  }

  /** Whether the request is for a watch, which `watch` then answers. */
  isWatch({ method, rawPath }: SimRequest): boolean {
    return method === "GET" && rawPath.includes("watch=") &&
      ["true", "1"].includes(this.#read(rawPath)?.parameters.get("watch") ?? "");
  }

  /** Answers anything but a watch. */
  answer(request: SimRequest): SimAnswer {
    if (request.rawPath === "/readyz") return { status: 200, body: "ok", rawHeaders: ["Content-Type", "text/plain"] };
    const asked = this.#read(request.rawPath);
    if (asked === undefined) return failure(404, "NotFound", "the server could not find the requested resource");
    switch (request.method) {
      case "GET":
        return asked.name === "" ? this.#list(asked) : this.#get(asked);
      case "POST":
        return this.#create(asked, request.body);
      case "PUT":
      case "PATCH":
        return this.#update(asked, request);
      case "DELETE":
        return this.#delete(asked, request.body);
      default:
        return failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
    }
  }

  /** Opens a watch into `sink`. @returns how to close it, or the answer that refuses it */
  watch({ rawPath }: SimRequest, sink: WatchSink): SimWatch | SimAnswer {
    const asked = this.#read(rawPath);
    if (asked === undefined) return failure(404, "NotFound", "the server could not find the requested resource");
    const { query, parameters } = asked;
    const version = Number(parameters.get("resourceVersion") ?? "0");
    if (!this.#watchList && parameters.has("sendInitialEvents")) {
      return failure(
        422,
        "Invalid",
        `ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: ${noWatchList}`,
      );
    }
    const initial = parameters.get("sendInitialEvents") === "true" || version === 0;
    if (initial && version > this.#etcd.revision) return tooLarge(version, this.#etcd.revision);
    const watch = new SimWatch({
      etcd: this.#etcd,
      clock: this.#clock,
      query,
      version,
      initial,
      initialEventsEnd: parameters.get("sendInitialEvents") === "true",
      bookmarks: parameters.get("allowWatchBookmarks") === "true",
      timeoutMs: 1_000 * Number(parameters.get("timeoutSeconds") ?? "1800"),
      sink,
      closed: () => this.#watches.delete(watch),
    });
    this.#watches.add(watch);
    watch.start(this.oldest);
    return watch;
  }

  #read(rawPath: string): Asked | undefined {
    if (!this.#asked.has(rawPath)) this.#asked.set(rawPath, readPath(rawPath));
    return this.#asked.get(rawPath);
  }

  #get({ query, name }: Asked): SimAnswer {
    if (query.resource === events) {
      return failure(403, "Forbidden", "a node can create and patch events, but not get them");
    }
    const state = this.#etcd.get(keyOf({ ...query, name }));
    return state === undefined ? notFound(query.resource, name) : { status: 200, body: `${objectText(state)}\n` };
  }

  #list({ query, parameters }: Asked): SimAnswer {
    const version = Number(parameters.get("resourceVersion") ?? "0");
    const limit = Number(parameters.get("limit") ?? "0");
    const token = readToken(parameters.get("continue") ?? "");
    if (token?.revision === 0) return failure(400, "BadRequest", "invalid continue token");
    const { revision, epoch, compacted } = this.#etcd;
    if (version > revision) return tooLarge(version, revision);
    const exact = parameters.get("resourceVersionMatch") === "Exact" || (limit > 0 && version > 0);
    const at = token?.revision ?? (exact ? version : revision);
    if (at > revision) return failure(500, "InternalError", "etcdserver: mvcc: required revision is a future revision");
    if (at < compacted) return failure(410, "Expired", `The provided version ${at} is too old`);
    const selected = [...this.#etcd.selectedAt(query, { epoch, revision: at })].toSorted(byKey);
    const start = token === undefined ? 0 : selected.findIndex(([key]) => startOf(key) > token.after);
    const rest = start < 0 ? [] : selected.slice(start);
    const page = limit > 0 ? rest.slice(0, Math.min(limit, this.#pageMax)) : rest;
    const last = page.at(-1);
    const next = page.length < rest.length && last !== undefined ? tokenOf(at, last[0]) : "";
    return { status: 200, body: listText(query.resource, { at, next, items: page.map(([, state]) => state) }) };
  }

  #create({ query }: Asked, body: string): SimAnswer {
    const input: unknown = JSON.parse(body);
    const name = textAt(input, ["metadata", "name"]);
    const key = keyOf({ ...query, name });
    if (this.#etcd.get(key) !== undefined) {
      return failure(409, "AlreadyExists", `${query.resource.plural} "${name}" already exists`);
    }
    const { resource, namespace } = query;
    const labels = labelsOf(input) ?? {};
    const nodeName = textAt(input, ["spec", "nodeName"]);
    const content = contentOf(input) ?? "";
    const members = resource === events ? { members: membersOf(resource, input) ?? {} } : {};
    const state = this.#etcd.put({ resource, namespace, name, labels, nodeName, content, ...members });
    return { status: 201, body: `${objectText(state)}\n` };
  }

  #update({ query, name, subresource }: Asked, { method, body, contentType }: SimRequest): SimAnswer {
    const current = this.#etcd.get(keyOf({ ...query, name }));
    if (current === undefined) return notFound(query.resource, name);
    if (method === "PATCH" && (subresource !== "" || query.resource === events)) {
      return this.#patch(current, { body: encoder.encode(body), contentType, subresource });
    }
    const input: unknown = JSON.parse(body);
    const version = textAt(input, ["metadata", "resourceVersion"]);
    if (version !== "" && version !== String(current.version)) {
      return failure(409, "Conflict", `Operation cannot be fulfilled on "${name}": the object has been modified`);
    }
    const content = contentOf(input) ?? (method === "PATCH" ? current.content : "");
    const labels = labelsOf(input) ?? (method === "PATCH" ? current.labels : {});
    const same = content === current.content && JSON.stringify(labels) === JSON.stringify(current.labels);
    const state = same ? current : this.#etcd.put({ ...current, content, labels });
    return { status: 200, body: `${objectText(state)}\n` };
  }

  /** As the real API server, which the patches of `src/kube` are compared with. */
  #patch(current: SimState, request: PatchRequest): SimAnswer {
    try {
      const before = encoder.encode(objectText(current));
      const after = applyPatch(before, request);
      if (after === before) return { status: 200, body: `${objectText(current)}\n` };
      const object: unknown = JSON.parse(decoder.decode(after));
      const members = membersOf(current.resource, object) ?? {};
      const state = this.#etcd.put({ ...current, content: contentOf(object) ?? current.content, members });
      return { status: 200, body: `${objectText(state)}\n` };
    } catch (error) {
      if (!(error instanceof PatchRefusal)) throw error;
      if (error.code === "conflict") return failure(409, "Conflict", error.message);
      if (error.code === "malformed") return failure(400, "BadRequest", error.message);
      return failure(422, "Invalid", error.message);
    }
  }

  #delete({ query, name }: Asked, body: string): SimAnswer {
    const uid = body === "" ? "" : textAt(JSON.parse(body), ["preconditions", "uid"]);
    const current = this.#etcd.get(keyOf({ ...query, name }));
    if (uid !== "" && current !== undefined && current.uid !== uid) {
      return failure(
        409,
        "Conflict",
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.uid}`,
      );
    }
    const removed = this.#etcd.remove(keyOf({ ...query, name }));
    if (removed === undefined) return notFound(query.resource, name);
    if (query.resource.plural === "pods") return { status: 200, body: `${objectText(removed)}\n` };
    const details = { name, group: query.resource.group, kind: query.resource.plural, uid: removed.uid };
    return {
      status: 200,
      body: `${JSON.stringify({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details })}\n`,
    };
  }
}

/** A Status that tells of a failure, as an answer. */
export function failure(code: number, reason: string, message: string): SimAnswer {
  return statusAnswer({ code, reason, message, details: {} });
}

function statusAnswer(failed: { readonly code: number; readonly [member: string]: unknown }): SimAnswer {
  const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", ...failed };
  return { status: failed.code, body: `${JSON.stringify(status)}\n` };
}

function notFound(resource: SimResource, name: string): SimAnswer {
  return failure(404, "NotFound", `${resource.plural} "${name}" not found`);
}

function tooLarge(version: number, revision: number): SimAnswer {
  const message = `Timeout: Too large resource version: ${version}, current: ${revision}`;
  return statusAnswer({
    code: 504,
    reason: "Timeout",
    message,
    details: {
      causes: [{
        reason: "ResourceVersionTooLarge",
        message: "Too large resource version",
      }],
    },
  });
}

function tokenOf(revision: number, after: string): string {
  return encodeCloudContinue({ resourceVersion: String(revision), start: startOf(after) });
}

/** A revision of 0 where it is no token of an API server. */
function readToken(token: string): { readonly revision: number; readonly after: string } | undefined {
  if (token === "") return undefined;
  const read = readContinue(token);
  if (read.from !== "cloud") return { revision: 0, after: "" };
  return { revision: Number(read.position.resourceVersion), after: read.position.start };
}

/** As a token may have it: an object without a namespace has no empty part. */
function startOf(key: string): string {
  return key.replace("//", "/");
}

function readPath(rawPath: string): Asked | undefined {
  const [path = ""] = rawPath.split("?");
  const parts = path.split("/").slice(1);
  const group = parts[0] === "apis" ? parts[1] ?? "" : "";
  let rest = parts.slice(parts[0] === "apis" ? 3 : 2);
  const namespace = rest[0] === "namespaces" && rest.length > 2 ? rest[1] ?? "" : "";
  if (namespace !== "") rest = rest.slice(2);
  const [plural = "", name = "", subresource = ""] = rest;
  const resource = simResources.find((known) => known.group === group && known.plural === plural);
  if (resource === undefined) return undefined;
  const mark = rawPath.indexOf("?");
  const parameters = new URLSearchParams(mark < 0 ? "" : rawPath.slice(mark + 1));
  return { query: { resource, namespace, ...selectorsOf(parameters) }, name, subresource, parameters };
}

function selectorsOf(parameters: URLSearchParams): Pick<SimQuery, "label" | "field"> {
  const label = parameters.get("labelSelector") ?? "";
  const field = parameters.get("fieldSelector") ?? "";
  return { ...(label === "" ? {} : { label: pairOf(label) }), ...(field === "" ? {} : { field: pairOf(field) }) };
}

function pairOf(selector: string): readonly [string, string] {
  const [key = "", value = ""] = selector.split("=");
  return [key, value];
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

function textAt(value: unknown, path: readonly string[]): string {
  const text = memberAt(value, path);
  return typeof text === "string" ? text : "";
}

function labelsOf(input: unknown): Record<string, string> | undefined {
  const labels = memberAt(input, ["metadata", "labels"]);
  if (typeof labels !== "object" || labels === null) return undefined;
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, String(value)]));
}
