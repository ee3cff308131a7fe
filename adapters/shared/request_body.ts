import type { Writable } from "node:stream";
import type { ByteSource } from "../../src/platform/bytes.ts";
import type { UpstreamRequest } from "../../src/platform/upstream.ts";
import { headerValue } from "./raw_headers.ts";
import { StreamSink } from "./sink.ts";

/** How long a server is waited for that was asked to say 100 first; as Go's transport. */
const CONTINUE_TIMEOUT_MS = 1_000;

/**
 * Sends a request's body with backpressure; with `Expect: 100-continue` after the server's word or a while.
 * `failed` is called where the body's source fails: the request has to be broken off then.
 */
export function sendBody(stream: Writable, request: UpstreamRequest, failed: (error: unknown) => void): void {
  const { body } = request;
  if (body === undefined) return void stream.end();
  void send(stream, request).catch(failed);
}

async function send(stream: Writable, request: UpstreamRequest): Promise<void> {
  const { body } = request;
  if (headerValue(request.rawHeaders, "expect")?.toLowerCase() === "100-continue") await mayContinue(stream);
  if (body instanceof Uint8Array) return void stream.end(body);
  if (body !== undefined) await pump(body, stream);
}

async function pump(body: ByteSource, stream: Writable): Promise<void> {
  const sink = new StreamSink(stream, { destroy: () => stream.destroy() });
  for await (const chunk of body) {
    // The server may have answered and closed: the rest of the body is nobody's any more.
    if (stream.destroyed) return;
    const full = sink.write(chunk);
    if (full !== undefined) await full;
  }
  sink.end();
}

function mayContinue(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      clearTimeout(timer);
      stream.off("continue", settle).off("close", settle);
      resolve();
    };
    const timer = setTimeout(settle, CONTINUE_TIMEOUT_MS);
    stream.on("continue", settle).on("close", settle);
  });
}
