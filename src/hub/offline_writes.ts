import { contentTypeOf } from "../kube/media_type.ts";
import { patchChangesNothing } from "../kube/patch.ts";
import { decodeUnknown, readProtobufObjectMeta } from "../kube/protobuf.ts";
import { protobufToJson } from "../kube/protobuf_messages.ts";
import { alreadyExists, badRequest } from "../kube/status.ts";
import type { Call } from "./call.ts";
import type { HubContext } from "./context.ts";
import { answerToken, isTokenRequest } from "./token_requests.ts";
import { outOfReach } from "./forward.ts";
import { pathOf } from "./object_path_of.ts";
import { hasOutbox, writeToOutbox } from "./outbox_writes.ts";
import { isUnreadable, readShown } from "./replica_answers.ts";
import { bodyOf, member, parseJson, respondObject } from "./write_body.ts";

const leaseNamespace = "kube-node-lease";
const jsonPatches = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
];

/**
 * Answers of a write, while the cloud is out of reach, what the API server would have answered (design, section 4,
 * Routing): what the outbox takes, a create of an object that is held, a patch that changes nothing, the renewal of this
 * node's own lease, a token that is kept.
 *
 * @throws StatusError 503 for everything else
 */
export async function writeOffline(context: HubContext, call: Call): Promise<void> {
  const { verb, subresource } = call.info;
  if (verb === "update" && isOwnLease(context, call)) return await renewLease(context, call);
  if (hasOutbox(context) && await writeToOutbox(context, call) === true) return;
  if (isTokenRequest(call)) return await writeToken(context, call);
  if (verb === "create" && subresource === "") await refuseHeld(context, call);
  if (verb === "patch" && await patchedNothing(context, call)) return;
  throw outOfReach(`${call.exchange.method} ${call.info.resource} is the cloud's to decide (${context.link.reason})`);
}

async function writeToken(context: HubContext, call: Call): Promise<void> {
  if (await answerToken(context, call)) return;
  throw outOfReach(`no valid token is kept that the cloud has given for this request (${context.link.reason})`);
}

/** kubelet registers by creating its Node, and goes on only at this answer. */
async function refuseHeld(context: HubContext, call: Call): Promise<void> {
  const name = createdName(await bodyOf(call), call.exchange.header("content-type"));
  if (name === "") return;
  const path = { ...pathOf(call), name };
  if (context.replica.of(path).find(path) !== undefined) throw alreadyExists(path);
}

function createdName(body: Uint8Array, contentType: string | undefined): string {
  const { type } = contentTypeOf(contentType);
  if (type === "application/vnd.kubernetes.protobuf") return readProtobufObjectMeta(decodeUnknown(body).raw).name;
  if (type !== "application/json" && type !== "") return "";
  const metadata = member(parseJson(body), "metadata");
  const name = member(metadata, "name");
  return typeof name === "string" ? name : "";
}

async function patchedNothing(context: HubContext, call: Call): Promise<boolean> {
  const path = pathOf(call);
  const held = context.replica.of(path).find(path)?.held;
  if (held === undefined || !["", "status"].includes(call.info.subresource) || !call.accept.json) return false;
  const { type } = contentTypeOf(call.exchange.header("content-type"));
  if (!jsonPatches.includes(type)) return false; // server-side apply is YAML, and the API server's to merge
  const body = await bodyOf(call);
  parseJson(body); // the API server looks at the patch before the object
  const bytes = await readShown(context, path, held).catch((error: unknown) => {
    if (isUnreadable(error)) return undefined; // it has been dropped: nothing is known of it
    throw error;
  });
  if (bytes === undefined) return false;
  if (patchChangesNothing(bytes, { body, contentType: type }) !== true) return false;
  respondObject(call, bytes, { status: 200, source: "replica" });
  return true;
}

function isOwnLease(context: HubContext, { info }: Call): boolean {
  return info.group === "coordination.k8s.io" && info.resource === "leases" && info.subresource === "" &&
    info.namespace === leaseNamespace && info.name === context.nodeName;
}

/**
 * A kubelet that can't renew its lease logs an error every 10 s and backs off. Nobody but the cloud looks at it, so what
 * it wrote is what it gets back, at the version that it knows.
 */
async function renewLease(context: HubContext, call: Call): Promise<void> {
  const body = await bodyOf(call);
  const { type } = contentTypeOf(call.exchange.header("content-type"));
  const lease = parseJson(type === "application/vnd.kubernetes.protobuf" ? leaseJson(body) : body);
  if (member(member(lease, "metadata"), "name") !== call.info.name) {
    throw badRequest("the name of the object does not match the name on the URL");
  }
  const bytes = new TextEncoder().encode(JSON.stringify(lease));
  const resourceVersion = member(member(lease, "metadata"), "resourceVersion");
  if (typeof resourceVersion === "string" && resourceVersion !== "") {
    context.replica.records.put(pathOf(call), { bytes, savedAt: context.platform.clock.now() });
  }
  respondObject(call, bytes, { status: 200, source: "replica" });
}

function leaseJson(body: Uint8Array): Uint8Array {
  const { apiVersion, kind } = decodeUnknown(body);
  const json = kind === "Lease" ? protobufToJson(body) : undefined;
  if (json === undefined) throw badRequest(`Cannot decode the lease: it is a ${kind} of ${apiVersion}`);
  return json;
}
