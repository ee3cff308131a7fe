const subprotocol = "base64url.bearer.authorization.k8s.io.";

/**
 * The bearer token of a request, as the API server reads it: the `Authorization` header, or a WebSocket's subprotocol.
 *
 * @param header the value of a header by its lower-case name
 */
export function bearerToken(header: (name: string) => string | undefined): string | undefined {
  const [scheme, token] = (header("authorization") ?? "").trim().split(/ +/);
  if (scheme?.toLowerCase() === "bearer" && token !== undefined && token !== "") return token;
  const protocols = (header("sec-websocket-protocol") ?? "").split(",").map((one) => one.trim());
  const encoded = protocols.find((one) => one.startsWith(subprotocol))?.slice(subprotocol.length);
  if (encoded === undefined) return undefined;
  try {
    return atob(encoded.replaceAll("-", "+").replaceAll("_", "/")) || undefined;
  } catch {
    return undefined; // no base64url: no token
  }
}
