import { type MessageSchema, nullable, nullableList, pointer, value, written } from "./message_schema.ts";
import { DELETE_OPTIONS, OBJECT_META } from "./meta_messages.ts";

// Field numbers and presence: generated.proto and types.go of k8s.io/api, 1.36.

const LEASE: MessageSchema = [
  written(1, "metadata", OBJECT_META),
  written(2, "spec", [
    pointer(1, "holderIdentity"),
    pointer(2, "leaseDurationSeconds", "int32"),
    pointer(3, "acquireTime", "microTime"),
    pointer(4, "renewTime", "microTime"),
    pointer(5, "leaseTransitions", "int32"),
    pointer(6, "strategy"),
    pointer(7, "preferredHolder"),
  ]),
];

const OBJECT_REFERENCE: MessageSchema = [
  value(1, "kind"),
  value(2, "namespace"),
  value(3, "name"),
  value(4, "uid"),
  value(5, "apiVersion"),
  value(6, "resourceVersion"),
  value(7, "fieldPath"),
];

const EVENT_SOURCE: MessageSchema = [value(1, "component"), value(2, "host")];

const CORE_EVENT: MessageSchema = [
  written(1, "metadata", OBJECT_META),
  written(2, "involvedObject", OBJECT_REFERENCE),
  value(3, "reason"),
  value(4, "message"),
  written(5, "source", EVENT_SOURCE),
  written(6, "firstTimestamp", "time"),
  written(7, "lastTimestamp", "time"),
  value(8, "count", "int32"),
  value(9, "type"),
  written(10, "eventTime", "microTime"),
  pointer(11, "series", [value(1, "count", "int32"), written(2, "lastObservedTime", "microTime")]),
  value(12, "action"),
  pointer(13, "related", OBJECT_REFERENCE),
  written(14, "reportingComponent"),
  written(15, "reportingInstance"),
];

const EVENT: MessageSchema = [
  written(1, "metadata", OBJECT_META),
  written(2, "eventTime", "microTime"),
  pointer(3, "series", [written(1, "count", "int32"), written(2, "lastObservedTime", "microTime")]),
  value(4, "reportingController"),
  value(5, "reportingInstance"),
  value(6, "action"),
  value(7, "reason"),
  written(8, "regarding", OBJECT_REFERENCE),
  pointer(9, "related", OBJECT_REFERENCE),
  value(10, "note"),
  value(11, "type"),
  written(12, "deprecatedSource", EVENT_SOURCE),
  written(13, "deprecatedFirstTimestamp", "time"),
  written(14, "deprecatedLastTimestamp", "time"),
  value(15, "deprecatedCount", "int32"),
];

const BOUND_OBJECT_REFERENCE: MessageSchema = [
  value(1, "kind"),
  value(2, "apiVersion"),
  value(3, "name"),
  value(4, "uid"),
];

const TOKEN_REQUEST: MessageSchema = [
  written(1, "metadata", OBJECT_META),
  written(2, "spec", [
    nullableList(1, "audiences"),
    nullable(4, "expirationSeconds", "int64"),
    nullable(3, "boundObjectRef", BOUND_OBJECT_REFERENCE),
  ]),
  written(3, "status", [written(1, "token"), written(2, "expirationTimestamp", "time")]),
];

const SCHEMAS: ReadonlyMap<string, MessageSchema> = new Map([
  ["coordination.k8s.io/v1 Lease", LEASE],
  ["v1 Event", CORE_EVENT],
  ["events.k8s.io/v1 Event", EVENT],
  ["authentication.k8s.io/v1 TokenRequest", TOKEN_REQUEST],
]);

/** The message of a kind; undefined for those that are not known here. DeleteOptions belong to every API version. */
export function schemaOf(apiVersion: string, kind: string): MessageSchema | undefined {
  return kind === "DeleteOptions" ? DELETE_OPTIONS : SCHEMAS.get(`${apiVersion} ${kind}`);
}
