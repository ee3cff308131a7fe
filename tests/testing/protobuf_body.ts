/** Values of a message by field number: text or a message is written with its length, a number as varint. */
export type Fields = Readonly<Record<number, string | Uint8Array | number>>;

/** The media type of `protobufBody`. */
export const protobufType = "application/vnd.kubernetes.protobuf";

/** Writes a protobuf message. */
export function message(fields: Fields): Uint8Array {
  const bytes = Object.entries(fields).flatMap(([field, value]): number[] => {
    if (typeof value === "number") return [...varint(Number(field) << 3), ...varint(value)];
    const content = typeof value === "string" ? new TextEncoder().encode(value) : value;
    return [...varint((Number(field) << 3) | 2), ...varint(content.length), ...content];
  });
  return Uint8Array.from(bytes);
}

/** The envelope of apimachinery's protobuf serializer around an object's message. */
export function protobufBody(apiVersion: string, kind: string, raw: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([0x6b, 0x38, 0x73, 0x00, ...message({ 1: message({ 1: apiVersion, 2: kind }), 2: raw })]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value;; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 128);
  }
}
