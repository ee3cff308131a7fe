import type { RawHeaders } from "../platform/bytes.ts";

const bearerProtocol = "base64url.bearer.authorization.k8s.io.";

/**
 * Whether a request carries a credential of its caller, with which it then travels: an `Authorization` header, or a
 * bearer token as WebSocket subprotocol (the API server takes both).
 */
export function bringsCredential(rawHeaders: RawHeaders): boolean {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase();
    if (name === "authorization") return true;
    if (name === "sec-websocket-protocol" && rawHeaders[i + 1]?.includes(bearerProtocol)) return true;
  }
  return false;
}

/** With which a request travels in somebody else's name than the node's. */
export function bearerHeaders(token: string): RawHeaders {
  return ["Authorization", `Bearer ${token}`];
}
