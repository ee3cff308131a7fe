import { UpstreamError, type UpstreamFailure } from "../../src/platform/upstream.ts";

const FAILURES: ReadonlyMap<string, UpstreamFailure> = new Map([
  ["ECONNREFUSED", "refused"],
  ["EHOSTUNREACH", "refused"],
  ["ENETUNREACH", "refused"],
  ["EADDRNOTAVAIL", "refused"],
  ["EACCES", "refused"],
  ["ENOTFOUND", "unresolved"],
  ["EAI_AGAIN", "unresolved"],
  ["EAI_FAIL", "unresolved"],
  ["EAI_NODATA", "unresolved"],
  ["EAI_NONAME", "unresolved"],
  ["ETIMEDOUT", "timeout"],
  ["ESOCKETTIMEDOUT", "timeout"],
  ["ABORT_ERR", "aborted"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "untrusted"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "untrusted"],
  ["UNABLE_TO_GET_ISSUER_CERT", "untrusted"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "untrusted"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "untrusted"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "untrusted"],
  ["HOSTNAME_MISMATCH", "untrusted"],
]);

/** OpenSSL's verification codes, TLS alerts about certificates, and the words of rustls (Deno). */
const UNTRUSTED =
  /^CERT_|ALERT_(?:BAD_CERTIFICATE|CERTIFICATE|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE)|_ALERT_.*CERTIFICATE/;
const UNTRUSTED_WORDS =
  /invalid peer certificate|certificate (?:required|unknown)|unknown ca\b|self[- ]signed|UnknownIssuer/i;
/** Deno gives some socket errors without a code. */
const REFUSED_WORDS = /connection refused|no route to host|network is unreachable/i;

/** Reads the code that Node, Bun and Deno put on their errors. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Says what a runtime's network error means. This is the only place that knows the runtimes' codes. */
function failureOf(error: unknown): UpstreamFailure {
  if (error instanceof UpstreamError) return error.failure;
  for (const inner of innerErrors(error)) {
    const failure = failureOf(inner);
    if (failure !== "broken") return failure;
  }
  const code = errorCode(error);
  const known = code === undefined ? undefined : FAILURES.get(code);
  if (known !== undefined) return known;
  if (code !== undefined && UNTRUSTED.test(code)) return "untrusted";
  const message = error instanceof Error ? error.message : "";
  if (error instanceof Error && error.name === "AbortError") return "aborted";
  if (UNTRUSTED_WORDS.test(message)) return "untrusted";
  return REFUSED_WORDS.test(message) ? "refused" : "broken";
}

/** Makes an UpstreamError of whatever a runtime threw; `sent` counts only where a connection was there. */
export function toUpstreamError(error: unknown, options: { readonly sent: boolean }): UpstreamError {
  if (error instanceof UpstreamError) return error;
  const failure = failureOf(error);
  const neverConnected = failure === "refused" || failure === "unresolved" || failure === "untrusted";
  const message = error instanceof Error ? error.message : String(error);
  return new UpstreamError(failure, message, { sent: options.sent && !neverConnected, cause: error });
}

/** The error of a request whose signal was aborted. */
export function abortedError(signal: AbortSignal, options: { readonly sent: boolean }): UpstreamError {
  return new UpstreamError("aborted", "The request was aborted", { sent: options.sent, cause: signal.reason });
}

/** Both address families refused: Node and Bun throw one AggregateError. */
function innerErrors(error: unknown): readonly unknown[] {
  return error instanceof AggregateError ? error.errors : [];
}
