import { STATUS_CODES } from "node:http";
import type { Sink } from "../../src/platform/bytes.ts";
import type { Exchange } from "../../src/platform/exchange.ts";

/** Writes a Response out through its exchange, body streamed with backpressure. Rejects where the body's stream fails. */
export async function writeWebResponse(response: Response, exchange: Exchange): Promise<void> {
  const rawHeaders: string[] = [];
  for (const [name, value] of response.headers) rawHeaders.push(name, value);
  if (response.body === null && !response.headers.has("content-length") && response.status >= 200) {
    if (response.status !== 204 && response.status !== 304) rawHeaders.push("content-length", "0");
  }
  const sink = exchange.respond(response.status, reasonOf(response), rawHeaders);
  if (response.body === null) return sink.end();
  await writeBody(response.body, sink);
}

function reasonOf(response: Response): string {
  return response.statusText === "" ? STATUS_CODES[response.status] ?? "" : response.statusText;
}

async function writeBody(body: ReadableStream<Uint8Array>, sink: Sink): Promise<void> {
  const reader = body.getReader();
  let open = true;
  void sink.closed.then((complete) => {
    open = false;
    if (!complete) void reader.cancel().catch(ignoreRejection);
  });
  try {
    while (open) {
      const { done, value } = await reader.read();
      if (done) break;
      const full = sink.write(value);
      if (full !== undefined) await full;
    }
    sink.end();
  } catch (error) {
    sink.destroy();
    throw error;
  }
}

/** The answer of a handler that threw. The message is for the log, not for the caller. */
export function internalErrorResponse(): Response {
  const status = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: "Internal error occurred",
    reason: "InternalError",
    code: 500,
  };
  return Response.json(status, { status: 500 });
}

/** The client has gone: what its body's source says to that matters to nobody. */
function ignoreRejection(): void {}
