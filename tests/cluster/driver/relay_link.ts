import type { Socket } from "node:net";
import type { Slowness } from "./relay.ts";
import { sleep } from "./wait.ts";

/** What the relay tells its connections. */
export interface RelayGate {
  readonly slowness: Slowness;
  /** Resolves at once, or when the relay no longer swallows; never for a connection that is stranded. */
  passes(socket: Socket): Promise<void>;
  count(direction: "up" | "down", bytes: number): void;
}

export interface Direction {
  readonly from: Socket;
  readonly to: Socket;
  readonly direction: "up" | "down";
}

/**
 * Passes one direction of a connection on until its end, which is passed on too: a FIN as a FIN, a reset as a reset. What
 * comes while the relay swallows waits, as in a network that will deliver it later.
 */
export async function forward({ from, to, direction }: Direction, gate: RelayGate): Promise<void> {
  for (let passed = 0;;) {
    const chunk = await nextChunk(from);
    await gate.passes(from);
    if (chunk === "reset") {
      to.resetAndDestroy();
      return;
    }
    if (chunk === "end") {
      to.end();
      return;
    }
    for (const piece of pieces(chunk, gate.slowness)) {
      if (to.destroyed) return;
      await takeTime({ bytes: piece.length, number: ++passed }, gate);
      await gate.passes(from);
      gate.count(direction, piece.length);
      if (!to.write(piece)) await drained(to);
    }
  }
}

function nextChunk(socket: Socket): Promise<Uint8Array | "end" | "reset"> {
  return new Promise((resolve) => {
    const settle = (result: Uint8Array | "end" | "reset"): void => {
      socket.off("readable", onReadable).off("end", onEnd).off("close", onClose);
      resolve(result);
    };
    const onReadable = (): void => {
      // A socket without an encoding gives bytes.
      const chunk = socket.read() as Uint8Array | null;
      if (chunk !== null) settle(chunk);
      else if (socket.readableEnded) settle("end");
    };
    const onEnd = (): void => settle("end");
    const onClose = (): void => settle(socket.readableEnded ? "end" : "reset");
    socket.on("readable", onReadable).on("end", onEnd).on("close", onClose);
    if (socket.readableEnded) settle("end");
    else if (socket.destroyed) settle("reset");
    else onReadable();
  });
}

function* pieces(chunk: Uint8Array, { bytesPerSecond }: Slowness): Generator<Uint8Array> {
  const length = bytesPerSecond === undefined ? chunk.length : Math.max(1, Math.ceil(bytesPerSecond / 10));
  for (let at = 0; at < chunk.length; at += length) yield chunk.subarray(at, at + length);
}

async function takeTime(
  { bytes, number }: { readonly bytes: number; readonly number: number },
  gate: RelayGate,
): Promise<void> {
  const { delayMs = 0, bytesPerSecond, lossEvery = Infinity, resendMs = 0 } = gate.slowness;
  const isLost = number % lossEvery === 0;
  const timeMs = delayMs + (isLost ? resendMs : 0) + (bytesPerSecond ? (bytes / bytesPerSecond) * 1000 : 0);
  if (timeMs > 0) await sleep(timeMs);
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off("drain", done).off("close", done);
      resolve();
    };
    socket.on("drain", done).on("close", done);
    if (socket.destroyed) done();
  });
}
