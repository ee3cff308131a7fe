import type { Caller } from "../identity/caller.ts";
import { readContinue, versionWithContinue } from "../kube/continue_token.ts";
import { fieldLabelProblem } from "../kube/field_labels.ts";
import { parseFieldSelector, requiredValue } from "../kube/field_selector.ts";
import { parseGoDuration } from "../kube/go_duration.ts";
import { goQuote } from "../kube/go_quote.ts";
import {
  type ListOptions,
  parseListOptions,
  resourceVersionProblem,
  validateListOptions,
  withListDefaults,
} from "../kube/list_options.ts";
import { negotiate } from "../kube/media_type.ts";
import { parseRequest, type RequestInfo } from "../kube/request_info.ts";
import { isBuiltinGroup } from "../kube/resources.ts";
import { badRequest, StatusError } from "../kube/status.ts";
import type { Exchange } from "../platform/exchange.ts";
import { Call } from "./call.ts";

/**
 * Reads what a request asks for. What the API server would refuse of a read is noted, not thrown: online it says so itself,
 * in its own words and after its own order of checks.
 *
 * @throws StatusError 400 where the path cannot be read
 */
export function readCall(exchange: Exchange, caller: Caller): Call {
  const info = parseRequest(exchange.method, exchange.rawPath);
  const accept = negotiate(exchange.header("accept"));
  const read = info.isResource ? readOptions(info) : {};
  return new Call(exchange, { caller, info, accept, options: undefined, ...read });
}

function readOptions(info: RequestInfo): { readonly options?: ListOptions; readonly invalid?: StatusError } {
  let options: ListOptions | undefined;
  try {
    if (info.verb === "get" || info.verb === "list") requestTimeoutMs(info);
    if (info.verb === "get") {
      const problem = resourceVersionProblem(info.query.get("resourceVersion") ?? "");
      if (problem !== undefined) throw problem;
    }
    if (!["list", "watch", "deletecollection"].includes(info.verb)) return {};
    options = withListDefaults(parseListOptions(info.query));
    if (info.verb !== "deletecollection") checkOptions(info, options);
    return { options };
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return { ...(options === undefined ? {} : { options }), invalid: error };
  }
}

/** In the order in which the API server checks. @throws StatusError */
function checkOptions(info: RequestInfo, options: ListOptions): void {
  validateListOptions(options, { isWatch: options.watch });
  const fields = parseFieldSelector(options.fieldSelector);
  const problem = fieldLabelProblem(info, fields);
  if (problem !== undefined) throw badRequest(problem);
  if (info.name !== "" && fields.length > 0 && requiredValue(fields, "metadata.name") !== info.name) {
    throw badRequest("fieldSelector metadata.name doesn't match requested name");
  }
  if (info.verb === "list" && options.continue !== "") checkContinue(info, options);
}

/** The hub's own tokens are for it to check; those of an aggregated API server may be of any form. */
function checkContinue({ group }: RequestInfo, options: ListOptions): void {
  const token = readContinue(options.continue);
  if (token.from === "hub") return;
  if (token.from === "nobody" && isBuiltinGroup(group)) throw badRequest(token.problem);
  if (options.resourceVersion !== "" && options.resourceVersion !== "0") throw versionWithContinue();
}

/**
 * The client's own deadline.
 *
 * @returns milliseconds; undefined where it names none
 * @throws StatusError 400 where it is no duration
 */
export function requestTimeoutMs(info: RequestInfo): number | undefined {
  const text = info.query.get("timeout") ?? "";
  if (text === "") return undefined;
  const timeoutMs = parseGoDuration(text);
  if (timeoutMs === undefined) {
    throw badRequest(`invalid timeout specified in the request URL - time: invalid duration ${goQuote(text)}`);
  }
  return timeoutMs > 0 ? timeoutMs : undefined;
}
