import { isJsonObject, type JsonObject } from "../kube/json_equal.ts";

/** A member that is an object; an empty one where it is none. */
export function objectAt(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isJsonObject(value) ? value : none;
}

/** A member that is a string; empty where it is none. */
export function textAt(object: JsonObject, key: string): string {
  const value = object[key];
  return typeof value === "string" ? value : "";
}

/** The elements of a member that are objects; none where it is no array. */
export function objectsAt(object: JsonObject, key: string): readonly JsonObject[] {
  const value = object[key];
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** An annotation; undefined where the object does not have it. */
export function annotationOf(object: JsonObject, key: string): string | undefined {
  const value = objectAt(objectAt(object, "metadata"), "annotations")[key];
  return typeof value === "string" ? value : undefined;
}

/** An array with each object in it replaced; the same array where nothing changes, and what is no array as it is. */
export function withObjects(value: unknown, change: (object: JsonObject) => JsonObject | undefined): unknown {
  if (!Array.isArray(value)) return value;
  const before: readonly unknown[] = value;
  const after = before.flatMap((element) => (isJsonObject(element) ? change(element) ?? [] : [element]));
  return after.length === before.length && after.every((element, at) => element === before[at]) ? value : after;
}

/** An object with a member set; the same object where it has that value already. */
export function withMember(object: JsonObject, key: string, value: unknown): JsonObject {
  return object[key] === value ? object : { ...object, [key]: value };
}

const none: JsonObject = Object.freeze({});
