import { applyJsonMergePatch } from "./json_merge_patch.ts";
import { applyJsonPatch } from "./json_patch.ts";
import { JsonSyntaxError } from "./json_scan.ts";
import { contentTypeOf } from "./media_type.ts";
import { notUnderstood, PatchRefusal } from "./patch_refusal.ts";
import { settlePatched } from "./patched_object.ts";
import { JsonMembers, rawEquivalent, type RawJson, readDocument, textOf } from "./raw_json.ts";
import { applyStrategicMergePatch } from "./strategic_merge_patch.ts";
import { mergeStrategiesOf } from "./strategic_merge_patch_strategies.ts";

/** A PATCH request. */
export interface PatchRequest {
  readonly body: Uint8Array;
  /** Its Content-Type header. */
  readonly contentType: string;
  /** `status`, or empty for the object itself. */
  readonly subresource: string;
}

/**
 * Applies a patch of the status of a Pod or a Node, or of an Event (core or events.k8s.io), to the object as it is held:
 * strategic merge patch, JSON merge patch or JSON Patch. The result is the object that the API server would make of it,
 * but for its resourceVersion and managedFields, and for members that Go's types write as null or leave out. What is not
 * changed keeps its bytes.
 *
 * @param held the object's JSON, with `kind` and `apiVersion`
 * @returns the object; `held` itself where nothing changes
 * @throws PatchRefusal where the API server would refuse, and where what it would do is not known
 */
export function applyPatch(held: Uint8Array, request: PatchRequest): Uint8Array {
  const before = readDocument(held);
  try {
    const after = settlePatched(before, patched(before, request), request.subresource);
    return rawEquivalent(before, after) ? held : after;
  } catch (error) {
    // An element that must be an object and is none is found where it is looked at.
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new PatchRefusal("malformed", `Cannot apply the patch: ${error.message}`);
  }
}

/**
 * Whether applying the patch leaves the object as it is, whatever its kind.
 *
 * @param held the object's JSON, with `kind` and `apiVersion`
 * @returns true where nothing changes; false where something does, or where the API server would refuse the patch
 * (another uid or resourceVersion, a test that fails); undefined where the patch is not understood
 */
export function patchChangesNothing(
  held: Uint8Array,
  { body, contentType }: Omit<PatchRequest, "subresource">,
): boolean | undefined {
  const before = readDocument(held);
  try {
    return rawEquivalent(before, patched(before, { body, contentType }));
  } catch (error) {
    if (error instanceof JsonSyntaxError) return false;
    if (!(error instanceof PatchRefusal)) throw error;
    return error.code === "unknown" ? undefined : false;
  }
}

function patched(held: RawJson, { body, contentType }: Omit<PatchRequest, "subresource">): RawJson {
  const { type } = contentTypeOf(contentType);
  const patch = readDocument(body);
  switch (type) {
    case "application/strategic-merge-patch+json":
      return applyStrategicMergePatch(held, patch, strategiesOf(held));
    case "application/merge-patch+json":
      return applyJsonMergePatch(held, patch);
    case "application/json-patch+json":
      return applyJsonPatch(held, patch);
    default:
      throw notUnderstood(`its media type is ${type}`);
  }
}

function strategiesOf(held: RawJson): ReturnType<typeof mergeStrategiesOf> {
  const members = new JsonMembers(held);
  return mergeStrategiesOf(textOf(members.get("apiVersion")) ?? "", textOf(members.get("kind")) ?? "");
}
