/** The reasons that the API server gives, and `Unknown`, for which it sends an empty one (apimachinery meta/v1 types.go). */
export type StatusReason =
  | "Unknown"
  | "Unauthorized"
  | "Forbidden"
  | "NotFound"
  | "AlreadyExists"
  | "Conflict"
  | "Gone"
  | "Invalid"
  | "ServerTimeout"
  | "StoreReadError"
  | "Timeout"
  | "TooManyRequests"
  | "BadRequest"
  | "MethodNotAllowed"
  | "NotAcceptable"
  | "RequestEntityTooLarge"
  | "UnsupportedMediaType"
  | "InternalError"
  | "Expired"
  | "ServiceUnavailable";

/** One cause; `reason` is a CauseType such as `FieldValueInvalid` or `ResourceVersionTooLarge`. */
export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** A Status of meta/v1 that tells of a failure. */
export interface Status {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  readonly metadata: Readonly<Record<string, never>>;
  readonly status: "Failure";
  readonly message: string;
  readonly reason?: StatusReason;
  readonly details?: StatusDetails;
  readonly code: number;
}

/** What a named object is called in messages; `group` is empty for the core group. */
export interface ObjectReference {
  readonly group: string;
  readonly resource: string;
  readonly name: string;
}

export interface StatusErrorOptions {
  /** The HTTP status. */
  readonly code: number;
  readonly reason: StatusReason;
  readonly message: string;
  readonly details?: StatusDetails;
  readonly cause?: unknown;
}

/** The one error class of the project: a failure in the words of the Kubernetes API. Made by the functions of this file. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly code: number;
  readonly reason: StatusReason;
  readonly details?: StatusDetails;

  constructor(options: StatusErrorOptions) {
    super(options.message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = options.code;
    this.reason = options.reason;
    if (options.details !== undefined) this.details = options.details;
  }

  /** Seconds after which the client may ask again; missing where nothing is said. */
  get retryAfterSeconds(): number | undefined {
    return this.details?.retryAfterSeconds;
  }

  /** The Status object, members in the order in which the API server writes them. */
  status(): Status {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: this.message,
      ...(this.reason === "Unknown" || !this.reason ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: orderedDetails(this.details) }),
      code: this.code,
    };
  }
}

function orderedDetails(details: StatusDetails): StatusDetails {
  return {
    ...(details.name ? { name: details.name } : {}),
    ...(details.group ? { group: details.group } : {}),
    ...(details.kind ? { kind: details.kind } : {}),
    ...(details.uid ? { uid: details.uid } : {}),
    ...(details.causes?.length ? { causes: details.causes } : {}),
    ...(details.retryAfterSeconds ? { retryAfterSeconds: details.retryAfterSeconds } : {}),
  };
}

/** 400: the request cannot be understood. */
export function badRequest(message: string): StatusError {
  return new StatusError({ code: 400, reason: "BadRequest", message });
}

/** 401, in the API server's one word: who is refused is not told why. */
export function unauthorized(): StatusError {
  return new StatusError({ code: 401, reason: "Unauthorized", message: "Unauthorized" });
}

/** 403: the caller may not do this. */
export function forbidden(message: string): StatusError {
  return new StatusError({ code: 403, reason: "Forbidden", message });
}

/** 404: `pods "x" not found`. */
export function notFound(object: ObjectReference): StatusError {
  const message = `${qualifiedName(object)} not found`;
  return new StatusError({ code: 404, reason: "NotFound", message, details: detailsOf(object) });
}

/** 409: `nodes "node-1" already exists`. */
export function alreadyExists(object: ObjectReference): StatusError {
  const message = `${qualifiedName(object)} already exists`;
  return new StatusError({ code: 409, reason: "AlreadyExists", message, details: detailsOf(object) });
}

/** 409: the object has changed since the caller read it. */
export function conflict(message: string): StatusError {
  return new StatusError({ code: 409, reason: "Conflict", message });
}

/** 410: what is asked for is gone for good. */
export function gone(message: string): StatusError {
  return new StatusError({ code: 410, reason: "Gone", message });
}

/** 410: the resource version or the continue token is too old; clients list again. */
export function expired(message: string): StatusError {
  return new StatusError({ code: 410, reason: "Expired", message });
}

/** 422: the request is understood, but wrong. */
export function invalid(message: string, causes: readonly StatusCause[] = []): StatusError {
  return new StatusError({ code: 422, reason: "Invalid", message, details: { causes } });
}

/** 406: no media type of the client's Accept can be given. */
export function notAcceptable(message: string): StatusError {
  return new StatusError({ code: 406, reason: "NotAcceptable", message });
}

/** 413. */
export function requestEntityTooLarge(message: string): StatusError {
  const worded = `Request entity too large: ${message}`;
  return new StatusError({ code: 413, reason: "RequestEntityTooLarge", message: worded });
}

/** 415: the body's media type is not understood. */
export function unsupportedMediaType(message: string): StatusError {
  return new StatusError({ code: 415, reason: "UnsupportedMediaType", message });
}

/** 429, with a `Retry-After` header. */
export function tooManyRequests(message: string, retryAfterSeconds: number): StatusError {
  return new StatusError({ code: 429, reason: "TooManyRequests", message, details: { retryAfterSeconds } });
}

/** 504 `Timeout: message`; with a `Retry-After` header where `retryAfterSeconds` is given. */
export function timeout(
  message: string,
  options: { readonly retryAfterSeconds?: number; readonly causes?: readonly StatusCause[] } = {},
): StatusError {
  return new StatusError({ code: 504, reason: "Timeout", message: `Timeout: ${message}`, details: { ...options } });
}

/** 504 that tells a client to ask again, or without a version: the version it asks for has not been reached here yet. */
export function resourceVersionTooLarge(
  requested: string | number | bigint,
  current: string | number | bigint,
  retryAfterSeconds: number,
): StatusError {
  return timeout(`Too large resource version: ${requested}, current: ${current}`, {
    retryAfterSeconds,
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
  });
}

/** 503 with `details.retryAfterSeconds` 1, and never a `Retry-After` header: with it client-go repeats inside the call. */
export function serviceUnavailable(message: string): StatusError {
  return new StatusError({ code: 503, reason: "ServiceUnavailable", message, details: { retryAfterSeconds: 1 } });
}

/** 500 `Internal error occurred: message`. */
export function internalError(message: string, options: { readonly cause?: unknown } = {}): StatusError {
  return new StatusError({
    code: 500,
    reason: "InternalError",
    message: `Internal error occurred: ${message}`,
    details: { causes: [{ message }] },
    ...options,
  });
}

/** A StatusError as it is; anything else as an internal error with its message and itself as cause. */
export function toStatusError(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  return internalError(error instanceof Error ? error.message : String(error), { cause: error });
}

const HTML_CHARACTERS = /[<>&\u2028\u2029]/g;

/** The Status as JSON with a line feed at its end, byte for byte as Go's encoder writes it. */
export function statusBody(error: StatusError): Uint8Array {
  const json = JSON.stringify(error.status()).replace(HTML_CHARACTERS, unicodeEscape);
  return new TextEncoder().encode(`${json}\n`);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Raw headers that go with `statusBody`. `Retry-After` stands there for 429 and 504 only (see `serviceUnavailable`). */
export function statusHeaders(error: StatusError): string[] {
  const headers = ["Content-Type", "application/json", "Content-Length", String(statusBody(error).byteLength)];
  const seconds = error.retryAfterSeconds;
  if (seconds && (error.code === 429 || error.code === 504)) headers.push("Retry-After", String(seconds));
  return headers;
}

/** Resource with its group, as Go's GroupResource prints it: `pods`, `deployments.apps`. */
function groupResource(group: string, resource: string): string {
  return group === "" ? resource : `${resource}.${group}`;
}

function qualifiedName({ group, resource, name }: ObjectReference): string {
  return `${groupResource(group, resource)} ${JSON.stringify(name)}`;
}

function detailsOf({ group, resource, name }: ObjectReference): StatusDetails {
  return { name, group, kind: resource };
}
