import type { Clock } from "../platform/clock.ts";
import type { Exchange } from "../platform/exchange.ts";
import type { Random } from "../platform/random.ts";
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

/** One request for a resource. */
export interface ApiRequest {
  readonly type: ResourceType;
  /** Empty for cluster-scoped resources and for all namespaces. */
  readonly namespace: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly query: URLSearchParams;
  readonly exchange: Exchange;
}

/** The API server's own limit for a body. */
const bodyLimitBytes = 3 * 1024 * 1024;

/** Reads path and query of a request for a resource. @throws StatusError 404 for every other path */
export function parseApiRequest(exchange: Exchange): ApiRequest {
  const url = new URL(exchange.rawPath, "http://server");
  const [root, ...segments] = url.pathname.slice(1).split("/").map(decodeURIComponent);
  const group = root === "apis" ? segments.shift() ?? "" : "";
  const version = segments.shift();
  const namespaced = segments[0] === "namespaces" && segments.length > 2;
  const namespace = namespaced ? segments[1] ?? "" : "";
  const [resource, name, subresource, ...rest] = namespaced ? segments.slice(2) : segments;
  const type = resourceTypes.find((known) =>
    known.group === group && known.version === version && known.resource === resource
  );
  if (type === undefined || rest.length > 0 || (namespaced && !type.namespaced)) throw pathNotFound();
  if (subresource !== undefined && !(subresource === "status" && type.statusSubresource)) throw pathNotFound();
  if (name !== undefined && type.namespaced && !namespaced) throw pathNotFound();
  return { type, namespace, name, subresource, query: url.searchParams, exchange };
}

/** The key of the object that a request names. @throws StatusError 404 where it names none */
export function keyOf(request: ApiRequest): ObjectKey & { readonly type: ResourceType } {
  const { type, namespace, name } = request;
  if (name === undefined) throw pathNotFound();
  return { resource: qualifiedResource(type), namespace, name, type };
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
