/** One element of DER (X.690). */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Tag, length and content. */
  readonly bytes: Uint8Array;
}

/** The elements that follow one another. @throws RangeError where they do not fill the bytes */
export function derElements(der: Uint8Array): DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < der.length;) {
    const element = readElement(der.subarray(at));
    elements.push(element);
    at += element.bytes.length;
  }
  return elements;
}

function readElement(der: Uint8Array): DerElement {
  const [tag, first] = der;
  if (tag === undefined || first === undefined) throw malformed();
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 4) throw malformed();
  let length = first < 0x80 ? first : 0;
  for (const byte of der.subarray(2, 2 + lengthBytes)) length = length * 256 + byte;
  const start = 2 + lengthBytes;
  if (start + length > der.length) throw malformed();
  return { tag, content: der.subarray(start, start + length), bytes: der.subarray(0, start + length) };
}

function malformed(): RangeError {
  return new RangeError("Cannot read it: it is no DER");
}
