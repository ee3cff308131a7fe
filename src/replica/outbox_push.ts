import { JsonSyntaxError } from "../kube/json_scan.ts";
import { readObjectMeta } from "../kube/object_meta.ts";
import { PatchRefusal } from "../kube/patch_refusal.ts";
import { jsonToProtobuf } from "../kube/protobuf_messages.ts";
import { JsonMembers, rawJson, readDocument } from "../kube/raw_json.ts";
import type { StatusError } from "../kube/status.ts";
import { rebaseStatus } from "../kube/status_rebase.ts";
import { eventChanges, sameEventPatch } from "./event_changes.ts";
import type { Settlement } from "./outbox.ts";
import type { OutboxCloud, PushedWrite } from "./outbox_cloud.ts";
import type { OutboxEntry } from "./outbox_entry.ts";

/** What a push asks of the cloud. */
export type Pushing = Pick<OutboxCloud, "get" | "write">;

/** How often a push is made anew because the object has changed between it and the read before it. */
const maxConflicts = 5;
/** Refusals that are no last word: the node's certificate, its rights, and too many requests. */
const passing: readonly number[] = [401, 403, 408, 429];

/**
 * Pushes what waits for one object: a status as a patch of what this node has changed, rebased onto the object as the cloud
 * has it now, with its uid and version as preconditions; an Event as it came, or what was changed of it. Pushed once more,
 * after an answer that nobody noted, it changes nothing.
 *
 * @returns how it has ended
 * @throws StatusError where the cloud's refusal is not its last word; UpstreamError where it gave no answer
 */
export async function pushEntry(cloud: Pushing, entry: OutboxEntry, signal: AbortSignal): Promise<Settlement> {
  try {
    if (entry.kind === "create") return await pushEvent(cloud, entry, signal);
    if (entry.kind === "patch") return await pushEventChange(cloud, entry, signal);
    return await pushStatus(cloud, entry, signal);
  } catch (error) {
    if (!(error instanceof PatchRefusal || error instanceof JsonSyntaxError)) throw error;
    return { how: "not-understood", message: error.message };
  }
}

async function pushStatus(cloud: Pushing, entry: OutboxEntry, signal: AbortSignal): Promise<Settlement> {
  let refusal: StatusError | undefined;
  for (let attempt = 0; attempt < maxConflicts; attempt++) {
    const answer = await cloud.get(entry.path, signal);
    if ("failure" in answer) return settledBy(answer.failure, undefined);
    const fresh = answer.object;
    const { resourceVersion, uid } = readObjectMeta(fresh);
    if (uid !== entry.uid) return { how: "replaced", resourceVersion };
    const change = statusChange(entry, fresh);
    if ("settled" in change) return { how: change.settled, resourceVersion };
    const written = await cloud.write(entry.path, { ...change, manager: entry.manager }, signal);
    if ("object" in written) return pushed(written.object);
    refusal = written.failure;
    if (refusal.code !== 409) return settledBy(refusal, resourceVersion);
  }
  throw refusal ?? new Error("unreachable"); // it changes all the time: later again
}

type Change = { readonly settled: "unchanged" | "finished" | "replaced" } | Omit<PushedWrite, "manager">;

/** The version too is a precondition: a pod that finishes in between is not brought back. */
function statusChange({ base, pending }: OutboxEntry, fresh: Uint8Array): Change {
  const rebased = rebaseStatus({ base: base ?? pending, pending, fresh });
  if ("settled" in rebased) return rebased;
  const patch = new JsonMembers(rebased.patch);
  const metadata = new JsonMembers(patch.present("metadata") ?? rawJson({}));
  metadata.set("resourceVersion", rawJson(readObjectMeta(fresh).resourceVersion));
  patch.set("metadata", metadata.bytes());
  const contentType = "application/strategic-merge-patch+json";
  return { verb: "patch", subresource: "status", contentType, body: patch.bytes() };
}

/** A node may create and patch Events, but not get them: the values are absolute, so that twice is as good as once. */
async function pushEventChange(cloud: Pushing, entry: OutboxEntry, signal: AbortSignal): Promise<Settlement> {
  const { base = entry.pending, pending, path, manager } = entry;
  const body = eventChanges({ base, pending, fresh: base });
  if (body === undefined) return { how: "unchanged", resourceVersion: readObjectMeta(base).resourceVersion };
  const contentType = "application/merge-patch+json";
  const written = await cloud.write(path, { verb: "patch", subresource: "", contentType, body, manager }, signal);
  if ("object" in written) return pushed(written.object);
  const { code, message } = written.failure;
  return code === 409 ? { how: "replaced", message } : settledBy(written.failure, undefined);
}

async function pushEvent(cloud: Pushing, entry: OutboxEntry, signal: AbortSignal): Promise<Settlement> {
  const { path, manager, pending } = entry;
  const written = await cloud.write(path, { verb: "create", subresource: "", manager, ...bodyOf(entry) }, signal);
  if ("object" in written) return pushed(written.object);
  if (written.failure.code !== 409) return settledBy(written.failure, undefined);
  // Pushed before, and the hub was killed before it could note that; or another Event has the name.
  const contentType = "application/json-patch+json";
  const patch = { verb: "patch" as const, subresource: "", contentType, body: sameEventPatch(pending), manager };
  const patched = await cloud.write(path, patch, signal);
  if ("object" in patched) return pushed(patched.object);
  if (patched.failure.code === 404) throw written.failure; // it went in between: later again
  return patched.failure.code === 422
    ? { how: "refused", message: written.failure.message }
    : settledBy(patched.failure, undefined);
}

/** As it came, unless something was folded into it. */
function bodyOf({ came, pending, writes }: OutboxEntry): { readonly contentType: string; readonly body: Uint8Array } {
  if (came !== undefined && writes === 1) return came;
  const protobuf = came === undefined ? undefined : jsonToProtobuf(pending, came.body);
  return came === undefined || protobuf === undefined
    ? { contentType: "application/json", body: readDocument(pending) }
    : { contentType: came.contentType, body: protobuf };
}

function pushed(object: Uint8Array): Settlement {
  return { how: "pushed", resourceVersion: readObjectMeta(object).resourceVersion };
}

/** @throws StatusError where it is no last word */
function settledBy(failure: StatusError, resourceVersion: string | undefined): Settlement {
  const { code, message } = failure;
  if (code === 404) return { how: "gone", message };
  if (code < 400 || code >= 500 || code === 409 || passing.includes(code)) throw failure;
  return { how: "refused", message, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
}
