import {
  alreadyExists,
  badRequest,
  invalid,
  notFound,
  type StatusError,
  unsupportedMediaType,
} from "../kube/status.ts";
import { uidConflict, writeConflict } from "./api_error.ts";
import {
  type ApiObject,
  fieldAt,
  fieldText,
  isJsonObject,
  type JsonObject,
  type ObjectInput,
  sameJson,
} from "./api_object.ts";
import { type ApiContext, type ApiRequest, contentTypeOf, keyOf, namespaceOf, readBody } from "./api_request.ts";
import { applyMergePatch } from "./merge_patch.ts";
import type { ObjectKey } from "./object_store.ts";
import { apiVersionOf, qualifiedResource, type ResourceType, resourceTypes } from "./resource_type.ts";
import { applyTypedPatch, isTypedPatch } from "./typed_patch.ts";

/** POST to a collection. @throws StatusError */
export async function createObject(context: ApiContext, request: ApiRequest): Promise<JsonObject> {
  const { type } = request;
  const namespace = namespaceOf(request);
  const input = await readObject(request);
  const name = input.metadata?.name ?? generatedName(context, input);
  if (name === "") {
    throw invalid(`${type.kind} "" is invalid: metadata.name: Required value: name or generateName is required`);
  }
  checkPlace(request, input);
  if (input.metadata?.resourceVersion) throw badRequest("resourceVersion should not be set on objects to be created");
  requireNamespace(context, namespace);
  const key = { resource: qualifiedResource(type), namespace, name };
  if (context.objects.get(key)) throw alreadyExists({ ...type, name });
  const now = timestamp(context);
  const make = (resourceVersion: string): ApiObject => ({
    ...input,
    kind: type.kind,
    apiVersion: apiVersionOf(type),
    metadata: {
      ...input.metadata,
      name,
      ...(type.namespaced ? { namespace } : {}),
      uid: newUid(context),
      resourceVersion,
      creationTimestamp: now,
    },
    ...(type.resource === "pods" ? { status: { phase: "Pending" } } : {}),
    ...(type.resource === "namespaces" ? { status: { phase: "Active" } } : {}),
  });
  return isDryRun(request) ? make("") : context.objects.put(key, make);
}

/** PUT of an object or of its status. @throws StatusError 409 where the version sent is not the newest */
export async function updateObject(context: ApiContext, request: ApiRequest): Promise<JsonObject> {
  const key = keyOf(request);
  const input = await readObject(request);
  checkPlace(request, input);
  return replaceObject(context, { request, key, input });
}

/**
 * PATCH by a merge patch, or by a strategic one: of a status that is known as the API server applies it, else taken for a
 * merge patch ({@link applyMergePatch}).
 *
 * @throws StatusError
 */
export async function patchObject(context: ApiContext, request: ApiRequest): Promise<JsonObject> {
  const key = keyOf(request);
  const contentType = contentTypeOf(request.exchange);
  if (contentType !== "application/merge-patch+json" && contentType !== "application/strategic-merge-patch+json") {
    throw unknownMediaType("application/merge-patch+json, application/strategic-merge-patch+json");
  }
  const patch = parseJson(await readBody(request.exchange));
  const current = context.objects.get(key);
  if (current === undefined) throw notFound({ ...key.type, name: key.name });
  const input = isTypedPatch(request, contentType) ? applyTypedPatch(current, patch) : applyMergePatch(current, patch);
  const { uid: patchUid, resourceVersion: patchVersion } = metadataOf(patch);
  const { resourceVersion: _held, ...metadata } = metadataOf(input);
  return replaceObject(context, {
    request,
    key,
    input: {
      ...(isJsonObject(input) ? input : {}),
      metadata: {
        ...metadata,
        ...(patchUid === undefined ? {} : { uid: patchUid }),
        ...(patchVersion === undefined ? {} : { resourceVersion: patchVersion }),
      },
    },
  });
}

/**
 * DELETE. A pod that is bound to a node is only marked, and goes when its kubelet deletes it with a grace of 0, as with
 * the real API server. Finalizers are not known here.
 *
 * @throws StatusError
 */
export async function deleteObject(context: ApiContext, request: ApiRequest): Promise<JsonObject> {
  const key = keyOf(request);
  const body = await readBody(request.exchange);
  const options = body === "" ? {} : parseJson(body);
  if (!isJsonObject(options)) throw badRequest("DeleteOptions must be an object");
  const current = context.objects.get(key);
  if (current === undefined) throw notFound({ ...key.type, name: key.name });
  checkPreconditions(key, { current, options });
  const isPod = key.type.resource === "pods";
  const isDry = isDryRun(request) || (Array.isArray(options["dryRun"]) && options["dryRun"].length > 0);
  const grace = graceSeconds(request, options);
  if (isPod && !isDry && grace > 0 && fieldAt(current, "spec.nodeName") !== undefined) {
    return current.metadata.deletionTimestamp ? current : markDeleted(context, { key, current, grace });
  }
  if (!isDry) {
    context.objects.remove(key);
    if (key.type.resource === "namespaces") emptyNamespace(context, key.name);
  }
  if (isPod) return current;
  const details = { name: key.name, kind: key.type.resource, uid: current.metadata.uid };
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
}

interface Replacement {
  readonly request: ApiRequest;
  readonly key: ObjectKey & { readonly type: ResourceType };
  readonly input: ObjectInput;
}

function replaceObject(context: ApiContext, { request, key, input }: Replacement): ApiObject {
  const { type, name } = key;
  const current = context.objects.get(key);
  if (current === undefined) throw notFound({ ...type, name });
  const { uid, resourceVersion } = input.metadata ?? {};
  if (uid && uid !== current.metadata.uid) throw uidConflict(type, { name, sent: uid, held: current.metadata.uid });
  if (resourceVersion && resourceVersion !== current.metadata.resourceVersion) {
    throw writeConflict(type, {
      name,
      why: "the object has been modified; please apply your changes to the latest version and try again",
    });
  }
  const next = (version: string): ApiObject => nextObject({ request, key, input }, { current, version });
  if (sameJson(next(current.metadata.resourceVersion), current)) return current;
  return isDryRun(request) ? next(current.metadata.resourceVersion) : context.objects.put(key, next);
}

function nextObject(
  { request, key, input }: Replacement,
  { current, version }: { readonly current: ApiObject; readonly version: string },
): ApiObject {
  const { creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, name, namespace, uid } = current.metadata;
  const metadata = {
    ...input.metadata,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    uid,
    resourceVersion: version,
    creationTimestamp,
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
  };
  const head = { kind: key.type.kind, apiVersion: apiVersionOf(key.type), metadata };
  if (request.info.subresource === "status") return { ...current, ...head, status: input["status"] };
  if (!key.type.statusSubresource) return { ...input, ...head };
  const { status: _ignored, ...rest } = input;
  return { ...rest, ...head, ...("status" in current ? { status: current["status"] } : {}) };
}

function markDeleted(
  context: ApiContext,
  { key, current, grace }: { readonly key: ObjectKey; readonly current: ApiObject; readonly grace: number },
): ApiObject {
  const deletionTimestamp = new Date(context.clock.now() + grace * 1000).toISOString().replace(/\.\d+Z$/, "Z");
  return context.objects.put(key, (resourceVersion) => ({
    ...current,
    metadata: { ...current.metadata, resourceVersion, deletionTimestamp, deletionGracePeriodSeconds: grace },
  }));
}

function emptyNamespace(context: ApiContext, namespace: string): void {
  for (const type of resourceTypes.filter((known) => known.namespaced)) {
    const resource = qualifiedResource(type);
    for (const { metadata } of context.objects.list(resource)) {
      if (metadata.namespace === namespace) context.objects.remove({ resource, namespace, name: metadata.name });
    }
  }
}

function checkPreconditions(
  key: ObjectKey & { readonly type: ResourceType },
  { current, options }: { readonly current: ApiObject; readonly options: JsonObject },
): void {
  const uid = fieldText(options, "preconditions.uid");
  if (uid === "" || uid === current.metadata.uid) return;
  throw uidConflict(key.type, { name: key.name, sent: uid, held: current.metadata.uid });
}

function graceSeconds(request: ApiRequest, options: JsonObject): number {
  const value = request.info.query.get("gracePeriodSeconds") ?? options["gracePeriodSeconds"] ?? 30;
  return Number(value);
}

async function readObject(request: ApiRequest): Promise<ObjectInput> {
  if (contentTypeOf(request.exchange) !== "application/json") throw unknownMediaType("application/json");
  const input = parseJson(await readBody(request.exchange));
  if (!isJsonObject(input)) throw badRequest("the body of the request is no object");
  const { apiVersion = apiVersionOf(request.type), kind = request.type.kind } = input;
  if (apiVersion !== apiVersionOf(request.type) || kind !== request.type.kind) {
    throw badRequest(`the object provided is ${String(apiVersion)} ${String(kind)}, not ${request.type.kind}`);
  }
  return { ...input, metadata: metadataOf(input) };
}

function metadataOf(input: unknown): NonNullable<ObjectInput["metadata"]> {
  const metadata = isJsonObject(input) ? input["metadata"] : undefined;
  return isJsonObject(metadata) ? metadata : {};
}

function checkPlace(request: ApiRequest, input: ObjectInput): void {
  const { name, namespace } = input.metadata ?? {};
  if (namespace !== undefined && namespace !== "" && namespace !== namespaceOf(request)) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  if (request.info.name !== "" && name !== undefined && name !== request.info.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${request.info.name})`);
  }
}

function requireNamespace(context: ApiContext, namespace: string): void {
  if (namespace === "" || context.objects.get({ resource: "namespaces", namespace: "", name: namespace })) return;
  const type = resourceTypes.find((known) => known.resource === "namespaces");
  if (type) throw notFound({ ...type, name: namespace });
}

function unknownMediaType(accepted: string): StatusError {
  return unsupportedMediaType(
    `the body of the request was in an unknown format - accepted media types include: ${accepted}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw badRequest(`Cannot read the body as JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function isDryRun(request: ApiRequest): boolean {
  return request.info.query.get("dryRun") === "All";
}

function generatedName(context: ApiContext, input: ObjectInput): string {
  const prefix = input.metadata?.generateName;
  if (prefix === undefined) return "";
  const alphabet = "bcdfghjklmnpqrstvwxz2456789";
  return prefix + Array.from(context.random.bytes(5), (byte) => alphabet[byte % alphabet.length]).join("");
}

function newUid(context: ApiContext): string {
  const hex = Array.from(context.random.bytes(16), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20)].join("-");
}

function timestamp(context: ApiContext): string {
  return new Date(context.clock.now()).toISOString().replace(/\.\d+Z$/, "Z");
}
