import { bringsCredential } from "../cloud/credential.ts";
import type { Caller } from "../identity/caller.ts";
import { negotiate } from "../kube/media_type.ts";
import { parseRequest } from "../kube/request_info.ts";
import { toStatusError } from "../kube/status.ts";
import type { RawHeaders } from "../platform/bytes.ts";
import type { Exchange } from "../platform/exchange.ts";
import { Call } from "./call.ts";
import { accessOf, shares, showsWritten } from "./access.ts";
import type { HubContext } from "./context.ts";
import { keepDocument, readDocument } from "./documents.ts";
import { mayBeDryDelete } from "./dry_delete.ts";
import { forward, outOfReach } from "./forward.ts";
import { leaseNamespace } from "./node_lease.ts";
import { writeOffline } from "./offline_writes.ts";
import { readCall } from "./read_call.ts";
import { filteredAccept } from "./filtered_relay.ts";
import { filtersReady } from "./filters_ready.ts";
import { readFurtherPage } from "./further_page.ts";
import { expiredOffline, readCollection, readCovered, readHeld } from "./reads.ts";
import { fallback, type Route, route } from "./routing.ts";
import { hasOutbox } from "./outbox_writes.ts";
import { isTokenRequest, requestToken } from "./token_requests.ts";
import { passUpgrade } from "./upgrade.ts";
import { readCreated, writeInOrder } from "./writes_in_order.ts";

/** Answers one request of the data plane through its exchange. Never rejects. @returns what came of it, for the log */
export async function proxy(context: HubContext, exchange: Exchange, caller: Caller): Promise<Call | undefined> {
  let call: Call | undefined;
  let release: (() => void) | undefined;
  try {
    call = readCall(exchange, caller);
    release = context.admission.admit(call);
    context.customColumns.noted(call.info);
    if (context.filters !== undefined) await filtersReady(context, call);
    const way = chosen(context, call);
    const isOwn = !["pass", "refuse"].includes(way);
    const isNode = caller.token === undefined;
    if (!isOwn || !isNode || !hasOutbox(context) || !readCreated(context, call)) await follow(context, call, way);
  } catch (error) {
    const status = toStatusError(error);
    if (status.code === 500) {
      context.logger.log("error", "A request failed", { path: call?.info.path, error: describe(error) });
    }
    call ??= new Call(exchange, {
      caller,
      info: unreadable(exchange),
      options: undefined,
      accept: negotiate(undefined),
    });
    call.fail(status);
  } finally {
    release?.();
  }
  return call;
}

function unreadable(exchange: Exchange) {
  return { ...parseRequest(exchange.method, "/"), rawPath: exchange.rawPath, path: "unreadable" };
}

function chosen(context: HubContext, call: Call, ownLease = isOwnLease(context, call)): Route {
  const isFiltered = context.filters?.of(call)?.now() !== undefined;
  if (context.workingMode === "cloud" && !isFiltered) return "pass";
  const { exchange, info, options, accept } = call;
  return route({
    mayAnswer: context.filters?.mayAnswer(call) ?? true,
    ownLease,
    link: context.link.state,
    method: exchange.method,
    info,
    ...(options === undefined ? {} : { options }),
    takesJson: accept.json || accept.asJson,
    invalid: call.invalid !== undefined,
    misfit: isMisfit(call),
    // What the cloud has made a Table of cannot be filtered any more.
    wantsTable: accept.as?.kind === "Table" && !isFiltered,
    ownCredential: bringsCredential(exchange.rawHeaders),
    shares: context.grants !== undefined && shares(call),
    showsWritten: context.grants !== undefined && showsWritten(call),
    impersonates: impersonates(exchange.rawHeaders),
    upgrade: exchange.upgrade,
  });
}

/** Answers as the route says. @throws StatusError where it can't */
async function follow(context: HubContext, call: Call, way: Route): Promise<void> {
  switch (way) {
    case "pass":
      if (context.filters?.of(call)?.now() !== undefined) filteredAccept(context, call);
      return call.exchange.upgrade ? await passUpgrade(context, call) : await forward(context, call, { record: false });
    case "cloud":
      return await throughCloud(context, call, way);
    case "document":
      return await forward(context, call, {
        record: false,
        otherwise: () => readDocument(context, call),
        taken: ({ rawHeaders }, body) => keepDocument(context, call, { rawHeaders, body }),
      });
    case "collection":
      return await readCollection(context, call) === "cloud" ? await throughCloud(context, call, way) : undefined;
    case "covered":
      return await readCovered(context, call) === "cloud" ? await throughCloud(context, call, way) : undefined;
    case "held":
      if (await readHeld(context, call)) return;
      throw refusal(context, call);
    case "lease":
      if (await context.lease?.answer(call) === true) return;
      return await follow(context, call, chosen(context, call, false));
    case "page":
      return await readFurtherPage(context, call);
    case "held-document":
      if (await readDocument(context, call)) return;
      throw refusal(context, call);
    case "write":
      return await writeOffline(context, call);
    case "invalid":
      return await refuseInvalid(context, call);
    case "expired":
      throw expiredOffline(call);
    case "refuse":
      throw refusal(context, call);
  }
}

async function throughCloud(context: HubContext, call: Call, way: Route): Promise<void> {
  const isRead = ["get", "list", "watch"].includes(call.info.verb);
  if (call.caller.token !== undefined) return await throughCloudAs(context, call, isRead ? way : "pass");
  if (context.tokens !== undefined && isTokenRequest(call)) return await requestToken(context, call);
  if (!isRead && hasOutbox(context) && await writeInOrder(context, call) === "answered") return;
  const otherwise = isRead && fallback(way) === "held" ? () => readHeld(context, call) : undefined;
  await forward(context, call, {
    record: await showsState(call),
    ...(otherwise === undefined ? {} : { otherwise }),
  });
}

/** A service account's request: the cloud's answer to a read says also what it may read of what is held. */
async function throughCloudAs(context: HubContext, call: Call, way: Route): Promise<void> {
  const { grants } = context;
  const access = accessOf(call);
  await forward(context, call, {
    record: await showsState(call),
    ...(fallback(way) === "held" ? { otherwise: () => readHeld(context, call) } : {}),
    answered: (status) => {
      if (access === undefined) return;
      if (status === 200) grants?.granted(call.caller, access);
      if (status === 403) grants?.doubt(call.caller, access);
    },
  });
}

/** Whether a complete answer shows what is there. */
async function showsState(call: Call): Promise<boolean> {
  return call.info.verb !== "watch" && !await mayBeDryDelete(call);
}

/** What is refused in any case the cloud refuses in its own words, as long as it answers. */
async function refuseInvalid(context: HubContext, call: Call): Promise<void> {
  const refuse = () => Promise.reject(call.invalid ?? refusal(context, call));
  if (context.link.state === "offline") return await refuse();
  await forward(context, call, { record: false, otherwise: refuse });
}

/** Whether it wants a form that its answer cannot have: a list as one object, an object or an event as a list. */
function isMisfit({ accept, info }: Call): boolean {
  if (accept.as === undefined || accept.as.kind === "Table") return false;
  return (accept.as.kind === "PartialObjectMetadataList") !== (info.verb === "list");
}

function refusal(context: HubContext, call: Call): Error {
  const { info, exchange } = call;
  const what = info.isResource ? [info.resource, info.subresource].filter((part) => part !== "").join("/") : info.path;
  return outOfReach(`${exchange.method} ${what} cannot be answered from what this node holds (${context.link.reason})`);
}

function isOwnLease({ nodeName }: HubContext, { info, caller }: Call): boolean {
  if (caller.token !== undefined) return false;
  const { group, resource, subresource, namespace, name, verb } = info;
  if (group !== "coordination.k8s.io" || resource !== "leases" || subresource !== "") return false;
  if (namespace !== leaseNamespace) return false;
  return verb === "create" || (["get", "update"].includes(verb) && name === nodeName);
}

function impersonates(rawHeaders: RawHeaders): boolean {
  return rawHeaders.some((name, index) => index % 2 === 0 && name.toLowerCase().startsWith("impersonate-"));
}

function describe(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
