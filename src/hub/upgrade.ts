import { forwardHeaders } from "../kube/hop_by_hop.ts";
import type { ByteSource, Duplex, Sink } from "../platform/bytes.ts";
import { UpstreamError } from "../platform/upstream.ts";
import type { Call } from "./call.ts";
import type { HubContext } from "./context.ts";
import { outOfReach } from "./forward.ts";
import { inWhoseName } from "./in_whose_name.ts";
import { isTrusted, untrusted } from "../cloud/trust.ts";

/** Passes exec, attach and port-forward: the cloud's answer to the upgrade, then the two connections are joined. */
export async function passUpgrade(context: HubContext, call: Call): Promise<void> {
  const { exchange } = call;
  const waiting = new AbortController();
  const gone = () => waiting.abort(exchange.signal.reason);
  exchange.signal.addEventListener("abort", gone);
  try {
    const answer = await context.cloud.upgrade({
      method: exchange.method,
      rawPath: exchange.rawPath,
      ...inWhoseName(call, forwardHeaders(exchange.rawHeaders, { keepUpgrade: true })),
      signal: waiting.signal,
    });
    if (answer.socket === undefined) {
      if (!await isTrusted(context.link, answer, waiting.signal)) {
        waiting.abort(new Error("not the cloud's answer"));
        throw untrusted(answer);
      }
      const sink = call.respond({
        status: answer.status,
        reason: answer.reason,
        rawHeaders: forwardHeaders(answer.rawHeaders),
      }, "cloud");
      return await copy(answer.body, sink);
    }
    const client = exchange.hijack();
    call.upgraded();
    await client.socket.write(switching(answer));
    await context.platform.join(client, answer);
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    context.link.suspect();
    call.fail(outOfReach(error.message));
  }
}

async function copy(body: ByteSource, sink: Sink): Promise<void> {
  try {
    for await (const chunk of body) await sink.write(chunk);
    sink.end();
  } catch (error) {
    sink.destroy();
    throw error;
  }
}

interface Switching {
  readonly reason: string;
  readonly rawHeaders: readonly string[];
  readonly socket: Duplex;
}

/** The head of the 101 (RFC 9110 15.2.2). */
function switching({ reason, rawHeaders }: Switching): Uint8Array {
  const headers = forwardHeaders(rawHeaders, { keepUpgrade: true });
  let head = `HTTP/1.1 101 ${reason === "" ? "Switching Protocols" : reason}\r\n`;
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return new TextEncoder().encode(`${head}\r\n`);
}
