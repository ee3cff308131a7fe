import { isSystem } from "../identity/caller.ts";
import { queryOf } from "../kube/resources.ts";
import { notFound } from "../kube/status.ts";
import { StoreError } from "../platform/store.ts";
import type { Collection } from "../replica/collection.ts";
import type { ObjectPath } from "../replica/object_path.ts";
import { type HeldObject, MissingRowError } from "../replica/object_rows.ts";
import { type Form, formOf } from "../replica/form.ts";
import { writeList } from "../replica/list_answer.ts";
import type { ObjectReader } from "../replica/overlays.ts";
import type { PagedList } from "../replica/paged_lists.ts";
import type { Found } from "../replica/resource_replica.ts";
import type { View } from "../replica/view.ts";
import { type WatchStart, writeWatch } from "../replica/watch_answer.ts";
import type { Call } from "./call.ts";
import { followGrant } from "./follow_grant.ts";
import type { HubContext } from "./context.ts";
import { shownItems } from "./filtered_items.ts";
import { firstPage, type ListPage } from "./list_page.ts";
import { pathOf } from "./object_path_of.ts";

/** Answers a list or watch from a view. What cannot be read ends its collection: it is fetched again (R11). */
export async function answerView(context: HubContext, call: Call, view: View): Promise<void> {
  const { collection } = view;
  collection.touch();
  try {
    if (call.info.verb === "watch") await answerWatch(context, call, view);
    else await answerList(context, call, view);
  } catch (error) {
    if (isUnreadable(error)) context.replica.damaged(collection, error);
    throw error;
  }
}

/** Answers a GET with what is held of the object. */
export async function answerObject(context: HubContext, call: Call, { held, staleSince }: Found): Promise<void> {
  const read = await readShown(context, pathOf(call), held);
  if (call.exchange.answered) return;
  const filter = context.filters?.of(call)?.now();
  const bytes = filter === undefined ? read : filter.show(held.meta, read);
  if (bytes === undefined) throw notFound(pathOf(call));
  const age = staleSince === undefined ? [] : ["Age", String(seconds(context.platform.clock.now() - staleSince))];
  const body = formFor(context, call)?.object(bytes, held.meta.resourceVersion) ?? bytes;
  const rawHeaders = [...headers("application/json"), "Content-Length", String(body.length), ...age];
  const sink = call.respond({ status: 200, reason: "OK", rawHeaders }, "replica");
  void sink.write(body);
  sink.end();
}

/**
 * The bytes of a held object.
 *
 * @throws StoreError, MissingRowError where they are lost: whatever held them is then dropped, to be fetched again
 */
export async function readObject({ replica }: HubContext, held: HeldObject): Promise<Uint8Array> {
  try {
    return await replica.rows.read(held);
  } catch (error) {
    if (isUnreadable(error)) replica.lost(held, error);
    throw error;
  }
}

/** A held object with what waits in the outbox laid over it. @throws StoreError, MissingRowError */
export async function readShown(context: HubContext, path: ObjectPath, held: HeldObject): Promise<Uint8Array> {
  const bytes = await readObject(context, held);
  return context.replica.overlays.of(path)?.over(held.meta, bytes) ?? bytes;
}

/** Whether what is held could not be read: the request may still be answered otherwise. */
export function isUnreadable(error: unknown): error is Error {
  return error instanceof StoreError || error instanceof MissingRowError;
}

async function answerList(context: HubContext, call: Call, view: View): Promise<void> {
  const { options, info } = call;
  if (options === undefined) return;
  const { collection } = view;
  const { replica, pagedLists } = context;
  // Head, items and rows are of one moment: what comes while they are read and written does not show.
  const { head, state, since } = collection;
  const { epoch } = replica.of(collection.query);
  const snapshot = replica.rows.snapshot();
  try {
    const current = isCurrent(context, collection);
    const all = current
      ? await view.filter(collection.objects())
      : await replica.of(collection.query).newestState(view);
    const { items, rows } = await shownItems(context, call, { query: collection.query, items: all });
    context.filters?.gave(call, head.resourceVersion);
    if (call.exchange.answered) return;
    const read = { scope: call.caller.scope, query: queryOf(info, options), collection, head, items, epoch };
    // One that is live may be behind what is known of single objects.
    const staleSince = state === "live" ? context.platform.clock.now() : since;
    const list = current ? read : { ...read, staleSince };
    await writePage(context, call, { list, page: firstPage(list, options, pagedLists), rows });
  } finally {
    snapshot.release();
  }
}

/** Answers a further page of a list that is kept. @throws StoreError, MissingRowError */
export async function answerPage(context: HubContext, call: Call, answer: PageAnswer): Promise<void> {
  const snapshot = context.replica.rows.snapshot();
  try {
    const { list: { query }, page } = answer;
    const { items, rows } = await shownItems(context, call, { query, items: page.items });
    await writePage(context, call, { ...answer, page: { ...page, items }, rows });
  } finally {
    snapshot.release();
  }
}

/** A page of a list. */
export interface PageAnswer {
  readonly list: PagedList;
  readonly page: ListPage;
}

async function writePage(
  context: HubContext,
  call: Call,
  { list, page, rows }: PageAnswer & { readonly rows: ObjectReader },
): Promise<void> {
  const { collection, head, staleSince } = list;
  const { clock } = context.platform;
  const age = staleSince === undefined ? [] : ["Age", String(seconds(clock.now() - staleSince))];
  const rawHeaders = [...headers(collection.codec.mediaType), ...age];
  const form = formFor(context, call);
  const sink = call.respond({ status: 200, reason: "OK", rawHeaders }, "replica");
  await writeList(sink, { collection, head, rows, clock, ...page, ...(form === undefined ? {} : { form }) });
}

async function answerWatch(context: HubContext, call: Call, view: View): Promise<void> {
  const { collection } = view;
  const { options, exchange } = call;
  if (options === undefined) return;
  const { random, clock } = context.platform;
  const asked = options.timeoutSeconds ?? 0;
  const rawHeaders = [...headers(collection.codec.watchMediaType), ...ageOf(context, collection)];
  const form = formFor(context, call);
  const grant = followGrant(context, call, collection);
  const filter = context.filters?.of(call);
  const start = watchStart(call, collection);
  if (start.from === "state") context.filters?.gave(call, collection.resourceVersion);
  const sink = call.respond({ status: 200, reason: "OK", rawHeaders }, "replica");
  const watch = writeWatch(sink, {
    ended: grant?.end ?? (() => collection.leave.nodeRefusal),
    view,
    pins: isSystem(call.caller),
    ...(form === undefined ? {} : { form }),
    rows: context.replica.rows,
    frames: context.replica.frames,
    overlays: () => context.replica.overlays.of(collection.query),
    isGone: (held) => context.replica.of(collection.query).isGone(held),
    start,
    ...(filter === undefined ? {} : { filter }),
    bookmarks: options.allowWatchBookmarks,
    timeoutMs: asked > 0 ? asked * 1_000 : context.minRequestTimeoutMs * (1 + random.float()),
    clock,
    random,
    signals: [exchange.signal, context.draining],
  });
  await watch.finally(() => grant?.stop());
}

/** The form that the client wants, where it can be had here in JSON (R12). */
export function formFor({ platform, customColumns }: HubContext, { accept, info }: Call): Form | undefined {
  if (accept.as === undefined || !accept.asJson) return undefined;
  const asked = info.query.get("includeObject");
  const includeObject = asked === "None" || asked === "Object" ? asked : "Metadata";
  const printer = customColumns.printerOf(info);
  return formOf({ transform: accept.as, query: info, includeObject, nowMs: platform.clock.now(), printer });
}

function watchStart({ options }: Call, collection: Collection): WatchStart {
  const resourceVersion = options?.resourceVersion ?? "";
  if (options?.sendInitialEvents === true) return { from: "state", initialEventsEnd: true };
  if (resourceVersion !== "" && resourceVersion !== "0") return { from: "version", resourceVersion };
  if (options?.sendInitialEvents === undefined) return { from: "state", initialEventsEnd: false };
  return { from: "version", resourceVersion: collection.resourceVersion };
}

function headers(mediaType: string): readonly string[] {
  return ["Content-Type", mediaType, "Cache-Control", "no-cache, private"];
}

function isCurrent({ replica }: HubContext, collection: Collection): boolean {
  return collection.state === "live" && !replica.freshness.isBehind(collection);
}

/** For how long the cloud has not confirmed it. */
function ageOf(context: HubContext, collection: Collection): readonly string[] {
  if (isCurrent(context, collection)) return [];
  if (collection.state === "live") return ["Age", "0"]; // more is known of single objects
  return ["Age", String(seconds(context.platform.clock.now() - collection.since))];
}

function seconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1_000));
}
