import { StoreError, type StoreFailure } from "../../src/platform/store.ts";
import { errorCode } from "./error_code.ts";

/** https://www.sqlite.org/rescode.html; the low byte of an extended code. */
const PRIMARY_CODES: Readonly<Record<number, StoreFailure>> = {
  5: "locked",
  6: "locked",
  11: "corrupt",
  13: "full",
  26: "corrupt",
};
const SYSTEM_CODES: Readonly<Record<string, StoreFailure>> = { ENOSPC: "full", EDQUOT: "full" };
/** Further codes that tell more than their low byte: a file that ends within a page; no room for the `-shm` file. */
const EXTENDED_CODES: Readonly<Record<number, StoreFailure>> = { 522: "corrupt", 4874: "full" };

/** Deno 2.9 gives no code with errors of opening and of `exec`: there SQLite's own words tell. */
const MESSAGES: readonly (readonly [words: RegExp, failure: StoreFailure])[] = [
  [/database or disk is full/i, "full"],
  [/not a database|malformed|corrupt/i, "corrupt"],
  [/(database|table) is locked/i, "locked"],
];

/** Makes a StoreError of what SQLite or the file system threw; a StoreError stays as it is. */
export function storeError(action: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  const words = cause instanceof Error ? cause.message : String(cause);
  return new StoreError(failureOf(cause, words), `${action}: ${words}`, { cause });
}

/** Whether it is a StoreError of this kind. */
export function isFailure(error: unknown, failure: StoreFailure): boolean {
  return error instanceof StoreError && error.failure === failure;
}

function failureOf(cause: unknown, words: string): StoreFailure {
  const code = sqliteCode(cause);
  if (code !== undefined) return EXTENDED_CODES[code] ?? PRIMARY_CODES[code & 0xff] ?? "failed";
  const named = MESSAGES.find(([pattern]) => pattern.test(words));
  return named?.[1] ?? SYSTEM_CODES[errorCode(cause) ?? ""] ?? "failed";
}

function sqliteCode(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode : undefined;
}
