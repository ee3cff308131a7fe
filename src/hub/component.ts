import type { Call } from "./call.ts";

/**
 * Which of the node's components asks: by it filters are chosen. On the plain port, where everybody is the node, that is what
 * its `User-Agent` says before the first slash, in lower case.
 */
export function componentOf({ exchange }: Pick<Call, "exchange">): string {
  const [component = ""] = (exchange.header("user-agent") ?? "").split("/", 1);
  return component.trim().toLowerCase();
}
