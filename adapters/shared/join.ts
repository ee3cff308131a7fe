import type { Duplex, Sink } from "../../src/platform/bytes.ts";
import type { Join } from "../../src/platform/dialer.ts";

/** Joins two connections; see the port. */
export const join: Join = async (a, b) => {
  await Promise.all([pump(a, b.socket), pump(b, a.socket)]);
  await Promise.all([a.socket.closed, b.socket.closed]);
};

async function pump(from: { readonly socket: Duplex; readonly head: Uint8Array }, to: Sink): Promise<void> {
  // A connection that breaks off says nothing while nobody reads it: its `closed` has to end the other side too.
  void from.socket.closed.then((complete) => complete ? undefined : to.destroy());
  try {
    if (from.head.byteLength > 0) await to.write(from.head);
    for await (const chunk of from.socket.source) {
      const full = to.write(chunk);
      if (full !== undefined) await full;
    }
    to.end();
  } catch {
    // Why it broke is of no use to the other side; that it broke is.
    to.destroy();
  }
}
