const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** A length of time as kubectl shows it: two units at most, and fewer the longer it is (apimachinery util/duration). */
export function humanDuration(durationMs: number): string {
  const seconds = Math.trunc(durationMs / 1000);
  // Clocks that are two seconds apart are taken for equal.
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 2 * MINUTE) return `${seconds}s`;
  if (seconds < 10 * MINUTE) return inUnits(seconds, [MINUTE, "m", 1, "s"]);
  if (seconds < 3 * HOUR) return `${Math.floor(seconds / MINUTE)}m`;
  if (seconds < 8 * HOUR) return inUnits(seconds, [HOUR, "h", MINUTE, "m"]);
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)}h`;
  if (seconds < 8 * DAY) return inUnits(seconds, [DAY, "d", HOUR, "h"]);
  if (seconds < 2 * YEAR) return `${Math.floor(seconds / DAY)}d`;
  if (seconds < 8 * YEAR) return inUnits(seconds, [YEAR, "y", DAY, "d"]);
  return `${Math.floor(seconds / YEAR)}y`;
}

/** How long ago a timestamp of the API was, at `nowMs`; `<unknown>` where there is none. */
export function humanAge(timestamp: string, nowMs: number): string {
  return timestamp === "" ? "<unknown>" : humanDuration(nowMs - Date.parse(timestamp));
}

function inUnits(seconds: number, [large, largeName, small, smallName]: readonly [number, string, number, string]) {
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)}${largeName}${rest === 0 ? "" : `${rest}${smallName}`}`;
}
