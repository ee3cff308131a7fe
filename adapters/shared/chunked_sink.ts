import type { Sink } from "../../src/platform/bytes.ts";

const LINE_END = new TextEncoder().encode("\r\n");
const LAST_CHUNK = new TextEncoder().encode("0\r\n\r\n");

export interface ChunkedSinkOptions {
  /** Whether chunks are framed (RFC 9112 7.1); else they go out as they are. */
  readonly chunked: boolean;
  /** Ends the connection below. */
  readonly end: () => void;
}

/** The body of an answer on a connection that the runtime's own HTTP has let go of. */
export class ChunkedSink implements Sink {
  readonly closed: Promise<boolean>;
  readonly #sink: Sink;
  readonly #options: ChunkedSinkOptions;
  #ended = false;

  constructor(sink: Sink, options: ChunkedSinkOptions) {
    this.#sink = sink;
    this.#options = options;
    this.closed = sink.closed;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    // An empty chunk would be the last one.
    if (chunk.byteLength === 0) return undefined;
    return this.#sink.write(this.#options.chunked ? frame(chunk) : chunk);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#options.chunked) void this.#sink.write(LAST_CHUNK);
    this.#options.end();
  }

  destroy(): void {
    this.#ended = true;
    this.#sink.destroy();
  }
}

/** One chunk of the chunked transfer coding. */
function frame(chunk: Uint8Array): Uint8Array {
  const size = new TextEncoder().encode(`${chunk.byteLength.toString(16)}\r\n`);
  const framed = new Uint8Array(size.byteLength + chunk.byteLength + LINE_END.byteLength);
  framed.set(size);
  framed.set(chunk, size.byteLength);
  framed.set(LINE_END, size.byteLength + chunk.byteLength);
  return framed;
}
