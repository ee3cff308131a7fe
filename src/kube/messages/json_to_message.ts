import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { isJsonObject, jsonEqual, type JsonObject } from "../json_equal.ts";
import { badRequest } from "../status.ts";
import type { Field, MessageSchema, ScalarType } from "./message_schema.ts";
import { membersOf } from "./message_to_json.ts";
import { timestampFromText } from "./timestamp.ts";
import { decoding, readWireFields, type WireField } from "./wire_fields.ts";

const INT32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };
/** Beyond these parsing has lost digits. */
const SAFE = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };

/**
 * The message of a JSON object, as Go writes it: fields by their numbers, empty ones too where Go has no pointer. Members
 * that the schema does not have are left out.
 *
 * @param came a message of the same schema whose fields are taken over that the schema does not have; those within the
 * elements of a list only where the element is still the same
 * @throws StatusError 400 where a member is of another type
 */
export function messageOf(object: JsonObject, schema: MessageSchema, came?: Uint8Array): Uint8Array {
  const former = came === undefined ? [] : readWireFields(came);
  const writer = new BinaryWriter();
  for (const field of schema.toSorted((a, b) => a.number - b.number)) {
    const value = Object.hasOwn(object, field.name) ? object[field.name] ?? undefined : undefined;
    writeField(writer, { field, value, former: former.filter(({ number }) => number === field.number) });
  }
  for (const { number, bytes } of former) {
    if (!schema.some((field) => field.number === number)) writer.raw(bytes);
  }
  return writer.finish();
}

interface Written {
  readonly field: Field;
  /** undefined for null too. */
  readonly value: unknown;
  /** What stood there for this field. */
  readonly former: readonly WireField[];
}

function writeField(writer: BinaryWriter, { field, value, former }: Written): void {
  const { number, name, type, shape, presence } = field;
  if (shape === "list") {
    if (value !== undefined && !Array.isArray(value)) throw wrongType(name, "a list");
    const elements: readonly unknown[] = value ?? [];
    elements.forEach((element, index) => {
      if (typeof type === "string") return writeScalar(writer, { number, name, type }, element);
      const same = sameElement(element, former[index], type);
      writer.tag(number, WireType.LengthDelimited).bytes(messageOf(objectOf(element, name), type, same));
    });
  } else if (shape === "map") {
    writeMap(writer, field, value);
  } else if (value !== undefined || presence === "value" || presence === "written") {
    if (typeof type === "string") return writeScalar(writer, { number, name, type }, value);
    const last = former.at(-1);
    const inner = messageOf(objectOf(value ?? {}, name), type, last === undefined ? undefined : contentOf(last));
    writer.tag(number, WireType.LengthDelimited).bytes(inner);
  }
}

/** What an element was, where it has not changed. */
function sameElement(element: unknown, former: WireField | undefined, schema: MessageSchema): Uint8Array | undefined {
  if (former === undefined) return undefined;
  const content = contentOf(former);
  return jsonEqual(JSON.parse(`{${membersOf(content, schema)}}`), element) ? content : undefined;
}

function contentOf({ payload }: WireField): Uint8Array {
  return decoding(() => new BinaryReader(payload).bytes());
}

function writeMap(writer: BinaryWriter, { number, name }: Field, value: unknown): void {
  const entries = Object.entries(objectOf(value ?? {}, name)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  for (const [key, text] of entries) {
    writer.tag(number, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(key);
    writer.tag(2, WireType.LengthDelimited).string(textOf(text ?? "", name));
    writer.join();
  }
}

interface ScalarField {
  readonly number: number;
  readonly name: string;
  readonly type: ScalarType;
}

function writeScalar(writer: BinaryWriter, { number, name, type }: ScalarField, value: unknown): void {
  switch (type) {
    case "string":
      writer.tag(number, WireType.LengthDelimited).string(textOf(value ?? "", name));
      return;
    case "bool":
      if (value !== undefined && typeof value !== "boolean") throw wrongType(name, "a boolean");
      writer.tag(number, WireType.Varint).bool(value ?? false);
      return;
    case "int32":
      writer.tag(number, WireType.Varint).int32(integerOf(value ?? 0, name, INT32));
      return;
    case "int64":
      writer.tag(number, WireType.Varint).int64(integerOf(value ?? 0, name, SAFE));
      return;
    case "time":
    case "microTime": {
      const message = value === undefined ? new Uint8Array() : timestampFromText(textOf(value, name), type);
      writer.tag(number, WireType.LengthDelimited).bytes(message);
      return;
    }
    case "fieldsV1":
      writer.tag(number, WireType.LengthDelimited).fork();
      writer.tag(1, WireType.LengthDelimited).string(JSON.stringify(value)).join();
  }
}

function objectOf(value: unknown, name: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw wrongType(name, "an object");
}

function textOf(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw wrongType(name, "a text");
}

function integerOf(value: unknown, name: string, { min, max }: { min: number; max: number }): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw wrongType(name, `a whole number from ${min} to ${max}`);
}

function wrongType(name: string, wanted: string): Error {
  return badRequest(`Cannot encode protobuf: ${name} is not ${wanted}`);
}
