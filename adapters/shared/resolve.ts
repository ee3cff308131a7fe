import { lookup } from "node:dns/promises";
import { type Resolve, ResolveError, type ResolveFailure } from "../../src/platform/resolve.ts";
import { clock } from "./clock.ts";
import { errorCode } from "./error_code.ts";

/** What getaddrinfo says where there is no such name, or none with an address. */
const UNKNOWN_CODES: readonly string[] = ["ENOTFOUND", "EAI_NONAME", "EAI_NODATA", "ENODATA"];

/** Asks the system; see the port. */
export const resolve: Resolve = resolveWith((hostname) => lookup(hostname, { all: true }));

/** @param ask cannot be stopped: where it answers too late, its answer is nobody's */
export function resolveWith(ask: (hostname: string) => Promise<readonly { readonly address: string }[]>): Resolve {
  return (hostname, { timeoutMs, signal }) =>
    new Promise((fulfil, reject) => {
      const end = new AbortController();
      const fail = (failure: ResolveFailure, message: string, cause?: unknown): void => {
        end.abort();
        reject(new ResolveError(failure, `Cannot resolve ${hostname}: ${message}`, { cause }));
      };
      if (signal.aborted) return fail("aborted", "aborted", signal.reason);
      const timer = clock.setTimer(timeoutMs, () => fail("unanswered", `no answer within ${timeoutMs} ms`));
      end.signal.addEventListener("abort", () => timer.cancel());
      signal.addEventListener("abort", () => fail("aborted", "aborted", signal.reason), { signal: end.signal });
      ask(hostname).then((found) => {
        if (found.length === 0) return fail("unknown", "it has no address");
        end.abort();
        fulfil([...new Set(found.map(({ address }) => address))]);
      }, (cause: unknown) => {
        const code = errorCode(cause) ?? String(cause);
        fail(UNKNOWN_CODES.includes(code) ? "unknown" : "unanswered", code, cause);
      });
    });
}
