import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { isJsonObject, type JsonObject } from "./json_equal.ts";
import { joinBytes } from "./joined_bytes.ts";
import { messageOf } from "./messages/json_to_message.ts";
import { membersOf } from "./messages/message_to_json.ts";
import { schemaOf } from "./messages/object_messages.ts";
import { decodeUnknown } from "./protobuf.ts";
import { badRequest } from "./status.ts";

const MAGIC: Uint8Array = Uint8Array.of(0x6b, 0x38, 0x73, 0x00);

/**
 * The JSON of a body of media type application/vnd.kubernetes.protobuf, as the API server would write it: a Lease, an
 * Event of either group, a TokenRequest, or DeleteOptions. Fields that a newer client sends are not in it; `jsonToProtobuf`
 * takes them from the body.
 *
 * @returns undefined for other kinds
 * @throws StatusError 400 where the body is none of that type
 */
export function protobufToJson(body: Uint8Array): Uint8Array | undefined {
  const { apiVersion, kind, raw } = decodeUnknown(body);
  const schema = schemaOf(apiVersion, kind);
  if (schema === undefined) return undefined;
  const type = `"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)}`;
  const members = membersOf(raw, schema);
  return new TextEncoder().encode(members === "" ? `{${type}}` : `{${type},${members}}`);
}

/**
 * The body of media type application/vnd.kubernetes.protobuf of an object that `protobufToJson` knows, byte for byte as Go
 * writes it.
 *
 * @param json the object, with `kind` and `apiVersion`
 * @param came a body of the same kind: what it holds that is not known here is taken over
 * @returns undefined for other kinds
 * @throws StatusError 400 where `json` is no such object
 */
export function jsonToProtobuf(json: Uint8Array, came?: Uint8Array): Uint8Array | undefined {
  const object = parse(json);
  const { apiVersion, kind } = object;
  if (typeof apiVersion !== "string" || typeof kind !== "string") throw badRequest("Object 'Kind' is missing");
  const schema = schemaOf(apiVersion, kind);
  if (schema === undefined) return undefined;
  const former = came === undefined ? undefined : decodeUnknown(came);
  const isSame = former?.apiVersion === apiVersion && former.kind === kind;
  return envelope({ apiVersion, kind, raw: messageOf(object, schema, isSame ? former.raw : undefined) });
}

function parse(json: Uint8Array): JsonObject {
  let object: unknown;
  try {
    object = JSON.parse(new TextDecoder().decode(json));
  } catch (cause) {
    throw badRequest(`the object provided is no JSON: ${cause instanceof Error ? cause.name : "malformed"}`);
  }
  if (!isJsonObject(object)) throw badRequest("the object provided is no JSON object");
  return object;
}

/** runtime.Unknown, whose content encoding and type Go writes though they are empty. */
function envelope({ apiVersion, kind, raw }: ReturnType<typeof decodeUnknown>): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).string(apiVersion);
  writer.tag(2, WireType.LengthDelimited).string(kind).join();
  writer.tag(2, WireType.LengthDelimited).bytes(raw);
  writer.tag(3, WireType.LengthDelimited).string("");
  writer.tag(4, WireType.LengthDelimited).string("");
  return joinBytes([MAGIC, writer.finish()]);
}
