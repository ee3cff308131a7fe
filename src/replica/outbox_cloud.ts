import type { Cloud } from "../cloud/cloud.ts";
import type { Link } from "../cloud/link.ts";
import { isPage, isTrusted, untrusted } from "../cloud/trust.ts";
import { nodeScope } from "../identity/scope.ts";
import { headerOf } from "../kube/hop_by_hop.ts";
import { JsonSyntaxError } from "../kube/json_scan.ts";
import { splitList } from "../kube/list_codec.ts";
import { objectUrl } from "../kube/object_url.ts";
import { notFound, type StatusError } from "../kube/status.ts";
import { readFailure } from "../kube/status_reader.ts";
import type { Clock } from "../platform/clock.ts";
import { UpstreamError } from "../platform/upstream.ts";
import { decodedBody, readAll } from "./body.ts";
import { jsonCodec } from "./codec.ts";
import type { ObjectPath } from "./object_path.ts";
import type { Recorder } from "./recorder.ts";

export interface OutboxCloudOptions {
  readonly cloud: Cloud;
  readonly link: Link;
  readonly clock: Clock;
  /** The node's own name: pods that are bound to it are its own to list. */
  readonly nodeName: string;
  /** Takes what the answers show (R2). */
  readonly recorder: Recorder;
}

/** A write that is pushed. */
export interface PushedWrite {
  readonly verb: "create" | "patch";
  /** `status`, or empty. */
  readonly subresource: string;
  readonly contentType: string;
  readonly body: Uint8Array;
  /** In whose name the fields are changed (managedFields). */
  readonly manager: string;
}

/** The object as the cloud has it, or why it did not give it. */
export type CloudAnswer = { readonly object: Uint8Array } | { readonly failure: StatusError };

/** For one request, its answer included. */
const requestMs = 10_000;
const maxAnswerBytes = 16 * 1024 * 1024;

/** What the outbox asks the cloud, with the node's identity. All of it throws UpstreamError where no answer of the cloud comes. */
export class OutboxCloud {
  readonly #options: OutboxCloudOptions;

  constructor(options: OutboxCloudOptions) {
    this.#options = options;
  }

  /**
   * The object as it is now. Of a pod that is gone, or bound elsewhere, the Node authorizer says 403 ("no relationship found");
   * whether it is there the list of the node's own pods tells.
   */
  async get(path: ObjectPath, signal: AbortSignal): Promise<CloudAnswer> {
    const request = { method: "GET", rawPath: objectUrl(path) };
    const answer = await this.#ask(request, { path, verb: "get", subresource: "", signal });
    const isUnrelated = "failure" in answer && answer.failure.code === 403 && path.resource === "pods";
    return isUnrelated ? await this.#listed(path, signal) : answer;
  }

  async #listed(path: ObjectPath, signal: AbortSignal): Promise<CloudAnswer> {
    const selector = encodeURIComponent(`metadata.name=${path.name},spec.nodeName=${this.#options.nodeName}`);
    const rawPath = `${objectUrl({ ...path, name: "" })}?fieldSelector=${selector}`;
    const answer = await this.#ask({ method: "GET", rawPath }, { path, verb: "", subresource: "", signal });
    if ("failure" in answer) return answer;
    const { head, items: [item] } = splitList(answer.object);
    if (item === undefined) return { failure: notFound(path) };
    return { object: jsonCodec.stored(item, { apiVersion: head.apiVersion, kind: head.kind.replace(/List$/, "") }) };
  }

  /** @returns the object that the write has made */
  write(path: ObjectPath, write: PushedWrite, signal: AbortSignal): Promise<CloudAnswer> {
    const { verb, subresource, contentType, body, manager } = write;
    const isCreate = verb === "create";
    const url = objectUrl(isCreate ? { ...path, name: "" } : path, subresource);
    const rawPath = manager === "" ? url : `${url}?fieldManager=${encodeURIComponent(manager)}`;
    const request = { method: isCreate ? "POST" : "PATCH", rawPath, contentType, body };
    return this.#ask(request, { path, verb, subresource, signal });
  }

  async #ask(request: Request, { path, verb, subresource, signal }: Asked): Promise<CloudAnswer> {
    const { clock, recorder } = this.#options;
    const limit = new AbortController();
    const abort = () => limit.abort(signal.reason);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    const timer = clock.setTimer(requestMs, () => {
      limit.abort(new UpstreamError("timeout", `No whole answer within ${requestMs} ms`, { sent: true }));
    });
    try {
      const { status, rawHeaders, body } = await this.#send(request, limit.signal);
      if (status !== 200 && status !== 201) {
        return { failure: readFailure({ code: status, body, retryAfter: headerOf(rawHeaders, "retry-after") }) };
      }
      if (verb !== "") recorder.take(nodeScope, { ...path, verb, subresource }, body);
      return { object: body };
    } catch (error) {
      if (error instanceof JsonSyntaxError || error instanceof RangeError) {
        throw new UpstreamError("untrusted", `What came is no object: ${error.message}`, { sent: true });
      }
      throw error;
    } finally {
      timer.cancel();
      signal.removeEventListener("abort", abort);
    }
  }

  async #send({ method, rawPath, contentType, body }: Request, signal: AbortSignal) {
    const { cloud, link } = this.#options;
    const response = await cloud.request({
      method,
      rawPath,
      rawHeaders: [
        ...["Accept", "application/json", "User-Agent", "holdfast"],
        ...(contentType === undefined ? [] : ["Content-Type", contentType]),
        ...(body === undefined ? [] : ["Content-Length", String(body.length)]),
      ],
      signal,
      background: "pushes",
      ...(body === undefined ? {} : { body }),
    });
    const { status, rawHeaders } = response;
    const whole = await readAll(decodedBody(response), maxAnswerBytes);
    const isJson = (headerOf(rawHeaders, "content-type") ?? "").startsWith("application/json");
    const isAnswer = status < 300 ? isJson : !isPage(response);
    if (!isAnswer || !await isTrusted(link, response, signal)) throw untrusted(response);
    return { status, rawHeaders, body: whole };
  }
}

interface Request {
  readonly method: string;
  readonly rawPath: string;
  readonly contentType?: string;
  readonly body?: Uint8Array;
}

interface Asked {
  readonly path: ObjectPath;
  /** Empty where the answer is not to be recorded. */
  readonly verb: string;
  readonly subresource: string;
  readonly signal: AbortSignal;
}
