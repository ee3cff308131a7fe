import { parseFieldSelector } from "./field_selector.ts";
import { parseLabelSelector } from "./label_selector.ts";
import { badRequest, type StatusCause, StatusError } from "./status.ts";

/** The options of list, watch and deletecollection. Texts are as the client sent them, empty where it sent none. */
export interface ListOptions {
  readonly labelSelector: string;
  readonly fieldSelector: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  /** 0 for no limit. */
  readonly limit: number;
  readonly continue: string;
  readonly watch: boolean;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  /** Missing, or 0, for the server's own choice. */
  readonly timeoutSeconds: number | undefined;
  /** Kubernetes 1.36: part of the collection only. Such a request is never answered from a whole one. */
  readonly shardSelector: string;
}

/**
 * Reads the options from a query as the API server does: of several values the first counts, a boolean is false for
 * `0` and `false` only, both selectors must be well-formed. Nothing is checked beyond each value's own form.
 *
 * @throws StatusError 400 with the API server's message
 */
export function parseListOptions(query: URLSearchParams): ListOptions {
  const labelSelector = query.get("labelSelector") ?? "";
  const fieldSelector = query.get("fieldSelector") ?? "";
  const timeoutSeconds = parseInt64(query.get("timeoutSeconds"));
  const limit = parseInt64(query.get("limit")) ?? 0;
  parseLabelSelector(labelSelector);
  parseFieldSelector(fieldSelector);
  return {
    labelSelector,
    fieldSelector,
    resourceVersion: query.get("resourceVersion") ?? "",
    resourceVersionMatch: query.get("resourceVersionMatch") ?? "",
    limit,
    continue: query.get("continue") ?? "",
    watch: parseBoolean(query.get("watch")) ?? false,
    allowWatchBookmarks: parseBoolean(query.get("allowWatchBookmarks")) ?? false,
    sendInitialEvents: parseBoolean(query.get("sendInitialEvents")),
    timeoutSeconds,
    shardSelector: query.get("shardSelector") ?? "",
  };
}

/**
 * What the API server makes of a watch from version 0, or without a version, that says nothing of initial events: it
 * asks for them (apimachinery internalversion/defaults.go). `validateListOptions` comes after it there.
 */
export function withListDefaults(options: ListOptions): ListOptions {
  if (options.sendInitialEvents !== undefined || options.resourceVersionMatch !== "" || !options.watch) return options;
  if (options.resourceVersion !== "" && options.resourceVersion !== "0") return options;
  return { ...options, sendInitialEvents: true, resourceVersionMatch: "NotOlderThan" };
}

/**
 * Checks that the options go together (apimachinery internalversion/validation), and that the version is a number.
 * `isWatch` is whether the query asks for a watch: a deprecated `/watch/` path without it is checked as a list.
 *
 * @throws StatusError 422; for a version that is no number 400, and for a watch from one 500 without a reason, as the API
 *   server does
 */
export function validateListOptions(options: ListOptions, { isWatch }: { readonly isWatch: boolean }): void {
  const problems = isWatch ? watchProblems(options) : listProblems(options);
  if (problems.length > 0) throw invalidListOptions(problems);
  if (!isWatch && options.continue !== "") return; // a further page names no version, whatever it may be
  validateResourceVersion(options.resourceVersion, isWatch);
}

/** Whether the text is a resource version as the API server reads one: an unsigned 64-bit number. Empty is none. */
export function isResourceVersion(version: string): boolean {
  return /^[0-9]+$/.test(version) && BigInt.asUintN(64, BigInt(version)) === BigInt(version);
}

function listProblems(options: ListOptions): StatusCause[] {
  const { resourceVersionMatch: match, resourceVersion } = options;
  const problems: StatusCause[] = [];
  if (match !== "") {
    if (resourceVersion === "") problems.push(forbiddenMatch("is forbidden unless resourceVersion is provided"));
    if (options.continue !== "") problems.push(forbiddenMatch("is forbidden when continue is provided"));
    if (match !== "Exact" && match !== "NotOlderThan") {
      problems.push(unsupportedMatch(match, `"Exact", "NotOlderThan", ""`));
    }
    if (match === "Exact" && resourceVersion === "0") {
      problems.push(forbiddenMatch(`"exact" is forbidden for resourceVersion "0"`));
    }
  }
  if (options.sendInitialEvents !== undefined) {
    const message = "Forbidden: sendInitialEvents is forbidden for list";
    problems.push({ reason: "FieldValueForbidden", message, field: "sendInitialEvents" });
  }
  return problems;
}

function watchProblems(options: ListOptions): StatusCause[] {
  const { resourceVersionMatch: match, sendInitialEvents } = options;
  const problems: StatusCause[] = [];
  if (sendInitialEvents !== undefined && match !== "NotOlderThan") {
    const message = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
    problems.push({ reason: "FieldValueForbidden", message, field: "resourceVersionMatch" });
  }
  if (match === "") return problems;
  if (sendInitialEvents === undefined) {
    problems.push(forbiddenMatch("is forbidden for watch unless sendInitialEvents is provided"));
  }
  if (match !== "NotOlderThan") problems.push(unsupportedMatch(match, `"NotOlderThan"`));
  if (options.continue !== "") problems.push(forbiddenMatch("is forbidden when continue is provided"));
  return problems;
}

function forbiddenMatch(rule: string): StatusCause {
  const message = `Forbidden: resourceVersionMatch ${rule}`;
  return { reason: "FieldValueForbidden", message, field: "resourceVersionMatch" };
}

function unsupportedMatch(match: string, supported: string): StatusCause {
  const message = `Unsupported value: ${JSON.stringify(match)}: supported values: ${supported}`;
  return { reason: "FieldValueNotSupported", message, field: "resourceVersionMatch" };
}

function invalidListOptions(causes: readonly StatusCause[]): StatusError {
  const problems = [...new Set(causes.map(({ field, message }) => `${field}: ${message}`))];
  const listed = problems.length === 1 ? problems[0] : `[${problems.join(", ")}]`;
  return new StatusError({
    code: 422,
    reason: "Invalid",
    message: `ListOptions.meta.k8s.io "" is invalid: ${listed}`,
    details: { group: "meta.k8s.io", kind: "ListOptions", causes },
  });
}

function validateResourceVersion(version: string, isWatch: boolean): void {
  const problem = resourceVersionProblem(version);
  if (problem === undefined) return;
  throw isWatch ? problem : badRequest(`invalid resource version: ${problem.message}`);
}

/** What the API server says to a version that is none, of a GET and of a watch: a 500 without a reason. */
export function resourceVersionProblem(version: string): StatusError | undefined {
  if (version === "" || isResourceVersion(version)) return undefined;
  const problem = `Invalid value: ${JSON.stringify(version)}: ${numberProblem("ParseUint", version)}`;
  return new StatusError({ code: 500, reason: "Unknown", message: `resourceVersion: ${problem}` });
}

/** As Go's conversion of query values: an empty value is true. */
function parseBoolean(value: string | null): boolean | undefined {
  if (value === null) return undefined;
  return value !== "0" && !/^false$/iu.test(value);
}

function parseInt64(value: string | null): number | undefined {
  if (value === null) return undefined;
  if (!/^[+-]?[0-9]+$/.test(value)) throw badRequest(numberProblem("ParseInt", value));
  const integer = BigInt(value.startsWith("+") ? value.slice(1) : value);
  if (BigInt.asIntN(64, integer) !== integer) throw badRequest(numberProblem("ParseInt", value));
  return Number(integer);
}

function numberProblem(parser: "ParseInt" | "ParseUint", value: string): string {
  const digits = parser === "ParseInt" ? /^[+-]?[0-9]+$/ : /^[0-9]+$/;
  const problem = digits.test(value) ? "value out of range" : "invalid syntax";
  return `strconv.${parser}: parsing ${JSON.stringify(value)}: ${problem}`;
}
