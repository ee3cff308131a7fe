/** This node has no identity, or cannot renew the one it has; the message says what to do. */
export class IdentityError extends Error {
  override readonly name = "IdentityError";
  /** Whether the same attempt may go well later, without anybody doing anything. */
  readonly retryable: boolean;

  constructor(message: string, options: { readonly retryable: boolean; readonly cause?: unknown }) {
    super(message, { cause: options.cause });
    this.retryable = options.retryable;
  }
}
