import { continueExpired } from "../kube/continue_token.ts";
import { nodeScope } from "../identity/scope.ts";
import { type Query, queryKey, queryOf } from "../kube/resources.ts";
import { compareVersions } from "../kube/resource_version.ts";
import { expired, notFound, resourceVersionTooLarge, serviceUnavailable, timeout } from "../kube/status.ts";
import type { Collection } from "../replica/collection.ts";
import { accessOf, audienceOf, mayRead, mightRead } from "./access.ts";
import type { Call } from "./call.ts";
import type { HubContext } from "./context.ts";
import { outOfReach } from "./forward.ts";
import { pathOf } from "./object_path_of.ts";
import { requestTimeoutMs } from "./read_call.ts";
import { answerObject, answerView, formFor, isUnreadable } from "./replica_answers.ts";
import { isExact } from "./routing.ts";
import { View } from "../replica/view.ts";
import { waitFor } from "./waits.ts";

/** The longest wait for a collection's first sync, where the client named no `timeout` of its own. */
const firstSyncMs = 30_000;
/** The longest wait of a WatchList for a collection that is held to be live again, while the cloud says that it is ready. */
const watchListMs = 10_000;
/** How long a read waits for a version that the collection has not reached yet, as the API server does (R1, R5). */
const freshnessMs = 1_000;

/** So often a read waits anew while writes go on. */
const maxRounds = 10;

/** What became of a read of a collection: `cloud` where the request itself must go there (R1). */
export type ReadOutcome = "answered" | "cloud";

/** A LIST or WATCH answered from its query's collection, which is made and kept up to date for it (R1, R3, R4, R19). */
export async function readCollection(context: HubContext, call: Call): Promise<ReadOutcome> {
  const { options, info } = call;
  if (options === undefined || !await mayRead(context, call)) return "cloud";
  if (isGone(context, call)) return "answered";
  const view = reflectedView(context, call, queryOf(info, options));
  if (view === undefined) return "cloud";
  // What comes between the end of the wait and the answer counts too (R5).
  for (let round = 0; round === 0 || isOutdated(context, call, view.collection); round++) {
    if (round === maxRounds) return "cloud";
    const outcome = await current(context, call, view.collection);
    // A watch that has not begun ends as those that have.
    if (info.verb === "watch" && context.draining.aborted) throw serviceUnavailable("The hub stops");
    if (outcome !== "current") return outcome;
    if (isGone(context, call)) return "answered";
  }
  return await answers(call, () => answerView(context, call, view)) ? "answered" : "cloud";
}

/** A GET with a version: from a live collection that covers the name (R1). */
export async function readCovered(context: HubContext, call: Call): Promise<ReadOutcome> {
  const path = pathOf(call);
  const { replica } = context;
  const collection = replica.of(path).covering(path, ({ state }) => state === "live", audienceOf(call));
  if (collection === undefined || replica.freshness.isBehind(collection)) return "cloud";
  if (!await mayRead(context, call) || collection.state !== "live") return "cloud";
  if (isAhead(collection, call.info.query.get("resourceVersion") ?? "")) return "cloud";
  const held = collection.get(path.namespace, path.name);
  if (held === undefined) throw notFound(path);
  collection.touch();
  return await answers(call, () => answerObject(context, call, { held })) ? "answered" : "cloud";
}

/**
 * Answers a read from what is held, the cloud being out of reach (R11).
 *
 * @returns false where nothing true can be said
 * @throws StatusError where the true answer is an error
 */
export async function readHeld(context: HubContext, call: Call): Promise<boolean> {
  const { info, options, accept } = call;
  if (!accept.json && formFor(context, call) === undefined) return false;
  if (!await mightRead(context, call)) return false;
  if (info.verb === "get") return await readHeldObject(context, call);
  if (options === undefined) return false;
  if (info.verb === "list" && isExact(options)) throw expiredOffline(call);
  const query = queryOf(info, options);
  const view = context.replica.of(query).view(query, (collection) => collection.synced, audienceOf(call));
  if (view === undefined) return false;
  const { collection } = view;
  // It catches up as soon as the link is back.
  if (info.verb === "watch") {
    if (collection === context.replica.held(nodeScope, query)) offer(context.replica, call, query);
    context.replica.reflectors.start(collection);
  }
  if (isAhead(collection, options.resourceVersion) && wantsState(call)) {
    refuseAhead(context, call, collection);
    return true;
  }
  return await answers(call, () => answerView(context, call, view));
}

/** The query's own collection, or a wider one that is kept up to date already: that costs the cloud nothing (R10, R19). */
function reflectedView({ replica }: HubContext, call: Call, query: Query): View | undefined {
  const own = replica.held(nodeScope, query);
  const wider = own?.synced === true && isFor(call, own)
    ? undefined
    : replica.of(query).view(query, (collection) => collection.state === "live", audienceOf(call));
  if (wider !== undefined) return wider;
  // Nor is there anything to carry then.
  if (!replica.hasRoom(call.caller.scope, query)) return undefined;
  offer(replica, call, query);
  const collection = replica.reflected(call.caller.scope, query);
  return collection === undefined ? undefined : new View(collection, replica.rows);
}

/** A service account that was granted a query may carry its reflector. */
function offer({ carriers }: HubContext["replica"], call: Call, query: Query): void {
  const access = call.caller.token === undefined ? undefined : accessOf(call);
  if (access !== undefined) carriers.offer(queryKey(query), call.caller, access);
}

/** The refusal of what only the cloud's past can tell, while it is out of reach: to the client it is as if it were gone. */
export function expiredOffline({ options }: Call): Error {
  return options?.continue ? continueExpired() : expired("The resourceVersion for the provided list is too old.");
}

/** @returns false where what is held cannot be read: it has been dropped, and the request is still open */
async function answers(call: Call, answer: () => Promise<void>): Promise<boolean> {
  try {
    await answer();
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return call.exchange.answered;
  }
  return true;
}

async function readHeldObject(context: HubContext, call: Call): Promise<boolean> {
  const path = pathOf(call);
  const resource = context.replica.of(path);
  const found = resource.find(path, audienceOf(call));
  const wanted = call.info.query.get("resourceVersion") ?? "0";
  const newest = resource.versionOf(path);
  if (newest !== "0" && compareVersions(wanted, newest) > 0) throw resourceVersionTooLarge(wanted, newest, 1);
  if (found !== undefined) {
    return await answers(call, () => answerObject(context, call, found));
  }
  if (resource.covering(path, () => true, audienceOf(call)) !== undefined) throw notFound(path);
  return false;
}

/**
 * Waits until a collection can answer a read: complete and kept up to date (R4), at the version that was asked for (R1),
 * and not behind what the hub has shown elsewhere (R5). While the link is cut what was complete once will do.
 */
async function current(context: HubContext, call: Call, collection: Collection): Promise<ReadOutcome | "current"> {
  const { link, replica, cloudReadTimeoutMs } = context;
  const offline = () => link.state === "offline";
  const isReadable = () => collection.synced && isFor(call, collection);
  const ended = () =>
    collection.state === "refused" || offline() || (collection.state === "live" && isReadable()) ||
    isOthers(context, call, collection);
  // Those of a herd of WatchLists that went to the cloud would each cost it a watch for as long as they last (R19).
  const patienceMs = call.options?.sendInitialEvents === true ? watchListMs : cloudReadTimeoutMs;
  const limitMs = Math.min(collection.synced ? patienceMs : firstSyncMs, deadlineMs(call));
  const subscribe = [(wake: () => void) => collection.subscribe(wake), (wake: () => void) => link.onChange(wake)];
  // A watch from a version goes on from there, whatever the state is.
  const needsState = wantsState(call);
  await waitFor(context, call, {
    done: () => ended() || (!needsState && isReadable()),
    limitMs,
    subscribe,
  });
  if (collection.state === "refused") return "cloud";
  if (!isReadable()) {
    if (collection.synced && !offline()) return "cloud";
    if (offline()) throw outOfReach(`${call.info.resource} were never read in full (${link.reason})`);
    throw timeout("The first list from the cloud is not complete yet", { retryAfterSeconds: 1 });
  }
  if (!needsState) return "current";
  const version = call.options?.resourceVersion ?? "";
  if (!isKeptUp(call, collection) && !offline()) return "cloud";
  const fresh = () => !isAhead(collection, version) && !replica.freshness.isBehind(collection);
  // A cut may be why nothing newer comes: whether it is has been asked then, when the cloud is.
  const doubted = context.platform.clock.setTimer(freshnessMs / 2, () => link.suspect());
  const isFresh = await waitFor(context, call, { done: fresh, limitMs: freshnessMs, subscribe });
  doubted.cancel();
  if (isFresh) return "current";
  if (!offline()) return "cloud";
  if (!isAhead(collection, version)) return "current";
  refuseAhead(context, call, collection);
  return "answered";
}

/** Whether a state that could be given a moment ago cannot be any more. */
function isOutdated({ link, replica }: HubContext, call: Call, collection: Collection): boolean {
  if (!wantsState(call) || link.state === "offline") return false;
  return !isKeptUp(call, collection) || replica.freshness.isBehind(collection);
}

/** Any state will do for version 0; without a version it must be the newest. */
function isKeptUp({ options }: Call, { state }: Collection): boolean {
  return state === "live" || options?.resourceVersion === "0";
}

/**
 * Refuses a version that is not held, as the API server does: a list with 504, a watch with an ERROR event. At a 504 with
 * `Retry-After` client-go would ask ten times before its reflector hears of it.
 *
 * @throws StatusError 504 for a list, or where the cloud may still have an answer
 */
function refuseAhead({ link }: HubContext, call: Call, { codec, resourceVersion }: Collection): void {
  const refusal = resourceVersionTooLarge(call.options?.resourceVersion ?? "", resourceVersion, 1);
  if (call.info.verb !== "watch" || link.state !== "offline") throw refusal;
  const rawHeaders = ["Content-Type", codec.watchMediaType, "Cache-Control", "no-cache, private"];
  const sink = call.respond({ status: 200, reason: "OK", rawHeaders }, "replica");
  void sink.write(codec.frameError(refusal));
  sink.end();
}

/** A list, or a watch that begins with one: a state older than the version it names is no answer to it. */
function wantsState({ info, options }: Call): boolean {
  return info.verb === "list" || options?.sendInitialEvents === true;
}

/** Whether the cloud gives it to service accounts, and has just refused it the node. */
function isOthers({ replica }: HubContext, call: Call, collection: Collection): boolean {
  return !isFor(call, collection) && replica.carriers.isRefused(collection.key, nodeScope.id);
}

/** Whether what is held is the caller's to read, once it may read the query: what only service accounts were given is not the node's. */
function isFor({ caller }: Call, { leave }: Collection): boolean {
  return !leave.callersOnly || caller.token !== undefined;
}

function isGone({ closed }: HubContext, { exchange }: Call): boolean {
  return exchange.signal.aborted || closed.aborted;
}

function isAhead(collection: Collection, version: string): boolean {
  return version !== "" && version !== "0" && compareVersions(version, collection.resourceVersion) > 0;
}

/** The client's own deadline, where it names one; of a watch the API server takes none. */
function deadlineMs({ info }: Call): number {
  return (info.verb === "watch" ? undefined : requestTimeoutMs(info)) ?? firstSyncMs;
}
