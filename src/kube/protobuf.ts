import { type ReadField, readMessage } from "./protobuf_wire.ts";
import { badRequest } from "./status.ts";

/** A body of media type application/vnd.kubernetes.protobuf: its type, and the object's own message. */
export interface Unknown {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
}

/** What names an object in its protobuf form. Texts are empty where it lacks them. */
export interface ProtobufObjectMeta {
  readonly name: string;
  readonly generateName: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

const MAGIC: readonly number[] = [0x6b, 0x38, 0x73, 0x00];

/**
 * Opens the envelope of apimachinery's protobuf serializer (runtime.Unknown behind four magic bytes).
 *
 * @throws StatusError 400
 */
export function decodeUnknown(bytes: Uint8Array): Unknown {
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) {
    throw badRequest("provided data does not appear to be a protobuf message, expected prefix 6b387300");
  }
  let apiVersion = "";
  let kind = "";
  let raw: Uint8Array = new Uint8Array();
  let contentEncoding = "";
  readMessage(bytes.subarray(MAGIC.length), (field, reader) => {
    if (field === 1) ({ apiVersion, kind } = readTypeMeta(reader.bytes()));
    else if (field === 2) raw = reader.bytes();
    else if (field === 3) contentEncoding = reader.string();
    else return false;
    return true;
  });
  if (contentEncoding !== "") throw badRequest(`Cannot decode a body of content encoding ${contentEncoding}`);
  return { apiVersion, kind, raw };
}

function readTypeMeta(message: Uint8Array): { apiVersion: string; kind: string } {
  const type = { apiVersion: "", kind: "" };
  readMessage(message, (field, reader) => {
    if (field === 1) type.apiVersion = reader.string();
    else if (field === 2) type.kind = reader.string();
    else return false;
    return true;
  });
  return type;
}

/** Reads what names an object; `raw` is its message, of any kind: field 1 of each is ObjectMeta. @throws StatusError 400 */
export function readProtobufObjectMeta(raw: Uint8Array): ProtobufObjectMeta {
  const meta = { name: "", generateName: "", namespace: "", uid: "", resourceVersion: "" };
  const read: ReadField = (field, reader) => {
    if (field === 1) meta.name = reader.string();
    else if (field === 2) meta.generateName = reader.string();
    else if (field === 3) meta.namespace = reader.string();
    else if (field === 5) meta.uid = reader.string();
    else if (field === 6) meta.resourceVersion = reader.string();
    else return false;
    return true;
  };
  readMessage(raw, (field, reader) => {
    if (field !== 1) return false;
    readMessage(reader.bytes(), read);
    return true;
  });
  return meta;
}
