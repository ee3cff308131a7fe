import { isJsonObject } from "../json_equal.ts";
import type { ArraySlice, Path, PathStep } from "./json_path.ts";

/** Results of one step at most: paths may multiply them without end. */
export const maxPathResults = 10_000;

/** What a path cannot be followed in. A filter that only asks whether something is there goes by what it was followed in. */
class PathFailure extends Error {
  override readonly name = "PathFailure";
  readonly values: readonly unknown[];

  constructor(values: readonly unknown[]) {
    super("Cannot follow a JSONPath");
    this.values = values;
  }
}

/**
 * What the first of these paths finds in a value, as kubectl's JSONPath finds it where keys may be missing.
 *
 * @param value parsed with bigints for integers
 * @returns nothing where some of the paths cannot be followed in it: an index out of bounds, a filter on what is no array
 */
export function findJsonPath(paths: readonly Path[], value: unknown): readonly unknown[] | undefined {
  try {
    const [first] = paths.map((path) => follow(path, [value]));
    return first ?? [];
  } catch (error) {
    if (error instanceof PathFailure) return undefined;
    throw error;
  }
}

/** @throws PathFailure */
function follow(path: Path, values: readonly unknown[]): readonly unknown[] {
  let found = values;
  for (const step of path) {
    found = take(step, found);
    if (found.length > maxPathResults) throw new PathFailure([]);
  }
  return found;
}

function take(step: PathStep, values: readonly unknown[]): readonly unknown[] {
  switch (step.kind) {
    case "field":
      return values.filter(isJsonObject).filter((value) => Object.hasOwn(value, step.name)).map((value) =>
        value[step.name]
      );
    case "slice":
      return slices(step, values);
    case "filter":
      return filtered(step, values);
    case "all":
      return values.flatMap(within);
    case "descent":
      return descended(values);
    case "union":
      return united(step.paths, values);
    case "text":
      return [step.text];
    case "constant":
      return values.map(() => step.value);
    case "word":
      throw new PathFailure(values);
  }
}

function slices(slice: ArraySlice, values: readonly unknown[]): readonly unknown[] {
  const found: unknown[] = [];
  for (const value of values) {
    if (value === null) continue;
    if (!Array.isArray(value)) throw new PathFailure(values);
    const { start, end } = boundsOf(slice, value.length);
    // Where nothing is asked for of one array, the others are not looked at either.
    if (start === end) return found;
    const outside = start < 0 || start >= value.length || end < 0 || end > value.length || start > end;
    if (outside || (slice.step ?? 1) <= 0) throw new PathFailure(values);
    for (let at = start; at < end; at += slice.step ?? 1) found.push(value[at]);
  }
  return found;
}

function boundsOf(
  { start, end, single }: ArraySlice,
  length: number,
): { readonly start: number; readonly end: number } {
  const fromStart = (index: number) => (index < 0 ? index + length : index);
  const first = fromStart(start);
  if (!single) return { start: first, end: fromStart(end ?? length) };
  return { start: first, end: start === -1 ? length : fromStart(start + 1) };
}

/** Members in the order in which the API server sends them: that in which it looks at them is none. */
function within(value: unknown): readonly unknown[] {
  if (typeof value === "string") return Array.from(new TextEncoder().encode(value), BigInt);
  if (Array.isArray(value)) return value;
  return isJsonObject(value) ? Object.values(value) : [];
}

function descended(values: readonly unknown[]): readonly unknown[] {
  const found: unknown[] = [];
  const waiting = values.toReversed();
  while (waiting.length > 0) {
    const value = waiting.pop();
    const members = within(value);
    if (members.length === 0) continue;
    found.push(value);
    if (found.length > maxPathResults) throw new PathFailure([]);
    for (let at = members.length - 1; at >= 0; at--) waiting.push(members[at]);
  }
  return found;
}

function united(paths: readonly Path[], values: readonly unknown[]): readonly unknown[] {
  const found: unknown[] = [];
  for (const path of paths) {
    found.push(...orFail(values, () => follow(path, values)));
    if (found.length > maxPathResults) throw new PathFailure(values);
  }
  return found;
}

/** Runs something that fails, where it does, as a whole. @throws PathFailure */
function orFail<Result>(values: readonly unknown[], run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    throw error instanceof PathFailure ? new PathFailure(values) : error;
  }
}

type Filter = Extract<PathStep, { readonly kind: "filter" }>;

function filtered(filter: Filter, values: readonly unknown[]): readonly unknown[] {
  const found: unknown[] = [];
  for (const value of values) {
    if (!Array.isArray(value)) throw new PathFailure(values);
    for (const element of value) {
      const isFound = filter.operator === "exists"
        ? exists(filter.left, element)
        : passes(filter, element, { values, found });
      if (isFound) found.push(element);
    }
  }
  return found;
}

function exists(path: Path, element: unknown): boolean {
  try {
    return follow(path, [element]).length > 0;
  } catch (error) {
    if (error instanceof PathFailure) return error.values.length > 0;
    throw error;
  }
}

/** What a filter was asked of, and what it has found of it so far. */
interface Filtering {
  readonly values: readonly unknown[];
  readonly found: readonly unknown[];
}

function passes({ left, operator, right }: Filter, element: unknown, { values, found }: Filtering): boolean {
  const one = (path: Path) => {
    const results = orFail(values, () => follow(path, [element]));
    if (results.length > 1) throw new PathFailure(values);
    return results;
  };
  const lefts = one(left);
  if (lefts.length === 0) return false;
  const rights = one(right);
  if (rights.length === 0) return false;
  const result = compare(operator, lefts[0], rights[0]);
  if (result === undefined) throw new PathFailure(found);
  return result;
}

/** @returns nothing for what does not compare: values of two types, objects, arrays, null */
function compare(operator: string, left: unknown, right: unknown): boolean | undefined {
  if (typeof left !== typeof right) return undefined;
  if (typeof left === "boolean") {
    return operator === "==" ? left === right : operator === "!=" ? left !== right : undefined;
  }
  if (!isOrdered(left) || !isOrdered(right)) return undefined;
  switch (operator) {
    case "==":
      return left === right;
    case "!=":
      return left !== right;
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
    default:
      return undefined;
  }
}

function isOrdered(value: unknown): value is bigint | number | string {
  return typeof value === "bigint" || typeof value === "number" || typeof value === "string";
}
