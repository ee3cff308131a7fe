import { isJsonObject, jsonEqual } from "./json_equal.ts";

type Container = Record<string, unknown> | unknown[];

interface Operation {
  readonly op: "test" | "add" | "replace" | "remove";
  readonly path: readonly string[];
  readonly value: unknown;
}

/**
 * Whether a JSON Patch (RFC 6902) leaves the document as it is.
 *
 * @returns false also where an operation fails; undefined where the patch holds what is not understood here: other
 * operations, or the replacement of the whole document
 */
export function jsonPatchChangesNothing(held: unknown, patch: unknown): boolean | undefined {
  if (!Array.isArray(patch)) return undefined;
  const operations = patch.map(readOperation);
  const document: unknown = structuredClone(held);
  for (const operation of operations) {
    if (operation === undefined) return undefined;
    if (!apply(document, operation)) return false;
  }
  return jsonEqual(document, held);
}

function readOperation(operation: unknown): Operation | undefined {
  if (!isJsonObject(operation)) return undefined;
  const { op, path, value } = operation;
  if (op !== "test" && op !== "add" && op !== "replace" && op !== "remove") return undefined;
  if (typeof path !== "string" || !path.startsWith("/")) return undefined;
  if (op !== "remove" && !Object.hasOwn(operation, "value")) return undefined;
  const steps = path.slice(1).split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  return { op, path: steps, value };
}

/** Applies one operation in place; false where it fails. */
function apply(document: unknown, { op, path, value }: Operation): boolean {
  const container = containerOf(document, path.slice(0, -1));
  const last = path.at(-1) ?? "";
  if (container === undefined) return false;
  if (op === "test") return has(container, last) && jsonEqual(get(container, last), value);
  if (op !== "add" && !has(container, last)) return false;
  return Array.isArray(container)
    ? applyToArray(container, { op, step: last, value })
    : applyToObject(container, { op, step: last, value });
}

interface Edit {
  readonly op: Operation["op"];
  readonly step: string;
  readonly value: unknown;
}

function applyToObject(container: Record<string, unknown>, { op, step, value }: Edit): boolean {
  if (op === "remove") delete container[step];
  else Object.defineProperty(container, step, { value, enumerable: true, configurable: true, writable: true });
  return true;
}

function applyToArray(container: unknown[], { op, step, value }: Edit): boolean {
  if (op === "remove") container.splice(Number(step), 1);
  else if (op === "replace") container[Number(step)] = value;
  else if (step === "-") container.push(value);
  else if (isIndex(step) && Number(step) <= container.length) container.splice(Number(step), 0, value);
  else return false;
  return true;
}

function containerOf(document: unknown, path: readonly string[]): Container | undefined {
  let current = document;
  for (const step of path) {
    if (!isContainer(current) || !has(current, step)) return undefined;
    current = get(current, step);
  }
  return isContainer(current) ? current : undefined;
}

function isContainer(value: unknown): value is Container {
  return Array.isArray(value) || isJsonObject(value);
}

function has(container: Container, step: string): boolean {
  if (Array.isArray(container)) return isIndex(step) && Number(step) < container.length;
  return Object.hasOwn(container, step);
}

function get(container: Container, step: string): unknown {
  return Array.isArray(container) ? container[Number(step)] : container[step];
}

function isIndex(step: string): boolean {
  return /^(0|[1-9][0-9]*)$/.test(step);
}
