import { notUnderstood, PatchRefusal } from "./patch_refusal.ts";
import {
  bytesEqual,
  JsonMembers,
  type JsonType,
  jsonTypeOf,
  type RawJson,
  readElements,
  textOf,
  writeElements,
} from "./raw_json.ts";

/** As many as the API server takes (apiserver endpoints/handlers/patch.go, `maxJSONPatchOperations`). */
const OPERATIONS_MAX = 10_000;

type Steps = readonly string[];

interface Operation {
  readonly op: "test" | "add" | "replace" | "remove" | "move" | "copy";
  readonly path: Steps;
  /** Of move and copy. */
  readonly from: Steps;
  /** Of test, add and replace. */
  readonly value: RawJson;
}

/**
 * Applies a JSON Patch (RFC 6902) as the API server does. What it leaves alone keeps its bytes.
 *
 * @throws PatchRefusal, also where an operation fails
 * @throws JsonSyntaxError
 */
export function applyJsonPatch(held: RawJson, patch: RawJson): RawJson {
  if (jsonTypeOf(patch) !== "array") throw malformed("it is no list of operations");
  const operations = readElements(patch);
  if (operations.length > OPERATIONS_MAX) throw malformed(`it has more than ${OPERATIONS_MAX} operations`);
  return operations.map(readOperation).reduce(applyOperation, held);
}

function readOperation(operation: RawJson): Operation {
  if (jsonTypeOf(operation) !== "object") throw malformed("an operation is no object");
  const members = new JsonMembers(operation);
  const op = textOf(members.get("op"));
  if (op !== "test" && op !== "add" && op !== "replace" && op !== "remove" && op !== "move" && op !== "copy") {
    throw notUnderstood(`the operation ${op ?? "without a name"}`);
  }
  const value = members.get("value");
  if (value === undefined && (op === "test" || op === "add" || op === "replace")) {
    throw notUnderstood(`${op} of no value`);
  }
  const from = op === "move" || op === "copy" ? stepsOf(members.get("from")) : [];
  return { op, path: stepsOf(members.get("path")), from, value: value ?? new Uint8Array() };
}

function stepsOf(pointer: RawJson | undefined): Steps {
  const text = textOf(pointer);
  if (text === undefined || !text.startsWith("/")) throw notUnderstood("a path that names no member of the object");
  return text.slice(1).split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function applyOperation(document: RawJson, { op, path, from, value }: Operation): RawJson {
  switch (op) {
    case "test":
      test(document, path, value);
      return document;
    case "add":
      return added(document, path, value);
    case "replace":
      return edited(document, path, replaceIn(value));
    case "remove":
      return edited(document, path, removeFrom);
    case "copy":
      return added(document, path, valueAt(document, from));
    case "move":
      return added(edited(document, from, removeFrom), path, valueAt(document, from));
  }
}

/** A member that is missing is null. */
function test(document: RawJson, path: Steps, value: RawJson): void {
  const container = path.slice(0, -1).reduce(enter, document);
  const present = memberOf(container, path.at(-1) ?? "");
  if (present === undefined ? jsonTypeOf(value) === "null" : spelledAlike(present, value)) return;
  throw fails(`test of ${pointerOf(path)}`);
}

/** The API server's library compares scalars as they are written: `1.0` is not `1`, and `"<"` is not `"\u003c"`. */
function spelledAlike(a: RawJson, b: RawJson): boolean {
  if (jsonTypeOf(a) !== jsonTypeOf(b)) return false;
  if (jsonTypeOf(a) === "array") {
    const others = readElements(b);
    const elements = readElements(a);
    return elements.length === others.length && elements.every((one, index) => alike(one, others[index]));
  }
  if (jsonTypeOf(a) !== "object") return bytesEqual(a, b);
  const [members, others] = [new JsonMembers(a), new JsonMembers(b)];
  const keys = members.keys();
  return keys.length === others.keys().length && keys.every((key) => alike(members.get(key), others.get(key)));
}

function alike(a: RawJson | undefined, b: RawJson | undefined): boolean {
  return a !== undefined && b !== undefined && spelledAlike(a, b);
}

function added(document: RawJson, path: Steps, value: RawJson): RawJson {
  return edited(document, path, {
    member: (members, key) => members.set(key, value),
    element: (elements, step) => {
      const index = step === "-" ? elements.length : indexOf(step);
      if (index > elements.length) throw fails(`add at ${index} of ${elements.length} elements`);
      return elements.toSpliced(index, 0, value);
    },
  });
}

/** What is done to the container that holds the last step of a path. */
interface Edit {
  readonly member: (members: JsonMembers, key: string) => void;
  readonly element: (elements: readonly RawJson[], step: string) => readonly RawJson[];
}

/** A member that is missing is set too: the API server's library does not look. */
function replaceIn(value: RawJson): Edit {
  return {
    member: (members, key) => members.set(key, value),
    element: (elements, step) => elements.with(presentIndex(elements, step), value),
  };
}

const removeFrom: Edit = {
  member: (members, key) => {
    if (!members.has(key)) throw fails(`remove of ${key}, which is missing`);
    members.delete(key);
  },
  element: (elements, step) => elements.toSpliced(presentIndex(elements, step), 1),
};

/** The document with its container at the end of the path edited, and all containers on the way to it. */
function edited(document: RawJson, path: Steps, edit: Edit): RawJson {
  const [step = "", ...rest] = path;
  const inner = rest.length === 0 ? undefined : edited(enter(document, step), rest, edit);
  if (containerType(document) === "object") {
    const members = new JsonMembers(document);
    if (inner === undefined) edit.member(members, step);
    else members.set(step, inner);
    return members.bytes();
  }
  const elements = readElements(document);
  return writeElements(inner === undefined ? edit.element(elements, step) : elements.with(Number(step), inner));
}

/** The container behind one step. */
function enter(container: RawJson, step: string): RawJson {
  const value = memberOf(container, step);
  if (value === undefined || !["object", "array"].includes(jsonTypeOf(value))) {
    throw fails(`a path through ${step}, which is no object or list`);
  }
  return value;
}

function valueAt(document: RawJson, path: Steps): RawJson {
  const value = memberOf(path.slice(0, -1).reduce(enter, document), path.at(-1) ?? "");
  if (value === undefined) throw fails(`${pointerOf(path)} is missing`);
  return value;
}

function memberOf(container: RawJson, step: string): RawJson | undefined {
  if (containerType(container) === "object") return new JsonMembers(container).get(step);
  const elements = readElements(container);
  return elements[presentIndex(elements, step)];
}

function containerType(value: RawJson): JsonType {
  const type = jsonTypeOf(value);
  if (type !== "object" && type !== "array") throw fails("a path through what is no object or list");
  return type;
}

function presentIndex(elements: readonly RawJson[], step: string): number {
  const index = indexOf(step);
  if (index >= elements.length) throw fails(`element ${index} of ${elements.length}`);
  return index;
}

function indexOf(step: string): number {
  if (!/^(0|[1-9][0-9]{0,8})$/.test(step)) throw notUnderstood(`the index ${step}`);
  return Number(step);
}

function pointerOf(path: Steps): string {
  return path.map((step) => `/${step}`).join("");
}

function fails(what: string): PatchRefusal {
  return new PatchRefusal("fails", `The patch fails on what is held: ${what}`);
}

function malformed(what: string): PatchRefusal {
  return new PatchRefusal("malformed", `Cannot apply the patch: ${what}`);
}
