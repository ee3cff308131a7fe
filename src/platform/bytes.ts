/** Bytes in order of arrival. Whoever iterates owns it: leaving the loop early ends the source behind it. */
export type ByteSource = AsyncIterable<Uint8Array>;

/** Header names and values in turn, as they stood on the wire: order, spelling and duplicates kept. */
export type RawHeaders = readonly string[];

/** One direction of an answer or of a connection, with backpressure. */
export interface Sink {
  /**
   * Sends one chunk. The chunk belongs to the sink from then on.
   *
   * @returns nothing where more may be written at once; else a promise that resolves when there is room again, or when
   * the other side has gone (`closed` tells).
   */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /** Ends it properly: the other side knows that it has everything. */
  end(): void;
  /** Breaks it off: the other side must see that something is missing. */
  destroy(): void;
  /** Resolves, never rejects, once it has ended: true where all that was written has been handed to the network. */
  readonly closed: Promise<boolean>;
  /**
   * Whether what was written is no longer looked at once the promise of its `write` has resolved: its memory may then be
   * written over. Missing where it may be.
   */
  readonly releases?: boolean;
}

/** A connection in both directions. `end` of the sink half-closes it; `destroy` ends both directions. */
export interface Duplex extends Sink {
  /** What the other side sends; it ends at the other side's half-close and throws where the connection breaks. */
  readonly source: ByteSource;
}
