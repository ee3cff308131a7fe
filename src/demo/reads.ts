import { answerWriter, negotiateForm } from "./answer_form.ts";
import { continueExpired, encodeCloudContinue, readContinue, versionWithContinue } from "../kube/continue_token.ts";
import { resourceVersionProblem } from "../kube/list_options.ts";
import { badRequest, expired, notFound, resourceVersionTooLarge } from "../kube/status.ts";
import type { ApiObject, JsonObject } from "./api_object.ts";
import { type ApiContext, type ApiRequest, keyOf } from "./api_request.ts";
import type { ListQuery } from "./list_query.ts";
import { CompactedError } from "./object_store.ts";
import { qualifiedResource } from "./resource_type.ts";

/** GET of one object. @throws StatusError */
export function getObject(context: ApiContext, request: ApiRequest): JsonObject {
  const writer = writerOf(context, request);
  const version = request.info.query.get("resourceVersion") ?? "";
  const problem = resourceVersionProblem(version);
  if (problem !== undefined) throw problem;
  if (Number(version) > context.objects.version) throw resourceVersionTooLarge(version, context.objects.version, 1);
  const key = keyOf(request);
  const object = context.objects.get(key);
  if (object === undefined) throw notFound({ ...key.type, name: key.name });
  return writer.one(object);
}

/** LIST, in pages where `limit` asks for it; all pages show the state of the first. @throws StatusError */
export function listObjects(context: ApiContext, request: ApiRequest, query: ListQuery): JsonObject {
  const writer = writerOf(context, request);
  const { objects } = context;
  if (query.version > objects.version) {
    throw resourceVersionTooLarge(query.version, objects.version, 1);
  }
  const { limit, resourceVersion } = query.options;
  const page = pageOf(query, objects.version);
  const all = stateAt(context, {
    resource: qualifiedResource(request.type),
    version: page.version,
    paged: page.start !== "",
  })
    .filter((object) => query.matches(object) && startOf(object) >= page.start);
  const end = limit > 0 && resourceVersion !== "0" ? limit : all.length;
  const shown = all.slice(0, end);
  const last = shown.at(-1);
  const position = { resourceVersion: String(page.version), start: last === undefined ? "" : `${startOf(last)}\0` };
  return writer.list(shown, {
    resourceVersion: String(page.version),
    ...(all.length > end ? { continue: encodeCloudContinue(position), remainingItemCount: all.length - end } : {}),
  });
}

function startOf({ metadata }: ApiObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`.replace(/^\//, "");
}

function pageOf(query: ListQuery, current: number): { readonly version: number; readonly start: string } {
  const { options, version } = query;
  if (options.continue === "") {
    const match = options.resourceVersionMatch;
    const exact = version > 0 && (match === "Exact" || (match === "" && options.limit > 0));
    return { version: exact ? version : current, start: "" };
  }
  const token = readContinue(options.continue);
  if (token.from === "nobody") throw badRequest(token.problem);
  if (token.from === "hub") throw badRequest("invalid continue token: it is none of this server");
  if (options.resourceVersion !== "" && options.resourceVersion !== "0") throw versionWithContinue();
  return { version: Number(token.position.resourceVersion), start: token.position.start };
}

function stateAt(
  context: ApiContext,
  at: { readonly resource: string; readonly version: number; readonly paged: boolean },
): readonly ApiObject[] {
  try {
    return context.objects.list(at.resource, at.version);
  } catch (error) {
    if (!(error instanceof CompactedError)) throw error;
    throw at.paged ? continueExpired() : expired("The resourceVersion for the provided list is too old.");
  }
}

function writerOf(context: ApiContext, request: ApiRequest): ReturnType<typeof answerWriter> {
  return answerWriter(negotiateForm(request.exchange.header("accept")), {
    type: request.type,
    clock: context.clock,
    includeObject: request.info.query.get("includeObject") ?? undefined,
  });
}
