/** One step of a path. */
export type PathStep =
  /** A member of each object. */
  | { readonly kind: "field"; readonly name: string }
  | ArraySlice
  /** The elements of each array for which the comparison holds. */
  | { readonly kind: "filter"; readonly left: Path; readonly operator: string; readonly right: Path }
  /** All members or elements. */
  | { readonly kind: "all" }
  /** Whatever has something in it, at any depth. */
  | { readonly kind: "descent" }
  | { readonly kind: "union"; readonly paths: readonly Path[] }
  /** A text, once. */
  | { readonly kind: "text"; readonly text: string }
  /** A value for each one that came. */
  | { readonly kind: "constant"; readonly value: bigint | number | boolean }
  /** A word that means nothing in a column. */
  | { readonly kind: "word"; readonly word: string };

/** Elements of each array; numbers below zero count from its end. */
export interface ArraySlice {
  readonly kind: "slice";
  readonly start: number;
  /** Missing for all that follow. */
  readonly end: number | undefined;
  readonly step: number | undefined;
  /** Only the element at `start`. */
  readonly single: boolean;
}

export type Path = readonly PathStep[];

/** What cannot be read as a JSONPath. */
export class JsonPathSyntaxError extends Error {
  override readonly name = "JsonPathSyntaxError";
}
