import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { JsonSyntaxError } from "../../../src/kube/json_scan.ts";
import { type ListHead, ListSplitter } from "../../../src/kube/list_codec.ts";
import { WatchDecoder, type WatchEventType } from "../../../src/kube/watch_codec.ts";
import {
  chunks,
  chunkSizes,
  damage,
  damaged,
  deepText,
  fuzzRuns,
  keyText,
  objectOf,
  spaces,
  stringText,
  valueText,
} from "../../testing/json_text.ts";
import { isObject } from "../../testing/json_values.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a list was taken apart to. */
interface Split {
  readonly items: readonly string[];
  readonly head: ListHead;
}

/** @throws JsonSyntaxError */
function split(bytes: Uint8Array, sizes: readonly number[]): Split {
  const splitter = new ListSplitter();
  const items: string[] = [];
  for (const chunk of chunks(bytes, sizes)) for (const item of splitter.push(chunk)) items.push(decoder.decode(item));
  return { items, head: splitter.end() };
}

/** @returns the frames until an error, if there is one, and whether one was under way at the end */
function decode(bytes: Uint8Array, sizes: readonly number[]) {
  const frames: (readonly [string, string])[] = [];
  const watch = new WatchDecoder();
  const failed = orSyntaxError(() => {
    for (const chunk of chunks(bytes, sizes)) {
      for (const { type, object } of watch.push(chunk)) frames.push([type, decoder.decode(object)]);
    }
  });
  return { frames, failed, incomplete: watch.incomplete };
}

/** An error counts as an answer where it is a JsonSyntaxError. */
function orSyntaxError<T>(run: () => T): T | JsonSyntaxError {
  try {
    return run();
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error;
    throw error;
  }
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** Deeper ones cannot be compared by their values on every runtime. */
const flatItem = fc.oneof({ weight: 20, arbitrary: valueText }, deepText(200));
const anyItem = fc.oneof({ weight: 20, arbitrary: flatItem }, deepText(5_000));

/** Members of a list in any order, its items, and what JSON.parse makes of its head. */
const listOf = (item: fc.Arbitrary<string>) =>
  fc.record({
    items: fc.array(item, { maxLength: 6 }),
    version: stringText,
    token: stringText,
    others: fc.array(fc.tuple(keyText, valueText), { maxLength: 3 }),
    order: fc.array(fc.nat(), { minLength: 7, maxLength: 7 }),
    spaces,
    escaped: fc.boolean(),
  });

type ListParts = ReturnType<typeof listOf> extends fc.Arbitrary<infer Parts> ? Parts : never;

const known = ["kind", "apiVersion", "metadata", "items"];

function listText({ items, version, token, others, order, spaces, escaped }: ListParts): string {
  const { before, after } = spaces;
  // A key may be written with escapes, as any string.
  const key = (name: string) => escaped ? `"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}"` : `"${name}"`;
  const members: (readonly [string, string])[] = [
    [key("kind"), '"PodList"'],
    [key("apiVersion"), '"v1"'],
    [key("metadata"), objectOf([[key("resourceVersion"), version], [key("continue"), token]], spaces)],
    [key("items"), `[${before}${items.join(`${after},${before}`)}${after}]`],
    ...others.filter(([other]) => !known.includes(String(JSON.parse(other)))),
  ];
  const ordered = members.map((member, index) => ({ member, rank: order[index] ?? 0 }))
    .toSorted((a, b) => a.rank - b.rank).map(({ member }) => member);
  return `${before}${objectOf(ordered, spaces)}${after}`;
}

test("ListSplitter: any list in any chunks gives its items byte for byte, and its head", () => {
  fc.assert(
    fc.property(listOf(anyItem), chunkSizes, (parts, sizes) => {
      const text = listText(parts);
      const found = split(encoder.encode(text), sizes);
      // Lone surrogates cannot be written as UTF-8.
      assert.deepEqual(found.items, parts.items.map((item) => decoder.decode(encoder.encode(item))));
      assert.deepEqual(found.head, {
        kind: "PodList",
        apiVersion: "v1",
        resourceVersion: parse(parts.version)?.value,
        continue: parse(parts.token)?.value,
      });
    }),
    { numRuns: fuzzRuns },
  );
});

test("ListSplitter: a damaged list in any chunks gives the items that JSON.parse finds, or a JsonSyntaxError", () => {
  fc.assert(
    fc.property(
      listOf(flatItem),
      fc.array(damage, { minLength: 1, maxLength: 3 }),
      chunkSizes,
      (parts, done, sizes) => {
        const bytes = damaged(encoder.encode(listText(parts)), done);
        const found = orSyntaxError(() => split(bytes, sizes));
        if (found instanceof JsonSyntaxError) return;
        const parsed = parse(decoder.decode(bytes))?.value;
        assert.ok(isObject(parsed), "it is no object");
        assert.deepEqual(found.items.map((item): unknown => JSON.parse(item)), parsed["items"] ?? []);
        const metadata = isObject(parsed["metadata"]) ? parsed["metadata"] : {};
        assert.equal(found.head.resourceVersion, metadata["resourceVersion"] ?? "");
        assert.equal(found.head.continue, metadata["continue"] ?? "");
      },
    ),
    { numRuns: 5 * fuzzRuns },
  );
});

const eventType = fc.constantFrom<WatchEventType>("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR");
const objectText = fc.oneof(
  { weight: 20, arbitrary: valueText.map((value) => objectOf([['"a"', value]])) },
  deepText(50),
  valueText,
);

/** Events as texts, as the API server writes them or in other ways, with what JSON.parse makes of each. */
const event = fc.record({
  type: eventType,
  object: objectText,
  others: fc.array(fc.tuple(keyText, valueText), { maxLength: 2 }),
  asServer: fc.boolean(),
  typeLast: fc.boolean(),
  spaces,
});

type EventParts = typeof event extends fc.Arbitrary<infer Parts> ? Parts : never;

function eventText({ type, object, others, asServer, typeLast, spaces }: EventParts): string {
  if (asServer) return `{"type":"${type}","object":${object}}\n`;
  const both = [['"type"', `"${type}"`], ['"object"', object]] as const;
  const unknown = others.filter(([key]) => !["type", "object"].includes(String(JSON.parse(key))));
  return `${spaces.before}${objectOf([...(typeLast ? both.toReversed() : both), ...unknown], spaces)}${spaces.after}`;
}

test("WatchDecoder: any events in any chunks are given byte for byte", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 5 }), chunkSizes, (events, sizes) => {
      const { frames, failed, incomplete } = decode(encoder.encode(events.map(eventText).join("")), sizes);
      assert.deepEqual([failed, incomplete], [undefined, false]);
      assert.deepEqual(
        frames,
        events.map(({ type, object }) => [type, decoder.decode(encoder.encode(object))]),
      );
    }),
    { numRuns: fuzzRuns },
  );
});

/** Reads events one after the other: each ends at the first brace with which it is JSON. */
function readEvents(text: string): { readonly frames: readonly unknown[]; readonly whole: boolean } {
  const frames: unknown[] = [];
  let rest = text.replace(/^[ \r\n\t]+/, "");
  while (rest !== "") {
    let value: unknown;
    let end = rest.startsWith("{") ? 0 : -1;
    do end = end < 0 ? -1 : rest.indexOf("}", end) + 1 || -1; while (
      end > 0 && (value = parse(rest.slice(0, end))?.value) === undefined
    );
    if (end < 0 || !isObject(value) || !eventTypes.has(String(value["type"])) || !("object" in value)) {
      return { frames, whole: false };
    }
    frames.push([value["type"], value["object"]]);
    rest = rest.slice(end).replace(/^[ \r\n\t]+/, "");
  }
  return { frames, whole: true };
}

const eventTypes = new Set(["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]);

test("WatchDecoder: damaged events in any chunks are those that JSON.parse finds, up to an error or an end within one", () => {
  fc.assert(
    fc.property(
      fc.array(event, { minLength: 1, maxLength: 3 }),
      fc.array(damage, { minLength: 1, maxLength: 3 }),
      chunkSizes,
      (events, done, sizes) => {
        const bytes = damaged(encoder.encode(events.map(eventText).join("")), done);
        const { frames, failed, incomplete } = decode(bytes, sizes);
        const wanted = readEvents(decoder.decode(bytes));
        const found = frames.map(([type, object]): unknown => [type, JSON.parse(object)]);
        assert.deepEqual(found, wanted.frames.slice(0, found.length));
        if (failed !== undefined || incomplete) return;
        assert.deepEqual([found.length, wanted.whole], [wanted.frames.length, true]);
      },
    ),
    { numRuns: 5 * fuzzRuns },
  );
});

describe("An object of 5 MB is given whole in chunks of", () => {
  const long = "x\\u0000é😀".repeat(300_000);
  const object = `{"metadata":{"name":"${long}"},"spec":${"[".repeat(5_000)}${"]".repeat(5_000)},"data":"${long}"}`;
  for (const sizes of [[1 << 30], [65_536], [16_384, 1, 9_000], [97]]) {
    test(`${sizes.join(", ")} bytes`, () => {
      const found = split(encoder.encode(`{"items":[{},${object},{}]}`), sizes);
      assert.ok(found.items.length === 3 && found.items[1] === object);
      const { frames } = decode(encoder.encode(`{"type":"ADDED","object":${object}}\n`), sizes);
      assert.ok(frames.length === 1 && frames[0]?.[1] === object);
    });
  }
});
