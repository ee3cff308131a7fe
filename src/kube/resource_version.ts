/**
 * Orders two resource versions of one group-resource: decimal numbers of any length (KEP-5504 makes them comparable).
 *
 * @returns below 0 where `a` is older, 0 where they are the same, above 0 where `a` is newer
 */
export function compareVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether it is a resource version that can be ordered: "0", or a decimal number without leading zeros. */
export function isVersion(text: string): boolean {
  return /^(0|[1-9][0-9]*)$/.test(text);
}
