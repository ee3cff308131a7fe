import { contentTypeOf } from "./media_type.ts";
import type { PatchRequest } from "./patch.ts";
import { notUnderstood, PatchRefusal } from "./patch_refusal.ts";
import { JsonMembers, rawEquivalent, type RawJson, rawJson, readDocument, writeElements } from "./raw_json.ts";
import { JsonSyntaxError } from "./json_scan.ts";
import { joinBytes } from "./joined_bytes.ts";

/** Members of `metadata` that an update of a status need not have as they are held. */
const ignored: readonly string[] = ["managedFields", "resourceVersion"];

/**
 * Reads an update (PUT) of the status of a Pod or a Node as the patch that does the same: of the object that is held its
 * status is replaced.
 *
 * @throws PatchRefusal where it is of another version than what is held, or changes more than the status
 */
export function readStatusUpdate(
  held: Uint8Array,
  { body, contentType }: Pick<PatchRequest, "body" | "contentType">,
): PatchRequest {
  const { type } = contentTypeOf(contentType);
  if (type !== "application/json") throw notUnderstood(`its media type is ${type}`);
  try {
    const [before, after] = [new JsonMembers(readDocument(held)), new JsonMembers(readDocument(body))];
    checkMetadata(membersOf(before.present("metadata")), membersOf(after.present("metadata")));
    const status = after.present("status") ?? rawJson({});
    const operation = joinBytes(['{"op":"add","path":"/status","value":', status, "}"]);
    return { body: writeElements([operation]), contentType: "application/json-patch+json", subresource: "status" };
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new PatchRefusal("malformed", `Cannot read the object: ${error.message}`);
  }
}

function checkMetadata(before: JsonMembers, after: JsonMembers): void {
  const version = after.present("resourceVersion");
  if (version !== undefined && !rawEquivalent(version, before.present("resourceVersion"))) {
    throw new PatchRefusal("conflict", "The update is of another resourceVersion than what is held");
  }
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    if (ignored.includes(key) || rawEquivalent(before.present(key), after.present(key))) continue;
    throw notUnderstood(`a change of metadata.${key} together with the status is the API server's to make`);
  }
}

function membersOf(value: RawJson | undefined): JsonMembers {
  return new JsonMembers(value ?? rawJson({}));
}
