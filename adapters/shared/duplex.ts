import type { Duplex as StreamDuplex } from "node:stream";
import { TLSSocket } from "node:tls";
import type { ByteSource, Duplex } from "../../src/platform/bytes.ts";
import { toUpstreamError } from "./errors.ts";
import { createFlowingSource } from "./flowing_source.ts";
import { StreamSink } from "./sink.ts";
import { createSource } from "./source.ts";

/** Deno (2.9) never reports the end of a TLS connection that was paused once (seen with `pipe`, `for await` and `pause`). */
const PAUSED_TLS_LOSES_END = "Deno" in globalThis;

/** A socket of the runtime as a Duplex. The socket must have been opened with `allowHalfOpen`. */
export class SocketDuplex extends StreamSink implements Duplex {
  readonly source: ByteSource;

  constructor(socket: StreamDuplex) {
    super(socket, { destroy: () => socket.destroy(), untilClose: true });
    const create = PAUSED_TLS_LOSES_END && socket instanceof TLSSocket ? createFlowingSource : createSource;
    this.source = create(socket, {
      toError: (cause) => toUpstreamError(cause ?? new Error("The connection broke"), { sent: true }),
      // Who stops reading has had enough of the connection; who only half-closes says so with `end`.
      leave: () => socket.destroy(),
    });
  }
}
