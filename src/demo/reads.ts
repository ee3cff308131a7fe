import { answerWriter, negotiateForm } from "./answer_form.ts";
import { badRequest, expired, notFound, resourceVersionTooLarge } from "../kube/status.ts";
import type { ApiObject, JsonObject } from "./api_object.ts";
import { type ApiContext, type ApiRequest, keyOf } from "./api_request.ts";
import type { ListQuery } from "./list_query.ts";
import { CompactedError } from "./object_store.ts";
import { qualifiedResource } from "./resource_type.ts";

/** GET of one object. @throws StatusError */
export function getObject(context: ApiContext, request: ApiRequest): JsonObject {
  const writer = writerOf(context, request);
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
  const { limit } = query.options;
  const page = pageOf(query, objects.version);
  const all = stateAt(context, {
    resource: qualifiedResource(request.type),
    version: page.version,
    paged: page.start > 0,
  })
    .filter(query.matches);
  const end = limit === 0 ? all.length : page.start + limit;
  const remaining = Math.max(0, all.length - end);
  return writer.list(all.slice(page.start, end), {
    resourceVersion: String(page.version),
    ...(remaining > 0
      ? { continue: btoa(JSON.stringify({ version: page.version, start: end })), remainingItemCount: remaining }
      : {}),
  });
}

function pageOf(query: ListQuery, current: number): { readonly version: number; readonly start: number } {
  const { options, version } = query;
  if (options.continue === "") {
    const match = options.resourceVersionMatch;
    const exact = version > 0 && (match === "Exact" || (match === "" && options.limit > 0));
    return { version: exact ? version : current, start: 0 };
  }
  try {
    const token: unknown = JSON.parse(atob(options.continue));
    if (typeof token === "object" && token !== null && "version" in token && "start" in token) {
      const { version, start } = token;
      if (typeof version === "number" && typeof start === "number") return { version, start };
    }
  } catch (cause) {
    if (!(cause instanceof SyntaxError) && !(cause instanceof DOMException)) throw cause;
  }
  throw badRequest("continue key is not valid");
}

function stateAt(
  context: ApiContext,
  at: { readonly resource: string; readonly version: number; readonly paged: boolean },
): readonly ApiObject[] {
  try {
    return context.objects.list(at.resource, at.version);
  } catch (error) {
    if (!(error instanceof CompactedError)) throw error;
    throw expired(
      at.paged
        ? "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter."
        : `The resourceVersion for the provided list is too old: ${at.version}`,
    );
  }
}

function writerOf(context: ApiContext, request: ApiRequest): ReturnType<typeof answerWriter> {
  return answerWriter(negotiateForm(request.exchange.header("accept")), {
    type: request.type,
    clock: context.clock,
    includeObject: request.info.query.get("includeObject") ?? undefined,
  });
}
