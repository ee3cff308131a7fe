import { applyPatch } from "../kube/patch.ts";
import { PatchRefusal } from "../kube/patch_refusal.ts";
import { badRequest } from "../kube/status.ts";
import { type ApiObject, isJsonObject } from "./api_object.ts";
import type { ApiRequest } from "./api_request.ts";

const strategicType = "application/strategic-merge-patch+json";

/** Whether it is a strategic merge patch of a status that is applied as the API server does, lists that merge included. */
export function isTypedPatch({ info, type }: ApiRequest, contentType: string): boolean {
  return contentType === strategicType && info.subresource === "status" && ["Node", "Pod"].includes(type.kind);
}

/** The object with the patch applied; its preconditions are left to the caller. @throws StatusError 400 */
export function applyTypedPatch(current: ApiObject, patch: unknown): unknown {
  const body = encode(isJsonObject(patch) ? { ...patch, metadata: withoutPreconditions(patch["metadata"]) } : patch);
  try {
    const patched = applyPatch(encode(current), { body, contentType: strategicType, subresource: "status" });
    return JSON.parse(new TextDecoder().decode(patched));
  } catch (error) {
    if (error instanceof PatchRefusal) throw badRequest(error.message);
    throw error;
  }
}

function withoutPreconditions(metadata: unknown): unknown {
  if (!isJsonObject(metadata)) return {};
  const { uid: _uid, resourceVersion: _version, ...rest } = metadata;
  return rest;
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
