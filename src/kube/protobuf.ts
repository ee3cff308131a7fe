import { decodeMicroTime, decodeObjectMeta, defined, type ObjectMetaJson } from "./protobuf_meta.ts";
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

/** A Lease of coordination.k8s.io/v1 as its JSON has it. */
export interface LeaseJson {
  kind: "Lease";
  apiVersion: "coordination.k8s.io/v1";
  metadata: ObjectMetaJson;
  spec: LeaseSpecJson;
}

export interface LeaseSpecJson {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  /** RFC 3339 with microseconds. */
  acquireTime?: string;
  /** RFC 3339 with microseconds. */
  renewTime?: string;
  leaseTransitions?: number;
  strategy?: string;
  preferredHolder?: string;
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

/**
 * Decodes a Lease in an envelope of protobuf: the body with which kubelet makes or renews its lease.
 *
 * @throws StatusError 400, also for another kind
 */
export function decodeLease(bytes: Uint8Array): LeaseJson {
  const { apiVersion, kind, raw } = decodeUnknown(bytes);
  if (kind !== "Lease" || apiVersion !== "coordination.k8s.io/v1") {
    throw badRequest(`Cannot decode the lease: it is a ${kind} of ${apiVersion}`);
  }
  let metadata: ObjectMetaJson = {};
  let spec: LeaseSpecJson = {};
  readMessage(raw, (field, reader) => {
    if (field === 1) metadata = decodeObjectMeta(reader.bytes());
    else if (field === 2) spec = decodeSpec(reader.bytes());
    else return false;
    return true;
  });
  return { kind, apiVersion, metadata, spec };
}

function decodeSpec(message: Uint8Array): LeaseSpecJson {
  const spec: { -readonly [K in keyof LeaseSpecJson]: LeaseSpecJson[K] | undefined } = {};
  readMessage(message, (field, reader) => {
    if (field === 1) spec.holderIdentity = reader.string();
    else if (field === 2) spec.leaseDurationSeconds = reader.int32();
    else if (field === 3) spec.acquireTime = decodeMicroTime(reader.bytes());
    else if (field === 4) spec.renewTime = decodeMicroTime(reader.bytes());
    else if (field === 5) spec.leaseTransitions = reader.int32();
    else if (field === 6) spec.strategy = reader.string();
    else if (field === 7) spec.preferredHolder = reader.string();
    else return false;
    return true;
  });
  const { holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions, strategy } = spec;
  const { preferredHolder } = spec;
  return defined({
    ...{ holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions, strategy, preferredHolder },
  });
}
