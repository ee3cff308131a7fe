/** What the hub asks to know whether the link holds, and whose API server it is. */
export const checkPaths: readonly string[] = ["/readyz", "/.well-known/openid-configuration"];
