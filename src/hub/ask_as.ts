import { bearerHeaders } from "../cloud/credential.ts";
import { UpstreamError } from "../platform/upstream.ts";
import { decodedBody, readAll } from "../replica/body.ts";
import type { HubContext } from "./context.ts";
import { isTrusted } from "../cloud/trust.ts";

/** A short request of the hub itself with a caller's own token. */
export interface AskedAs {
  readonly token: string;
  readonly method: "GET" | "POST";
  readonly rawPath: string;
  /** As JSON. */
  readonly body?: object;
}

export interface AnswerAs {
  readonly status: number;
  readonly text: string;
}

/** What of a hub that needs. */
export type AskingContext = Pick<HubContext, "cloud" | "link" | "platform" | "closed" | "logger">;

/** For one request, its answer included. */
const requestMs = 10_000;
const maxAnswerBytes = 1024 * 1024;
/** The keys have a media type of their own, and only that (RFC 7517, section 8.5). */
const accept = "application/json, application/jwk-set+json";

/**
 * Asks the cloud with a caller's token. Never rejects.
 *
 * @returns nothing where no answer of the cloud comes
 */
export async function askAs(
  context: AskingContext,
  { token, method, rawPath, body }: AskedAs,
): Promise<AnswerAs | undefined> {
  const { cloud, link, platform, closed, logger } = context;
  if (link.state === "offline" || closed.aborted) return undefined;
  const limit = new AbortController();
  const abort = () => limit.abort(closed.reason);
  closed.addEventListener("abort", abort);
  const timer = platform.clock.setTimer(requestMs, () => limit.abort(new Error("timeout")));
  try {
    const json = body === undefined ? undefined : new TextEncoder().encode(JSON.stringify(body));
    const type = json === undefined ? [] : ["Content-Type", "application/json", "Content-Length", String(json.length)];
    const response = await cloud.request({
      method,
      rawPath,
      rawHeaders: ["Accept", accept, "User-Agent", "holdfast", ...type, ...bearerHeaders(token)],
      signal: limit.signal,
      ...(json === undefined ? {} : { body: json }),
    });
    if (!await isTrusted(link, response, limit.signal)) return undefined;
    const bytes = await readAll(decodedBody(response), maxAnswerBytes);
    return { status: response.status, text: new TextDecoder().decode(bytes) };
  } catch (error) {
    if (!(error instanceof UpstreamError || error instanceof RangeError)) throw error;
    logger.log("debug", "The cloud did not answer what was asked for a caller", {
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
