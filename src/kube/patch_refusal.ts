/**
 * Why a patch is not applied.
 *
 * - `unknown`: it holds what is not understood here, so that nobody knows what the API server would make of it
 * - `malformed`: it is no patch of its media type; the API server answers 400
 * - `conflict`: its uid or resourceVersion is not the held object's; the API server answers 409
 * - `fails`: an operation of it fails on the held object, or the result is one that the API server refuses with 422
 */
export type PatchRefusalCode = "unknown" | "malformed" | "conflict" | "fails";

/** A patch that is not applied to what is held, and must not be answered as if it had been. */
export class PatchRefusal extends Error {
  override readonly name = "PatchRefusal";
  readonly code: PatchRefusalCode;

  constructor(code: PatchRefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** A refusal because something in the patch is not understood. */
export function notUnderstood(what: string): PatchRefusal {
  return new PatchRefusal("unknown", `Cannot apply the patch: ${what}`);
}
