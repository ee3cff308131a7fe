import { list, map, type MessageSchema, pointer, value, written } from "./message_schema.ts";

// Field numbers and presence: apimachinery pkg/apis/meta/v1 generated.proto and types.go, 1.36.

const OWNER_REFERENCE: MessageSchema = [
  written(5, "apiVersion"),
  written(1, "kind"),
  written(3, "name"),
  written(4, "uid"),
  pointer(6, "controller", "bool"),
  pointer(7, "blockOwnerDeletion", "bool"),
];

const MANAGED_FIELDS: MessageSchema = [
  value(1, "manager"),
  value(2, "operation"),
  value(3, "apiVersion"),
  pointer(4, "time", "time"),
  value(6, "fieldsType"),
  pointer(7, "fieldsV1", "fieldsV1"),
  value(8, "subresource"),
];

export const OBJECT_META: MessageSchema = [
  value(1, "name"),
  value(2, "generateName"),
  value(3, "namespace"),
  value(4, "selfLink"),
  value(5, "uid"),
  value(6, "resourceVersion"),
  value(7, "generation", "int64"),
  value(8, "creationTimestamp", "time"),
  pointer(9, "deletionTimestamp", "time"),
  pointer(10, "deletionGracePeriodSeconds", "int64"),
  map(11, "labels"),
  map(12, "annotations"),
  list(13, "ownerReferences", OWNER_REFERENCE),
  list(14, "finalizers"),
  list(17, "managedFields", MANAGED_FIELDS),
];

const PRECONDITIONS: MessageSchema = [pointer(1, "uid"), pointer(2, "resourceVersion")];

export const DELETE_OPTIONS: MessageSchema = [
  pointer(1, "gracePeriodSeconds", "int64"),
  pointer(2, "preconditions", PRECONDITIONS),
  pointer(3, "orphanDependents", "bool"),
  pointer(4, "propagationPolicy"),
  list(5, "dryRun"),
  pointer(6, "ignoreStoreReadErrorWithClusterBreakingPotential", "bool"),
];
