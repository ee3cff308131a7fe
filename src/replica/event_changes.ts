import { isJsonObject } from "../kube/json_equal.ts";
import { joinBytes } from "../kube/joined_bytes.ts";
import {
  JsonMembers,
  parseRaw,
  rawEquivalent,
  type RawJson,
  rawJson,
  readDocument,
  writeElements,
} from "../kube/raw_json.ts";

/** What an update of an Event may change (kubernetes pkg/apis/core/validation/events.go). */
const changing = ["action", "count", "firstTimestamp", "lastTimestamp", "message", "reason", "series", "type"];

/**
 * What brings the changes of an Event onto it as the cloud has it, as a JSON merge patch with the uid as precondition. The
 * values are absolute: applied twice it changes nothing.
 *
 * @param base as it was before they were made; missing for all of it
 * @returns nothing where the cloud has all of it
 * @throws JsonSyntaxError
 */
export function eventChanges(
  { base, pending, fresh }: { readonly base?: Uint8Array; readonly pending: Uint8Array; readonly fresh: Uint8Array },
): Uint8Array | undefined {
  const read = (object: Uint8Array) => new JsonMembers(readDocument(object));
  const [before, after, now] = [base === undefined ? undefined : read(base), read(pending), read(fresh)];
  const changes = new JsonMembers(rawJson({}));
  for (const key of changing) {
    const value = after.present(key);
    if (before !== undefined && rawEquivalent(before.present(key), value)) continue;
    if (value !== undefined && !rawEquivalent(value, now.present(key))) changes.set(key, value);
  }
  if (changes.keys().length === 0) return undefined;
  const uid = metadataOf(fresh)["uid"];
  if (uid !== undefined) changes.set("metadata", rawJson({ uid }));
  return changes.bytes();
}

/**
 * What makes an Event that is there already the same as one that was to be created, as a JSON Patch: it fails where the two
 * do not tell of the same. A node may not read what is there.
 *
 * @throws JsonSyntaxError
 */
export function sameEventPatch(event: Uint8Array): Uint8Array {
  const members = new JsonMembers(readDocument(event));
  const about = members.present("involvedObject") === undefined ? "regarding" : "involvedObject";
  const object = new JsonMembers(members.present(about) ?? rawJson({}));
  const operations: RawJson[] = [];
  const add = (op: "test" | "add", path: string, value: RawJson | undefined) => {
    if (value !== undefined) operations.push(joinBytes([`{"op":"${op}","path":"${path}","value":`, value, "}"]));
  };
  for (const key of ["kind", "namespace", "name", "uid"]) add("test", `/${about}/${key}`, object.present(key));
  add("test", "/reason", members.present("reason"));
  for (const key of changing) add("add", `/${key}`, members.present(key));
  return writeElements(operations);
}

function parsed(value: RawJson | undefined): unknown {
  return value === undefined ? undefined : parseRaw(value);
}

function metadataOf(object: Uint8Array): Readonly<Record<string, unknown>> {
  const metadata = parsed(new JsonMembers(readDocument(object)).present("metadata"));
  return isJsonObject(metadata) ? metadata : {};
}
