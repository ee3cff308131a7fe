import process from "node:process";
import fc from "fast-check";
import { joinBytes } from "../../src/kube/joined_bytes.ts";

/** How often each property of a decoder is tried; `HOLDFAST_FUZZ_RUNS` makes it more. */
export const fuzzRuns: number = Number(process.env["HOLDFAST_FUZZ_RUNS"] ?? "300");

const whitespace = fc.string({ unit: fc.constantFrom(" ", "\n", "\r", "\t"), maxLength: 3 });
/** Mostly none: what the API server sends has none. */
const space = fc.oneof({ weight: 4, arbitrary: fc.constant("") }, whitespace);

/** One character within a JSON string, in each way in which it can be written. */
const character = fc.oneof(
  fc.constantFrom(
    ..."ab}]{[,:".split(""),
    '\\"',
    "\\\\",
    "\\/",
    "\\b",
    "\\f",
    "\\n",
    "\\r",
    "\\t",
    "\\u0000",
    "\\u001f",
  ),
  fc.constantFrom("\\uD83D\\uDE00", "\\ud800", "\\u00e9", "é", "😀", "\u2028", "\u007f", "\ufeff", "\u0080"),
  fc.string({ unit: "binary", minLength: 1, maxLength: 1 }).map((text) => JSON.stringify(text).slice(1, -1)),
);

/** A JSON string with its quotes. */
export const stringText: fc.Arbitrary<string> = fc.array(character, { maxLength: 8 })
  .map((parts) => `"${parts.join("")}"`);

const numberText = fc.oneof(
  fc.constantFrom("0", "-0", "-0.0e-0", "1E400", "1e-400", "12345678901234567890", "0.1e+5", `-${"9".repeat(400)}.5`),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => JSON.stringify(number)),
);

const scalarText = fc.oneof(stringText, numberText, fc.constantFrom("true", "false", "null"));

/** After a key `"\\\\"`, V8 takes other keys of one escaped character for it: nodejs/node#63785. */
const oneEscaped = /^"\\(u.{4}|.)"$/;

/** A string as key. */
export const keyText: fc.Arbitrary<string> = process.versions["bun"] === undefined
  ? stringText.filter((text) => !oneEscaped.test(text))
  : stringText;

/** A key that is seldom used twice. */
const anyKey = fc.oneof(
  { weight: 3, arbitrary: keyText },
  fc.constantFrom('"items"', '"metadata"', '"type"', '"a"'),
);

/** Any JSON value, with white space anywhere and members of the same name. */
export const valueText: fc.Arbitrary<string> = fc.letrec<{ value: string; array: string; object: string }>((tie) => ({
  value: fc.oneof({ maxDepth: 4, withCrossShrink: true }, scalarText, tie("array"), tie("object")),
  array: fc.tuple(fc.array(tie("value"), { maxLength: 4 }), space, space).map(([values, before, after]) =>
    `[${before}${values.join(`${after},${before}`)}${after}]`
  ),
  object: fc.tuple(fc.array(fc.tuple(anyKey, tie("value")), { maxLength: 4 }), space, space)
    .map(([members, before, after]) => objectOf(members, { before, after })),
})).value;

/** Containers in one another, up to so many. */
export const deepText = (maxDepth: number): fc.Arbitrary<string> =>
  fc.tuple(fc.integer({ min: 1, max: maxDepth }), fc.boolean())
    .map(([depth, isArray]) =>
      isArray ? "[".repeat(depth) + "]".repeat(depth) : `${'{"a":'.repeat(depth)}0${"}".repeat(depth)}`
    );

/** An object's text of members' texts. */
export function objectOf(
  members: readonly (readonly [key: string, value: string])[],
  { before = "", after = "" }: { readonly before?: string; readonly after?: string } = {},
): string {
  const texts = members.map(([key, value]) => `${before}${key}${after}:${before}${value}${after}`);
  return `{${texts.length === 0 ? after : texts.join(",")}}`;
}

/** White space, where some is allowed. */
export const spaces: fc.Arbitrary<{ readonly before: string; readonly after: string }> = fc.record({
  before: space,
  after: space,
});

/** Sizes of chunks, over and over: from one byte each to all at once. */
export const chunkSizes: fc.Arbitrary<readonly number[]> = fc.oneof(
  fc.constant([1]),
  fc.constant([1 << 30]),
  fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
);

/**
 * Gives bytes in chunks of these sizes; each chunk's memory is used for other things once the next one is asked for.
 */
export function* chunks(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array, void, undefined> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const chunk = bytes.slice(at, at + (sizes[turn % sizes.length] ?? 1));
    at += chunk.length;
    yield chunk;
    chunk.fill(0x7b);
  }
}

/** What may happen to bytes on their way. */
export type Damage =
  | { readonly kind: "cut"; readonly at: number }
  | { readonly kind: "drop"; readonly at: number; readonly length: number }
  | { readonly kind: "put"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "repeat"; readonly at: number; readonly length: number };

const place = fc.nat();
const length = fc.integer({ min: 1, max: 8 });
const syntax = fc.constantFrom(...'{}[]:,"\\0-.eEtn u'.split(""), "\u0000", "\n", "}{", '"items":[', "\\u", "é");

export const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constant("cut" as const), at: place }),
  fc.record({ kind: fc.constant("drop" as const), at: place, length }),
  fc.record({ kind: fc.constant("repeat" as const), at: place, length }),
  fc.record({
    kind: fc.constant("put" as const),
    at: place,
    bytes: fc.oneof(
      syntax.map((text) => new TextEncoder().encode(text)),
      fc.uint8Array({ minLength: 1, maxLength: 3 }),
    ),
  }),
);

/** Bytes after some damage; places count modulo their length. */
export function damaged(bytes: Uint8Array, done: readonly Damage[]): Uint8Array {
  let result = bytes;
  for (const step of done) {
    const at = result.length === 0 ? 0 : step.at % result.length;
    const [head, tail] = [result.subarray(0, at), result.subarray(at)];
    if (step.kind === "cut") result = head;
    else if (step.kind === "drop") result = joinBytes([head, tail.subarray(step.length)]);
    else if (step.kind === "put") result = joinBytes([head, step.bytes, tail]);
    else result = joinBytes([head, tail.subarray(0, step.length), tail]);
  }
  return result;
}
