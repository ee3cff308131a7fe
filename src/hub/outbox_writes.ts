import { readObjectMeta } from "../kube/object_meta.ts";
import { contentTypeOf } from "../kube/media_type.ts";
import { applyPatch } from "../kube/patch.ts";
import { PatchRefusal } from "../kube/patch_refusal.ts";
import { protobufToJson } from "../kube/protobuf_messages.ts";
import { groupVersionOf } from "../kube/resources.ts";
import { compareVersions } from "../kube/resource_version.ts";
import { alreadyExists, badRequest } from "../kube/status.ts";
import { readStatusUpdate } from "../kube/status_update.ts";
import type { ObjectPath } from "../replica/object_path.ts";
import type { HeldObject } from "../replica/object_rows.ts";
import type { Outbox } from "../replica/outbox.ts";
import type { Call } from "./call.ts";
import type { HubContext } from "./context.ts";
import { outOfReach } from "./forward.ts";
import { pathOf } from "./object_path_of.ts";
import { isUnreadable, readObject } from "./replica_answers.ts";
import { deadline } from "./deadline.ts";
import { bodyOf, member, parseJson, protobufType, respondObject } from "./write_body.ts";

const eventGroups = ["", "events.k8s.io"];

/** Where writes are kept that the cloud has still to get. */
export type OutboxContext = HubContext & { readonly outbox: Outbox };

export function hasOutbox(context: HubContext): context is OutboxContext {
  return context.outbox !== undefined;
}

/**
 * Takes a write that the node may make while the cloud is out of reach (design, section 4, Outbox): the status of its own
 * Node and of its pods, and Events. It is answered with the object as it will be once it is durable.
 *
 * @returns false where it is none of those; `cloud` where what it was to be put behind has been pushed meanwhile
 * @throws StatusError 503 where what the API server would make of it is not known, or it cannot be kept
 */
export async function writeToOutbox(context: OutboxContext, call: Call): Promise<boolean | "cloud"> {
  if (!call.accept.json || call.accept.as !== undefined) return false;
  const { verb, group, resource, subresource } = call.info;
  const isEvent = eventGroups.includes(group) && resource === "events" && subresource === "";
  if (isEvent && verb === "create") return await createEvent(context, call);
  if (isEvent && verb === "patch") return await held(context, call, () => patchEvent(context, call));
  const isStatus = group === "" && subresource === "status" && ["pods", "nodes"].includes(resource);
  if (!isStatus || !["patch", "update"].includes(verb)) return false;
  if (resource === "nodes" && call.info.name !== context.nodeName) return false;
  return await held(context, call, () => writeStatus(context, call));
}

/** Online what was waited for may be pushed by then: the write goes to the cloud. */
async function held(
  context: OutboxContext,
  call: Call,
  write: () => Promise<boolean>,
): Promise<boolean | "cloud"> {
  const path = pathOf(call);
  return await alone(context, { call, path }, async () => {
    if (context.link.state !== "offline" && context.outbox.get(path) === undefined) return "cloud";
    return await write();
  });
}

/** One write or push of an object at a time. @throws StatusError 503 where its turn does not come */
async function alone<T>(
  context: OutboxContext,
  { call, path }: { readonly call: Call; readonly path: ObjectPath },
  act: () => Promise<T>,
): Promise<T> {
  const limit = deadline(context, call, context.cloudReadTimeoutMs);
  try {
    const release = await context.outbox.hold(path, limit.signal).catch(() => undefined);
    if (release === undefined) throw outOfReach("what was written before is still being sent");
    try {
      return await act();
    } finally {
      release();
    }
  } finally {
    limit.end();
  }
}

async function writeStatus(context: OutboxContext, call: Call): Promise<boolean> {
  const path = pathOf(call);
  const shown = await readWritten(context, path);
  if (shown === undefined || !isOwn(context, path, shown.current)) return false;
  const after = await changed(call, shown.current);
  const { outbox } = context;
  const waits = outbox.get(path) !== undefined;
  if (after !== shown.current) {
    const { base, uid } = shown;
    await outbox.put({ path, kind: "status", uid, base, pending: after, manager: managerOf(call) });
  }
  respondObject(call, after, { status: 200, source: waits || after !== shown.current ? "outbox" : "replica" });
  return true;
}

async function patchEvent(context: OutboxContext, call: Call): Promise<boolean> {
  const path = pathOf(call);
  const waiting = context.outbox.get(path);
  if (waiting?.kind === "create") {
    const after = await changed(call, waiting.pending);
    if (after !== waiting.pending) await context.outbox.put({ ...waiting, pending: after });
    respondObject(call, after, { status: 200, source: "outbox" });
    return true;
  }
  const shown = await readWritten(context, path);
  if (shown === undefined) return false;
  const after = await changed(call, shown.current);
  if (after !== shown.current) {
    const { base, uid } = shown;
    await context.outbox.put({ path, kind: "patch", uid, base, pending: after, manager: managerOf(call) });
  }
  respondObject(call, after, { status: 200, source: "outbox" });
  return true;
}

async function createEvent(context: OutboxContext, call: Call): Promise<boolean> {
  const body = await bodyOf(call);
  const contentType = call.exchange.header("content-type") ?? "application/json";
  const { type } = contentTypeOf(contentType);
  const json = type === protobufType ? protobufToJson(body) : type === "application/json" ? body : undefined;
  if (json === undefined) return false;
  const path = eventPath(call, parseJson(json));
  if (path === undefined) return false;
  const { outbox, replica } = context;
  await alone(context, { call, path }, async () => {
    if (outbox.get(path) !== undefined || replica.of(path).find(path) !== undefined) throw alreadyExists(path);
    const came = type === protobufType ? { came: { contentType, body } } : {};
    await outbox.put({ path, kind: "create", uid: "", pending: json, ...came, manager: managerOf(call) });
  });
  respondObject(call, json, { status: 201, source: "outbox" });
  return true;
}

/** @returns nothing where only the API server can name it */
function eventPath(call: Call, event: unknown): ObjectPath | undefined {
  const path = pathOf(call);
  const metadata = member(event, "metadata");
  const [name, namespace] = [member(metadata, "name"), member(metadata, "namespace")];
  if (member(event, "kind") !== "Event" || member(event, "apiVersion") !== groupVersionOf(path)) return undefined;
  if (typeof name !== "string" || name === "" || namespace !== path.namespace) return undefined;
  return { ...path, name };
}

interface Written {
  /** As the cloud gave it, which a push is compared with. */
  readonly base: Uint8Array;
  /** As it is shown. */
  readonly current: Uint8Array;
  readonly uid: string;
}

/** The object that a write is for: the newest that the cloud gave, with what waits for it. */
async function readWritten(context: OutboxContext, path: ObjectPath): Promise<Written | undefined> {
  const { outbox, replica } = context;
  const found = replica.of(path).find(path);
  if (found === undefined) return undefined;
  const waiting = outbox.get(path);
  const { meta } = found.held;
  if (waiting !== undefined && waiting.uid !== meta.uid) {
    throw outOfReach("what was written to another object of that name has still to be sent");
  }
  const base = await readHeld(context, found.held);
  if (base === undefined) return undefined;
  const before = waiting?.base;
  if (before !== undefined && compareVersions(meta.resourceVersion, readObjectMeta(before).resourceVersion) < 0) {
    return { base: before, current: waiting?.pending ?? before, uid: meta.uid };
  }
  return { base, current: replica.overlays.of(path)?.over(meta, base) ?? base, uid: meta.uid };
}

async function readHeld(context: HubContext, held: HeldObject): Promise<Uint8Array | undefined> {
  try {
    return await readObject(context, held);
  } catch (error) {
    if (isUnreadable(error)) return undefined; // it has been dropped: nothing is known of it
    throw error;
  }
}

function isOwn({ nodeName }: HubContext, { resource, name }: ObjectPath, object: Uint8Array): boolean {
  if (resource === "nodes") return name === nodeName;
  return member(member(parseJson(object), "spec"), "nodeName") === nodeName;
}

/** The object as the write makes it. @throws StatusError */
async function changed(call: Call, current: Uint8Array): Promise<Uint8Array> {
  const { verb, subresource } = call.info;
  const contentType = call.exchange.header("content-type") ?? "application/json";
  const body = await bodyOf(call);
  try {
    if (verb === "patch") return applyPatch(current, { body, contentType, subresource });
    return applyPatch(current, readStatusUpdate(current, { body, contentType }));
  } catch (error) {
    if (!(error instanceof PatchRefusal)) throw error;
    if (error.code === "malformed") throw badRequest(error.message);
    throw outOfReach(error.message);
  }
}

/** As the API server has it: what the client says, else the first part of its User-Agent. */
function managerOf({ info, exchange }: Call): string {
  const asked = info.query.get("fieldManager") ?? "";
  return asked === "" ? (exchange.header("user-agent") ?? "").split("/")[0]?.slice(0, 128) ?? "" : asked;
}
