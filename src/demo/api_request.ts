import type { Clock } from "../platform/clock.ts";
import type { Exchange } from "../platform/exchange.ts";
import type { Random } from "../platform/random.ts";
import { parseRequest, type RequestInfo } from "../kube/request_info.ts";
import { requestEntityTooLarge } from "../kube/status.ts";
import { pathNotFound } from "./api_error.ts";
import type { ObjectKey, ObjectStore } from "./object_store.ts";
import { qualifiedResource, type ResourceType, resourceTypes } from "./resource_type.ts";

/** What the handlers of the embedded API server share. */
export interface ApiContext {
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly bookmarkIntervalMs: number;
  readonly watchTimeoutMs: number;
  /** Aborted when the server closes: watches end cleanly. */
  readonly closing: AbortSignal;
  /** Resolves at once unless the server is stalled; then when it goes on, or the signal is aborted. */
  flowing(signal: AbortSignal): Promise<void>;
}

/** One request for a resource that this server has. */
export interface ApiRequest {
  readonly info: RequestInfo;
  readonly type: ResourceType;
  readonly exchange: Exchange;
}

/** The API server's own limit for a body. */
const bodyLimitBytes = 3 * 1024 * 1024;

/** Reads method, path and query of a request for a resource. @throws StatusError 404 for every other path */
export function readApiRequest(exchange: Exchange): ApiRequest {
  const info = parseRequest(exchange.method, exchange.rawPath);
  const type = resourceTypes.find((known) =>
    known.group === info.group && known.version === info.version && known.resource === info.resource
  );
  if (type === undefined || info.parts.length > 3) throw pathNotFound();
  const namesOne = info.parts.length > 1;
  const inNamespace = namespaceOf({ info, type }) !== "";
  if (type.namespaced ? namesOne && !inNamespace : inNamespace) throw pathNotFound();
  if (info.subresource !== "" && !(info.subresource === "status" && type.statusSubresource)) throw pathNotFound();
  return { info, type, exchange };
}

/** The namespace in the path; empty for cluster-scoped resources. */
export function namespaceOf({ info, type }: Pick<ApiRequest, "info" | "type">): string {
  return type.resource === "namespaces" ? "" : info.namespace;
}

/** The key of the object that a request names. @throws StatusError 404 where it names none */
export function keyOf(request: ApiRequest): ObjectKey & { readonly type: ResourceType } {
  const { info, type } = request;
  if (info.name === "") throw pathNotFound();
  return { resource: qualifiedResource(type), namespace: namespaceOf(request), name: info.name, type };
}

/** The whole body as text. @throws StatusError 413 above 3 MiB */
export async function readBody(exchange: Exchange): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of exchange.body) {
    bytes += chunk.byteLength;
    if (bytes > bodyLimitBytes) throw requestEntityTooLarge(`limit is ${bodyLimitBytes}`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Media type of the body without parameters; JSON where the client names none. */
export function contentTypeOf(exchange: Exchange): string {
  return (exchange.header("content-type") ?? "application/json").split(";")[0]?.trim().toLowerCase() ?? "";
}
