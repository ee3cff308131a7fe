import { parseFieldSelector, requiredValue } from "./field_selector.ts";
import { parseListOptions } from "./list_options.ts";
import { badRequest, internalError, StatusError } from "./status.ts";
import { decodePath, parseQuery } from "./url.ts";

/** What a request asks for, as the API server's RequestInfoFactory reads it from method, path and query. */
export interface RequestInfo {
  /**
   * get, list, watch, create, update, patch, delete, deletecollection; proxy for the prefix of old; empty for a method
   * that no resource has. Of a non-resource path: the method in lower case.
   */
  readonly verb: string;
  readonly isResource: boolean;
  /** Decoded, without query. */
  readonly path: string;
  /** Path and query as sent. */
  readonly rawPath: string;
  readonly query: URLSearchParams;
  /** `api` or `apis`; empty for other paths. */
  readonly apiPrefix: string;
  readonly group: string;
  readonly version: string;
  /** Empty for none. For a Namespace itself: its own name, as the API server has it. */
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  /** Empty for none. A list or watch of one name has that name. */
  readonly name: string;
  /** The name that `fieldSelector` demands of a list, watch or deletecollection; empty for none. */
  readonly selectedName: string;
  /** From the resource on: resource, name, subresource and what follows. */
  readonly parts: readonly string[];
}

const METHOD_VERBS: Readonly<Record<string, string>> = {
  POST: "create",
  GET: "get",
  HEAD: "get",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};
const NAMESPACE_SUBRESOURCES: readonly string[] = ["status", "finalize"];
const LONG_RUNNING_VERBS: readonly string[] = ["watch", "proxy"];
const LONG_RUNNING_SUBRESOURCES: readonly string[] = ["attach", "exec", "proxy", "log", "portforward"];

/**
 * Reads method and raw path as k8s.io/apiserver pkg/endpoints/request/requestinfo.go does.
 *
 * @throws StatusError 400 where the path cannot be decoded, 500 for `/api/v1/watch` and `/api/v1/proxy` alone
 */
export function parseRequest(method: string, rawPath: string): RequestInfo {
  const { path, rawQuery } = splitRawPath(rawPath);
  const base = { ...NON_RESOURCE, verb: method.toLowerCase(), path, rawPath, query: parseQuery(rawQuery) };
  const parts = splitPath(path);
  const apiPrefix = parts[0] ?? "";
  if (parts.length < 3 || (apiPrefix !== "api" && apiPrefix !== "apis")) return base;
  if (apiPrefix === "apis" && parts.length < 4) return { ...base, apiPrefix };
  const group = apiPrefix === "apis" ? (parts[1] ?? "") : "";
  const [version = "", ...rest] = parts.slice(apiPrefix === "apis" ? 2 : 1);
  return resourceRequest({ ...base, isResource: true, apiPrefix, group, version }, { method, rest });
}

/**
 * Whether the request may go on without an end, so that no time limit and no limit of short requests holds for it:
 * the verbs and subresources for which kube-apiserver says so (every log, not only one that is followed).
 */
export function isLongRunning(info: RequestInfo): boolean {
  if (LONG_RUNNING_VERBS.includes(info.verb)) return true;
  if (info.isResource) return LONG_RUNNING_SUBRESOURCES.includes(info.subresource);
  return info.path.startsWith("/debug/pprof/");
}

const NON_RESOURCE = {
  isResource: false,
  apiPrefix: "",
  group: "",
  version: "",
  namespace: "",
  resource: "",
  subresource: "",
  name: "",
  selectedName: "",
  parts: [],
};

function resourceRequest(
  base: RequestInfo,
  { method, rest }: { method: string; rest: readonly string[] },
): RequestInfo {
  let verb = METHOD_VERBS[method] ?? "";
  let remaining = rest;
  if (rest[0] === "proxy" || rest[0] === "watch") {
    if (rest.length < 2) throw noKind(base);
    verb = rest[0];
    remaining = rest.slice(1);
  }
  const { namespace, parts } = splitNamespace(remaining);
  const [resource = "", name = "", subresource = ""] = parts;
  const named = { ...base, verb, namespace, parts, resource, name, subresource: verb === "proxy" ? "" : subresource };
  if (name === "" && verb === "get") return collectionRead(named);
  if (name === "" && verb === "delete") {
    return { ...named, verb: "deletecollection", selectedName: selectedNameIn(base.query.get("fieldSelector")) };
  }
  return verb === "watch" ? { ...named, selectedName: selectedNameIn(base.query.get("fieldSelector")) } : named;
}

function splitNamespace(parts: readonly string[]): { namespace: string; parts: readonly string[] } {
  if (parts[0] !== "namespaces") return { namespace: "", parts };
  const namespace = parts[1] ?? "";
  if (parts.length > 2 && !NAMESPACE_SUBRESOURCES.includes(parts[2] ?? "")) return { namespace, parts: parts.slice(2) };
  return { namespace, parts };
}

function collectionRead(info: RequestInfo): RequestInfo {
  const options = readOptions(info.query);
  const selectedName = options.fieldSelector === "" ? "" : selectedNameIn(options.fieldSelector);
  const name = isPathSegmentName(selectedName) ? selectedName : "";
  return { ...info, verb: options.watch ? "watch" : "list", name, selectedName };
}

/** Of options that cannot be read only `watch` counts, so that the verb is right when the request is refused. */
function readOptions(query: URLSearchParams): { readonly watch: boolean; readonly fieldSelector: string } {
  try {
    return parseListOptions(query);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    const watch = query.get("watch");
    return { watch: watch !== null && watch !== "0" && watch.toLowerCase() !== "false", fieldSelector: "" };
  }
}

function selectedNameIn(fieldSelector: string | null): string {
  try {
    return requiredValue(parseFieldSelector(fieldSelector ?? ""), "metadata.name") ?? "";
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return "";
  }
}

function isPathSegmentName(name: string): boolean {
  return name !== "." && name !== ".." && !/[/%]/.test(name);
}

function splitRawPath(rawPath: string): { path: string; rawQuery: string } {
  // RFC 9112 3.2.2: a request target may have the absolute form.
  const target = rawPath.startsWith("/") ? rawPath : rawPath.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, "");
  if (target === rawPath && !rawPath.startsWith("/") && rawPath !== "*") {
    throw badRequest(`parse ${JSON.stringify(rawPath)}: invalid URI for request`);
  }
  const mark = target.indexOf("?");
  return mark < 0
    ? { path: decodePath(target), rawQuery: "" }
    : { path: decodePath(target.slice(0, mark)), rawQuery: target.slice(mark + 1) };
}

function splitPath(path: string): readonly string[] {
  let start = 0;
  let end = path.length;
  while (start < end && path[start] === "/") start++;
  while (end > start && path[end - 1] === "/") end--;
  return start === end ? [] : path.slice(start, end).split("/");
}

function noKind(info: RequestInfo): StatusError {
  return internalError(
    `failed to create RequestInfo: unable to determine kind and namespace from url, ${info.rawPath}`,
  );
}
