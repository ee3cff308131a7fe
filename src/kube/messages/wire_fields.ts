import { BinaryReader, type WireType } from "@bufbuild/protobuf/wire";
import { badRequest } from "../status.ts";

/** One field of a message as it stands there. */
export interface WireField {
  readonly number: number;
  readonly wireType: WireType;
  /** Without its tag: what a BinaryReader reads. */
  readonly payload: Uint8Array;
  /** With its tag. */
  readonly bytes: Uint8Array;
}

/** Splits a message into its fields, known or not, in order. @throws StatusError 400 */
export function readWireFields(message: Uint8Array): readonly WireField[] {
  return decoding(() => {
    const reader = new BinaryReader(message);
    const fields: WireField[] = [];
    while (reader.pos < reader.len) {
      const start = reader.pos;
      const [number, wireType]: [number, WireType] = reader.tag();
      const inner = reader.pos;
      reader.skip(wireType, number);
      const payload = message.subarray(inner, reader.pos);
      fields.push({ number, wireType, payload, bytes: message.subarray(start, reader.pos) });
    }
    return fields;
  });
}

/** Does what reads protobuf. @throws StatusError 400 where the reader finds that it is none */
export function decoding<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    // The reader throws RangeError for a length past the end, and Error for a tag or varint that is none.
    throw badRequest(`Cannot decode protobuf: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
