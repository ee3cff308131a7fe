import assert from "node:assert/strict";

/** An object of JSON, of whose members nothing is known. */
export type JsonMembers = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonMembers {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The members of a JSON object. @throws AssertionError where the text is one of something else */
export function parseObject(text: string): JsonMembers {
  const value: unknown = JSON.parse(text);
  assert.ok(isObject(value), "it is no object");
  return value;
}

/** An object within another: empty where it is missing or null. @throws AssertionError where it is something else */
export function objectAt(members: JsonMembers, key: string): JsonMembers {
  const value = members[key] ?? {};
  assert.ok(isObject(value), `${key} is no object`);
  return value;
}

/** A string within an object: empty where it is missing or null. @throws AssertionError where it is something else */
export function stringAt(members: JsonMembers, key: string): string {
  const value = members[key] ?? "";
  assert.ok(typeof value === "string", `${key} is no string`);
  return value;
}
