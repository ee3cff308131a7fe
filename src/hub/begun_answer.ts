import { isPage } from "../cloud/trust.ts";
import { headerOf } from "../kube/hop_by_hop.ts";
import type { ByteSource } from "../platform/bytes.ts";
import type { UpstreamResponse } from "../platform/upstream.ts";
import type { Call } from "./call.ts";

/** An answer of which the first piece has come, so that nothing of it was passed on that another would have to take back. */
export interface BegunAnswer<Response extends UpstreamResponse> {
  /** The same answer; its body still begins with the first piece. */
  readonly response: Response;
  /** Empty where it has no body. */
  readonly first: Uint8Array;
}

/** Waits for the first piece of an answer's body. @throws UpstreamError where none comes */
export async function begun<Response extends UpstreamResponse>(response: Response): Promise<BegunAnswer<Response>> {
  const iterator = response.body[Symbol.asyncIterator]();
  const next = await iterator.next();
  if (next.done === true) return { response: { ...response, body: nothing() }, first: new Uint8Array() };
  return { response: { ...response, body: goingOn(next.value, iterator) }, first: next.value };
}

/**
 * Whether an answer is none that an API server gives about objects, or to discovery (R16): a portal's page; of a success
 * also plain text, nothing at all, or bytes that are no JSON though they are said to be.
 *
 * @param first of the body; missing where it was not waited for: then only pages are found out
 */
export function isNoApiAnswer(
  { info }: Pick<Call, "info">,
  { status, rawHeaders }: UpstreamResponse,
  first: Uint8Array | undefined,
): boolean {
  if (isPage({ rawHeaders })) return true;
  const type = headerOf(rawHeaders, "content-type") ?? "";
  if (first === undefined || status < 200 || status > 299) return false;
  if (info.isResource && type !== "" && !type.startsWith("application/")) return true;
  const isJson = type === "" || type.startsWith("application/json");
  const isEncoded = (headerOf(rawHeaders, "content-encoding") ?? "identity") !== "identity";
  return isJson && !isEncoded && first.find((byte) => byte > 0x20) !== "{".charCodeAt(0);
}

async function* goingOn(first: Uint8Array, rest: AsyncIterator<Uint8Array>): ByteSource {
  try {
    yield first;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

async function* nothing(): ByteSource {}
