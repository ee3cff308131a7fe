/** Reads the operating system's name of an error (`ENOENT`, `EPIPE` …); nothing where it has none. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
