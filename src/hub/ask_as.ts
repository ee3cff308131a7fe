import type { Cloud, CloudRequest } from "../cloud/cloud.ts";
import { bearerHeaders } from "../cloud/credential.ts";
import type { Link } from "../cloud/link.ts";
import type { Logger } from "../platform/logger.ts";
import type { Platform } from "../platform/platform.ts";
import { UpstreamError } from "../platform/upstream.ts";
import { decodedBody, readAll } from "../replica/body.ts";
import { isTrusted } from "../cloud/trust.ts";

/** A short request of the hub itself with a caller's own token, or as the node. */
export interface AskedAs {
  /** @default the node's own identity, behind what clients ask for: nobody waits for it */
  readonly token?: string;
  readonly method: "GET" | "POST";
  readonly rawPath: string;
  /** As JSON. */
  readonly body?: object;
  /** The answer's media types. @default JSON, and the form that keys have */
  readonly accept?: string;
  /** Of the answer at most. @default {1 MiB} */
  readonly maxAnswerBytes?: number;
  /** For the request, its answer included. @default {10_000} */
  readonly limitMs?: number;
}

export interface AnswerAs {
  readonly status: number;
  readonly text: string;
}

/** What of a hub that needs. */
export interface AskingContext {
  readonly cloud: Cloud;
  readonly link: Link;
  readonly platform: Pick<Platform, "clock">;
  /** Aborted when the hub closes. */
  readonly closed: AbortSignal;
  readonly logger: Logger;
}

const shortAnswerBytes = 1024 * 1024;
/** The keys have a media type of their own, and only that (RFC 7517, section 8.5). */
const anyJson = "application/json, application/jwk-set+json";

/**
 * Asks the cloud with a caller's token, or as the node. Never rejects.
 *
 * @returns nothing where no answer of the cloud comes
 */
export async function askAs(context: AskingContext, asked: AskedAs): Promise<AnswerAs | undefined> {
  const { cloud, link, platform, closed, logger } = context;
  const { rawPath, limitMs = 10_000, maxAnswerBytes = shortAnswerBytes } = asked;
  if (link.state === "offline" || closed.aborted) return undefined;
  const limit = new AbortController();
  const abort = () => limit.abort(closed.reason);
  closed.addEventListener("abort", abort);
  const timer = platform.clock.setTimer(limitMs, () => limit.abort(new Error("timeout")));
  try {
    const response = await cloud.request({ ...requestOf(asked), signal: limit.signal });
    if (!await isTrusted(link, response, limit.signal)) return undefined;
    const bytes = await readAll(decodedBody(response), maxAnswerBytes);
    return { status: response.status, text: new TextDecoder().decode(bytes) };
  } catch (error) {
    // A TypeError is a body that does not unzip.
    if (!(error instanceof UpstreamError || error instanceof RangeError || error instanceof TypeError)) throw error;
    logger.log("debug", "The cloud did not answer what the hub itself has asked", {
      path: rawPath,
      error: error.message,
    });
    return undefined;
  } finally {
    limit.abort(new Error("done"));
    timer.cancel();
    closed.removeEventListener("abort", abort);
  }
}

function requestOf({ token, method, rawPath, body, accept = anyJson }: AskedAs): Omit<CloudRequest, "signal"> {
  const json = body === undefined ? undefined : new TextEncoder().encode(JSON.stringify(body));
  const type = json === undefined ? [] : ["Content-Type", "application/json", "Content-Length", String(json.length)];
  const own = ["Accept", accept, "Accept-Encoding", "gzip", "User-Agent", "holdfast", ...type];
  return {
    method,
    rawPath,
    rawHeaders: token === undefined ? own : [...own, ...bearerHeaders(token)],
    ...(token === undefined ? { background: "reads" } : {}),
    ...(json === undefined ? {} : { body: json }),
  };
}
