import { forwardHeaders, replaceHeader } from "../kube/hop_by_hop.ts";
import type { RawHeaders } from "../platform/bytes.ts";
import type { UpstreamResponse } from "../platform/upstream.ts";
import { decodedBody, readAll } from "../replica/body.ts";

/** A longer answer is not held whole. */
export const maxWholeBytes: number = 64 * 1024 * 1024;

/** An answer that was read whole. */
export interface WholeAnswer {
  readonly rawHeaders: RawHeaders;
  /** What is sent on, without a `Content-Encoding`. */
  readonly body: Uint8Array;
  /** As it came, but decoded: what is recorded. */
  readonly came: Uint8Array;
}

/**
 * Reads an answer whole.
 *
 * @param change what is sent on instead
 * @throws UpstreamError, RangeError, and what `change` throws
 */
export async function wholeAnswer(
  response: UpstreamResponse,
  change: (came: Uint8Array) => Uint8Array = (came) => came,
): Promise<WholeAnswer> {
  const came = await readAll(decodedBody(response), maxWholeBytes);
  const body = change(came);
  const plain = replaceHeader(forwardHeaders(response.rawHeaders), "Content-Encoding", undefined);
  return { rawHeaders: replaceHeader(plain, "Content-Length", String(body.length)), body, came };
}
