import { BinaryReader, type WireType } from "@bufbuild/protobuf/wire";
import { badRequest } from "./status.ts";

/** Reads one field; false where the field is not known, and is to be skipped. */
export type ReadField = (field: number, reader: BinaryReader) => boolean;

/** Goes through the fields of one message; those that `read` does not know are skipped. @throws StatusError 400 */
export function readMessage(message: Uint8Array, read: ReadField): void {
  const reader = new BinaryReader(message);
  try {
    while (reader.pos < reader.len) {
      const [field, wireType]: [number, WireType] = reader.tag();
      if (!read(field, reader)) reader.skip(wireType, field);
    }
  } catch (cause) {
    // The reader throws RangeError for a length past the end, and Error for a tag or varint that is none.
    throw badRequest(`Cannot decode protobuf: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
