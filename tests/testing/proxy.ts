import { join } from "../../adapters/shared/join.ts";
import type { RawHeaders } from "../../src/platform/bytes.ts";
import type { Exchange } from "../../src/platform/exchange.ts";
import type { Upstream, UpstreamRequest, UpstreamResponse } from "../../src/platform/upstream.ts";

/** Carries one exchange to an upstream and back, as the hub does, with nothing in between. */
export async function forward(exchange: Exchange, upstream: Upstream): Promise<Response> {
  try {
    if (exchange.upgrade) await forwardUpgrade(exchange, upstream);
    else await answer(exchange, await upstream.request(requestOf(exchange)));
  } catch {
    if (!exchange.answered) return new Response("no upstream", { status: 502 });
  }
  return new Response();
}

function requestOf(exchange: Exchange): UpstreamRequest {
  const hasBody = exchange.header("content-length") !== undefined || exchange.header("transfer-encoding") !== undefined;
  return {
    method: exchange.method,
    rawPath: exchange.rawPath,
    rawHeaders: exchange.rawHeaders,
    signal: exchange.signal,
    longRunning: /[?&]watch=(?:1|true)/.test(exchange.rawPath),
    ...(hasBody ? { body: exchange.body } : {}),
  };
}

async function answer(exchange: Exchange, response: UpstreamResponse): Promise<void> {
  const sink = exchange.respond(response.status, response.reason, withoutHopByHop(response.rawHeaders));
  try {
    for await (const chunk of response.body) {
      const full = sink.write(chunk);
      if (full !== undefined) await full;
    }
    sink.end();
  } catch {
    sink.destroy();
  }
}

async function forwardUpgrade(exchange: Exchange, upstream: Upstream): Promise<void> {
  const response = await upstream.upgrade(requestOf(exchange));
  if (response.socket === undefined) return await answer(exchange, response);
  const client = exchange.hijack();
  let head = `HTTP/1.1 101 ${response.reason}\r\n`;
  for (let index = 0; index < response.rawHeaders.length; index += 2) {
    head += `${response.rawHeaders[index]}: ${response.rawHeaders[index + 1]}\r\n`;
  }
  await client.socket.write(new TextEncoder().encode(`${head}\r\n`));
  await join(client, { socket: response.socket, head: response.head });
}

function withoutHopByHop(rawHeaders: RawHeaders): string[] {
  const kept: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    if (/^(?:connection|keep-alive|transfer-encoding)$/i.test(name)) continue;
    kept.push(name, rawHeaders[index + 1] ?? "");
  }
  return kept;
}
