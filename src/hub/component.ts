import type { Call } from "./call.ts";

/**
 * Which component asks: by it filters are chosen. A service account is its name; the node is whatever its `User-Agent` says
 * before the first slash, in lower case.
 */
export function componentOf({ exchange, caller }: Pick<Call, "exchange" | "caller">): string {
  if (caller.token !== undefined) return caller.token.serviceAccount.name;
  const [component = ""] = (exchange.header("user-agent") ?? "").split("/", 1);
  return component.trim().toLowerCase();
}
