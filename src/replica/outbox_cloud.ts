import type { Cloud } from "../cloud/cloud.ts";
import type { Link } from "../cloud/link.ts";
import { nodeScope } from "../identity/scope.ts";
import { headerOf } from "../kube/hop_by_hop.ts";
import { JsonSyntaxError } from "../kube/json_scan.ts";
import { objectUrl } from "../kube/object_url.ts";
import type { StatusError } from "../kube/status.ts";
import { readFailure } from "../kube/status_reader.ts";
import type { Clock } from "../platform/clock.ts";
import { UpstreamError } from "../platform/upstream.ts";
import { decodedBody, readAll } from "./body.ts";
import type { ObjectPath } from "./object_path.ts";
import type { Recorder } from "./recorder.ts";

export interface OutboxCloudOptions {
  readonly cloud: Cloud;
  readonly link: Link;
  readonly clock: Clock;
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
/** A refusal counts where the backend has said within this time that it is ready (R16). */
const trustMs = 1_000;

/** What the outbox asks the cloud, with the node's identity. All of it throws UpstreamError where no answer of the cloud comes. */
export class OutboxCloud {
  readonly #options: OutboxCloudOptions;

  constructor(options: OutboxCloudOptions) {
    this.#options = options;
  }

  /** The object as it is now. */
  get(path: ObjectPath, signal: AbortSignal): Promise<CloudAnswer> {
    return this.#ask({ method: "GET", rawPath: objectUrl(path) }, { path, verb: "get", subresource: "", signal });
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
      recorder.take(nodeScope, { ...path, verb, subresource }, body);
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
      ...(body === undefined ? {} : { body }),
    });
    const { status, rawHeaders } = response;
    const whole = await readAll(decodedBody(response), maxAnswerBytes);
    const isJson = (headerOf(rawHeaders, "content-type") ?? "").startsWith("application/json");
    const isPage = (headerOf(rawHeaders, "content-type") ?? "").startsWith("text/html");
    const isRefusal = [401, 403, 404].includes(status);
    if (isPage || (status < 300 && !isJson) || (isRefusal && !await link.isReady(trustMs, signal, response.backend))) {
      throw new UpstreamError("untrusted", `${status} is not the cloud's answer`, { sent: true });
    }
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
  readonly verb: string;
  readonly subresource: string;
  readonly signal: AbortSignal;
}
