import type { BinaryReader } from "@bufbuild/protobuf/wire";
import { readMessage } from "./protobuf_wire.ts";

/** ObjectMeta as its JSON has it; members that are empty are missing. */
export interface ObjectMetaJson {
  name?: string;
  generateName?: string;
  namespace?: string;
  selfLink?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReferenceJson[];
  finalizers?: string[];
  managedFields?: ManagedFieldsJson[];
}

export interface OwnerReferenceJson {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ManagedFieldsJson {
  manager?: string;
  operation?: string;
  apiVersion?: string;
  time?: string;
  fieldsType?: string;
  fieldsV1?: unknown;
  subresource?: string;
}

/** Reads an ObjectMeta message (field numbers: apimachinery meta/v1 generated.proto). @throws StatusError 400 */
export function decodeObjectMeta(message: Uint8Array): ObjectMetaJson {
  const meta: ObjectMetaJson = {};
  readMessage(message, (field, reader) => readTextField(meta, field, reader) || readOtherField(meta, field, reader));
  return ordered(meta);
}

/** Go writes the empty ones too, and leaves them out of JSON. */
function readTextField(meta: ObjectMetaJson, field: number, reader: BinaryReader): boolean {
  const name = TEXT_FIELDS[field];
  if (name === undefined) return false;
  const text = reader.string();
  if (text !== "") meta[name] = text;
  return true;
}

const TEXT_FIELDS: Readonly<
  Record<number, "name" | "generateName" | "namespace" | "selfLink" | "uid" | "resourceVersion">
> = { 1: "name", 2: "generateName", 3: "namespace", 4: "selfLink", 5: "uid", 6: "resourceVersion" };

function readOtherField(meta: ObjectMetaJson, field: number, reader: BinaryReader): boolean {
  switch (field) {
    case 7:
      assign(meta, "generation", Number(reader.int64()) || undefined);
      return true;
    case 8:
      assign(meta, "creationTimestamp", decodeTime(reader.bytes()));
      return true;
    case 9:
      assign(meta, "deletionTimestamp", decodeTime(reader.bytes()));
      return true;
    case 10:
      meta.deletionGracePeriodSeconds = Number(reader.int64());
      return true;
    case 11:
      meta.labels = { ...meta.labels, ...decodeMapEntry(reader.bytes()) };
      return true;
    case 12:
      meta.annotations = { ...meta.annotations, ...decodeMapEntry(reader.bytes()) };
      return true;
    case 13:
      (meta.ownerReferences ??= []).push(decodeOwnerReference(reader.bytes()));
      return true;
    case 14:
      (meta.finalizers ??= []).push(reader.string());
      return true;
    case 17:
      (meta.managedFields ??= []).push(decodeManagedFields(reader.bytes()));
      return true;
    default:
      return false;
  }
}

/** Time as JSON has it, whole seconds; missing for Go's zero time, which is an empty message. @throws StatusError 400 */
function decodeTime(message: Uint8Array): string | undefined {
  const { seconds, nanos } = decodeTimestamp(message);
  return seconds === 0 && nanos === 0 ? undefined : `${dateTime(seconds)}Z`;
}

/** MicroTime as JSON has it, always with six digits of a second; missing for Go's zero time. @throws StatusError 400 */
export function decodeMicroTime(message: Uint8Array): string | undefined {
  const { seconds, nanos } = decodeTimestamp(message);
  if (seconds === 0 && nanos === 0) return undefined;
  return `${dateTime(seconds)}.${String(Math.trunc(nanos / 1000)).padStart(6, "0")}Z`;
}

function decodeTimestamp(message: Uint8Array): { seconds: number; nanos: number } {
  const timestamp = { seconds: 0, nanos: 0 };
  readMessage(message, (field, reader) => {
    if (field === 1) timestamp.seconds = Number(reader.int64());
    else if (field === 2) timestamp.nanos = reader.int32();
    else return false;
    return true;
  });
  return timestamp;
}

// From the year 1 to 9999: what RFC 3339 can say. toISOString throws beyond what a Date can be.
const EARLIEST_SECONDS = -62_135_596_800;
const LATEST_SECONDS = 253_402_300_799;

function dateTime(seconds: number): string {
  const bounded = Math.min(Math.max(seconds, EARLIEST_SECONDS), LATEST_SECONDS);
  return new Date(bounded * 1000).toISOString().slice(0, "2006-01-02T15:04:05".length);
}

function decodeMapEntry(message: Uint8Array): Record<string, string> {
  let key = "";
  let value = "";
  readMessage(message, (field, reader) => {
    if (field === 1) key = reader.string();
    else if (field === 2) value = reader.string();
    else return false;
    return true;
  });
  return Object.fromEntries([[key, value]]);
}

function decodeOwnerReference(message: Uint8Array): OwnerReferenceJson {
  const owner: OwnerReferenceJson = { apiVersion: "", kind: "", name: "", uid: "" };
  readMessage(message, (field, reader) => {
    if (field === 1) owner.kind = reader.string();
    else if (field === 3) owner.name = reader.string();
    else if (field === 4) owner.uid = reader.string();
    else if (field === 5) owner.apiVersion = reader.string();
    else if (field === 6) owner.controller = reader.bool();
    else if (field === 7) owner.blockOwnerDeletion = reader.bool();
    else return false;
    return true;
  });
  return owner;
}

function decodeManagedFields(message: Uint8Array): ManagedFieldsJson {
  const read: ManagedFieldsJson = {};
  readMessage(message, (field, reader) => {
    if (field === 1) assign(read, "manager", reader.string() || undefined);
    else if (field === 2) assign(read, "operation", reader.string() || undefined);
    else if (field === 3) assign(read, "apiVersion", reader.string() || undefined);
    else if (field === 4) assign(read, "time", decodeTime(reader.bytes()));
    else if (field === 6) assign(read, "fieldsType", reader.string() || undefined);
    else if (field === 7) assign(read, "fieldsV1", decodeFieldsV1(reader.bytes()));
    else if (field === 8) assign(read, "subresource", reader.string() || undefined);
    else return false;
    return true;
  });
  const { manager, operation, apiVersion, time, fieldsType, fieldsV1, subresource } = read;
  return defined({ manager, operation, apiVersion, time, fieldsType, fieldsV1, subresource });
}

function decodeFieldsV1(message: Uint8Array): unknown {
  let json = "";
  readMessage(message, (field, reader) => {
    if (field !== 1) return false;
    json = new TextDecoder().decode(reader.bytes());
    return true;
  });
  return json === "" ? undefined : JSON.parse(json);
}

/** In the order in which Go writes them, whatever the order on the wire; maps by their keys. */
function ordered(meta: ObjectMetaJson): ObjectMetaJson {
  const { name, generateName, namespace, selfLink, uid, resourceVersion, generation, creationTimestamp } = meta;
  const { deletionTimestamp, deletionGracePeriodSeconds, labels, annotations } = meta;
  const { ownerReferences, finalizers, managedFields } = meta;
  return defined({
    ...{ name, generateName, namespace, selfLink, uid, resourceVersion, generation, creationTimestamp },
    ...{ deletionTimestamp, deletionGracePeriodSeconds, labels: sorted(labels), annotations: sorted(annotations) },
    ...{ ownerReferences, finalizers, managedFields },
  });
}

function sorted(map: Record<string, string> | undefined): Record<string, string> | undefined {
  return map && Object.fromEntries(Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the members that are undefined, which JSON does not have. */
export function defined<T extends object>(members: T): Defined<T> {
  // Only members whose value is undefined are taken out, which is what Defined says.
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Defined<T>;
}

function assign<T extends object, K extends keyof T>(target: T, key: K, value: T[K] | undefined): void {
  if (value !== undefined) target[key] = value;
}
