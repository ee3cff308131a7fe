/** How long a name is looked for. */
export interface ResolveOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Finds the addresses of a name as every program of this machine does: its hosts file, its name servers.
 *
 * @throws ResolveError
 */
export type Resolve = (hostname: string, options: ResolveOptions) => Promise<readonly string[]>;

/** `unknown`: who was asked says that there is no such name; `unanswered`: nobody has answered, or in time. */
export type ResolveFailure = "unknown" | "unanswered" | "aborted";

/** A name has no address, or nobody has told it. */
export class ResolveError extends Error {
  override readonly name = "ResolveError";
  readonly failure: ResolveFailure;

  constructor(failure: ResolveFailure, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.failure = failure;
  }
}
