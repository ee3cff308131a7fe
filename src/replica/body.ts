import { headerOf } from "../kube/hop_by_hop.ts";
import type { ByteSource, RawHeaders } from "../platform/bytes.ts";
import type { Clock } from "../platform/clock.ts";
import { UpstreamError } from "../platform/upstream.ts";

/** A body without its `Content-Encoding`: the API server gzips long answers where it may. */
export function decodedBody(response: { readonly rawHeaders: RawHeaders; readonly body: ByteSource }): ByteSource {
  return headerOf(response.rawHeaders, "content-encoding") === "gzip" ? gunzip(response.body) : response.body;
}

async function* gunzip(body: ByteSource): ByteSource {
  const stream = new DecompressionStream("gzip");
  const writer = stream.writable.getWriter();
  const feeding = feed(body, writer);
  feeding.catch(() => undefined); // awaited below, once what it wrote has been read
  const reader = stream.readable.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      yield value;
    }
    await feeding;
  } finally {
    await reader.cancel().catch(() => undefined); // ends the source where the reader left early
  }
}

async function feed(body: ByteSource, writer: WritableStreamDefaultWriter<BufferSource>): Promise<void> {
  try {
    for await (const chunk of body) await writer.write(new Uint8Array(chunk));
    await writer.close();
  } catch (error) {
    await writer.abort(error).catch(() => undefined); // the readable side fails with it
    throw error;
  }
}

/**
 * Reads a body whole.
 *
 * @throws RangeError where it is longer than `maxBytes`
 */
export async function readAll(body: ByteSource, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) throw new RangeError(`Cannot read a body of more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return concat(chunks);
}

/** Joins chunks; a single one is given back as it is. */
export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

export interface StallLimitOptions {
  readonly clock: Clock;
  readonly limitMs: number;
  /** Aborted when the body has brought nothing for that long. */
  readonly round: AbortController;
  /** From when on the body may be silent. @default never */
  readonly until?: () => boolean;
}

/** A body that is given up when it stops coming. */
export async function* withStallLimit(
  body: ByteSource,
  { clock, limitMs, round, until }: StallLimitOptions,
): ByteSource {
  const stalled = () => {
    if (until?.() !== true) round.abort(new UpstreamError("timeout", `Nothing came for ${limitMs} ms`, { sent: true }));
  };
  let timer = clock.setTimer(limitMs, stalled);
  try {
    for await (const chunk of body) {
      timer.cancel();
      yield chunk;
      if (until?.() !== true) timer = clock.setTimer(limitMs, stalled);
    }
  } finally {
    timer.cancel();
  }
}
