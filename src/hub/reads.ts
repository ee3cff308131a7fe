import { nodeScope } from "../identity/scope.ts";
import { parseGoDuration } from "../kube/go_duration.ts";
import { validateListOptions } from "../kube/list_options.ts";
import { queryOf, selectedNameOf } from "../kube/resources.ts";
import { compareVersions } from "../kube/resource_version.ts";
import { badRequest, expired, notFound, resourceVersionTooLarge, timeout } from "../kube/status.ts";
import type { Collection, HeldObject } from "../replica/collection.ts";
import { writeList } from "../replica/list_answer.ts";
import type { ObjectPath } from "../replica/records.ts";
import { type WatchStart, writeWatch } from "../replica/watch_answer.ts";
import type { Call } from "./call.ts";
import type { HubContext } from "./context.ts";
import { outOfReach } from "./forward.ts";
import { isExact } from "./routing.ts";

/** The longest wait for a collection's first sync, where the client named no `timeout` of its own. */
const firstSyncMs = 30_000;
/** How long a read waits for a version that the collection has not reached yet, as the API server does (R1). */
const freshnessMs = 1_000;

/** What became of a read of a collection: `cloud` where the request itself must go there (R1). */
export type ReadOutcome = "answered" | "cloud";

/** A LIST or WATCH answered from its query's collection, which is made and kept up to date for it (R1, R3, R4, R19). */
export async function readCollection(context: HubContext, call: Call): Promise<ReadOutcome> {
  const { options, info } = call;
  if (options === undefined) return "cloud";
  validateListOptions(options, { isWatch: info.verb === "watch" });
  const collection = context.replica.reflected(nodeScope, queryOf(info, options));
  const settled = await settle(context, call, collection);
  if (settled !== "synced") return settled;
  if (isAhead(collection, options.resourceVersion) && wantsState(call)) {
    if (!await reaches(context, call, collection)) return "cloud";
  }
  await answer(context, call, collection);
  return "answered";
}

/** A GET with a version: from a live collection that covers the name (R1). */
export async function readCovered(context: HubContext, call: Call): Promise<ReadOutcome> {
  const path = pathOf(call);
  const collection = context.replica.covering(path);
  if (collection === undefined) return "cloud";
  const wanted = call.info.query.get("resourceVersion") ?? "";
  if (isAhead(collection, wanted)) return "cloud";
  const held = collection.get(path.namespace, path.name);
  if (held === undefined) throw notFound(path);
  collection.touch();
  await writeObject(context, call, held);
  return "answered";
}

/**
 * Answers a read from what is held, the cloud being out of reach (R11).
 *
 * @returns false where nothing true can be said
 * @throws StatusError where the true answer is an error
 */
export async function readHeld(context: HubContext, call: Call): Promise<boolean> {
  const { info, options, accept } = call;
  if (!accept.json) return false;
  if (info.verb === "get") return await readHeldObject(context, call);
  if (options === undefined) return false;
  validateListOptions(options, { isWatch: info.verb === "watch" });
  if (info.verb === "list" && isExact(options)) throw expiredOffline(call);
  const query = queryOf(info, options);
  const collection = context.replica.held(nodeScope, query);
  if (collection === undefined || !collection.synced || collection.state === "refused") return false;
  // It catches up as soon as the link is back.
  if (info.verb === "watch") context.replica.reflected(nodeScope, query);
  if (isAhead(collection, options.resourceVersion) && wantsState(call)) {
    throw resourceVersionTooLarge(options.resourceVersion, collection.resourceVersion, 1);
  }
  await answer(context, call, collection);
  return true;
}

/** The refusal of what only the cloud's past can tell, while it is out of reach. */
export function expiredOffline(call: Call): Error {
  if (call.options?.continue) {
    return expired("The provided continue parameter is too old: it is the cloud's, which is out of reach");
  }
  return expired(
    `The resource version ${call.options?.resourceVersion ?? ""} is held by the cloud only, which is out of reach`,
  );
}

async function readHeldObject(context: HubContext, call: Call): Promise<boolean> {
  const path = pathOf(call);
  const held = context.replica.find(path);
  if (held !== undefined) {
    await writeObject(context, call, held);
    return true;
  }
  if (context.replica.covers(path)) throw notFound(path);
  return false;
}

/** Waits for a collection's first sync; a cloud that can't be reached or refuses ends the wait. */
async function settle(context: HubContext, call: Call, collection: Collection): Promise<ReadOutcome | "synced"> {
  const limitMs = Math.min(firstSyncMs, requestTimeoutMs(call));
  const { link } = context;
  const done = () => collection.synced || collection.state === "refused" || link.state === "offline";
  await waitFor(context, call, {
    done,
    limitMs,
    subscribe: (wake) => both(collection.subscribe(wake), link.onChange(wake)),
  });
  if (collection.state === "refused") return "cloud";
  if (collection.synced) return "synced";
  if (link.state === "offline") throw outOfReach(`${call.info.resource} were never read in full (${link.reason})`);
  throw timeout("The first list from the cloud is not complete yet", { retryAfterSeconds: 1 });
}

async function reaches(context: HubContext, call: Call, collection: Collection): Promise<boolean> {
  const version = call.options?.resourceVersion ?? "";
  const done = () => !isAhead(collection, version);
  await waitFor(context, call, { done, limitMs: freshnessMs, subscribe: (wake) => collection.subscribe(wake) });
  if (done()) return true;
  if (context.link.state === "offline") throw resourceVersionTooLarge(version, collection.resourceVersion, 1);
  return false;
}

interface Condition {
  readonly done: () => boolean;
  readonly limitMs: number;
  readonly subscribe: (wake: () => void) => () => void;
}

function waitFor({ platform, closed }: HubContext, call: Call, { done, limitMs, subscribe }: Condition): Promise<void> {
  if (done()) return Promise.resolve();
  const signals = [call.exchange.signal, closed];
  return new Promise((resolve) => {
    const finish = () => {
      unsubscribe();
      timer.cancel();
      for (const signal of signals) signal.removeEventListener("abort", finish);
      resolve();
    };
    const timer = platform.clock.setTimer(limitMs, finish);
    const unsubscribe = subscribe(() => {
      if (done()) finish();
    });
    for (const signal of signals) signal.addEventListener("abort", finish);
  });
}

function both(first: () => void, second: () => void): () => void {
  return () => {
    first();
    second();
  };
}

async function answer(context: HubContext, call: Call, collection: Collection): Promise<void> {
  if (call.info.verb === "watch") return await answerWatch(context, call, collection);
  collection.touch();
  const sink = call.respond(
    { status: 200, reason: "OK", rawHeaders: [...jsonHeaders, ...age(context, collection)] },
    "replica",
  );
  await writeList(sink, collection, newest(context, collection));
}

/** Offline a record may know more of an object than its collection does; the newest of both counts (R2). */
function* newest(context: HubContext, collection: Collection): Iterable<HeldObject> {
  const { query } = collection;
  for (const held of collection.objects()) {
    const record = collection.state === "live" ? undefined : context.replica.records.get({ ...query, ...held.meta });
    const newer = record !== undefined && record.meta.uid === held.meta.uid &&
      compareVersions(record.meta.resourceVersion, held.meta.resourceVersion) > 0;
    yield newer ? record : held;
  }
  if (collection.state === "live" || query.labelSelector !== "") return;
  const name = selectedNameOf(query.fieldSelector);
  if (query.fieldSelector !== "" && name === undefined) return;
  for (const record of context.replica.records.of(query)) {
    const { meta } = record;
    const known = collection.get(meta.namespace, meta.name) !== undefined || (name !== undefined && name !== meta.name);
    if (!known && compareVersions(meta.resourceVersion, collection.resourceVersion) > 0) yield record;
  }
}

async function answerWatch(context: HubContext, call: Call, collection: Collection): Promise<void> {
  const { options, exchange } = call;
  if (options === undefined) return;
  const { random, clock } = context.platform;
  const timeoutMs = options.timeoutSeconds !== undefined && options.timeoutSeconds > 0
    ? options.timeoutSeconds * 1_000
    : context.minRequestTimeoutMs * (1 + random.float());
  const rawHeaders = [...jsonHeaders, ...age(context, collection)];
  const sink = call.respond({ status: 200, reason: "OK", rawHeaders }, "replica");
  await writeWatch(sink, {
    collection,
    start: watchStart(call, collection),
    bookmarks: options.allowWatchBookmarks,
    timeoutMs,
    clock,
    random,
    signals: [exchange.signal, context.closed],
  });
}

function watchStart({ options }: Call, collection: Collection): WatchStart {
  const resourceVersion = options?.resourceVersion ?? "";
  if (options?.sendInitialEvents === true) return { from: "state", initialEventsEnd: true };
  if (resourceVersion !== "" && resourceVersion !== "0") return { from: "version", resourceVersion };
  if (options?.sendInitialEvents === undefined) return { from: "state", initialEventsEnd: false };
  return { from: "version", resourceVersion: collection.resourceVersion };
}

/** A list, or a watch that begins with one: a state older than the version it names is no answer to it. */
function wantsState({ info, options }: Call): boolean {
  return info.verb === "list" || options?.sendInitialEvents === true;
}

async function writeObject(context: HubContext, call: Call, held: HeldObject): Promise<void> {
  const savedAt = "savedAt" in held && typeof held.savedAt === "number" ? held.savedAt : undefined;
  const ageHeader = savedAt === undefined ? [] : ["Age", String(seconds(context.platform.clock.now() - savedAt))];
  const length = ["Content-Length", String(held.bytes.length)];
  const sink = call.respond(
    { status: 200, reason: "OK", rawHeaders: [...jsonHeaders, ...length, ...ageHeader] },
    "replica",
  );
  await sink.write(held.bytes);
  sink.end();
}

const jsonHeaders = ["Content-Type", "application/json", "Cache-Control", "no-cache, private"];

function age(context: HubContext, collection: Collection): readonly string[] {
  if (collection.state === "live") return [];
  return ["Age", String(seconds(context.platform.clock.now() - collection.since))];
}

function seconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1_000));
}

function isAhead(collection: Collection, version: string): boolean {
  return version !== "" && version !== "0" && compareVersions(version, collection.resourceVersion) > 0;
}

/** The client's own deadline, where it names one. */
function requestTimeoutMs(call: Call): number {
  const text = call.info.query.get("timeout") ?? "";
  if (text === "") return firstSyncMs;
  const timeoutMs = parseGoDuration(text);
  if (timeoutMs === undefined) throw badRequest(`invalid timeout specified in the request URL: ${text}`);
  return timeoutMs > 0 ? timeoutMs : firstSyncMs;
}

/** The object that a request names. A Namespace lies in none, though its request info names itself. */
export function pathOf({ info }: Call): ObjectPath {
  const { group, version, resource, name } = info;
  const namespace = group === "" && resource === "namespaces" ? "" : info.namespace;
  return { group, version, resource, namespace, name };
}
