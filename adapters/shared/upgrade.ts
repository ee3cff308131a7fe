import type { ByteSource, Duplex } from "../../src/platform/bytes.ts";
import {
  type ClientCredentials,
  type UpgradeResponse,
  UpstreamError,
  type UpstreamRequest,
} from "../../src/platform/upstream.ts";
import { openSocket } from "./dialer.ts";
import { SocketDuplex } from "./duplex.ts";
import { abortedError, toUpstreamError } from "./errors.ts";
import type { Flights } from "./flights.ts";
import { readAnswerBody } from "./http1_body.ts";
import { type AnswerHead, parseHead, serializeHead } from "./http1_head.ts";
import { closedError } from "./http1_upstream.ts";
import type { Origin } from "./origin.ts";

const MAX_HEAD_BYTES = 64 * 1024;
const HEAD_END = new Uint8Array([0x0d, 0x0a, 0x0d, 0x0a]);

export interface UpgradeOptions {
  readonly origin: Origin;
  readonly credentials: ClientCredentials;
  readonly flights: Flights;
}

/**
 * Asks for another protocol on a connection of its own. The head is written and read by hand: through the runtimes' own
 * clients the last bytes are lost on Bun where the caller half-closes before the 101.
 *
 * @throws UpstreamError
 */
export async function upgrade(request: UpstreamRequest, options: UpgradeOptions): Promise<UpgradeResponse> {
  const { origin, credentials, flights } = options;
  const { signal } = request;
  const socket = await openSocket({
    hostname: origin.hostname,
    port: origin.port,
    timeoutMs: origin.connectTimeoutMs,
    signal,
    ...(origin.secure ? { tls: { ...credentials, serverName: origin.serverName, alpn: ["http/1.1"] } } : {}),
  });
  let failure: UpstreamError | undefined;
  const breakOff = (error: UpstreamError) => {
    failure ??= error;
    socket.destroy();
  };
  const landed = flights.begin(() => breakOff(closedError()));
  const onAbort = () => breakOff(abortedError(signal, { sent: true }));
  signal.addEventListener("abort", onAbort, { once: true });
  socket.once("close", () => {
    landed();
    signal.removeEventListener("abort", onAbort);
  });
  try {
    return await exchangeHeads(new SocketDuplex(socket), request, () => failure);
  } catch (error) {
    socket.destroy();
    throw failure ?? toUpstreamError(error, { sent: true });
  }
}

async function exchangeHeads(
  socket: Duplex,
  request: UpstreamRequest,
  failure: () => UpstreamError | undefined,
): Promise<UpgradeResponse> {
  void socket.write(serializeHead(`${request.method} ${request.rawPath} HTTP/1.1`, request.rawHeaders));
  if (request.body instanceof Uint8Array) void socket.write(request.body);
  const { head, rest } = await readFinalHead(socket.source);
  if (head.status === 101) return { ...head, status: 101, socket, head: rest };
  return { ...head, body: withFailure(readAnswerBody(socket, { ...head, rest, method: request.method }), failure) };
}

/** Why the body broke: what was done to the connection says more than the socket's own error. */
function withFailure(body: ByteSource, failure: () => UpstreamError | undefined): ByteSource {
  return {
    async *[Symbol.asyncIterator]() {
      try {
        yield* body;
      } catch (error) {
        throw failure() ?? toUpstreamError(error, { sent: true });
      }
    },
  };
}

interface ReadHead {
  readonly head: AnswerHead;
  readonly rest: Uint8Array;
}

/** Reads heads until one that is no interim answer (RFC 9110 15.2). What comes after it stays in the source. */
async function readFinalHead(source: ByteSource): Promise<ReadHead> {
  const iterator = source[Symbol.asyncIterator]();
  let bytes: Uint8Array = new Uint8Array(0);
  while (true) {
    const end = indexOfHeadEnd(bytes);
    if (end > MAX_HEAD_BYTES || (end === -1 && bytes.byteLength > MAX_HEAD_BYTES)) {
      throw new UpstreamError("broken", "The head of the answer is too large", { sent: true });
    }
    if (end === -1) {
      const next = await iterator.next();
      if (next.done === true) {
        throw new UpstreamError("broken", "The connection ended before an answer came", { sent: true });
      }
      bytes = concat(bytes, next.value);
      continue;
    }
    const head = parseHead(bytes.subarray(0, end));
    bytes = bytes.subarray(end + HEAD_END.byteLength);
    if (head.status === 101 || head.status >= 200) return { head, rest: bytes };
  }
}

function indexOfHeadEnd(bytes: Uint8Array): number {
  for (let index = bytes.indexOf(HEAD_END[0] ?? 0); index !== -1; index = bytes.indexOf(HEAD_END[0] ?? 0, index + 1)) {
    if (HEAD_END.every((byte, offset) => bytes[index + offset] === byte)) return index;
  }
  return -1;
}

function concat(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.byteLength === 0) return right;
  const joined = new Uint8Array(left.byteLength + right.byteLength);
  joined.set(left);
  joined.set(right, left.byteLength);
  return joined;
}
