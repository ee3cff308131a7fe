import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { badRequest } from "../status.ts";
import { decoding, readWireFields } from "./wire_fields.ts";

// From the year 1 to 9999: what RFC 3339 can say. toISOString throws beyond what a Date can be.
const EARLIEST_SECONDS = -62_135_596_800;
const LATEST_SECONDS = 253_402_300_799;

/**
 * The text of a Time, in whole seconds, or of a MicroTime, with six digits of a second; undefined for Go's zero time,
 * which is an empty message.
 *
 * @throws StatusError 400
 */
export function timestampToText(message: Uint8Array, type: "time" | "microTime"): string | undefined {
  let [seconds, nanos] = [0, 0];
  for (const { number, payload } of readWireFields(message)) {
    const reader = new BinaryReader(payload);
    if (number === 1) seconds = decoding(() => Number(reader.int64()));
    else if (number === 2) nanos = decoding(() => reader.int32());
  }
  if (seconds === 0 && nanos === 0) return undefined;
  const bounded = Math.min(Math.max(seconds, EARLIEST_SECONDS), LATEST_SECONDS);
  const text = new Date(bounded * 1000).toISOString().slice(0, "2006-01-02T15:04:05".length);
  return type === "time" ? `${text}Z` : `${text}.${String(Math.trunc(nanos / 1000)).padStart(6, "0")}Z`;
}

const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/;

/**
 * The message of an RFC 3339 text: whole seconds of a Time, microseconds of a MicroTime.
 *
 * @throws StatusError 400
 */
export function timestampFromText(text: string, type: "time" | "microTime"): Uint8Array {
  const [, toSeconds = "", fraction = "", zone = ""] = RFC3339.exec(text) ?? [];
  const seconds = Date.parse(`${toSeconds}${zone}`) / 1000;
  if (Number.isNaN(seconds) || !isOnCalendar(toSeconds)) {
    throw badRequest(`Cannot encode protobuf: ${JSON.stringify(text)} is no time`);
  }
  const micros = type === "time" ? 0 : Number(fraction.padEnd(6, "0").slice(0, 6));
  const writer = new BinaryWriter();
  if (seconds === EARLIEST_SECONDS && micros === 0) return writer.finish();
  writer.tag(1, WireType.Varint).int64(seconds);
  writer.tag(2, WireType.Varint).int32(micros * 1000);
  return writer.finish();
}

/** JavaScript takes the 30th of February for the 2nd of March. */
function isOnCalendar(toSeconds: string): boolean {
  return new Date(`${toSeconds}Z`).toISOString().startsWith(toSeconds);
}
