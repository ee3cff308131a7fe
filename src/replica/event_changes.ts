import { isJsonObject, jsonEqual } from "../kube/json_equal.ts";
import { JsonMembers, parseRaw, rawEquivalent, type RawJson, rawJson, readDocument } from "../kube/raw_json.ts";

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

/** Whether two Events of one name tell of the same: the object that they are about and when it began. */
export function isSameEvent(one: Uint8Array, other: Uint8Array): boolean {
  const [a, b] = [identityOf(one), identityOf(other)];
  return a.every((part, index) => jsonEqual(part, b[index]));
}

function identityOf(event: Uint8Array): readonly unknown[] {
  const members = new JsonMembers(readDocument(event));
  const value = (key: string): RawJson | undefined => members.present(key);
  const about = parsed(value("involvedObject") ?? value("regarding"));
  const object = isJsonObject(about) ? [about["kind"], about["name"], about["uid"]] : [];
  const began = parsed(value("firstTimestamp") ?? value("deprecatedFirstTimestamp"));
  const microTime = parsed(value("eventTime"));
  return [...object, timeOf(began), timeOf(microTime), parsed(value("reason"))];
}

/** The API server writes a time in its own form. */
function timeOf(value: unknown): unknown {
  return typeof value === "string" ? Date.parse(value) : undefined;
}

function parsed(value: RawJson | undefined): unknown {
  return value === undefined ? undefined : parseRaw(value);
}

function metadataOf(object: Uint8Array): Readonly<Record<string, unknown>> {
  const metadata = parsed(new JsonMembers(readDocument(object)).present("metadata"));
  return isJsonObject(metadata) ? metadata : {};
}
