import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { joinBytes } from "../joined_bytes.ts";
import { badRequest } from "../status.ts";
import type { Field, MessageSchema, ScalarType } from "./message_schema.ts";
import { timestampToText } from "./timestamp.ts";
import { decoding, readWireFields, type WireField } from "./wire_fields.ts";

const HTML_CHARACTERS = /[<>&\u2028\u2029]/g;

/**
 * The members of a message's JSON object, as Go writes them, without the braces; fields that the schema does not have are
 * left out.
 *
 * @throws StatusError 400
 */
export function membersOf(message: Uint8Array, schema: MessageSchema): string {
  const present = new Map<number, WireField[]>();
  for (const field of readWireFields(message)) {
    const others = present.get(field.number);
    if (others === undefined) present.set(field.number, [field]);
    else others.push(field);
  }
  const members = schema.map((field) => memberOf(field, present.get(field.number) ?? []));
  return members.filter((member) => member !== undefined).join(",");
}

function memberOf(field: Field, values: readonly WireField[]): string | undefined {
  const value = valueOf(field, values) ?? (field.presence === "nullable" ? "null" : undefined);
  return value === undefined ? undefined : `${JSON.stringify(field.name)}:${value}`;
}

/** The value in JSON; undefined where Go leaves it out. */
function valueOf(field: Field, values: readonly WireField[]): string | undefined {
  const { type, shape, presence } = field;
  if (shape === "list") {
    return values.length === 0 ? undefined : `[${values.map((value) => singleOf(type, value)).join(",")}]`;
  }
  if (shape === "map") return values.length === 0 ? undefined : mapOf(values);
  const last = values.at(-1);
  if (typeof type !== "string") return objectOf(type, values, presence);
  if (last === undefined) return presence === "written" ? EMPTY[type] : undefined;
  const text = scalarOf(type, last);
  return presence === "value" && text === EMPTY[type] ? undefined : text;
}

const EMPTY: Readonly<Record<ScalarType, string>> = {
  string: `""`,
  bool: "false",
  int32: "0",
  int64: "0",
  time: "null",
  microTime: "null",
  fieldsV1: "null",
};

/** A message that stands there twice is one: its parts are read behind one another. */
function objectOf(
  schema: MessageSchema,
  values: readonly WireField[],
  presence: Field["presence"],
): string | undefined {
  if (values.length === 0 && presence !== "written") return undefined;
  return `{${membersOf(joinBytes(values.map(bytesOf)), schema)}}`;
}

function mapOf(values: readonly WireField[]): string {
  const entries = new Map<string, string>();
  for (const value of values) {
    const entry = readWireFields(bytesOf(value));
    const [key, text] = [1, 2].map((number) => entry.findLast((one) => one.number === number));
    entries.set(
      key === undefined ? `""` : scalarOf("string", key),
      text === undefined ? `""` : scalarOf("string", text),
    );
  }
  const sorted = [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, text]) => `${key}:${text}`).join(",")}}`;
}

function singleOf(type: Field["type"], value: WireField): string {
  return typeof type === "string" ? scalarOf(type, value) : `{${membersOf(bytesOf(value), type)}}`;
}

function scalarOf(type: ScalarType, value: WireField): string {
  switch (type) {
    case "string":
      return goText(JSON.stringify(decoding(() => new TextDecoder().decode(bytesOf(value)))));
    case "bool":
      return String(decoding(() => varintOf(value).bool()));
    case "int32":
      return String(decoding(() => varintOf(value).int32()));
    case "int64":
      return String(decoding(() => varintOf(value).int64()));
    case "time":
    case "microTime": {
      const text = timestampToText(bytesOf(value), type);
      return text === undefined ? "null" : JSON.stringify(text);
    }
    case "fieldsV1":
      return fieldsOf(bytesOf(value));
  }
}

/** JSON within protobuf: it is checked, and written as it is but for what Go escapes. */
function fieldsOf(message: Uint8Array): string {
  const raw = readWireFields(message).findLast(({ number }) => number === 1);
  if (raw === undefined) return "null";
  const text = new TextDecoder().decode(bytesOf(raw));
  try {
    JSON.parse(text);
  } catch {
    throw badRequest("Cannot decode protobuf: fieldsV1 is no JSON");
  }
  return goText(text);
}

function bytesOf({ number, wireType, payload }: WireField): Uint8Array {
  if (wireType !== WireType.LengthDelimited) throw wrongWireType(number);
  return decoding(() => new BinaryReader(payload).bytes());
}

function varintOf({ number, wireType, payload }: WireField): BinaryReader {
  if (wireType !== WireType.Varint) throw wrongWireType(number);
  return new BinaryReader(payload);
}

function wrongWireType(number: number): Error {
  return badRequest(`Cannot decode protobuf: field ${number} has another wire type`);
}

/** With the characters escaped that Go's encoder escapes beyond JSON's own. */
function goText(json: string): string {
  return json.replace(HTML_CHARACTERS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
