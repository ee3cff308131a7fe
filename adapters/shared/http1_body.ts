import type { ByteSource, Duplex } from "../../src/platform/bytes.ts";
import { UpstreamError } from "../../src/platform/upstream.ts";
import { ChunkedDecoder } from "./chunked_decoder.ts";
import { isBodiless } from "./exchange.ts";
import type { AnswerHead } from "./http1_head.ts";
import { headerValue } from "./raw_headers.ts";

export interface AnswerBodyOptions extends AnswerHead {
  readonly method: string;
  /** What came with the head. */
  readonly rest: Uint8Array;
}

/** The body of an answer on a raw connection (RFC 9112 6.3), which ends with it. */
export async function* readAnswerBody(
  socket: Duplex,
  answer: AnswerBodyOptions,
): ByteSource & AsyncGenerator<Uint8Array> {
  try {
    if (isBodiless(answer.method, answer.status)) return;
    const coding = headerValue(answer.rawHeaders, "transfer-encoding");
    const length = headerValue(answer.rawHeaders, "content-length");
    const bytes = readAll(socket, answer.rest);
    if (coding !== undefined && /(?:^|,)\s*chunked\s*$/i.test(coding)) yield* decodeChunked(bytes);
    else if (length !== undefined) yield* takeLength(bytes, Number(length));
    else yield* bytes;
  } finally {
    socket.destroy();
  }
}

async function* readAll(socket: Duplex, rest: Uint8Array): AsyncGenerator<Uint8Array> {
  if (rest.byteLength > 0) yield rest;
  yield* socket.source;
}

async function* takeLength(bytes: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let left = length;
  if (left === 0) return;
  for await (const chunk of bytes) {
    yield chunk.subarray(0, left);
    left -= chunk.byteLength;
    if (left <= 0) return;
  }
  throw new UpstreamError("broken", "The answer broke off", { sent: true });
}

async function* decodeChunked(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const decoder = new ChunkedDecoder();
  for await (const chunk of bytes) {
    yield* decoder.push(chunk);
    if (decoder.ended) return;
  }
  throw new UpstreamError("broken", "The answer broke off", { sent: true });
}
