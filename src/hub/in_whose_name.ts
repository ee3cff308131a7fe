import { bringsCredential } from "../cloud/credential.ts";
import { replaceHeader } from "../kube/hop_by_hop.ts";
import type { RawHeaders } from "../platform/bytes.ts";
import type { Call } from "./call.ts";

/** In whose name a client's request goes on to the cloud. */
export interface Credential {
  readonly rawHeaders: RawHeaders;
  readonly ownCredential: boolean;
}

/**
 * What was verified of a caller is what the cloud is shown; and what came with a credential never goes on with the node's,
 * whatever is left of its headers.
 *
 * @param rawHeaders those that go on
 */
export function inWhoseName(
  { caller, exchange }: Pick<Call, "caller" | "exchange">,
  rawHeaders: RawHeaders,
): Credential {
  const { token } = caller;
  if (token === undefined) return { rawHeaders, ownCredential: bringsCredential(exchange.rawHeaders) };
  return { rawHeaders: replaceHeader(rawHeaders, "Authorization", `Bearer ${token.token}`), ownCredential: true };
}
