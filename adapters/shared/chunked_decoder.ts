const LINE_FEED = 0x0a;
const MAX_LINE_BYTES = 16 * 1024;

/** Takes the chunked transfer coding off (RFC 9112 7.1). Trailers are dropped. */
export class ChunkedDecoder {
  #state: "size" | "bytes" | "separator" | "trailer" | "ended" = "size";
  #left = 0;
  #line = "";

  get ended(): boolean {
    return this.#state === "ended";
  }

  /**
   * Gives the content among the next bytes of the connection.
   *
   * @throws SyntaxError where the framing is broken
   */
  *push(bytes: Uint8Array): Generator<Uint8Array> {
    let rest = bytes;
    while (rest.byteLength > 0 && this.#state !== "ended") {
      if (this.#state === "bytes") {
        const content = rest.subarray(0, this.#left);
        rest = rest.subarray(content.byteLength);
        this.#left -= content.byteLength;
        if (this.#left === 0) this.#state = "separator";
        yield content;
      } else rest = this.#readLine(rest);
    }
  }

  #readLine(bytes: Uint8Array): Uint8Array {
    const end = bytes.indexOf(LINE_FEED);
    const part = end === -1 ? bytes : bytes.subarray(0, end);
    if (this.#line.length + part.byteLength > MAX_LINE_BYTES) {
      throw new SyntaxError("A line of the chunked coding is too long");
    }
    for (const byte of part) this.#line += String.fromCharCode(byte);
    if (end === -1) return bytes.subarray(bytes.byteLength);
    this.#endLine(this.#line.replace(/\r$/, ""));
    this.#line = "";
    return bytes.subarray(end + 1);
  }

  #endLine(line: string): void {
    if (this.#state === "separator") {
      if (line !== "") throw new SyntaxError("A chunk is longer than it says");
      this.#state = "size";
    } else if (this.#state === "trailer") {
      if (line === "") this.#state = "ended";
    } else {
      const size = /^([\da-f]{1,12})\s*(?:;.*)?$/i.exec(line)?.[1];
      if (size === undefined) throw new SyntaxError("A chunk has no size");
      this.#left = Number.parseInt(size, 16);
      this.#state = this.#left === 0 ? "trailer" : "bytes";
    }
  }
}
