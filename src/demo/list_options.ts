import { badRequest } from "../kube/status.ts";
import { invalidListOption } from "./api_error.ts";
import type { ApiRequest } from "./api_request.ts";
import { type ObjectPredicate, parseFieldSelector, parseLabelSelector, SelectorError } from "./selector.ts";

/** The options of a LIST or WATCH, checked. */
export interface ListOptions {
  readonly watch: boolean;
  /** Missing where the client gave none; `0` where it takes any. */
  readonly version: number | undefined;
  readonly versionMatch: "Exact" | "NotOlderThan" | undefined;
  readonly sendInitialEvents: boolean | undefined;
  readonly allowWatchBookmarks: boolean;
  readonly timeoutMs: number | undefined;
  readonly limit: number | undefined;
  readonly continueToken: string | undefined;
  readonly matches: ObjectPredicate;
}

/** @throws StatusError 400 for what cannot be read, 422 for combinations that the API does not have */
export function readListOptions(request: ApiRequest): ListOptions {
  const { query } = request;
  const version = versionOf(query.get("resourceVersion"));
  const timeoutSeconds = wholeNumber(query, "timeoutSeconds");
  const options: ListOptions = {
    watch: booleanOf(query, "watch") ?? false,
    version,
    versionMatch: versionMatchOf(query.get("resourceVersionMatch")),
    sendInitialEvents: booleanOf(query, "sendInitialEvents"),
    allowWatchBookmarks: booleanOf(query, "allowWatchBookmarks") ?? false,
    timeoutMs: timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000,
    limit: wholeNumber(query, "limit") || undefined,
    continueToken: query.get("continue") || undefined,
    matches: predicateOf(request),
  };
  checkCombination(options);
  return options;
}

function checkCombination(options: ListOptions): void {
  const { watch, version, versionMatch, sendInitialEvents } = options;
  if (watch) {
    if (versionMatch !== undefined && sendInitialEvents === undefined) {
      throw invalidListOption(
        "resourceVersionMatch",
        "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
      );
    }
    if (sendInitialEvents !== undefined && versionMatch !== "NotOlderThan") {
      throw invalidListOption(
        "resourceVersionMatch",
        "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
      );
    }
    return;
  }
  if (sendInitialEvents !== undefined) {
    throw invalidListOption("sendInitialEvents", "Forbidden: sendInitialEvents is forbidden for list");
  }
  if (versionMatch !== undefined && version === undefined) {
    throw invalidListOption(
      "resourceVersionMatch",
      "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
    );
  }
  if (versionMatch === "Exact" && version === 0) {
    throw invalidListOption(
      "resourceVersionMatch",
      'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    );
  }
}

function predicateOf(request: ApiRequest): ObjectPredicate {
  const { query, type, namespace, name } = request;
  try {
    const labels = parseLabelSelector(query.get("labelSelector") ?? "");
    const fields = parseFieldSelector(query.get("fieldSelector") ?? "", type);
    return (object) =>
      (namespace === "" || object.metadata.namespace === namespace) &&
      (name === undefined || object.metadata.name === name) && labels(object) && fields(object);
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message);
    throw error;
  }
}

function versionOf(text: string | null): number | undefined {
  if (text === null || text === "") return undefined;
  if (!/^\d+$/.test(text)) {
    throw badRequest(`Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`);
  }
  return Number(text);
}

function versionMatchOf(text: string | null): ListOptions["versionMatch"] {
  if (text === null || text === "") return undefined;
  if (text === "Exact" || text === "NotOlderThan") return text;
  throw invalidListOption(
    "resourceVersionMatch",
    `Unsupported value: "${text}": supported values: "Exact", "NotOlderThan", ""`,
  );
}

function booleanOf(query: URLSearchParams, name: string): boolean | undefined {
  const text = query.get(name);
  return text === null ? undefined : text !== "false" && text !== "0";
}

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  if (!/^\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`);
  return Number(text);
}
