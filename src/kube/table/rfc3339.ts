const FORM = /^(\d{4})-(\d{2})-(\d{2})T(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d+))?(Z|([+-])(\d{2}):(\d{2}))$/;
const minuteMs = 60_000;

/**
 * Reads a time as Go's `time.Parse(time.RFC3339)` does: hours of one digit pass, leap seconds and lower case do not.
 *
 * @returns milliseconds since 1970; nothing where it is none
 */
export function parseRfc3339(text: string): number | undefined {
  const match = FORM.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour = "", minute, second, fraction = "", , sign, offsetHours = "0", offsetMinutes = "0"] =
    match;
  if (Number(offsetHours) > 24 || Number(offsetMinutes) > 60) return undefined;
  const isTime = Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60;
  const ms = isTime ? Date.parse(`${year}-${month}-${day}T${hour.padStart(2, "0")}:${minute}:${second}Z`) : NaN;
  // Some runtimes take February 30 for the first days of March.
  if (Number.isNaN(ms) || new Date(ms).getUTCDate() !== Number(day)) return undefined;
  const offsetMs = (Number(offsetHours) * 60 + Number(offsetMinutes)) * minuteMs;
  return ms + Number(fraction.slice(0, 3).padEnd(3, "0")) - (sign === "-" ? -offsetMs : offsetMs);
}
