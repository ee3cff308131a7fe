import type { Duplex } from "./bytes.ts";

/** A socket within this machine that only its owner can open (a Unix domain socket). */
export interface LocalSockets {
  /**
   * Listens at a path, in a folder of its own that is made or made private (0700); the socket is 0600. What lies there is
   * replaced: the caller knows that nobody listens.
   *
   * @throws LocalSocketError
   */
  listen(path: string, connected: (connection: Duplex) => void): Promise<LocalListener>;
  /**
   * Connects to who listens there.
   *
   * @returns nothing where nobody does
   * @throws LocalSocketError, also where it belongs to another user or others may open it
   */
  connect(path: string): Promise<Duplex | undefined>;
}

/** A local socket that listens. */
export interface LocalListener {
  /** Stops listening and removes the socket before it returns; open connections go on. */
  close(): void;
}

/** A local socket could not be used, or not be trusted. */
export class LocalSocketError extends Error {
  override readonly name = "LocalSocketError";
}
