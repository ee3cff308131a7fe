import type { Clock } from "../platform/clock.ts";
import { notAcceptable } from "../kube/status.ts";
import type { ApiObject, JsonObject } from "./api_object.ts";
import { objectTable, partialMetadata } from "./object_table.ts";
import { apiVersionOf, type ResourceType } from "./resource_type.ts";

/** How a client wants to see objects. */
export type AnswerForm = "object" | "table" | "partial";

/** Picks the first form of an `Accept` header that this server has. @throws StatusError 406 where there is none */
export function negotiateForm(accept: string | undefined): AnswerForm {
  if (accept === undefined || accept.trim() === "") return "object";
  for (const range of accept.split(",")) {
    const [mediaType = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    if (!["application/json", "application/*", "*/*"].includes(mediaType)) continue;
    const as = parameters.find((parameter) => parameter.startsWith("as="))?.slice(3);
    if (as === undefined) return "object";
    if (!parameters.includes("g=meta.k8s.io") || !parameters.includes("v=v1")) continue;
    if (as === "table") return "table";
    if (as === "partialobjectmetadata" || as === "partialobjectmetadatalist") return "partial";
  }
  throw notAcceptable("only the following media types are accepted: application/json");
}

/** Writes objects of one resource in one form. */
export interface AnswerWriter {
  /** A single object, or the object of an event; `first` false leaves a Table's columns out. */
  one(object: ApiObject, first?: boolean): JsonObject;
  list(objects: readonly ApiObject[], metadata: JsonObject): JsonObject;
  bookmark(metadata: JsonObject): JsonObject;
}

export interface AnswerOptions {
  readonly type: ResourceType;
  readonly clock: Clock;
  readonly includeObject: string | undefined;
}

export function answerWriter(form: AnswerForm, options: AnswerOptions): AnswerWriter {
  if (form === "table") return tableWriter(options);
  if (form === "partial") return partialWriter();
  const head = { kind: options.type.kind, apiVersion: apiVersionOf(options.type) };
  return {
    one: (object) => ({ ...head, ...object }),
    list: (objects, metadata) => ({
      kind: `${head.kind}List`,
      apiVersion: head.apiVersion,
      metadata,
      items: objects.map(({ kind: _kind, apiVersion: _apiVersion, ...item }) => item),
    }),
    bookmark: (metadata) => ({ ...head, metadata: { creationTimestamp: null, ...metadata } }),
  };
}

function tableWriter({ type, clock, includeObject }: AnswerOptions): AnswerWriter {
  const table = (objects: readonly ApiObject[], extra: { metadata: JsonObject; withColumns: boolean }) =>
    objectTable(objects, { type, nowMs: clock.now(), includeObject, ...extra });
  return {
    one: (object, first = true) =>
      table([object], { metadata: { resourceVersion: object.metadata.resourceVersion }, withColumns: first }),
    list: (objects, metadata) => table(objects, { metadata, withColumns: true }),
    bookmark: (metadata) => table([], { metadata, withColumns: false }),
  };
}

function partialWriter(): AnswerWriter {
  const head = { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1" };
  return {
    one: partialMetadata,
    list: (objects, metadata) => ({
      ...head,
      kind: "PartialObjectMetadataList",
      metadata,
      items: objects.map((object) => ({ metadata: object.metadata })),
    }),
    bookmark: (metadata) => ({ ...head, metadata: { creationTimestamp: null, ...metadata } }),
  };
}
