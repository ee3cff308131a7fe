import type { Duplex as StreamDuplex } from "node:stream";
import type { ByteSource, Duplex } from "../../src/platform/bytes.ts";
import { toUpstreamError } from "./errors.ts";
import { StreamSink } from "./sink.ts";
import { createSource } from "./source.ts";

/** A socket of the runtime as a Duplex. The socket must have been opened with `allowHalfOpen`. */
export class SocketDuplex extends StreamSink implements Duplex {
  readonly source: ByteSource;

  constructor(socket: StreamDuplex) {
    super(socket, { destroy: () => socket.destroy(), untilClose: true });
    this.source = createSource(socket, {
      toError: (cause) => toUpstreamError(cause ?? new Error("The connection broke"), { sent: true }),
      // Who stops reading has had enough of the connection; who only half-closes says so with `end`.
      leave: () => socket.destroy(),
    });
  }
}
