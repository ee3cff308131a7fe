import { z } from "zod";
import type { ObjectPath } from "./object_path.ts";

/** `status`: of a Pod or Node. `create`, `patch`: of an Event. */
export type OutboxKind = "status" | "create" | "patch";

/** All that waits to be written to one object: consecutive writes are folded. */
export interface OutboxEntry {
  readonly path: ObjectPath;
  readonly kind: OutboxKind;
  /** Grows with each entry: the order in which objects were first written to. */
  readonly sequence: number;
  /** Of the object; empty where it is to be created. */
  readonly uid: string;
  /** The object as the cloud gave it, on which the writes lie; missing where it is to be created. */
  readonly base?: Uint8Array;
  /** The object as it will be, as JSON. */
  readonly pending: Uint8Array;
  /** Of a create: its body as it came, which is pushed unless something was folded into it. */
  readonly came?: { readonly contentType: string; readonly body: Uint8Array };
  /** In whose name the fields are changed (managedFields); empty where nobody says. */
  readonly manager: string;
  /** How many were folded into it. */
  readonly writes: number;
  /** Of the first and of the last write, in milliseconds since 1970. */
  readonly since: number;
  readonly changedAt: number;
}

/**
 * How an entry has ended. `pushed`: the cloud has taken it. `unchanged`: the cloud had it already. `finished`: the pod has
 * succeeded or failed in the cloud meanwhile, and stays so. `gone`: the object is no longer there. `replaced`: another object
 * has its name. `refused`: by the cloud, for good. `not-understood`: how it lies over what the cloud has is not known.
 * `too-old`, `too-many`: an Event beyond its bounds. `unreadable`: its row did not open.
 */
export type SettledHow = typeof settledHows[number];

/** All of them. */
export const settledHows = [
  "pushed",
  "unchanged",
  "finished",
  "gone",
  "replaced",
  "refused",
  "not-understood",
  "too-old",
  "too-many",
  "unreadable",
] as const;

/** What is told of an entry that has ended. */
export interface Settled {
  readonly path: ObjectPath;
  readonly kind: OutboxKind;
  readonly sequence: number;
  readonly uid: string;
  readonly writes: number;
  readonly since: number;
  /** In milliseconds since 1970. */
  readonly settledAt: number;
  readonly how: SettledHow;
  /** The cloud's words, where it refused. */
  readonly message?: string;
}

const pathSchema = z.object({
  group: z.string(),
  version: z.string(),
  resource: z.string(),
  namespace: z.string(),
  name: z.string(),
});

const toldSchema = z.object({
  path: pathSchema,
  kind: z.enum(["status", "create", "patch"]),
  sequence: z.number(),
  uid: z.string(),
  writes: z.number(),
  since: z.number(),
});

const entrySchema = toldSchema.extend({
  manager: z.string(),
  changedAt: z.number(),
  contentType: z.string().exactOptional(),
  /** Of base, pending and what came, in this order; -1 for none. */
  lengths: z.tuple([z.number(), z.number(), z.number()]),
});

const settledSchema = toldSchema.extend({
  settledAt: z.number(),
  how: z.enum(settledHows),
  message: z.string().exactOptional(),
});

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const none = new Uint8Array();
const lineFeed = 10;

/** A line of JSON, then the bytes that it tells the lengths of. */
export function encodeEntry(entry: OutboxEntry): Uint8Array {
  const { base, pending, came, ...told } = entry;
  const head = {
    ...told,
    ...(came === undefined ? {} : { contentType: came.contentType }),
    lengths: [base?.length ?? -1, pending.length, came?.body.length ?? -1],
  };
  const parts = [encoder.encode(`${JSON.stringify(head)}\n`), base ?? none, pending, came?.body ?? none];
  const row = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    row.set(part, offset);
    offset += part.length;
  }
  return row;
}

/** @returns nothing where the value is no entry */
export function decodeEntry(row: Uint8Array): OutboxEntry | undefined {
  const end = row.indexOf(lineFeed);
  const head = entrySchema.safeParse(parse(row.subarray(0, Math.max(0, end))));
  if (!head.success) return undefined;
  const { lengths, contentType, ...told } = head.data;
  const parts: (Uint8Array | undefined)[] = [];
  let offset = end + 1;
  for (const length of lengths) {
    parts.push(length < 0 ? undefined : row.slice(offset, offset + length));
    offset += Math.max(0, length);
  }
  const [base, pending, body] = parts;
  if (offset !== row.length || pending === undefined) return undefined;
  return {
    ...told,
    pending,
    ...(base === undefined ? {} : { base }),
    ...(body === undefined || contentType === undefined ? {} : { came: { contentType, body } }),
  };
}

export function encodeSettled(settled: Settled): Uint8Array {
  return encoder.encode(JSON.stringify(settled));
}

/** @returns nothing where the value is no report */
export function decodeSettled(row: Uint8Array): Settled | undefined {
  const settled = settledSchema.safeParse(parse(row));
  return settled.success ? settled.data : undefined;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined; // no schema takes it
  }
}
