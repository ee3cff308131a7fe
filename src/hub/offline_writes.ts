import { contentTypeOf } from "../kube/media_type.ts";
import { patchChangesNothing } from "../kube/patch.ts";
import { alreadyExists } from "../kube/status.ts";
import type { Call } from "./call.ts";
import type { HubContext } from "./context.ts";
import { answerToken, isTokenRequest } from "./token_requests.ts";
import { outOfReach } from "./forward.ts";
import { pathOf } from "./object_path_of.ts";
import { hasOutbox, writeToOutbox } from "./outbox_writes.ts";
import { isUnreadable, readShown } from "./replica_answers.ts";
import { bodyName, bodyOf, parseJson, respondObject } from "./write_body.ts";

const jsonPatches = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
];

/**
 * Answers of a write, while the cloud is out of reach, what the API server would have answered (design, section 4,
 * Routing): what the outbox takes, a create of an object that is held, a patch that changes nothing, a token that is kept.
 *
 * @throws StatusError 503 for everything else
 */
export async function writeOffline(context: HubContext, call: Call): Promise<void> {
  const { verb, subresource } = call.info;
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
  const name = await bodyName(call);
  if (name === "") return;
  const path = { ...pathOf(call), name };
  if (context.replica.of(path).find(path) !== undefined) throw alreadyExists(path);
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
